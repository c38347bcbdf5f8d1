"""File names and anchors for names that may hold anything, and names of functions as sentences."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from verify.mathematics import spans

_SENTENCE_END = re.compile(r"[.:;!?]\s|\n\s*\n")
_WORD = re.compile(r"[^\W\d_]{2,}")
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,120}")


def file_name(name: str) -> str:
    """``name`` if it is harmless as a file name, else its harmless letters and a digest, different for each name."""
    if _PLAIN.fullmatch(name):
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return "-".join([*re.findall(r"[A-Za-z0-9_]+", name[:60]), digest])


def anchor(identifier: str, slug: str) -> str:
    """The fragment of a claim on its paper's page: its name, in a form that every browser takes as it is."""
    return file_name(identifier.removeprefix(f"{slug}."))


def sentence(name: str, spellings: Mapping[str, str]) -> str:
    """A function's name as a sentence, with the capitals that its words have elsewhere; see :func:`spellings_in`."""
    said = " ".join(spellings.get(word, word) for word in name.split("_"))
    return said[:1].upper() + said[1:]


def spellings_in(texts: Iterable[str]) -> dict[str, str]:
    """Words that are always written with capitals, such as GELU or Gaussian, by their form without.

    The first word of a sentence tells nothing, unless it has a capital behind its first letter.
    """
    found: dict[str, set[str]] = defaultdict(set)
    for text in texts:
        for part in _SENTENCE_END.split(_prose(text)):
            for number, word in enumerate(_WORD.findall(part)):
                if number or not word[1:].islower():
                    found[word.lower()].add(word)
    return {
        lower: next(iter(forms)) for lower, forms in found.items() if len(forms) == 1 and next(iter(forms))[0].isupper()
    }


def _prose(text: str) -> str:
    try:
        return " ".join(". " if span.is_mathematics else span.text for span in spans(text))
    except ValueError:
        return ""
