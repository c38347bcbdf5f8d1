"""The metrics of Section 4: expected calibration error, area under the risk–coverage curve, and its excess."""

import itertools
from collections.abc import Callable, Sequence
from fractions import Fraction
from math import log1p
from typing import Any

import hypothesis.strategies as st
import numpy as np

from theory.distillation.calibration import aurc, e_aurc, expected_calibration_error
from theory.distillation.claims.progressive_targets.paper import paper
from verify import Check

Metric = Callable[[Sequence[float], Sequence[bool]], float]
ROUNDING = 1e-12


def curve_area(hits: Sequence[bool]) -> Fraction:
    """Mean over j of the error rate of the first j samples."""
    errors = itertools.accumulate(int(not hit) for hit in hits)
    return sum((Fraction(e, j) for j, e in enumerate(errors, 1)), Fraction(0)) / len(hits)


def untied_area(confidence: Sequence[float], correct: Sequence[bool], sign: int = 1) -> float:
    """The area with ties in the order in which they come (or in the reverse order)."""
    order = np.argsort(-np.asarray(confidence), kind="stable") if sign > 0 else np.argsort(confidence)[::-1]
    hit = np.asarray(correct)[order]
    return float((np.cumsum(~hit) / np.arange(1, len(hit) + 1)).mean())


@paper.claim(
    "Section 4, AURC",
    tags=("identity", "ours"),
    mutants={
        "ties in the order in which they come": {"area": untied_area},
        "ties as sorted by NumPy": {"area": lambda c, h: untied_area(c, h, -1)},
        "coverage counted from 0": {"area": lambda c, h: aurc(c, h) * len(h) / (len(h) + 1)},
    },
)
def area_under_the_risk_coverage_curve_averages_over_ties(check: Check, area: Metric = aurc) -> None:
    r"""AURC is the mean over $j$ of the error rate of the $j$ most confident samples, averaged over all orders of ties.

    The published code takes the order that sorting leaves: ten equal samples of which half are right give .177 to .823
    there, .5 here. Compared with all orders in exact fractions, up to six samples.
    """

    def is_the_mean(samples: list[tuple[int, bool]]) -> bool:
        orders = [
            [hit for _, hit in order]
            for order in itertools.permutations(samples)
            if all(a[0] >= b[0] for a, b in itertools.pairwise(order))
        ]
        exact = sum((curve_area(hits) for hits in orders), Fraction(0)) / len(orders)
        confidence, correct = zip(*samples, strict=True)
        return abs(area([c / 4 for c in confidence], list(correct)) - float(exact)) <= ROUNDING

    check.forall(is_the_mean, samples=st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=6))


def least_area(n: int, errors: int) -> float:
    """What :func:`e_aurc` subtracts."""
    correct = [k < n - errors for k in range(n)]
    backwards = [-float(k) for k in range(n)][::-1]
    return aurc(backwards, correct) - e_aurc(backwards, correct)


@paper.claim(
    "Section 4, E-AURC",
    tags=("identity",),
    mutants={
        "limit of large n": {"least": lambda n, e: e / n + (1 - e / n) * log1p(-e / n) if e < n else 1.0},
        "one sample fewer": {"least": lambda n, e: sum(k / (n - e + k) for k in range(1, e)) / n},
        "all errors first": {"least": lambda n, e: float(curve_area([k >= e for k in range(n)]))},
    },
)
def least_area_puts_all_errors_last(check: Check, least: Callable[[int, int], float] = least_area) -> None:
    r"""With $e$ errors among $n$ samples AURC is at least $(1/n) \sum_{k=1}^e k/(n - e + k)$, reached if the errors
    come last.

    The usual $r + (1 - r) \ln(1 - r)$ is its limit for large $n$. Compared with all arrangements of up to nine samples.
    """

    def is_the_least(n: int, errors: int) -> bool:
        errors = min(errors, n)
        arrangements = ([k not in wrong for k in range(n)] for wrong in itertools.combinations(range(n), errors))
        return abs(least(n, errors) - float(min(curve_area(hits) for hits in arrangements))) <= ROUNDING

    check.forall(is_the_least, n=st.integers(1, 9), errors=st.integers(0, 9))


PUBLISHED_EDGES = np.arange(0.1, 1.1, 0.1)
"""Upper ends of the bins of the published code, which are (u − .1, u]."""


def published_error(confidence: Sequence[float], correct: Sequence[bool]) -> float:
    """The expected calibration error with the published bins, written down from their description."""
    c, h, total = np.asarray(confidence), np.asarray(correct, dtype=float), 0.0
    for upper in PUBLISHED_EDGES:
        inside = (c > upper - 0.1) & (c <= upper)
        total += abs(float((h - c)[inside].sum()))
    return total / len(c)


CONFIDENCE = st.integers(1, 10).flatmap(
    lambda k: st.sampled_from([k / 10, float(np.nextafter(k / 10, 0)), float(np.nextafter(k / 10, 1)), k / 10 - 0.05])
)
"""On, just beside, and between the edges of ten bins."""


def exact_error(confidence: Sequence[float], correct: Sequence[bool]) -> Fraction:
    """ECE in fractions: bin k holds (k − 1)/10 < c ≤ k/10, an edge being the nearest float."""
    gaps: dict[int, Fraction] = {}
    for c, hit in zip(confidence, correct, strict=True):
        number = next(k for k in range(1, 11) if c <= k / 10)
        gaps[number] = gaps.get(number, Fraction(0)) + int(hit) - Fraction(c)
    return sum((abs(gap) for gap in gaps.values()), Fraction(0)) / len(confidence)


@paper.corrected(
    "Section 4, ECE",
    tags=("identity", "erratum"),
    printed={"error": published_error},
    mutants={
        "one bin": {"error": lambda c, h: expected_calibration_error(c, h, 1)},
        "fifteen bins": {"error": lambda c, h: expected_calibration_error(c, h, 15)},
        "bins closed below": {
            "error": lambda c, h: float(
                np.abs(np.bincount(np.searchsorted(np.arange(1, 10) / 10, c, "right"), np.array(h) - np.array(c))).sum()
                / len(c)
            )
        },
    },
)
def calibration_error_uses_bins_without_gaps(check: Check, error: Metric = expected_calibration_error) -> None:
    r"""$\text{ECE} = \sum_{\text{bins}} (n_b/n)|\text{acc} - \text{conf}|$ over $((k - 1)/10, k/10]$,
    $k = 1, \ldots, 10$.

    The published bins $(u - .1, u]$ with $u$ in steps of .1 do not meet in floating point: a confidence of
    .6000000000000001 is in none, and ten such samples of which seven are right have ECE 0 instead of .1. Compared with
    exact fractions.
    """

    def is_exact(samples: list[tuple[float, bool]]) -> bool:
        confidence, correct = (list(column) for column in zip(*samples, strict=True))
        return abs(error(confidence, correct) - float(exact_error(confidence, correct))) <= ROUNDING

    samples: Any = st.lists(st.tuples(CONFIDENCE.filter(lambda c: c <= 1), st.booleans()), min_size=1, max_size=8)
    check.forall(is_exact, samples=samples)
