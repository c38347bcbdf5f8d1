"""The object a claim's body talks to: each method plays the formula against an oracle and records the finding."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar

import numpy as np
import sympy as sp
import z3
from flint import acb, arb
from hypothesis.strategies import SearchStrategy

from verify import certified, experiment, montecarlo, search, symbolic
from verify.evidence import Evidence

Level = Literal["quick", "full"]
T = TypeVar("T")

FALSE_ALARM = 1e-6
"""Largest probability that the Monte Carlo checks of one claim, all together, miss a true value."""


class Skip(Exception):
    """Raised by :meth:`Check.skip`."""


class Check:
    """Records the evidence of one run of a claim's body.

    Checks record and carry on, so that it is known which check rejects which mutant. Every method takes ``says``: what
    this step shows, in the words of the claim.

    Attributes
    ----------
    level
        ``"quick"`` or ``"full"``; see :meth:`at`.
    seed
        The claim's seed. All randomness must come from it.
    evidence
        The findings so far.
    tables
        Data for figures, by name; see :meth:`table`.
    """

    def __init__(self, level: Level, seed: int, *, shrink: bool = True) -> None:
        self.level: Level = level
        self.seed = seed
        self.evidence: list[Evidence] = []
        self.tables: dict[str, dict[str, Sequence[float]]] = {}
        self._shrink = shrink
        self._estimates = 0

    def at(self, *, quick: T, full: T) -> T:
        """Choose a size by the level of the run."""
        return quick if self.level == "quick" else full

    def rng(self, purpose: str = "") -> np.random.Generator:
        """A generator that depends on the claim's seed and on ``purpose`` only."""
        return np.random.default_rng([self.seed, zlib.crc32(purpose.encode())])

    def skip(self, reason: str) -> None:
        """End the claim as ``skipped``, saying what is missing."""
        raise Skip(reason)

    def proves(self, statement: sp.Basic | z3.BoolRef | bool, says: str = "") -> None:
        """Prove a sympy statement or a z3 formula for all values of its free symbols.

        See :func:`verify.symbolic.prove`.
        """
        self._record(symbolic.prove(statement, self.seed), says)

    def certifies(
        self,
        positive: Callable[..., arb],
        *,
        over: Mapping[str, tuple[float, float]],
        bits: int = 64,
        max_boxes: int = 20_000,
        says: str = "",
    ) -> None:
        """Certify that ``positive(**point) > 0`` on a box, by ball arithmetic.

        See :func:`verify.certified.positive_over_box`.
        """
        self._record(certified.positive_over_box(positive, over, bits=bits, max_boxes=max_boxes), says)

    def certifies_value(
        self,
        value: Callable[[], arb | acb],
        target: str | float | arb | acb | Callable[[], arb | acb],
        *,
        within: float | None = None,
        bits: int = 128,
        says: str = "",
    ) -> None:
        """Certify that ``value()``, computed in ball arithmetic, agrees with ``target``.

        A printed target (a string) is allowed half a unit of its last digit, any other ``within``.
        See :func:`verify.certified.value_agrees`.
        """
        with certified.precision(bits):
            aim = target() if callable(target) else target
            self._record(certified.value_agrees(value(), aim, within), says)

    def certifies_zero_count(
        self, function: Callable[[acb], acb], *, inside: float, count: int, bits: int = 128, says: str = ""
    ) -> None:
        """Certify the number of zeros of an analytic function in ``|t| < inside``.

        See :func:`verify.certified.count_zeros`.
        """
        self._record(certified.zero_count_is(function, inside, count, bits=bits), says)

    def forall(
        self,
        holds: Callable[..., bool],
        *,
        examples: int = 200,
        says: str = "",
        **strategies: SearchStrategy[Any],
    ) -> None:
        """Search for arguments at which ``holds`` is false; the counterexample is shrunk.

        See :func:`verify.search.search`.
        """
        found = search.search(holds, strategies, examples=examples, seed=self.seed, shrink=self._shrink)
        self._record(found, says)

    def estimates(
        self,
        draw: Callable[[np.random.Generator, int], np.ndarray],
        *,
        band: tuple[float, float],
        draws: int,
        bounds: tuple[float, float] = (0, 1),
        says: str = "",
    ) -> None:
        """Decide whether a mean lies in a band from independent draws with known bounds.

        The k-th estimate of a claim may err with probability :data:`FALSE_ALARM` / 2^k, so that the claim's false-alarm
        rate stays below :data:`FALSE_ALARM` however many it makes. See :func:`verify.montecarlo.mean_interval`.
        """
        self._estimates += 1
        sample = draw(self.rng(f"estimate {self._estimates}"), draws)
        alpha = FALSE_ALARM / 2**self._estimates
        self._record(montecarlo.mean_in_band(np.asarray(sample, dtype=float), band, bounds, alpha), says)

    def reproduces(
        self,
        measure: Callable[[int], Mapping[str, float]],
        *,
        bands: Mapping[str, tuple[float, float]],
        seeds: int,
        setup: Mapping[str, Any],
        printed: Mapping[str, Any] | None = None,
        says: str = "",
    ) -> None:
        """Run an experiment over ``seeds`` seeds, beginning with the claim's, against a band for each median.

        ``setup`` names data, sizes and settings; ``printed`` what the paper prints for the measured numbers. Both are
        recorded beside them. See :func:`verify.experiment.medians_in_bands`.
        """
        used = range(self.seed, self.seed + seeds)
        self._record(experiment.medians_in_bands(measure, bands, used, setup, printed), says)

    def note(self, **numbers: Any) -> None:
        """Add numbers to the latest evidence; ``setup`` and ``printed`` say what was run and what the paper prints."""
        latest = self.evidence[-1]
        self.evidence[-1] = dataclasses.replace(latest, numbers={**latest.numbers, **numbers})

    def table(self, name: str, **columns: Sequence[float] | np.ndarray) -> None:
        """Keep columns of equal length in the record, for figures."""
        lengths = {column: len(values) for column, values in columns.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"table {name!r} has columns of lengths {lengths}; expected equal lengths")
        self.tables[name] = {column: list(values) for column, values in columns.items()}

    def _record(self, evidence: Evidence, says: str) -> None:
        self.evidence.append(dataclasses.replace(evidence, says=says))
