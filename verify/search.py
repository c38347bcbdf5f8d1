"""Property tests: hypothesis looks for a counterexample and shrinks it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider
from hypothesis.internal.constants_ast import Constants
from hypothesis.strategies import SearchStrategy
from sortedcontainers import SortedSet

from verify.evidence import Evidence, Outcome, Strength


class ReproducibleProvider(HypothesisProvider):
    """Hypothesis' own generator without the constants it collects from whichever modules happen to be loaded.

    Those make the drawn examples depend on what ran before in the same process, so that a record would differ between
    one worker and another.
    """

    _local_constants = Constants(integers=SortedSet(), floats=SortedSet(), bytes=SortedSet(), strings=SortedSet())


AVAILABLE_PROVIDERS["paperchecks"] = f"{__name__}.{ReproducibleProvider.__name__}"


class _FalsifiedError(Exception):
    pass


def search(
    holds: Callable[..., bool],
    strategies: dict[str, SearchStrategy[Any]],
    *,
    examples: int,
    seed: int,
    shrink: bool,
) -> Evidence:
    """Search for arguments at which ``holds`` is false.

    Parameters
    ----------
    holds
        The property. It takes the drawn values by keyword and returns whether it holds there. An exception from it is
        an error of the check, not a counterexample, and is raised.
    strategies
        A hypothesis strategy for each argument.
    examples
        How many cases to try.
    seed
        Makes the search reproducible.
    shrink
        Whether to shrink a counterexample, which takes time.

    Returns
    -------
    Evidence
        With the number of cases tried, or with the (shrunk) counterexample.
    """
    tried = 0
    falsified: dict[str, Any] = {}

    def attempt(**drawn: Any) -> None:
        nonlocal tried, falsified
        holds_here = bool(holds(**drawn))
        tried += 1
        if not holds_here:
            falsified = drawn
            raise _FalsifiedError

    runner = hypothesis.settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=False,
        phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        backend="paperchecks",
        print_blob=False,
        verbosity=hypothesis.Verbosity.quiet,
    )(hypothesis.seed(seed)(hypothesis.given(**strategies)(attempt)))
    try:
        runner()
    except _FalsifiedError:
        found = "shrunk counterexample" if shrink else "counterexample"
        return Evidence(Strength.TESTED, Outcome.FAILS, found, {}, falsified)
    return Evidence(Strength.TESTED, Outcome.HOLDS, f"no counterexample in {tried} searched cases", {"cases": tried})
