"""The nearest zero of a batch of scaled exponential sums with a rigorous certificate in float64 arithmetic.

The certificate has two parts, both vectorised over the batch. *Discs*: around each candidate a disc that holds exactly
one zero. *Count*: the number of zeros inside a contour of radius about ``R`` in the upper half plane. If the count
equals the number of disjoint discs inside the contour, no other zero is there, and the nearest disc encloses ``ρ*``.

The contour
-----------
``g(t) = Σ_k e^{gaps_k + β_k t}``, ``β_k ∈ [−½, ½]`` (slopes relative to the middle of their range), is free of zeros
on two sets where its argument is known from its value alone:

* the strip ``|Im t| ≤ 3 < π``: all phases ``β_k Im t`` lie in ``(−π/2, π/2)``, so ``arg g`` is the principal one
  (arXiv 2603.13552, Lemma 4.5 and Thm 4.6);
* the dominated strip ``−u₋ ≤ Re t ≤ u₊``, where the likeliest class outweighs the sum of the others (by
  log-convexity an interval, so its two ends suffice): ``arg g = β_r Im t + Arg(g e^{−iβ_r Im t})``.

Only the two arcs of ``|t| = R`` outside both sets are sampled. Between neighbouring points at distance ``h`` the
values stay within ``h²/8 · max(M_0, M_1)`` of the chord from ``g_0`` to ``g_1``, where
``M = Σ β_k² e^{gaps_k + β_k Re t}`` bounds ``|g''|`` and is convex in ``Re t``. While the chord keeps a greater
distance from 0, the argument changes by ``Arg(g_1/g_0)``. The polygon contains the disc of radius ``R cos(δθ/2)``.

The discs
---------
With ``η = |g|/|g'|`` at ``t`` and ``K ≥ sup|g''|/|g'(t)|`` on ``|s − t| ≤ 2η ≤ ½``: if ``2Kη < 1``, then on
``|s − t| = 2η`` the linear part exceeds the rest of ``g``, and by Rouché's theorem the disc holds exactly one zero
``t*``. By Taylor's formula ``t*`` differs from the Newton iterate ``t − g/g'`` by at most ``K(2η)²/2``, to which the
rounding errors ``ε`` of ``g`` and ``g'`` add ``ε(1 + η)/|g'|``. Discs around the iterates that do not meet hold
different zeros.

Rounding
--------
Let ``e = 2^{−53}``, ``Z = max|gaps|`` (classes with a gap beyond ``2R + 60`` weigh less than ``e^{−60}`` of the largest
term and are covered by the slack) and ``S`` the sum of the moduli of the terms. A computed term differs from the
exact one by at most its modulus times the sum of

* exponent: ``e·Z`` (gap), ``3e·R`` (``β_k`` has three roundings of numbers ≤ 1), ``2e(Z + 3R/2)`` (two additions, a
  product, and the shift by at most ``R/2``), ``2e`` (exp within 1 ulp);
* phase: ``3e·R + e·R/2`` (``β_k`` and the product), ``4e`` (sine and cosine within 1 ulp);
* ``2e`` (product of modulus and phase) and ``n·e`` (sum in any order).

Together below ``e(n + 8 + 3Z + 10R)``; we take ``2e(n + 16 + 4Z + 12R)``. The same bound covers ``g'`` because
``|β_k| ≤ ½``. Quantities that need only a bound (``M``, ``h``, ``K``) are inflated by a percent. (The scheme is ours.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import torch

from theory.softmax_zeros._search import Candidates, Starts, search
from theory.softmax_zeros.exponential_sum import ScaledSum, rotated, tilted_terms

Tensor = torch.Tensor

_ROUND = 2.0**-53
_STRIP = 3.0  # height of the chord inside the zero-free strip |Im t| < π
_DISCS = 5  # candidates to prove discs around; a contour goes beyond at most the first four
_NEAR = 7.0  # half width of a contour up to which the dominated strip is sampled like the rest
_SLACK = 1.01
_ELEMENTS = 1 << 17  # size of intermediate arrays that stay in a CPU cache


@dataclass(frozen=True)
class Effort:
    """How hard to search, into how many pieces to cut each arc, and through which gaps between moduli to lead it."""

    starts: Starts
    pieces: int
    gap: float


EFFORTS = (
    Effort(Starts(corners=2, rings=1, angles=6, steps=7), pieces=24, gap=1.2),
    Effort(Starts(corners=4, rings=4, angles=8, steps=12), pieces=96, gap=0.4),
    Effort(Starts(corners=8, rings=8, angles=16, steps=20), pieces=400, gap=0.05),
    Effort(Starts(corners=8, rings=16, angles=24, steps=30), pieces=1600, gap=0.01),
)


@dataclass(frozen=True)
class Located:
    """Zeros ``u + iv`` of scaled sums and enclosures of the smallest modulus; shapes (B,).

    ``lower`` is 0 where no disc is proved free of zeros, ``upper`` infinite where no zero is proved to exist; the zero
    itself is infinite where none was found.
    """

    u: Tensor
    v: Tensor
    lower: Tensor
    upper: Tensor

    @property
    def proved(self) -> Tensor:
        return self.lower > 0.0

    @property
    def reach(self) -> Tensor:
        """Modulus of the zero, 0 where none was found."""
        return torch.hypot(self.u, self.v).nan_to_num(posinf=0.0)


def locate(function: ScaledSum) -> Located:
    """Find the nearest zero of each sum, with the next effort where the proof fails."""
    if function.gaps.shape[0] == 2:
        return _binary(function)
    first, *harder = EFFORTS
    result = _attempts(function, torch.zeros_like(function.spread), first)
    for effort in harder:
        pending = (~result.proved).nonzero()[:, 0]
        if len(pending) == 0:
            break
        _merge(result, pending, _attempts(function.select(pending), result.reach[pending], effort))
    return result


def _attempts(function: ScaledSum, reach: Tensor, effort: Effort) -> Located:
    """Split a batch so that intermediate arrays stay small."""
    size = max(1, _ELEMENTS // (function.gaps.shape[0] * effort.pieces))
    if len(function) <= size:
        return _attempt(function, reach, effort)
    rows = torch.arange(len(function), device=reach.device)
    parts = [_attempt(function.select(part), reach[part], effort) for part in torch.split(rows, size)]
    return Located(*(torch.cat([getattr(part, field.name) for part in parts]) for field in fields(Located)))


def _merge(result: Located, rows: Tensor, found: Located) -> None:
    closer = torch.hypot(found.u, found.v) <= torch.hypot(result.u[rows], result.v[rows])
    better = found.proved | closer
    rows = rows[better]
    for field in fields(Located):
        getattr(result, field.name)[rows] = getattr(found, field.name)[better]


def _binary(function: ScaledSum) -> Located:
    """Two classes: the zeros are ``−(gap + iπ(2k+1))/slope`` with slope ±1 (arXiv 2603.13552, Thm 4.3)."""
    u = -function.gaps.sum(0) / function.slopes.sum(0)
    v = torch.full_like(u, math.pi)
    modulus = torch.hypot(u, v)
    return Located(u, v, modulus * (1 - 8 * _ROUND), modulus * (1 + 8 * _ROUND))


def _attempt(function: ScaledSum, reach: Tensor, effort: Effort) -> Located:
    discs = isolate(function, search(function, reach, effort.starts))
    outer = _contour(discs.modulus, effort.gap)
    lower = prove_nearest(function, discs, outer, effort.pieces)
    lower = lower.masked_fill(discs.modulus.amin(-1) >= outer, 0.0)  # a disc free of zeros does not end the search
    return Located(discs.u[:, 0], discs.v[:, 0], lower, discs.nearest)


def prove_nearest(function: ScaledSum, discs: Discs, outer: Tensor, pieces: int) -> Tensor:
    """Return a proved lower bound of the smallest zero modulus, shape (B,), and 0 where the proof fails.

    The proof needs as many disjoint discs inside the contour of radius about ``outer`` as there are zeros. If there are
    none, the bound is the radius of the disc free of zeros.
    """
    inner, count = _count(_Frame.of(function), outer, pieces)
    inside = discs.modulus < outer[:, None]
    low, high = discs.modulus - discs.radius, discs.modulus + discs.radius
    contained = ((high < inner[:, None]) | ~inside).all(-1)
    proved = (count == inside.sum(-1)) & contained & _disjoint(discs, inside)
    return torch.minimum(low.masked_fill(~inside, math.inf).amin(-1), inner).masked_fill(~proved, 0.0)


@dataclass(frozen=True)
class _Frame:
    """Scaled sums with the slopes ``β`` relative to the middle of their range."""

    gaps: Tensor
    slopes: Tensor
    likeliest: Tensor
    widest_gap: Tensor

    @classmethod
    def of(cls, function: ScaledSum) -> _Frame:
        middle = (function.slopes.amax(0) + function.slopes.amin(0)) / 2
        return cls(function.gaps, function.slopes - middle, -middle, -function.gaps.amin(0))

    def select(self, rows: Tensor) -> _Frame:
        return _Frame(self.gaps[:, rows], self.slopes[:, rows], self.likeliest[rows], self.widest_gap[rows])

    def rounding(self, reach: Tensor) -> Tensor:
        """Bound ``|computed − exact| / S`` at points with ``|t| ≤ reach``, shape (B, T)."""
        gap = torch.minimum(self.widest_gap[:, None], 2 * reach + 60)
        return 2 * _ROUND * (self.gaps.shape[0] + 16 + 4 * gap + 12 * reach)


@dataclass(frozen=True)
class Discs:
    """Discs around ``u + iv`` that hold exactly one zero, the nearest candidates first; shapes (B, M).

    ``radius`` is infinite where no zero was proved, ``u`` and ``v`` too where there is no candidate; none is NaN.
    """

    u: Tensor
    v: Tensor
    radius: Tensor

    @classmethod
    def none(cls, like: Tensor) -> Discs:
        """Return no discs for a batch of the size of ``like``."""
        missing = torch.full((len(like), _DISCS), math.inf, dtype=like.dtype, device=like.device)
        return cls(missing, missing.clone(), missing.clone())

    @property
    def modulus(self) -> Tensor:
        return torch.hypot(self.u, self.v)

    @property
    def nearest(self) -> Tensor:
        """Return a proved upper bound of the smallest zero modulus, shape (B,)."""
        return (self.modulus + self.radius).amin(-1)


def isolate(function: ScaledSum, candidates: Candidates) -> Discs:
    """Take one more Newton step from the nearest candidates, and prove a disc around each result."""
    frame, near = _Frame.of(function), candidates.nearest(_DISCS)
    missing = near.u.isinf()
    u, v = near.u.masked_fill(missing, 0.0), near.v.masked_fill(missing, 0.0)
    slopes = frame.slopes[:, :, None]
    moduli, re_terms, im_terms = tilted_terms(frame.gaps[:, :, None], slopes, u, v)
    slack = frame.rounding(torch.hypot(u, v)) * moduli.sum(0)
    re, im = re_terms.sum(0), im_terms.sum(0)
    slope_re, slope_im = re_terms.mul_(slopes).sum(0), im_terms.mul_(slopes).sum(0)
    norm = torch.addcmul(slope_re.square(), slope_im, slope_im)
    derivative = norm.sqrt() / _SLACK - slack
    eta = _SLACK * (torch.hypot(re, im) + slack) / derivative
    curvature = _SLACK * math.exp(0.25) * moduli.mul_(slopes).mul_(slopes).sum(0) / derivative
    proved = (derivative > 0) & (2 * curvature * eta < 1) & (2 * eta < 0.5) & ~missing
    radius = _SLACK * (2.1 * curvature * eta.square() + 1.25 * slack / derivative)
    norm = norm.masked_fill(~proved, math.inf)  # a step that is not proved may be noise
    u = u - torch.addcmul(re * slope_re, im, slope_im).div_(norm)
    v = v - torch.addcmul(im * slope_re, re, slope_im, value=-1).div_(norm)
    u, v = u.masked_fill(missing, math.inf), v.masked_fill(missing, math.inf)
    return Discs(u, v, radius.masked_fill(~proved, math.inf))


def _disjoint(discs: Discs, inside: Tensor) -> Tensor:
    """Tell for each sample whether the discs inside the contour are pairwise disjoint."""
    du, dv = discs.u[:, :, None] - discs.u[:, None, :], discs.v[:, :, None] - discs.v[:, None, :]
    reach = _SLACK * (discs.radius[:, :, None] + discs.radius[:, None, :])
    matters = (inside[:, :, None] & inside[:, None, :]).tril(-1)
    return ((torch.addcmul(du.square(), dv, dv) > reach.square()) | ~matters).flatten(1).all(-1)


def _contour(modulus: Tensor, wide: float) -> Tensor:
    """Choose a radius in a gap between the moduli (B, M): the first that is at least ``wide``, or else the widest."""
    first = modulus[:, :-1]
    gap = (modulus[:, 1:] - first).clamp(max=wide).nan_to_num(nan=0.0)
    index = gap.argmax(-1, keepdim=True)
    return (first.gather(-1, index) + 0.5 * gap.gather(-1, index)).nan_to_num(posinf=2 * math.pi)[:, 0]


def _count(frame: _Frame, outer: Tensor, pieces: int) -> tuple[Tensor, Tensor]:
    """Count the zeros in the upper half of a contour of radius about ``outer``.

    Returns
    -------
    inner, count
        The radius of a disc whose zeros are all counted, and their number (−1 where the samples do not prove one).
    """
    corner = (outer.square() - _STRIP**2).sqrt()
    edges = _dominated_strip(frame, corner).flatten()
    rows = (edges < corner.repeat(2)).nonzero()[:, 0]
    side = torch.ones_like(edges)
    side[len(outer) :] = -1.0
    edge, side, rows = edges[rows], side[rows], rows % len(outer)
    turns, proved, opening = _half_winding(frame.select(rows), outer[rows], edge, side, pieces)
    winding = torch.zeros_like(outer).index_add_(0, rows, side * turns)
    count = winding.round()
    failures = torch.zeros_like(outer).index_add_(0, rows, (~proved).to(outer.dtype))
    certain = (failures == 0) & ((winding - count).abs() < 0.05)
    widest = torch.zeros_like(outer).scatter_reduce_(0, rows, opening, "amax")
    return outer * (widest / 2).cos() * (1 - 1e-12), count.masked_fill(~certain, -1.0)


def _half_winding(
    frame: _Frame, outer: Tensor, edge: Tensor, side: Tensor, pieces: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Follow ``arg g`` from the real axis through the strip and along the arc to the dominated strip or the top.

    Parameters
    ----------
    frame, outer
        H samples and the radii of their contours.
    edge
        ``|Re t|`` at the end of the arc, 0 at the top of the circle.
    side
        1 for the right half, −1 for the left; all arrays have shape (H,).
    pieces
        Number of chords of each arc.

    Returns
    -------
    turns, proved, opening
        The change in turns less the argument known at the end (0 at the top of the circle, where both halves meet);
        whether it is proved; the angle between neighbouring points.
    """
    start, end = torch.asin(_STRIP / outer), torch.acos(edge / outer)
    opening = (end - start) / pieces
    angle = torch.addcmul(start[:, None], opening[:, None], _steps(pieces, outer))
    u, v = outer[:, None] * angle.cos(), outer[:, None] * angle.sin()
    u[:, -1], v[:, -1] = edge, (outer.square() - edge.square()).sqrt()

    slopes = side * frame.slopes
    anchored = torch.addcmul(frame.gaps, slopes, edge)
    anchored -= anchored.amax(0)
    moduli = torch.addcmul(anchored[:, :, None], slopes[:, :, None], u - edge[:, None]).exp_()
    re, im = (part.sum(0) for part in rotated(moduli, frame.slopes[:, :, None], v))
    reserve = 2 * frame.rounding(outer[:, None]) * moduli.sum(0)
    second = moduli.mul_(slopes.square()[:, :, None]).sum(0)
    reserve.addcmul_((_SLACK / 8) * (outer * opening).square()[:, None], second).square_()

    re0, im0, re1, im1 = re[:, :-1], im[:, :-1], re[:, 1:], im[:, 1:]
    dre, dim = re1 - re0, im1 - im0
    along = torch.addcmul(re0 * dre, im0, dim)
    nearest = along.div_(torch.addcmul(dre.square(), dim, dim)).neg_().clamp_(0.0, 1.0)
    distance = torch.addcmul(re0, nearest, dre).square_().add_(torch.addcmul(im0, nearest, dim).square_())
    safe = (distance > torch.maximum(reserve[:, :-1], reserve[:, 1:])).all(-1)

    change = torch.atan2(torch.addcmul(re0 * im1, im0, re1, value=-1), torch.addcmul(re0 * re1, im0, im1)).sum(-1)
    known = frame.likeliest * v[:, -1]
    c, s = known.cos(), known.sin()
    known = known + torch.atan2(im[:, -1] * c - re[:, -1] * s, re[:, -1] * c + im[:, -1] * s)
    change = torch.atan2(im[:, 0], re[:, 0]) + change - known.masked_fill(edge == 0.0, 0.0)
    return change / (2 * math.pi), safe, opening


def _steps(pieces: int, like: Tensor) -> Tensor:
    return torch.arange(pieces + 1, dtype=like.dtype, device=like.device)


def _dominated_strip(frame: _Frame, corner: Tensor) -> Tensor:
    """Return the ends of a strip ``−u₋ ≤ Re t ≤ u₊`` in which the likeliest class dominates.

    Shape (2, B), ``u₊`` first, neither beyond ``corner``; both are 0 where that class does not dominate at 0, or where
    the strip would not save much.
    """
    ends = torch.zeros((2, *corner.shape), dtype=corner.dtype, device=corner.device)
    likely = ((corner > _NEAR) & (frame.gaps.exp().sum(0) < 2.0)).nonzero()[:, 0]
    if len(likely):
        some, reach = frame.select(likely), corner[likely]
        others = some.gaps.scatter(0, some.gaps.argmax(0, keepdim=True), -math.inf)
        slopes = some.slopes - some.likeliest
        margin = 2 * some.rounding(reach[:, None])[:, 0]
        found = _dominated(others.repeat(1, 2), torch.cat([slopes, -slopes], 1), reach.repeat(2), margin.repeat(2))
        found = found.view(2, -1)
        ends[:, likely] = found.masked_fill((found == 0.0).any(0), 0.0)
    return ends


def _dominated(others: Tensor, slopes: Tensor, corner: Tensor, margin: Tensor) -> Tensor:
    """Return ``0 ≤ u ≤ corner`` with ``Σ e^{others + slopes·s} < 1`` for ``0 ≤ s ≤ u``, nearly as large as possible.

    The logarithm of the sum is convex: Newton from the right stays on the right of its root, and the chord from 0
    to such a point meets zero on the left.
    """
    at_zero = others.logsumexp(0)
    u = torch.minimum((-others / slopes).masked_fill(slopes <= 0.0, math.inf).amin(0), corner)
    for _ in range(2):
        moduli = torch.addcmul(others, slopes, u).exp_()
        total = moduli.sum(0)
        slope = moduli.mul_(slopes).sum(0)
        u = torch.where(slope > 0.0, u - total * total.log() / slope, corner).clamp_(min=0.0)
        u = torch.minimum(u, corner)
    level = torch.addcmul(others, slopes, u).logsumexp(0)
    u = torch.where(level < 0.0, u, u * (at_zero / (at_zero - level))) * (1 - 1e-9)
    level = torch.addcmul(others, slopes, u).logsumexp(0)
    return u.masked_fill(~(torch.maximum(level, at_zero) < -margin), 0.0)
