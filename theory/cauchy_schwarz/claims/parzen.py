"""Oracles for the estimators: Parzen densities integrated by quadrature, and sums of kernels, in ball arithmetic."""

from collections.abc import Callable, Sequence

from flint import arb

from theory.cauchy_schwarz.claims.divergence import integral, normal, squared_secant

Point = Sequence[float]
Bumps = Sequence[tuple[arb, Point]]
"""A density that is a sum of Gaussian bumps: weight and centre of each."""

WITHIN = 4e-15
"""What a certificate allows a value of order 1 that was computed in float64: about twenty units in the last place."""


def parzen(points: Sequence[Point]) -> Bumps:
    """Equal bumps at the points of a sample."""
    return [(arb(1), point) for point in points]


def overlap(a: float, b: float, width: arb) -> arb:
    """∫ N(u; a, h²) N(u; b, h²) du by quadrature, for centres in [−20, 20] and h ≤ 3."""
    found: arb = integral(lambda u: normal(u, a, width) * normal(u, b, width))
    return found


def parzen_divergence(p: Bumps, q: Bumps, widths: Sequence[arb]) -> arb:
    """D_CS of two sums of bumps of standard deviations ``widths``, one a coordinate; an integral a coordinate."""
    known: dict[tuple[int, float, float], arb] = {}

    def along(k: int, a: float, b: float) -> arb:
        key = k, min(a, b), max(a, b)
        if key not in known:
            known[key] = overlap(a, b, widths[k])
        return known[key]

    def inner(first: Bumps, second: Bumps) -> arb:
        total = arb(0)
        for weight, centre in first:
            for other, place in second:
                term = weight * other
                for k, (a, b) in enumerate(zip(centre, place, strict=True)):
                    term *= along(k, a, b)
                total += term
        return total

    ratio: arb = squared_secant(inner(p, p), inner(q, q), inner(p, q))
    return ratio.log()


def kernel(a: Point, b: Point, width: arb | float) -> arb:
    """κ(a − b) = exp(−‖a − b‖²/2σ²)."""
    square = sum(((arb(u) - arb(v)) * (arb(u) - arb(v)) for u, v in zip(a, b, strict=True)), arb(0))
    return (-square / (2 * arb(width) * arb(width))).exp()


def gram(a: Sequence[Point], b: Sequence[Point], width: arb | float) -> list[list[arb]]:
    """The matrix of kernels."""
    return [[kernel(first, second, width) for second in b] for first in a]


def total(matrix: Sequence[Sequence[arb]], weight: Callable[[int, int], arb] | None = None) -> arb:
    """The weighted sum of a matrix."""
    entries = ((i, j, value) for i, row in enumerate(matrix) for j, value in enumerate(row))
    return sum((value if weight is None else weight(i, j) * value for i, j, value in entries), arb(0))
