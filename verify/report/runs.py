"""The records a report is made from: read from disk, and one chosen for each claim."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verify.fingerprint import fingerprint
from verify.paper import Claim
from verify.record import Record, Verdict


class UnreadableRecordError(ValueError):
    """A file that should hold records and does not; the message names it and says what is wrong."""


@dataclass(frozen=True)
class Run:
    """A record, and whether running its claim again with the code and versions installed now would give the same.

    Attributes
    ----------
    record
        What was stored.
    current
        ``False`` if something the record depends on has changed since; ``None`` if its claim is not installed.
    """

    record: Record
    current: bool | None


def read(folder: Path, files: Sequence[Path] = ()) -> tuple[list[Record], list[str]]:
    """All records below a results folder, and those of files written by ``run --json``.

    Parameters
    ----------
    folder
        A results folder; one that does not exist holds no records.
    files
        Lists of records, as ``run --json`` writes them.

    Returns
    -------
    records : list of Record
        In the order of their files' names.
    unreadable : list of str
        What is wrong with the files of the folder that hold no record.

    Raises
    ------
    UnreadableRecordError
        If one of ``files`` cannot be read.
    """
    records, unreadable = [], []
    for place in sorted(folder.glob("*/*.json")):
        try:
            records.append(_record(place.read_text(encoding="utf-8"), place))
        except (OSError, ValueError) as error:
            unreadable.append(str(error))
    for place in files:
        try:
            listed = json.loads(place.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UnreadableRecordError(f"{place}: {error}") from error
        if not isinstance(listed, list):
            raise UnreadableRecordError(f"{place}: holds {type(listed).__name__}; expected a list of records")
        records += [_record(json.dumps(entry), place) for entry in listed]
    return records, unreadable


def _record(text: str, place: Path) -> Record:
    try:
        record = Record.from_json(text)
        if "NaN" in text or "Infinity" in text:
            record.to_json()  # which refuses what JSON has no numbers for
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UnreadableRecordError(f"{place}: not a record: {error!r}") from error
    _require(vars(record), _FIELDS, place)
    for name, entries in _ENTRIES.items():
        for entry in getattr(record, name):
            _require(entry, entries, place)
    return record


def _require(found: object, kinds: Mapping[str, Any], place: Path) -> None:
    if not isinstance(found, Mapping):
        raise UnreadableRecordError(f"{place}: not a record: has {found!r:.80}; expected names {list(kinds)}")
    for name, kind in kinds.items():
        if not isinstance(value := found.get(name, ...), kind):
            raise UnreadableRecordError(f"{place}: not a record: {name} is {value!r:.80}; expected {kind}")


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


def by_claim(records: Iterable[Record], claims: Mapping[str, Claim]) -> dict[str, list[Run]]:
    """The runs of each claim by its identifier, the one to be shown first.

    That is one which is not out of date, ended in a verdict, ran at level ``full`` and with the claim's own seed, in
    this order of importance.
    """
    runs = defaultdict(list)
    for record in records:
        claim = claims.get(record.id)
        current = None if claim is None else fingerprint(claim, record.level, record.seed) == record.fingerprint
        runs[record.id].append(Run(record, current))

    def rank(run: Run) -> tuple[bool, bool, bool, bool]:
        record = run.record
        claim = claims.get(record.id)
        return (
            run.current is False,
            record.verdict in (Verdict.SKIPPED, Verdict.ERROR),
            record.level != "full",
            claim is not None and record.seed != claim.seed,
        )

    return {identifier: sorted(found, key=rank) for identifier, found in runs.items()}
