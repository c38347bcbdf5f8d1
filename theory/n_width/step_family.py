"""Certified bounds of the n-width of the step functions, the family of a jump that travels across an interval.

References
----------
The lower bound is the average case over a uniform position of the jump, whose covariance ``min(s, t)`` has the
eigenvalues ``1 / ((j − ½)² π²)``; the upper bound takes the mean over n equal cells. The value at n = 1 is ours. The
rate is that of M. Ohlberger, S. Rave, "Reduced Basis Methods: Success, Limitations and Future Challenges", arXiv
1511.02021.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from flint import arb, ctx

from theory._numbers import require_integer

_BITS = 128


@dataclass(frozen=True)
class StepBounds:
    """Bounds of an n-width, rounded outwards: ``lower ≤ d_n ≤ upper``."""

    lower: float
    upper: float


def step_bounds(n: int) -> StepBounds:
    """Return proved bounds of the n-width of ``{1_[0, s] : s ∈ [0, 1]}`` in L²(0, 1).

    ``√ψ'(n + ½) / π ≤ d_n ≤ 1 / (2√n)`` with the trigamma function ψ'; both decay like ``n^{-1/2}``, and their ratio
    tends to π / 2. The first two are known exactly: ``d_0 = 1`` and ``d_1 = (1 + e²)^{-1/2}``, attained by the space of
    one function whose integral from 0 is ``s / (2 d_1)`` up to ``s = 2 d_1²`` and ``√(s − d_1²)`` beyond. For a jump of
    height h on an interval of length L, multiply by ``h √L``.

    Parameters
    ----------
    n
        Dimension of the linear space, at least 0.

    Returns
    -------
    StepBounds
        Evaluated in ball arithmetic and rounded outwards to float64; neighbouring floats around the exact value for
        n = 1, equal for n = 0.

    Raises
    ------
    TypeError
        If n is not an integer.
    ValueError
        If n is negative.
    """
    n = require_integer("n", n, 0)
    if n == 0:
        return StepBounds(1.0, 1.0)
    with ctx.workprec(_BITS):
        if n == 1:
            lower = upper = 1 / (1 + arb(2).exp()).sqrt()
        else:
            lower = arb(2).zeta(arb(n) + arb(0.5)).sqrt() / arb.pi()  # ψ'(x) = ζ(2, x)
            upper = 1 / (2 * arb(n).sqrt())
        return StepBounds(math.nextafter(float(lower.lower()), 0.0), math.nextafter(float(upper.upper()), 1.0))
