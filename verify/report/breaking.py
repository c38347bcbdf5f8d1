"""Where a formula may break, as browsers break no formula of MathML by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from xml.etree.ElementTree import Element

from verify.report.spacing import OPENING, operator_of

LONG = 16
"""Characters from which a formula may break."""
VERY_LONG = 28
"""Characters from which a piece of it may break behind a slash."""

_RELATIONS = frozenset("=≠<>≤≥≪≫≈∼≃≅≡∝∈∉⊂⊆→↦⇒⇔⟹⟺←↔∣:,;")
_BINARY = frozenset("+-−±∓·⋅×∗∘∧∨∪∩⊕⊗⊞")
_SLASH = frozenset("/")
_CLOSING = frozenset(")]}⟩⌋⌉")


def pieces(formula: Element) -> list[Element]:
    """Cut a long formula behind the relations and binary operators outside its brackets, as TeX breaks lines.

    A piece that is still very long may break behind a slash as well.

    Parameters
    ----------
    formula
        A ``math`` element.

    Returns
    -------
    list of Element
        ``math`` elements that show the formula when set one behind the other; the formula itself if it is short.
    """
    row = formula[0] if len(formula) == 1 and formula[0].tag == "mrow" else formula
    if _length(row) < LONG:
        return [formula]
    parts = [_like(formula, part) for part in _parts(list(row), _RELATIONS | _BINARY)]
    return [
        _like(formula, shorter)
        for part in parts
        for shorter in ([list(part)] if _length(part) < VERY_LONG else _parts(list(part), _SLASH))
    ]


def _parts(children: list[Element], breaks: frozenset[str]) -> Iterator[list[Element]]:
    part: list[Element] = []
    depth = 0
    for number, child in enumerate(children):
        part.append(child)
        operator = operator_of(child)
        text = "" if operator is None else operator.text or ""
        depth += (text in OPENING) - (text in _CLOSING)
        is_sign = text in _BINARY and (number == 0 or child.get("form") == "prefix")
        if operator is child and depth <= 0 and text in breaks and not is_sign:
            part[-1] = copy(child)
            part[-1].attrib = {"form": "infix", **child.attrib}
            yield part
            part = []
    if part:
        yield part


def _like(formula: Element, children: list[Element]) -> Element:
    made = Element(formula.tag, formula.attrib)
    made.extend(children)
    return made


def _length(element: Element) -> int:
    return sum(len(text) for text in element.itertext())
