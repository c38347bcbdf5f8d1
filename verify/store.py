"""Records on disk: one file a claim, replaced atomically."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from verify.record import Record

DEFAULT_FOLDER = Path("results")


class Store:
    """A folder of records, ``<paper>/<claim>.<level>.<seed>.json``.

    A record is written beside its place, flushed to disk and then moved there, so that a process killed at any moment
    leaves either the old record or the new one.
    """

    def __init__(self, folder: Path = DEFAULT_FOLDER) -> None:
        self.folder = Path(folder)

    def path(self, claim: str, level: str, seed: int) -> Path:
        """Where the record of claim ``slug.name`` lies."""
        slug, _, name = claim.partition(".")
        return self.folder / slug / f"{name}.{level}.{seed}.json"

    def load(self, claim: str, level: str, seed: int, fingerprint: str) -> Record | None:
        """The stored record, or ``None`` if there is none or it depends on something that has changed since."""
        try:
            record = Record.from_json(self.path(claim, level, seed).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return None
        return record if record.fingerprint == fingerprint else None

    def save(self, record: Record) -> None:
        """Write a record atomically."""
        place = self.path(record.id, record.level, record.seed)
        write_atomically(place, record.to_json())


def write_atomically(place: Path, text: str) -> None:
    """Put ``text`` into a file so that no reader ever sees part of it, and a crash leaves the old file whole."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=place.parent, prefix=f".{place.name}.", suffix=".part", delete=False
    ) as draft:
        draft.write(text)
        draft.flush()
        os.fsync(draft.fileno())
    os.replace(draft.name, place)
