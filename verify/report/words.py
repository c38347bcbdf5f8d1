"""What verdicts and strengths mean, in words."""

from __future__ import annotations

from verify.evidence import Strength
from verify.record import Verdict

NOT_RUN = "not run"
"""What a claim without a record is."""

VERDICTS: dict[str, str] = {
    Verdict.HOLDS: "The statement holds as printed.",
    Verdict.CORRECTED: "What is printed is wrong or incomplete; the corrected statement, given here, holds.",
    Verdict.FAILS: "The statement fails as printed; a corrected form survives the very same check.",
    Verdict.INCONCLUSIVE: "Open: a search neither shows nor refutes it.",
    Verdict.SKIPPED: "Not decided, for want of something this machine does not have.",
    Verdict.ERROR: "The check itself is at fault: it crashed, let a mutant live or rejected a control.",
    NOT_RUN: "There is no record of it.",
}

STRENGTHS: dict[str, str] = {
    Strength.PROVED.value: "Computer algebra or a decision procedure shows it for all values of its symbols.",
    Strength.CERTIFIED.value: "Interval arithmetic shows it rigorously: over a box, for a value, for a count of zeros.",
    Strength.TESTED.value: "A seeded search for a counterexample over a stated domain, which shrinks what it finds.",
    Strength.ESTIMATED.value: "A confidence interval of stated coverage from independent draws.",
    Strength.REPRODUCED.value: "An experiment over several seeds, whose medians are held against stated bands.",
}


_COUNTED: dict[str, tuple[str, str]] = {
    Verdict.HOLDS: ("holds as printed", "hold as printed"),
    Verdict.CORRECTED: ("holds as corrected", "hold as corrected"),
    Verdict.FAILS: ("fails", "fail"),
    Verdict.INCONCLUSIVE: ("is open", "are open"),
    Verdict.SKIPPED: ("was skipped", "were skipped"),
    Verdict.ERROR: ("is in error", "are in error"),
    NOT_RUN: ("was not run", "were not run"),
}


def counted(verdict: str, number: int) -> str:
    """How many claims reached a verdict, as part of a sentence."""
    return f"{number:,} {_COUNTED[verdict][number != 1]}"


def key(word: str) -> str:
    """A verdict or strength as a class name."""
    return word.replace(" ", "-")


def plural(number: int, noun: str) -> str:
    """A number with its noun."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
