"""From a claim to a verdict: run the check on the statement, its mutants and its controls."""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping
from typing import Any

import torch

from verify.check import Check, Level, Skip
from verify.evidence import Evidence, Outcome, plain
from verify.fingerprint import commit, fingerprint, versions
from verify.paper import Claim
from verify.record import Record, Verdict

AS_PRINTED = "as printed"
"""The name under which a corrected claim's printed form appears among its mutants."""


class UnsoundCheckError(Exception):
    """The check cannot be trusted: it recorded nothing, let a mutant live or rejected a control."""


def judge(claim: Claim, level: Level, seed: int | None = None) -> Record:
    """Run a claim's check on the real statement and on every variant, and say what was learned.

    Parameters
    ----------
    claim
        The claim.
    level
        ``"quick"`` or ``"full"``. A claim of level ``full`` is skipped in a quick run.
    seed
        Overrides the claim's seed.

    Returns
    -------
    Record
        Never raises for what happens inside the claim's body: that becomes the verdict ``error``.
    """
    seed = claim.seed if seed is None else seed
    started = time.perf_counter()
    trial = _Trial(claim, level, seed)
    try:
        trial.conduct()
    except Skip as reason:
        trial.verdict, trial.message = Verdict.SKIPPED, str(reason)
    except UnsoundCheckError as reason:
        trial.verdict, trial.message = Verdict.ERROR, str(reason)
    except Exception:
        trial.verdict, trial.message = Verdict.ERROR, traceback.format_exc(limit=-4)
    return trial.record(round(time.perf_counter() - started, 3))


def not_judged(claim: Claim, level: Level, seed: int | None, reason: str) -> Record:
    """The record, of verdict ``error``, of a claim that no process lived to judge."""
    trial = _Trial(claim, level, claim.seed if seed is None else seed)
    trial.message = reason
    return trial.record(0.0)


class _Trial:
    """One judgement in progress; whatever was found before an error is kept for the record."""

    def __init__(self, claim: Claim, level: Level, seed: int) -> None:
        self.claim, self.level, self.seed = claim, level, seed
        self.verdict = Verdict.ERROR
        self.strength: str | None = None
        self.message: str | None = None
        self.evidence: list[Evidence] = []
        self.counterexample: Mapping[str, Any] | None = None
        self.mutants: list[dict[str, Any]] = []
        self.controls: list[dict[str, Any]] = []
        self.tables: Mapping[str, Any] = {}

    def record(self, seconds: float) -> Record:
        claim, level, seed = self.claim, self.level, self.seed
        return Record(
            id=claim.id,
            paper=claim.paper.slug,
            ref=claim.ref,
            statement=claim.statement,
            summary=claim.summary,
            tags=list(claim.tags),
            level=level,
            seed=seed,
            verdict=self.verdict,
            expected=claim.expected,
            strength=self.strength,
            evidence=[_shown(evidence) for evidence in self.evidence],
            mutants=self.mutants,
            controls=self.controls,
            counterexample=plain(self.counterexample),
            message=self.message,
            replay=f"python -m verify run --claim {claim.id} --level {level} --seed {seed} --fresh",
            seconds=seconds,
            versions=versions(),
            commit=commit(),
            fingerprint=fingerprint(claim, level, seed),
            tables=plain(self.tables),
        )

    def conduct(self) -> None:
        claim = self.claim
        if claim.level == "full" and self.level == "quick":
            raise Skip("runs at --level full only")
        check = self._run({}, "the statement", shrink=True)
        self.evidence, self.tables = check.evidence, check.tables
        if not self.evidence:
            raise UnsoundCheckError("the check recorded no evidence")
        self.counterexample = _first_counterexample(self.evidence)
        rejected = self._run_mutants()
        survivals = self._run_controls()
        verdict = self._verdict()
        if alive := [mutant["name"] for mutant in self.mutants if not mutant["killed"]]:
            raise UnsoundCheckError(f"mutants survived: {', '.join(alive)}")
        if verdict is Verdict.FAILS and (lost := [c["name"] for c in self.controls if not c["survived"]]):
            raise UnsoundCheckError(f"controls were rejected: {', '.join(lost)}")
        self.verdict = verdict
        self.strength = self._strength(rejected, survivals)

    def _run(self, replacements: Mapping[str, Any], what: str, *, shrink: bool = False) -> Check:
        torch.manual_seed(self.seed)
        check = Check(self.level, self.seed, shrink=shrink)
        try:
            self.claim.body(check, **replacements)
        except Skip:
            raise
        except Exception as error:
            error.add_note(f"while checking {what} of {self.claim.id}")
            raise
        return check

    def _run_mutants(self) -> list[set[int]]:
        """For each mutant, the positions of the checks that reject it."""
        variants = dict(self.claim.mutants)
        if self.claim.printed is not None:
            variants = {AS_PRINTED: self.claim.printed, **variants}
        rejected = []
        for name, replacements in variants.items():
            as_printed = name == AS_PRINTED
            found = self._run(replacements, f"mutant {name!r}", shrink=as_printed).evidence
            by = {i for i, evidence in enumerate(found) if evidence.outcome is Outcome.FAILS}
            self.mutants.append({"name": name, "killed": bool(by), "by": [found[i].name for i in sorted(by)]})
            if as_printed:
                self.counterexample = self.counterexample or _first_counterexample(found)
            rejected.append(by)
        return rejected

    def _run_controls(self) -> list[set[int]]:
        """For each control, the positions of the checks that it survives."""
        survivals = []
        for name, replacements in self.claim.controls.items():
            found = self._run(replacements, f"control {name!r}").evidence
            holds = {i for i, evidence in enumerate(found) if evidence.outcome is Outcome.HOLDS}
            self.controls.append({"name": name, "survived": bool(found) and len(holds) == len(found)})
            survivals.append(holds)
        return survivals

    def _verdict(self) -> Verdict:
        outcomes = {evidence.outcome for evidence in self.evidence}
        if Outcome.FAILS in outcomes:
            return Verdict.FAILS
        if Outcome.UNDECIDED in outcomes or self.claim.expected is Verdict.INCONCLUSIVE:
            return Verdict.INCONCLUSIVE
        return Verdict.HOLDS if self.claim.printed is None else Verdict.CORRECTED

    def _strength(self, rejected: list[set[int]], survivals: list[set[int]]) -> str | None:
        """That of the strongest check which alone separates the statement from all its variants.

        If the variants need several checks, that of the weakest check.
        """
        if self.verdict is Verdict.INCONCLUSIVE:
            return None
        decisive = Outcome.FAILS if self.verdict is Verdict.FAILS else Outcome.HOLDS
        alone = [
            evidence.strength
            for i, evidence in enumerate(self.evidence)
            if evidence.outcome is decisive and all(i in found for found in rejected + survivals)
        ]
        return (max(alone) if alone else min(evidence.strength for evidence in self.evidence)).value


def _first_counterexample(evidence: list[Evidence]) -> Mapping[str, Any] | None:
    for finding in evidence:
        if finding.outcome is Outcome.FAILS:
            return dict(finding.counterexample or {}) | ({"shows": finding.says} if finding.says else {})
    return None


def _shown(evidence: Evidence) -> dict[str, Any]:
    return {
        "strength": evidence.strength.value,
        "says": evidence.says,
        "outcome": evidence.outcome.value,
        "detail": evidence.detail,
        "numbers": plain(evidence.numbers),
    }
