"""TeX mathematics in statements, as MathML for pages and as Unicode for terminals and Markdown."""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from latex2mathml.converter import convert
from pylatexenc.latex2text import get_default_latex_context_db as text_of_macros
from pylatexenc.latexwalker import (
    LatexCharsNode,
    LatexGroupNode,
    LatexMacroNode,
    LatexNode,
    LatexSpecialsNode,
    LatexWalker,
    LatexWalkerParseError,
)
from pylatexenc.latexwalker import get_default_latex_context_db as syntax_of_macros
from pylatexenc.macrospec import MacroSpec

_DELIMITER = re.compile(r"(?<!\\)\$")
_ACCENTS = {
    "hat": "\u0302",
    "widehat": "\u0302",
    "tilde": "\u0303",
    "widetilde": "\u0303",
    "bar": "\u0304",
    "dot": "\u0307",
    "ddot": "\u0308",
    "overline": "\u0305",
    "vec": "\u20d7",
}
_FONTS = frozenset({"boldsymbol", "mathbb", "mathbf", "mathcal", "mathrm", "mathsf", "operatorname", "text"})
_SYMBOLS = {
    **dict.fromkeys(("left", "right", "big", "bigl", "bigr", "Big", "Bigl", "Bigr", "!"), ""),
    "|": "‖",
    "{": "{",
    "}": "}",
    "%": "%",
    **{name: name for name in ("arg", "coth", "deg", "det", "dim", "gcd", "ker", "Pr")},
    "iff": "⇔",
    "implies": "⇒",
    "ne": "≠",
    "prod": "Π",
    "sum": "Σ",
    "top": "ᵀ",
}
_SIGNS = frozenset({"pm", "mp", "sim"})  # a blank behind them shows only between two operands
_RELATIONS = frozenset("=<>≤≥≠≈∼∝→∈⊂")
_RELATIONS_IN_SCRIPTS = re.compile(f" *([+−{''.join(sorted(_RELATIONS))}]) *")
_RAISED = dict(zip("0123456789+−()ᵀ*'", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ᵀ*'", strict=True))
_LOWERED = dict(zip("0123456789+−()", "₀₁₂₃₄₅₆₇₈₉₊₋₍₎", strict=True))
_FRACTIONS = {"1/2": "½", "1/3": "⅓", "2/3": "⅔", "1/4": "¼", "3/4": "¾"}
_BRACKETS = re.compile(r"\([^()]*\)|\{[^{}]*\}|\|[^|]*\|")
_SUM_OR_FUNCTION = re.compile(r"[+−±=<>≤≥]|[a-z]{2} ")
_ONE_SYMBOL = re.compile(r"√?□|[√d∂]?(\d[\d.,]*|\w[\u0300-\u036f'*]*)([_^][\w□]|[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻₀₁₂₃₄₅₆₇₈₉₊₋])*")


class Span(NamedTuple):
    """A stretch of a statement.

    Attributes
    ----------
    text
        Prose, or TeX without its dollar signs.
    is_mathematics
        Which of the two.
    """

    text: str
    is_mathematics: bool


def spans(statement: str) -> list[Span]:
    r"""Split a statement at its dollar signs; ``\$`` is a dollar sign of the prose.

    Raises
    ------
    ValueError
        If a formula has no end or is empty, with the statement's first line.
    """
    pieces = _DELIMITER.split(statement)
    formulas = pieces[1::2]
    if len(pieces) % 2 == 0 or not all(map(str.strip, formulas)):
        what = "an odd number of dollar signs" if len(pieces) % 2 == 0 else "an empty formula"
        raise ValueError(f"statement {statement.splitlines()[0]!r} has {what}; expected TeX between pairs of them")
    return [
        Span(piece if number % 2 else piece.replace(r"\$", "$"), bool(number % 2))
        for number, piece in enumerate(pieces)
        if piece
    ]


def to_mathml(tex: str, *, display: bool = False) -> str:
    """One formula, without dollar signs, as a ``<math>`` element.

    Raises
    ------
    ValueError
        If the TeX is malformed or has a macro that :func:`to_text` does not know.
    """
    _unicode(tex)
    try:
        mathml = convert(tex, display="block" if display else "inline")
    except Exception as error:  # the converter's exceptions have no common base
        raise ValueError(f"formula {tex!r} does not convert to MathML: {type(error).__name__}") from error
    if "\\" in mathml:
        raise ValueError(f"formula {tex!r} has a macro that does not convert to MathML: {mathml}")
    return mathml


def to_text(statement: str) -> str:
    """A statement with its formulas in Unicode: fractions on one line, scripts raised where Unicode can.

    Raises
    ------
    ValueError
        If a formula has no end, is malformed, or has a macro without a translation.
    """
    return "".join(_unicode(span.text) if span.is_mathematics else span.text for span in spans(statement))


@functools.cache
def _syntax() -> Any:
    macros = syntax_of_macros()
    own = [MacroSpec(name, "{") for name in sorted(_FONTS | _ACCENTS.keys() - {"operatorname"})]
    own += [MacroSpec("operatorname", "*{"), MacroSpec("tfrac", "{{"), MacroSpec("dfrac", "{{")]
    macros.add_context_category("statements", macros=own, prepend=True)
    return macros


@functools.cache
def _translations() -> Any:
    return text_of_macros()


def _unicode(tex: str) -> str:
    walker = LatexWalker(tex, latex_context=_syntax(), tolerant_parsing=False)
    try:
        text = _sequence(walker.get_latex_nodes()[0]).strip()
    except LatexWalkerParseError as error:
        raise ValueError(f"formula {tex!r} is malformed: {error.msg}") from error
    except KeyError as error:
        raise ValueError(f"formula {tex!r} has {error.args[0]}, which has no translation to Unicode") from error
    return re.sub(r" *(\n| ) *", r"\1", text)


def _sequence(nodes: Iterable[LatexNode]) -> str:
    text, script = "", ""
    for piece in _pieces(nodes):
        if script and not piece.isspace():
            symbol = piece.rstrip()
            text, script = text + _script(script, symbol) + piece.removeprefix(symbol), ""
        elif piece in ("^", "_"):
            script = piece
        else:
            text += piece
    if script:
        raise ValueError(f"formula ends in {script!r}; expected a script behind it")
    return text


def _pieces(nodes: Iterable[LatexNode]) -> Iterator[str]:
    """Characters one by one, macros and groups as a whole, each a possible base, script or sign of a script."""
    for number, (node, follower) in enumerate(itertools.pairwise([*nodes, None])):
        match node:
            case LatexCharsNode():
                yield from map(_spaced, node.chars.replace("-", "−"))
            case LatexGroupNode():
                yield _sequence(node.nodelist)
            case LatexMacroNode():
                ends_name = _ends_name(node, follower) or (number == 0 and node.macroname in _SIGNS)
                yield _spaced(_macro(node)) + ("" if ends_name else node.macro_post_space)
            case LatexSpecialsNode(specials_chars="''"):
                yield "''"
            case _:
                raise KeyError(node.latex_verbatim())


def _spaced(symbol: str) -> str:
    return f" {symbol} " if symbol in _RELATIONS else symbol


def _ends_name(node: LatexMacroNode, follower: LatexNode | None) -> bool:
    r"""Whether a blank behind the macro only ends its name, as in ``\alpha x`` or ``\hat x``."""
    symbol = _macro(node)
    is_letter = len(symbol) == 1 and (symbol.isalpha() or symbol in "∂∇") and node.macroname not in ("sum", "prod")
    followed_by_letter = isinstance(follower, LatexCharsNode) and follower.chars[0].isalpha()
    return bool(_arguments(node)) or symbol in ("⟨", "⌊", "⌈") or (is_letter and followed_by_letter)


def _arguments(node: LatexMacroNode) -> list[LatexNode | None]:
    return node.nodeargd.argnlist if node.nodeargd else []


def _macro(node: LatexMacroNode) -> str:
    name = node.macroname
    if name in _SYMBOLS:
        return _SYMBOLS[name]
    if name == "text":
        return "".join(child.latex_verbatim() for child in node.nodeargd.argnlist[0].nodelist)
    given = ["" if argument is None else _sequence([argument]) for argument in _arguments(node)]
    if name in _FONTS:
        return given[-1]
    if name in _ACCENTS:
        if not given[0]:
            raise KeyError(f"\\{name} on nothing")
        return unicodedata.normalize("NFC", given[0][0] + _ACCENTS[name]) + given[0][1:]
    if name in ("frac", "tfrac", "dfrac"):
        above, below = given
        fraction = f"{f'({above})' if _SUM_OR_FUNCTION.search(_outline(above)) else above}/{_grouped(below)}"
        return _FRACTIONS.get(fraction, fraction)
    if name == "sqrt":
        degree, radicand = given
        return f"{_script('^', degree) if degree else ''}√{_grouped(radicand)}"
    translation = getattr(_translations().get_macro_spec(name), "simplify_repl", None)
    if not isinstance(translation, str) or "%" in translation:
        raise KeyError(f"\\{name}")
    return translation


def _grouped(text: str) -> str:
    return text if _ONE_SYMBOL.fullmatch(_outline(text)) else f"({text})"


def _outline(text: str) -> str:
    """The text with a box in place of each pair of brackets and what it holds."""
    while (without := _BRACKETS.sub("□", text)) != text:
        text = without
    return text


def _script(sign: str, text: str) -> str:
    text = _RELATIONS_IN_SCRIPTS.sub(r"\1", text)
    raised = _RAISED if sign == "^" else _LOWERED
    if all(letter in raised for letter in text):
        return "".join(raised[letter] for letter in text)
    return f"{sign}{text}" if len(text) == 1 else f"{sign}{{{text}}}"
