"""Zeros of one exponential sum in ball arithmetic: exact counts in discs and a rigorous enclosure of the nearest.

Inputs are float64 numbers taken as exact. Everything is decided by `arb`/`acb` balls (python-flint); the arithmetic
of a decision that fails is repeated with more bits.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from dataclasses import dataclass

from flint import acb, arb, ctx

_PRECISIONS = (64, 128, 256, 512, 1024, 2048)
_DEPTH = 200  # angles are multiples of π/2^200
_MAX_POINTS = 1 << 16
_SERIES_DEPTH = 10  # arcs shorter than π/2^10 are near a zero
_SERIES_ORDER = 200
_GROWTH = 7.7  # not a whole number: zeros are often at multiples of the support bound


class UndecidedCount(ArithmeticError):
    """The number of zeros in a disc could not be decided: a zero lies on its circle, or too near to it."""


class _Imprecise(ArithmeticError):
    """A ball is too wide at the current precision."""


@dataclass(frozen=True)
class _Point:
    """Terms of ``G(t) = F(t) e^{−z_0 − a_0 t}`` at a point of the circle.

    ``value = G``; ``moment_j = Σ w_k b_k^j`` with ``w_k = |term_k|`` and ``b_k = a_k − a_0``.
    """

    angle: int
    u: arb
    v: arb
    value: acb
    moments: tuple[arb, arb, arb]


@dataclass(frozen=True)
class Enclosure:
    """A rigorous enclosure ``[lower, upper]`` of the smallest zero modulus, and an approximate zero."""

    rho: float
    zero: complex
    lower: float
    upper: float


def enclose_nearest(logits: Sequence[float], slopes: Sequence[float], start: complex, rtol: float) -> Enclosure:
    """Enclose the smallest zero modulus of one sum with not all slopes equal.

    The zero near ``start`` is isolated by interval Newton (or, if multiple, by counts on both sides), and the disc just
    inside it is shown to hold none. If that fails because ``start`` led to a farther zero, the radius is bisected on
    exact counts. The result is as narrow as the counts could decide; compare its width with ``rtol``.
    """
    function = BallSum(logits, slopes)
    lower, upper, zero = function.zero_free_radius(), math.inf, complex(math.nan, math.nan)
    margin = rtol / 4
    try:
        if cmath.isfinite(start):
            zero, upper = function.existing_zero(start, margin)
        inner = upper * (1 - 2 * margin)
        upper = function.populated_radius(lower, upper)
        if lower < inner < upper and function.count(inner) == 0:
            lower = inner
        else:
            lower, upper = function.bisect(lower, upper, rtol)
            zero = function.zero_near_circle(lower, upper)
    except UndecidedCount:
        pass  # the bounds found so far hold
    rho = abs(zero) if cmath.isfinite(zero) else lower + (upper - lower) / 2
    return Enclosure(min(max(rho, lower), upper), zero, lower, upper)


class BallSum:
    """One exponential sum ``Σ e^{z_k + a_k t}`` with exact float64 logits and slopes, not all slopes equal."""

    def __init__(self, logits: Sequence[float], slopes: Sequence[float]) -> None:
        self._logits = [float(z) for z in logits]
        self._slopes = [float(a) for a in slopes]
        self._reference = max(range(len(self._logits)), key=self._logits.__getitem__)

    def count(self, radius: float | arb) -> int:
        """Return the number of zeros in ``|t| < radius`` with multiplicity.

        Raises
        ------
        UndecidedCount
            If the circle cannot be separated from the zeros.
        """
        for precision in _PRECISIONS:
            with ctx.workprec(precision):
                try:
                    return _Winding(*self._terms(), arb(radius)).count()
                except _Imprecise:
                    continue
        raise UndecidedCount(f"a zero lies on the circle |t| = {float(radius)!r} or too near to it to be counted")

    def refine(self, start: complex, precision: int, steps: int = 60) -> acb:
        """Return an approximate zero near ``start`` (no guarantee), by Newton on ``F/F'``.

        The iteration converges quadratically at multiple zeros too.
        """
        with ctx.workprec(precision):
            t = acb(start)
            for _ in range(steps):
                value, first, second = (x.mid() for x in self._derivatives(t))
                denominator = first * first - value * second
                if value == 0 or denominator == 0:
                    break
                step = (value * first / denominator).mid()
                t = (t - step).mid()
                if step.abs_upper() <= t.abs_upper() * arb(2) ** (8 - precision):
                    break
            return t

    def isolate(self, approximation: acb, precision: int) -> acb | None:
        """Return a ball around ``approximation`` that contains exactly one zero, a simple one; None if not found.

        Interval Newton: if ``t − F(t)/F'(B)`` lies inside the ball ``B`` around ``t``, ``B`` holds one zero.
        """
        with ctx.workprec(precision):
            center = approximation.mid()
            value, first, _ = self._derivatives(center)
            if first.contains(0):
                return None
            radius = 4 * (value / first).abs_upper() + center.abs_upper() * arb(2) ** (16 - precision)
            ball = acb(arb(center.real.mid(), radius.upper()), arb(center.imag.mid(), radius.upper()))
            _, slope, _ = self._derivatives(ball)
            if slope.contains(0):
                return None
            image = center - value / slope
            return image if ball.contains_interior(image) else None

    def zero_free_radius(self) -> float:
        """Return a float64 not above ``π/(max a − min a)``: no zero is nearer (arXiv 2603.13552, Thm 4.6)."""
        with ctx.workprec(128):
            return _round_down(arb.pi() / (arb(max(self._slopes)) - arb(min(self._slopes))))

    def existing_zero(self, start: complex, margin: float) -> tuple[complex, float]:
        """Return a zero found from ``start`` and a rigorous upper bound of its modulus, infinite if none was proved."""
        for precision in (128, 512):
            approximation = self.refine(start, precision)
            zero = complex(float(approximation.real.mid()), abs(float(approximation.imag.mid())))
            if not cmath.isfinite(zero):
                continue
            isolated = self.isolate(approximation, precision)
            if isolated is not None:
                with ctx.workprec(precision):
                    return zero, _round_up(isolated.abs_upper())
        outer = abs(zero) * (1 + margin)
        return zero, outer if math.isfinite(outer) and self.count(outer) > 0 else math.inf

    def populated_radius(self, start: float, limit: float) -> float:
        """Enlarge ``start`` until the disc holds a zero, or return ``limit``: no circle is much larger than need be."""
        outer = start * _GROWTH
        while outer < limit:
            if self.count(outer) > 0:
                return outer
            outer *= _GROWTH
        return limit

    def bisect(self, lower: float, upper: float, rtol: float) -> tuple[float, float]:
        """Narrow ``lower ≤ ρ* ≤ upper`` to relative width ``rtol`` by counts."""
        while upper - lower > rtol * lower:
            middle = lower + (upper - lower) / 2
            if not lower < middle < upper:
                break
            if self.count(middle) == 0:
                lower = middle
            else:
                upper = middle
        return lower, upper

    def zero_near_circle(self, lower: float, upper: float) -> complex:
        """Return a zero with modulus in ``[lower, upper]``, NaN if Newton from points of the circle finds none."""
        for j in range(1, 64):
            found = self.refine(cmath.rect(upper, math.pi * j / 64), 256)
            zero = complex(float(found.real.mid()), abs(float(found.imag.mid())))
            if lower * (1 - 1e-9) <= abs(zero) <= upper * (1 + 1e-9):
                return zero
        return complex(math.nan, math.nan)

    def _terms(self) -> tuple[list[arb], list[arb]]:
        z0, a0 = arb(self._logits[self._reference]), arb(self._slopes[self._reference])
        return [arb(z) - z0 for z in self._logits], [arb(a) - a0 for a in self._slopes]

    def _derivatives(self, t: acb) -> tuple[acb, acb, acb]:
        """Return ``G, G', G''`` in the frame of the term that dominates at ``t``."""
        u = float(t.real.mid())
        r = max(range(len(self._logits)), key=lambda k: self._logits[k] + self._slopes[k] * u)
        z0, a0 = arb(self._logits[r]), arb(self._slopes[r])
        value, first, second = acb(0), acb(0), acb(0)
        for z, a in zip(self._logits, self._slopes, strict=True):
            b = arb(a) - a0
            term = (t * b + (arb(z) - z0)).exp()
            value += term
            term *= b
            first += term
            second += term * b
        return value, first, second


class _Winding:
    """The argument of ``G`` along the upper half of ``|t| = R``, arc by arc.

    On an arc ``t(φ) = R e^{iφ}`` with end points 0 and 1 and any real ``c``, let ``g(φ) = G(t) e^{−c(t − t_0)}``. If
    ``g`` stays in an open half plane, the argument of ``G`` changes by ``Arg(g_1/g_0) + c (v_1 − v_0)``, ``v = Im t``.
    ``F(t̄)`` is the conjugate of ``F(t)``, so the lower half circle contributes the same, and the zeros in the disc
    number the sum over the upper half divided by ``π``. Two tests show that ``g`` stays in a half plane (both ours).

    *Chord.* ``|d²g/dφ²| ≤ R M1 + R² M2`` with ``M_j(u) = e^{−c(u−u_0)} Σ w_k |b_k − c|^j``, ``u = Re t``. Both are
    convex in ``u``, and ``u`` is monotone on the arc, so they are largest at an end point; ``M1² ≤ M0 M2``. Hence
    ``g`` stays within ``ε = (Δφ)²/8 · max(R M1 + R² M2)`` of the chord from ``g_0`` to ``g_1``, and it suffices that
    the chord keeps a distance greater than ``ε`` from 0. It costs no evaluation beyond the end points.

    *Series.* With ``h`` half the length of the arc and ``c_j`` the Taylor coefficients of ``G e^{−ct}`` at its middle,
    it suffices that ``|c_0| > Σ_{j≥1} |c_j| h^j``. Near a zero of multiplicity ``m`` at distance ``d`` this holds for
    ``h`` about ``d/m`` where the chord test would need ``d^{m/2}``.
    """

    def __init__(self, gaps: list[arb], slopes: list[arb], radius: arb) -> None:
        self._gaps, self._slopes, self._radius = gaps, slopes, radius
        self._points = 0

    def count(self) -> int:
        ends = [self._point(j << (_DEPTH - 3)) for j in range(9)]
        stack = [(ends[j], ends[j + 1]) for j in reversed(range(8))]
        total = arb(0)
        while stack:
            start, end = stack.pop()
            change = self._change(start, end)
            if change is not None:
                total += change
                continue
            if end.angle - start.angle == 1:
                raise _Imprecise
            middle = self._point((start.angle + end.angle) // 2)
            stack += [(middle, end), (start, middle)]
        zeros = (total / arb.pi()).unique_fmpz()
        if zeros is None:
            raise _Imprecise
        return int(zeros)

    def _point(self, angle: int) -> _Point:
        self._points += 1
        if self._points > _MAX_POINTS:
            raise UndecidedCount(f"more than {_MAX_POINTS} points on |t| = {float(self._radius)!r} are needed")
        turn = arb(angle) / (1 << _DEPTH)
        v, u = turn.sin_pi() * self._radius, turn.cos_pi() * self._radius
        re, im, m0, m1, m2 = arb(0), arb(0), arb(0), arb(0), arb(0)
        for z, b in zip(self._gaps, self._slopes, strict=True):
            weight = (b * u + z).exp()
            sine, cosine = (b * v).sin_cos()
            re += weight * cosine
            im += weight * sine
            m0 += weight
            weight *= b
            m1 += weight
            m2 += weight * b
        value = acb(re, im)
        if value.contains(0):
            raise _Imprecise
        return _Point(angle, u, v, value, (m0, m1, m2))

    def _change(self, start: _Point, end: _Point) -> arb | None:
        """Return the change of ``arg G`` from ``start`` to ``end``, or None if the arc is too long to tell."""
        c = ((start.moments[1] / start.moments[0] + end.moments[1] / end.moments[0]) / 2).mid()
        width, height = end.u - start.u, end.v - start.v
        ratio = end.value / start.value * acb(-c * width, -c * height).exp()
        step = arb.pi() * (end.angle - start.angle) / (1 << _DEPTH)
        short = end.angle - start.angle < 1 << (_DEPTH - _SERIES_DEPTH)
        if self._chord_avoids_zero(start, end, c, ratio, step) or (
            short and self._series_avoids_zero((start.angle + end.angle) // 2, c, step * self._radius / 2)
        ):
            return ratio.arg() + c * height
        return None

    def _chord_avoids_zero(self, start: _Point, end: _Point, c: arb, ratio: acb, step: arb) -> bool:
        bend = arb(0)
        for point, factor in ((start, arb(1)), (end, (-c * (end.u - start.u)).exp())):
            m0, m1, m2 = point.moments
            central = (m2 - 2 * c * m1 + c * c * m0).nonnegative_part()
            bend = bend.max(factor * self._radius * ((m0 * central).sqrt() + self._radius * central))
        error = step * step / 8 * bend / start.value.abs_lower()
        towards = _towards_chord(ratio)
        if towards is None:
            return False
        bound = error * abs(towards)
        return bool(towards.real > bound and ratio.real * towards.real + ratio.imag * towards.imag > bound)

    def _series_avoids_zero(self, angle: int, c: arb, h: arb) -> bool:
        turn = arb(angle) / (1 << _DEPTH)
        t = acb(turn.cos_pi(), turn.sin_pi()) * self._radius
        tilted = [b - c for b in self._slopes]
        terms = [(t * b + z).exp() for z, b in zip(self._gaps, tilted, strict=True)]
        weights = [(t.real * b + z).exp() for z, b in zip(self._gaps, tilted, strict=True)]
        growth = max((abs(b).upper() * h for b in tilted), key=float).exp()
        room = sum(terms, acb(0)).abs_lower()
        for order in range(1, _SERIES_ORDER):
            scaled = [b * h / order for b in tilted]
            terms = [term * b for term, b in zip(terms, scaled, strict=True)]
            weights = [weight * abs(b) for weight, b in zip(weights, scaled, strict=True)]
            if room > sum(weights, arb(0)) * growth:
                return True
            room -= sum(terms, acb(0)).abs_upper()
            if not room > 0:
                return False
        return False


def _towards_chord(end: acb) -> complex | None:
    """Return about the point of the segment from 1 to ``end`` that is closest to 0 (any direction is rigorous)."""
    target = complex(float(end.real.mid()), float(end.imag.mid()))
    if not max(abs(target.real), abs(target.imag)) < 1e100:
        return None
    along = target - 1
    length = abs(along) ** 2
    if length == 0.0:
        return 1 + 0j
    return 1 + min(max(-along.real / length, 0.0), 1.0) * along


def _round_down(ball: arb) -> float:
    bound = ball.lower()
    value = float(bound)
    while not arb(value) <= bound:
        value = math.nextafter(value, -math.inf)
    return value


def _round_up(ball: arb) -> float:
    bound = ball.upper()
    value = float(bound)
    while not arb(value) >= bound:
        value = math.nextafter(value, math.inf)
    return value
