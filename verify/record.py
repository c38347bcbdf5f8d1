"""The record of one judged claim, as it is stored and reported."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """What was learned about a claim.

    ``ERROR`` is not a verdict on the claim but on its check: it crashed, let a mutant live, or rejected a control.
    """

    HOLDS = "holds"
    CORRECTED = "holds as corrected"
    FAILS = "fails"
    INCONCLUSIVE = "inconclusive"
    SKIPPED = "skipped"
    ERROR = "error"


@dataclass(frozen=True)
class Record:
    """Everything a run learned about a claim, in plain JSON types.

    Attributes
    ----------
    id, paper, ref, statement, summary, tags, level, seed
        The claim, the level it ran at and the seed it ran with.
    verdict, expected
        What was found and what should be found.
    strength
        That of the strongest check which by itself rejects every mutant; ``None`` without a verdict.
    evidence
        One ``{strength, says, outcome, detail, numbers}`` a check.
    mutants
        One ``{name, killed, by}`` a mutant; ``by`` names the checks that rejected it.
    controls
        One ``{name, survived}`` a corrected form of a refuted claim.
    counterexample
        Where the statement, or the printed form of a corrected one, fails.
    message
        Why the claim was skipped or is in error.
    tables
        Data for figures.
    replay
        The command that runs this claim again.
    seconds
        Wall time.
    versions, commit
        Of the software that ran.
    fingerprint
        Digest of all that the record depends on.
    """

    id: str
    paper: str
    ref: str
    statement: str
    summary: str
    tags: list[str]
    level: str
    seed: int
    verdict: Verdict
    expected: Verdict
    strength: str | None
    evidence: list[dict[str, Any]]
    mutants: list[dict[str, Any]]
    controls: list[dict[str, Any]]
    counterexample: dict[str, Any] | None
    message: str | None
    replay: str
    seconds: float
    versions: dict[str, str]
    commit: str | None
    fingerprint: str
    tables: dict[str, dict[str, list[Any]]] = field(default_factory=dict)

    @property
    def as_expected(self) -> bool:
        """Whether the verdict is the expected one, or the claim was skipped for want of something."""
        return self.verdict in (self.expected, Verdict.SKIPPED)

    @property
    def killed(self) -> int:
        """How many mutants were rejected."""
        return sum(mutant["killed"] for mutant in self.mutants)

    def to_json(self) -> str:
        """One JSON object, keys in the order of the fields, deterministic."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False, indent=1, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Record:
        """Inverse of :meth:`to_json`; ``ValueError`` or ``TypeError`` if the text is not a record."""
        fields = json.loads(text)
        fields["verdict"] = Verdict(fields["verdict"])
        fields["expected"] = Verdict(fields["expected"])
        return cls(**fields)
