"""Samples for property tests, and their zeros counted in ball arithmetic, independently of the formulas under test."""

from collections.abc import Callable, Iterable, Sequence

import hypothesis.strategies as st
import numpy as np
from flint import acb, arb

from verify import certified

LOGIT = st.floats(-12, 12) | st.floats(-1e-3, 1e-3) | st.sampled_from([0.0, 40.0])
SLOPE = st.floats(-1, 1, width=32) | st.floats(0.75, 1, width=16) | st.sampled_from([-1.0, 0.0, 1.0])


MOST_ARCS = 1_000_000
"""Of a circle that passes within 1e-6 of a nearly double zero, some 100,000 are needed."""


def samples(least: int, most: int) -> st.SearchStrategy[list[tuple[float, float]]]:
    """Lists of (logit, slope), one pair a class: confident, nearly tied, nearly two-valued ones among them."""
    return st.lists(st.tuples(LOGIT, SLOPE), min_size=least, max_size=most)


def columns(sample: Sequence[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    """The logits z and the slopes a of a sample."""
    z, a = np.array(sample, dtype=float).T
    return z, a


def partition(z: Iterable[float], a: Iterable[float]) -> Callable[[acb], acb]:
    """F(t) = Σ e^{z_k + a_k t} on complex balls, up to a factor e^{c + dt} that has no zero."""
    z, a = list(z), list(a)
    with certified.precision(256):
        top, middle = arb(max(z)), (arb(max(a)) + arb(min(a))) / 2
        terms = [(arb(zk) - top, arb(ak) - middle) for zk, ak in zip(z, a, strict=True)]
    return lambda t: sum(((ak * t + zk).exp() for zk, ak in terms), acb(0))


def zeros_within(z: np.ndarray, a: np.ndarray, size: float) -> int:
    """The number of zeros of F in |t| < size, by the argument principle in ball arithmetic."""
    count = certified.count_zeros(partition(z, a), size, max_arcs=MOST_ARCS)
    if count is None:
        raise ArithmeticError(f"a zero lies too close to |t| = {size} for z = {z}, a = {a}")
    return count


def is_empty_disc(z: np.ndarray, a: np.ndarray, rho: float, slack: float = 1e-9) -> bool:
    """Whether F has no zero in |t| < (1 − slack) ρ; it has one somewhere unless all slopes are equal.

    Smaller discs are looked at first, as a large one can hold more zeros than can be counted.
    """
    if np.ptp(a) == 0 or np.isinf(rho):
        return bool(np.ptp(a) == 0)
    size = 8 / np.ptp(a)
    while size < rho:
        if certified.count_zeros(partition(z, a), size):
            return False
        size *= 3
    return zeros_within(z, a, rho * (1 - slack)) == 0


def is_nearest_zero_distance(z: np.ndarray, a: np.ndarray, rho: float) -> bool:
    """Whether F has no zero in |t| < (1 − 1e-6) ρ and one in |t| < (1 + 1e-6) ρ; ρ = ∞ if all slopes are equal."""
    if np.ptp(a) == 0 or np.isinf(rho):
        return bool(np.ptp(a) == 0 and np.isinf(rho))
    return zeros_within(z, a, rho * (1 - 1e-6)) == 0 and zeros_within(z, a, rho * (1 + 1e-6)) >= 2
