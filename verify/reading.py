"""Records read back from results folders and from files of ``run --json``, checked field by field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from verify.record import Record


class UnreadableError(ValueError):
    """A file or folder that does not hold what it should; the message names it and says what is wrong."""


def read_folder(folder: Path) -> tuple[list[Record], list[str]]:
    """All records of a results folder.

    Parameters
    ----------
    folder
        As ``run --results`` makes it; one that does not exist holds no records.

    Returns
    -------
    records : list of Record
        In the order of their files' names.
    unreadable : list of str
        What is wrong with the files that hold no record.
    """
    records, unreadable = [], []
    for place in sorted(folder.glob("*/[!.]*.json")):
        try:
            records.append(_record(_text(place), place))
        except UnreadableError as error:
            unreadable.append(str(error))
    return records, unreadable


def read_file(place: Path) -> list[Record]:
    """The records of a file written by ``run --json``.

    Raises
    ------
    UnreadableError
        If there is no such file, or something in it is not a record.
    """
    try:
        entries = json.loads(_text(place))
    except ValueError as error:
        raise UnreadableError(f"{place} is not JSON: {error}") from error
    if not isinstance(entries, list):
        raise UnreadableError(f"{place} holds {type(entries).__name__}; expected a list of records, as of run --json")
    return [_record(json.dumps(entry), place) for entry in entries]


def _text(place: Path) -> str:
    try:
        return place.read_text(encoding="utf-8")
    except OSError as error:
        raise UnreadableError(f"cannot read {place}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UnreadableError(f"{place} is not JSON: {error}") from error


def _record(text: str, place: Path) -> Record:
    try:
        record = Record.from_json(text)
        if "NaN" in text or "Infinity" in text:
            record.to_json()  # which refuses what JSON has no numbers for
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UnreadableError(f"{place}: not a record: {error!r}") from error
    _require(vars(record), _FIELDS, place)
    for name, entries in _ENTRIES.items():
        for entry in getattr(record, name):
            _require(entry, entries, place)
    return record


def _require(found: object, kinds: Mapping[str, Any], place: Path) -> None:
    if not isinstance(found, Mapping):
        raise UnreadableError(f"{place}: not a record: has {found!r:.80}; expected names {list(kinds)}")
    for name, kind in kinds.items():
        if not isinstance(value := found.get(name, ...), kind):
            raise UnreadableError(f"{place}: not a record: {name} is {value!r:.80}; expected {kind}")


_FIELDS: dict[str, Any] = {
    **dict.fromkeys(("id", "paper", "ref", "statement", "summary", "level", "replay", "fingerprint"), str),
    **dict.fromkeys(("strength", "message", "commit"), str | None),
    **dict.fromkeys(("tags", "evidence", "mutants", "controls"), list),
    **dict.fromkeys(("versions", "tables"), dict),
    "counterexample": dict | None,
    "seconds": int | float,
    "seed": int,
}
_ENTRIES: dict[str, dict[str, Any]] = {
    "evidence": {"strength": str, "outcome": str, "says": str, "detail": str, "numbers": dict},
    "mutants": {"name": str, "killed": bool, "by": list},
    "controls": {"name": str, "survived": bool},
}
