"""File names and anchors for names that may hold anything."""

from __future__ import annotations

import hashlib
import re

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
