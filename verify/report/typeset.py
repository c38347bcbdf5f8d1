"""Text of records as HTML: prose escaped, formulas as MathML that holds nothing but mathematics."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from xml.etree import ElementTree

from markupsafe import Markup, escape

from verify.mathematics import spans, to_mathml
from verify.report.breaking import pieces
from verify.report.spacing import space_like_tex

_NAMESPACE = "{http://www.w3.org/1998/Math/MathML}"
_ELEMENTS = frozenset(
    {"math", "mi", "mn", "mo", "ms", "mspace", "mtext", "mfrac", "mroot", "mrow", "msqrt", "mstyle", "mpadded"}
    | {"mphantom", "mover", "munder", "munderover", "mmultiscripts", "mprescripts", "msub", "msubsup", "msup"}
    | {"mtable", "mtr", "mtd"}
)
_ATTRIBUTES = frozenset(
    {"accent", "accentunder", "columnspan", "depth", "display", "displaystyle", "fence", "form", "height", "largeop"}
    | {"linethickness", "lspace", "mathvariant", "maxsize", "minsize", "movablelimits", "rowspan", "rspace"}
    | {"scriptlevel", "separator", "stretchy", "symmetric", "voffset", "width"}
)
_BLANKS = re.compile(r"(\s+)")
_CODE = re.compile(r"(`{1,2})([^`]+)\1")
_LONGEST_TOUCHING = 20
_UNBROKEN = Markup('<span class="unbroken">{}</span>')
_PARAGRAPHS = re.compile(r"\n\s*\n")


def typeset(text: str) -> Markup:
    """One paragraph with its formulas in MathML and its `code`; a text that is no valid TeX is shown as it is written.

    Long formulas may break where TeX breaks them, and punctuation stays on the line of the formula it touches.
    """
    try:
        return Markup().join(
            _UNBROKEN.format(Markup().join(group)) if len(group) > 1 else Markup().join(group)
            for group in _groups(text)
        )
    except ValueError:
        return escape(text)


def _groups(text: str) -> Iterator[list[Markup]]:
    """What a line may not break within: a blank, a word, a piece of a formula, or such a piece and what touches it."""
    group: list[Markup] = []
    for span in spans(text):
        if span.is_mathematics:
            first, *others = _formula(span.text)
            group.append(first)
            for piece in others:
                yield group
                group = [piece]
            continue
        for part in _parts(span.text):
            if part.isspace() or len(part) > _LONGEST_TOUCHING:
                yield from (group, [part])
                group = []
            else:
                group.append(part)
    yield group


def _parts(prose: str) -> Iterator[Markup]:
    """Words, blanks and code of a text without formulas."""
    behind = 0
    for found in _CODE.finditer(prose):
        yield from map(escape, filter(None, _BLANKS.split(prose[behind : found.start()])))
        yield Markup("<code>{}</code>").format(found[2])
        behind = found.end()
    yield from map(escape, filter(None, _BLANKS.split(prose[behind:])))


def paragraphs(text: str) -> list[Markup]:
    """A text of several paragraphs, see :func:`typeset`; line breaks within one are blanks."""
    return [typeset(" ".join(paragraph.split())) for paragraph in _PARAGRAPHS.split(text) if paragraph.strip()]


@functools.cache
def _formula(tex: str) -> tuple[Markup, ...]:
    """The pieces of a formula between which a line may break."""
    try:
        root = ElementTree.fromstring(to_mathml(tex))
    except ElementTree.ParseError as error:
        raise ValueError(f"formula {tex!r} does not convert to well-formed MathML: {error}") from error
    for element in root.iter():
        element.tag = element.tag.removeprefix(_NAMESPACE)
        if element.tag not in _ELEMENTS:
            raise ValueError(f"formula {tex!r} gives the element {element.tag!r}, which is not of MathML Core")
        for name in element.attrib.keys() - _ATTRIBUTES:
            del element.attrib[name]
    space_like_tex(root)
    return tuple(
        Markup(ElementTree.tostring(piece, encoding="unicode", short_empty_elements=False)) for piece in pieces(root)
    )
