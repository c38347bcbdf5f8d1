"""Records on disk: one file a claim, replaced atomically."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

from verify.record import Record

DEFAULT_FOLDER = Path("results")


class UnwritableError(OSError):
    """A file that could not be written; the message says which and why."""


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
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return record if record.fingerprint == fingerprint else None

    def stamp(self, claim: str, level: str, seed: int) -> tuple[int, int] | None:
        """Changes whenever the record is written anew; ``None`` if there is none."""
        try:
            found = self.path(claim, level, seed).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino

    def seconds(self, claim: str, level: str, seed: int) -> float | None:
        """How long the claim took when it was last run, whatever has changed since; ``None`` if that is not known."""
        try:
            return Record.from_json(self.path(claim, level, seed).read_text(encoding="utf-8")).seconds
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def save(self, record: Record) -> None:
        """Write a record atomically; raise :class:`UnwritableError` if that cannot be done."""
        place = self.path(record.id, record.level, record.seed)
        write_atomically(place, record.to_json())


def check_writable(folder: Path) -> None:
    """Make a folder if there is none; raise :class:`UnwritableError` if no file can be written into it now."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(4096))
    except OSError as error:
        raise UnwritableError(f"cannot write into {folder}: {error.strerror or error}") from error


def write_atomically(place: Path, text: str) -> None:
    """Put ``text`` into a file so that no reader ever sees part of it, and a crash leaves the old file whole.

    Whoever may read a new file by the process's umask may read it.

    Raises
    ------
    UnwritableError
        If the folder, the disk or the file does not allow it; the old file is whole and no draft of the new is left.
    """
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        draft = place.with_name(f".{place.name}.{secrets.token_hex(4)}.part")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(descriptor)
            os.replace(draft, place)
        except BaseException:
            os.unlink(draft)
            raise
    except OSError as error:
        raise UnwritableError(f"cannot write {place}: {error.strerror or error}") from error
