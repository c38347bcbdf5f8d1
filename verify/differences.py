"""What differs between two runs: verdicts, statements, evidence, and numbers beyond their tolerance."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from verify.reading import UnreadableError, read_file, read_folder
from verify.record import Record

RELATIVE_TOLERANCE = 1e-6
"""By how much of the larger of the two a number without a band may drift, unless the caller says otherwise."""

ROUNDING = 1e-12
"""Differences up to this are never told: a residual of 1e-16 that becomes 3e-16 has not drifted."""


class Kind(StrEnum):
    """What a difference is about, in the order in which differences are told."""

    VERDICT = "verdict"
    VANISHED = "vanished"
    NEW = "new"
    STATEMENT = "statement"
    EVIDENCE = "evidence"
    NUMBER = "number"
    TABLE = "table"


@dataclass(frozen=True)
class Difference:
    """One thing that two records of a claim do not agree on.

    Attributes
    ----------
    claim
        ``slug.name``, followed by the level and the seed at which both were run.
    kind
        What it is about.
    what
        Where in the record.
    old, new
        What either says, in plain JSON types; ``None`` where it says nothing.
    """

    claim: str
    kind: Kind
    what: str
    old: Any
    new: Any


def load(place: Path) -> list[Record]:
    """Records of a file written by ``run --json``, or of a results folder.

    Raises
    ------
    UnreadableError
        If there is no such file or folder, something in it is not a record, or it holds none or one twice.
    """
    records, unreadable = read_folder(place) if place.is_dir() else (read_file(place), [])
    if unreadable:
        raise UnreadableError(unreadable[0])
    if not records:
        raise UnreadableError(f"{place} holds no records")
    twice = [name for name, count in Counter(map(_name, records)).items() if count > 1]
    if twice:
        raise UnreadableError(f"{place} holds more than one record of {', '.join(twice[:3])}")
    return records


def differences(
    old: Iterable[Record], new: Iterable[Record], relative_tolerance: float = RELATIVE_TOLERANCE
) -> list[Difference]:
    """What differs between two runs, claim by claim at the same level and seed.

    The median of an experiment has drifted if it left its band or came back into it, which is the tolerance that the
    claim states. Any other number has drifted if it moved by more than ``relative_tolerance`` of the larger of the two
    and by more than :data:`ROUNDING`. Times, versions and commits are the run's environment and never differ here; see
    :func:`environment`.

    Parameters
    ----------
    old, new
        Records, one a claim, level and seed.
    relative_tolerance
        For numbers that have no band.

    Returns
    -------
    list of Difference
        By :class:`Kind`, then in the order of the claims.
    """
    before = {_name(record): record for record in old}
    after = {_name(record): record for record in new}
    found = []
    for name in dict.fromkeys((*before, *after)):
        if name not in after:
            found.append(Difference(name, Kind.VANISHED, "claim", before[name].verdict.value, None))
        elif name not in before:
            found.append(Difference(name, Kind.NEW, "claim", None, after[name].verdict.value))
        else:
            found += _between(name, before[name], after[name], relative_tolerance)
    order = list(Kind)
    return sorted(found, key=lambda difference: order.index(difference.kind))


def environment(records: Sequence[Record]) -> dict[str, Any]:
    """What a run's records say of where they were made: versions, commits, number of claims and seconds in all."""
    versions: dict[str, dict[str, None]] = {}
    for record in records:
        for package, version in record.versions.items():
            versions.setdefault(package, {})[version] = None
    return {
        "claims": len(records),
        "seconds": round(sum(record.seconds for record in records), 1),
        "commit": ", ".join(dict.fromkeys(record.commit or "none" for record in records)),
        "versions": {package: ", ".join(found) for package, found in versions.items()},
    }


def _name(record: Record) -> str:
    return f"{record.id} ({record.level}, seed {record.seed})"


@dataclass(frozen=True)
class _Banded:
    """A number that may move freely within its band."""

    value: Any
    band: tuple[float, float]

    @property
    def inside(self) -> bool:
        return self.band[0] <= float(self.value) <= self.band[1]


_ABSENT = object()


def _between(name: str, old: Record, new: Record, tolerance: float) -> Iterator[Difference]:
    before, after = dict(_entries(old)), dict(_entries(new))
    for key in dict.fromkeys((*before, *after)):
        kind, what = key
        one, other = before.get(key, _ABSENT), after.get(key, _ABSENT)
        if not _same(one, other, tolerance):
            yield Difference(name, kind, what, *_told(one, other, tolerance))


def _entries(record: Record) -> Iterator[tuple[tuple[Kind, str], Any]]:
    """Everything in a record that is compared, by what it is about and where it stands."""
    yield (Kind.VERDICT, "verdict"), record.verdict.value
    for name in ("statement", "ref", "tags"):
        yield (Kind.STATEMENT, name), getattr(record, name)
    yield (Kind.STATEMENT, "expected"), record.expected.value
    yield (Kind.EVIDENCE, "strength"), record.strength
    yield (Kind.EVIDENCE, "message"), record.message
    for variant in record.mutants:
        yield (Kind.EVIDENCE, f"mutant {variant['name']}"), variant["by"] if variant["killed"] else "survived"
    for variant in record.controls:
        yield (Kind.EVIDENCE, f"control {variant['name']}"), "survived" if variant["survived"] else "rejected"
    for what, value in _leaves(record.counterexample, "counterexample"):
        yield (Kind.EVIDENCE, what), value
    seen: Counter[str] = Counter()
    for evidence in record.evidence:
        check = f"{evidence['strength']}: {evidence['says']}" if evidence["says"] else evidence["strength"]
        seen[check] += 1
        check = f"{check} ({seen[check]})" if seen[check] > 1 else check
        yield (Kind.EVIDENCE, check), evidence["outcome"]
        for what, value in _leaves(evidence["numbers"], ""):
            yield (Kind.NUMBER, f"{check}: {what}"), value
    for table, columns in record.tables.items():
        for column, values in columns.items():
            yield (Kind.TABLE, f"{table}: {column}"), values


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The values in nested mappings with their paths; a measured number with its band, without its values by seed."""
    if not isinstance(value, Mapping):
        yield path, value
        return
    if "median" in value and "values" in value:
        yield f"{path}: printed", value.get("printed")
        yield f"{path}: band", value.get("band")
        if value.get("band") is None:
            yield path, value["median"]
        else:
            low, high = map(float, value["band"])
            yield path, _Banded(value["median"], (low, high))
        return
    for key, entry in value.items():
        yield from _leaves(entry, f"{path}: {key}" if path else str(key))


def _same(old: Any, new: Any, tolerance: float) -> bool:
    if isinstance(old, _Banded) and isinstance(new, _Banded):
        return old.inside == new.inside
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(_same(a, b, tolerance) for a, b in zip(old, new, strict=True))
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return old.keys() == new.keys() and all(_same(old[key], new[key], tolerance) for key in old)
    if _is_number(old) and _is_number(new):
        return math.isclose(old, new, rel_tol=tolerance, abs_tol=ROUNDING)
    return bool(old == new)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _told(old: Any, new: Any, tolerance: float) -> tuple[Any, Any]:
    """Both sides in plain JSON types; of long lists of equal length, the first entries that differ."""
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new) > 8:
        where = [i for i, (a, b) in enumerate(zip(old, new, strict=True)) if not _same(a, b, tolerance)][:3]
        return {str(i): old[i] for i in where}, {str(i): new[i] for i in where}
    return _plain(old), _plain(new)


def _plain(value: Any) -> Any:
    if isinstance(value, _Banded):
        return value.value
    return None if value is _ABSENT else value
