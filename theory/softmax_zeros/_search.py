"""Candidates for the zero of a scaled exponential sum nearest to the origin, batched Newton iterations in float64.

Candidates carry no guarantee: every caller checks them against a count of the zeros in a disc.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from theory.softmax_zeros.exponential_sum import ScaledSum, tilted_terms

Tensor = torch.Tensor

_LONGEST_STEP = 1.5  # in either coordinate; zeros of a scaled sum are about 2π apart
_STALLED = 1e-5  # relative length of the last step of an iteration that has converged
_FAR = 1e12  # in slope spreads; float64 has no digits left for the phases
_HIGH = 1e3  # in the same unit; a start higher up is lowered to this
_SMALL = 1e-2  # value at a candidate before its last step, relative to the largest term
_TINY = 1e-9  # the same where a long step is noise
_SAME = 1e-4  # distance below which two candidates are one


@dataclass(frozen=True)
class Candidates:
    """Distinct zeros ``u + iv``, ``v > 0``, sorted by modulus; shapes (B, M), padded with infinity."""

    u: Tensor
    v: Tensor

    @property
    def modulus(self) -> Tensor:
        return torch.hypot(self.u, self.v)

    def nearest(self, count: int) -> Candidates:
        """Return the first ``count`` of each sample, padded if there are fewer."""
        pad = (0, max(0, count - self.u.shape[1]))
        u, v = (torch.nn.functional.pad(x[:, :count], pad, value=math.inf) for x in (self.u, self.v))
        return Candidates(u, v)


@dataclass(frozen=True)
class Starts:
    """Where Newton starts and how long it runs.

    From ``corners`` corners of the upper envelope of the terms on either side, and ``rings × angles`` points.
    """

    corners: int
    rings: int
    angles: int
    steps: int


def search(function: ScaledSum, reach: Tensor, starts: Starts) -> Candidates:
    """Iterate Newton from zeros of two-term sums and from points of an annulus.

    The annulus begins at a lower bound of the radius and is the wider the more classes there are (for Gaussian samples
    the radius is about ``π (1 + log(n)/2)``), but extends at least to ``reach``, shape (B,). Its angles lie above the
    zero-free strip ``|Im t| < π``.
    """
    others = function.gaps.scatter(0, function.gaps.argmax(0, keepdim=True), -math.inf).logsumexp(0)
    inner = torch.hypot(others.clamp(max=0.0), torch.full_like(others, math.pi))
    outer = torch.maximum(inner + math.pi * (0.5 + 0.8 * math.log(len(function.gaps))), reach)
    points = (_envelope_ties(function, starts.corners), _annulus(inner, outer, starts.rings, starts.angles))
    u, v = (torch.cat(part, 1) for part in zip(*points, strict=True))
    lost = ~(u.abs() < _FAR)
    u, v = u.masked_fill(lost, 0.0), v.nan_to_num(nan=math.pi).clamp(max=_HIGH)
    u, v, length = newton(function, u, v, starts.steps)
    modulus = torch.hypot(u, v)
    converged = (length <= _STALLED * modulus) & (v > 0.99 * math.pi)
    return _distinct(u, v, modulus.masked_fill(~converged, math.inf))


def newton(function: ScaledSum, u: Tensor, v: Tensor, steps: int) -> tuple[Tensor, Tensor, Tensor]:
    """Iterate Newton from ``u + iv``, shape (B, T), and extrapolate.

    At a multiple zero the steps shrink by a constant factor ``r``; the sum of the steps to come is then ``r/(1 − r)``
    times the last one (Aitken). At a simple zero ``r`` is tiny and the extrapolation does nothing. In a cluster ``F``
    is soon below its rounding error; a long last step is then noise and is taken back.

    Returns
    -------
    u, v, length
        The points, in the closed upper half plane, and the length of the last move: infinite where ``F`` was not small,
        0 where the last step was taken back.
    """
    gaps, slopes = function.gaps[:, :, None], function.slopes[:, :, None]
    du = dv = torch.zeros_like(u)
    for _ in range(steps):
        du_before, dv_before = du, dv
        _, re_terms, im_terms = tilted_terms(gaps, slopes, u, v)
        re, im = re_terms.sum(0), im_terms.sum(0)
        slope_re, slope_im = re_terms.mul_(slopes).sum(0), im_terms.mul_(slopes).sum(0)
        norm = torch.addcmul(slope_re.square(), slope_im, slope_im)
        du = torch.addcmul(re * slope_re, im, slope_im).div_(norm).clamp_(-_LONGEST_STEP, _LONGEST_STEP)
        dv = torch.addcmul(im * slope_re, re, slope_im, value=-1).div_(norm).clamp_(-_LONGEST_STEP, _LONGEST_STEP)
        u, v = u - du, v - dv
    last, before = torch.complex(du, dv), torch.complex(du_before, dv_before)
    ratio = last / before
    linear = (ratio.imag.abs() < 0.1) & (ratio.real > 0.3) & (ratio.real < 0.95) & (last.abs() < 0.3)
    extra = (last * ratio / (1 - ratio)).masked_fill(~linear, 0.0)
    value = torch.maximum(re.abs(), im.abs())
    length = torch.maximum(last.abs(), extra.abs()).masked_fill(value > _SMALL, math.inf)
    noise = (value < _TINY) & (length > _SAME)
    move = torch.where(noise, -last, extra)
    return u - move.real, (v - move.imag).abs(), length.masked_fill(noise, 0.0)


def _envelope_ties(function: ScaledSum, corners: int) -> tuple[Tensor, Tensor]:
    """Zeros of the sums of two terms that dominate in turn as ``Re t`` moves away from 0 on either side.

    They are the first corners of ``max_k (gaps_k + slopes_k u)``. Far from 0 the zeros of ``F`` are near them.
    """
    level, slopes = function.gaps.repeat(1, 2), torch.cat([function.slopes, -function.slopes], 1)
    corner = torch.zeros_like(level[0])
    u, v = [], []
    for _ in range(min(corners, len(level) - 1)):
        tie = (-level / slopes).masked_fill_(slopes <= 0.0, math.inf)
        step, following = tie.min(0, keepdim=True)
        rise = slopes.gather(0, following)
        corner = corner + step[0]
        u.append(corner)
        v.append(math.pi / rise[0])
        level, slopes = torch.addcmul(level, slopes, step), slopes - rise
    (u_right, u_left), (v_right, v_left) = (torch.stack(x, 1).chunk(2) for x in (u, v))
    return torch.cat([u_right, -u_left], 1), torch.cat([v_right, v_left], 1)


def _annulus(inner: Tensor, outer: Tensor, rings: int, angles: int) -> tuple[Tensor, Tensor]:
    def midpoints(count: int) -> Tensor:
        return (torch.arange(count, dtype=inner.dtype, device=inner.device) + 0.5) / count

    radius = (inner[:, None] + (outer - inner)[:, None] * midpoints(rings))[:, :, None]
    lowest = torch.asin(math.pi / radius)
    angle = lowest + (math.pi - 2 * lowest) * midpoints(angles)
    return (radius * angle.cos()).flatten(1), (radius * angle.sin()).flatten(1)


def _distinct(u: Tensor, v: Tensor, modulus: Tensor) -> Candidates:
    """Sort by ``modulus`` and drop points that are infinite or repeat an earlier one."""
    modulus, order = modulus.sort(-1)
    u, v = u.gather(-1, order), v.gather(-1, order)
    distance = (u[:, :, None] - u[:, None, :]).abs_() + (v[:, :, None] - v[:, None, :]).abs_()
    repeated = (distance <= _SAME).tril(-1).any(-1)
    drop = repeated | modulus.isinf()
    modulus, order = modulus.masked_fill(drop, math.inf).sort(-1)
    drop = modulus.isinf()
    return Candidates(u.gather(-1, order).masked_fill(drop, math.inf), v.gather(-1, order).masked_fill(drop, math.inf))
