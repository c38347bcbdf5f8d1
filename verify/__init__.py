"""The claims engine: state a paper's claim, play it against an oracle, prove that the check could have failed.

A topic's ``claims`` package makes a :class:`Paper` and registers claims with its decorators; an entry point of the
group ``paperchecks.papers`` makes the paper known. ``python -m verify`` runs claims, ``python -m verify.figures`` draws
figures.
"""

from verify.check import Check
from verify.judge import judge
from verify.paper import Claim, Paper, discover, find_claim, find_paper
from verify.record import Record, Verdict
from verify.runner import run
from verify.store import Store

__all__ = [
    "Check",
    "Claim",
    "Paper",
    "Record",
    "Store",
    "Verdict",
    "discover",
    "find_claim",
    "find_paper",
    "judge",
    "run",
]
