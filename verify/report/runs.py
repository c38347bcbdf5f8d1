"""Which of several records of a claim a report shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from verify.fingerprint import fingerprint
from verify.paper import Claim
from verify.record import Record, Verdict


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
