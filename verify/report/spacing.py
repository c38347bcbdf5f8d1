"""Spacing and slant as TeX has them, where MathML Core's defaults differ.

A converter that writes a bare operator leaves its spacing to the browser, which spaces a vertical bar, a slash or the
name of a function like a relation, and sets capital Greek letters in italics.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element

_LIKE_LETTERS = frozenset("|/‖∞!.′⊤∅ℓ…")
_SIGNS = frozenset("+-−±∓")
_CLOSING = frozenset(")]}⟩⌋⌉|‖∞!.′")
OPENING = frozenset("([{⟨⌊⌈")
_CAPITAL_GREEK = frozenset("ΓΔΘΛΞΠΣΥΦΨΩ")
_THIN = "0.1667em"


def space_like_tex(formula: Element) -> None:
    """Set ``lspace``, ``rspace``, ``form`` and ``mathvariant`` of the elements of a formula in place.

    An ASCII tilde becomes the relation.
    """
    for row in formula.iter():
        if row.tag in ("math", "mrow", "msqrt", "mstyle", "mtd"):
            _row(list(row))
        elif row.tag == "mi" and row.text in _CAPITAL_GREEK:
            row.set("mathvariant", "normal")


def _row(children: list[Element]) -> None:
    for number, child in enumerate(children):
        operator = operator_of(child)
        if operator is None:
            continue
        if operator.text == "~":
            operator.text = "∼"
        text = operator.text or ""
        before = children[number - 1] if number else None
        after = children[number + 1] if number + 1 < len(children) else None
        if text in _LIKE_LETTERS:
            operator.set("lspace", "0")
            operator.set("rspace", "0")
        elif text in _SIGNS and not _ends_a_term(before):
            operator.set("form", "prefix")
        elif len(text) > 1 and text.isalpha():
            operator.set("lspace", _THIN if _ends_a_term(before) else "0")
            operator.set("rspace", "0" if after is None or (_text(after) or " ")[0] in OPENING else _THIN)


def operator_of(element: Element) -> Element | None:
    """The operator at the heart of an element, below its scripts, if there is one."""
    while element.tag in ("msub", "msup", "msubsup", "munder", "mover", "munderover") and len(element):
        element = element[0]
    return element if element.tag == "mo" else None


def _ends_a_term(element: Element | None) -> bool:
    """Whether an operator behind the element has something to operate on."""
    if element is None:
        return False
    operator = operator_of(element)
    return operator is None or (operator.text or "") in _CLOSING


def _text(element: Element) -> str:
    return "".join(element.itertext())
