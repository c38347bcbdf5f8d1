"""Spacing and slant as TeX has them, where a converter's MathML or MathML Core's defaults differ.

A bare operator leaves its spacing to the browser, which spaces a vertical bar, a slash or the name of a function like a
relation, and sets capital Greek letters in italics; converters take some operators and functions for letters.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element

OPENING = frozenset("([{⟨⌊⌈")
_CLOSING = frozenset(")]}⟩⌋⌉!.′")
_BARS = frozenset("|‖∣∥")
_LIKE_LETTERS = frozenset("/∞!.′⊤∅ℓ…∂∇") | _BARS
_SIGNS = frozenset("+-−±∓")
_OPERATORS = {"±": "±", "∓": "∓", ";": ";", "~": "∼", "∼": "∼"}
"""Operators that come as letters, and as what they should be read."""
_FUNCTIONS = frozenset(
    {"arccos", "arcsin", "arctan", "arg", "cos", "cosh", "cot", "coth", "deg", "dim", "exp", "hom", "inf", "ker", "lg"}
    | {"lim", "ln", "log", "max", "min", "sec", "sin", "sinh", "sup", "tan", "tanh"}
)
_CAPITAL_GREEK = frozenset("ΓΔΘΛΞΠΣΥΦΨΩ")
_THIN = "0.1667em"


def space_like_tex(formula: Element) -> None:
    """Set the elements' ``lspace``, ``rspace``, ``form`` and ``mathvariant``, and what is an operator, in place."""
    for element in formula.iter():
        if element.tag == "mi":
            _letter(element)
        elif element.tag == "msup" and set(element[1].text or " ") <= {"′"}:
            element.tag, element[1].tag = "mrow", "mo"
    for row in formula.iter():
        if row.tag in ("math", "mrow", "msqrt", "mstyle", "mtd"):
            _row(list(row))


def operator_of(element: Element) -> Element | None:
    """The operator at the heart of an element, below its scripts, if there is one."""
    while element.tag in ("msub", "msup", "msubsup", "munder", "mover", "munderover") and len(element):
        element = element[0]
    return element if element.tag == "mo" else None


def _letter(element: Element) -> None:
    text = element.text or ""
    if text in _OPERATORS or text in _FUNCTIONS:
        element.tag, element.text = "mo", _OPERATORS.get(text, text)
    elif text in _CAPITAL_GREEK:
        element.set("mathvariant", "normal")


def _row(children: list[Element]) -> None:
    for number, child in enumerate(children):
        operator = operator_of(child)
        if operator is None:
            continue
        text = operator.text or ""
        follows_term = _ends_term(children, number - 1)
        if text in _LIKE_LETTERS:
            operator.set("lspace", "0")
            operator.set("rspace", "0")
        elif text in _SIGNS and not follows_term:
            operator.set("form", "prefix")
        elif len(text) > 1 and text.isalpha():
            after = "".join(children[number + 1].itertext()) if number + 1 < len(children) else "("
            operator.set("lspace", _THIN if follows_term else "0")
            operator.set("rspace", "0" if after[:1] in OPENING | _CLOSING or after[:1] in "/,;" else _THIN)
        elif number == 0:
            operator.set("lspace", "0")


def _ends_term(children: list[Element], number: int) -> bool:
    """Whether an operator behind the child of this number has something before it to operate on."""
    if number < 0:
        return False
    operator = operator_of(children[number])
    text = "" if operator is None else operator.text or ""
    return operator is None or text in _CLOSING or text == "∞" or (text in _BARS and _ends_term(children, number - 1))
