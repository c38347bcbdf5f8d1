"""The smallest ghost radius in a batch, solved exactly for the few samples that cheap bounds cannot rule out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import torch

from theory._arrays import Array, as_float64, require_samples, same_kind
from theory.softmax_zeros._float_certificate import EFFORTS, Discs, isolate, prove_nearest
from theory.softmax_zeros._search import Candidates, search
from theory.softmax_zeros.bounds import lower_bound
from theory.softmax_zeros.exponential_sum import ScaledSum
from theory.softmax_zeros.radius import attach, require_options, solve

Tensor = torch.Tensor
BatchCertify: TypeAlias = Literal["float", "arb"]

_AT_ONCE = 6  # samples searched or solved together
_BEYOND = 1.01  # radius of the contours, relative to the least radius found
_FARTHEST = 1e9  # and at most, in slope spreads
_PIECES = 16  # of their arcs
_ROUND = 2.0**-50


@dataclass(frozen=True)
class BatchRadius:
    """The smallest ghost radius of a batch; NumPy or torch scalars as the input.

    Attributes
    ----------
    rho
        Convergence radius of the mean cross-entropy of the batch, float64; differentiable.
    index
        The sample that attains it, int64.
    zero
        Its zero in the upper half plane, complex128.
    lower, upper
        A rigorous enclosure of ``rho``.
    certified
        True only if ``upper − lower ≤ rtol · lower``.
    solved
        How many samples were solved, int64; the others were ruled out.
    """

    rho: Any
    index: Any
    zero: Any
    lower: Any
    upper: Any
    certified: Any
    solved: Any


class Sighting(NamedTuple):
    """About where a sample of a batch has a zero, in the upper half plane and the units of ``t``."""

    sample: int
    zero: complex


def sight(logits: Tensor, slopes: Tensor) -> Sighting | None:
    """Return the nearest zero that a search of the samples with the smallest lower bounds finds, or ``None``.

    Half the work of `batch_radius`, which alone proves that no zero of the batch is nearer.

    Parameters
    ----------
    logits, slopes
        Real floating and finite, shape (B, n).
    """
    with torch.inference_mode():
        elimination = _Elimination(logits.detach().double(), slopes.detach().double(), "float", 0.5)
        elimination.search()
        index = int(elimination.upper.argmin())
        if math.isinf(float(elimination.upper[index])):
            return None
        return Sighting(index, complex(elimination.zero[index]))


def batch_radius(
    logits: Array,
    slopes: Array,
    certify: BatchCertify = "float",
    rtol: float = 1e-9,
    *,
    sighted: Sighting | None = None,
) -> BatchRadius:
    """Return the smallest ghost radius of a batch, the same as ``radius(...).rho.min()`` but for less work.

    The samples with the smallest lower bounds are searched for zeros. The others are ruled out if their bound exceeds
    the least radius found. What is left is settled by a count of the zeros in discs slightly larger than that, or else
    solved one by one.

    Parameters
    ----------
    logits, slopes
        Real floating, shape (B, n) or (n,), NumPy or torch; see `theory.softmax_zeros.radius.radius`.
    certify, rtol
        As for `theory.softmax_zeros.radius.radius`.
    sighted
        Where a zero is near that may be the nearest of all: it is taken for the result of the search. A wrong one costs
        time and changes nothing else; ``certify="arb"`` takes no notice.

    Returns
    -------
    BatchRadius
        ``rho = ∞`` at index 0 if every sample has all slopes equal.

    Raises
    ------
    TypeError, ValueError
        As `theory.softmax_zeros.radius.radius`; for a sample sighted that is not in the batch.

    References
    ----------
    The radius of the mean loss is exactly the minimum over its samples, since ``exp`` of a positive combination of
    ``log F_x`` has zeros and branch points of positive order only, which cannot cancel (ours; arXiv 2603.13552, Eq. 15
    has the corresponding statement for the bound ``π/Δ_a``).
    """
    (z, a), _ = as_float64(logits=logits, slopes=slopes)
    require_samples(logits=z, slopes=a)
    require_options(certify, rtol, get_args(BatchCertify))
    if sighted is not None and not 0 <= sighted.sample < z[..., 0].numel():
        raise ValueError(f"sighted.sample is {sighted.sample}; expected a sample in [0, {z[..., 0].numel()})")
    z, a = z.reshape(-1, z.shape[-1]), a.reshape(-1, a.shape[-1])
    with torch.inference_mode():
        found = _Elimination(z.detach(), a.detach(), certify, rtol).run(sighted)
    rho, index, zero, lower, upper, solved = (value.clone() for value in found)
    rho = attach(z[index : index + 1], a[index : index + 1], rho[None], zero[None])[0]
    certified = (upper - lower <= rtol * lower) | lower.isinf()
    return BatchRadius(*map(same_kind(logits, slopes), (rho, index, zero, lower, upper, certified, solved)))


class _Elimination:
    """Enclosures of the radii of all samples (B,), narrowed until only the minimum matters."""

    def __init__(self, z: Tensor, a: Tensor, certify: BatchCertify, rtol: float) -> None:
        self._z, self._a, self._certify, self._rtol = z, a, certify, rtol
        self.lower: Tensor = lower_bound(z, a, "variance")
        self.upper = torch.full_like(self.lower, torch.inf)
        self.rho = self.upper.clone()
        self.zero = torch.complex(self.rho, torch.zeros_like(self.rho))
        self.solved = torch.zeros_like(self.lower, dtype=torch.bool)
        self._settled = torch.zeros_like(self.solved)

    def run(self, sighted: Sighting | None) -> tuple[Tensor, ...]:
        """Return the minimum, its sample and zero, its lower and upper bound, and the number of samples solved."""
        if self._certify == "float":
            discs = (sighted and self._look_at(sighted)) or self.search()
            self._prove(self._open(), discs)
        while len(rest := self._open()):
            self._solve(self._least(rest))
        index = self.rho.argmin()
        lower, upper = self.lower.amin(), self.upper.amin()
        return self.rho[index].clamp(lower, upper), index, self.zero[index], lower, upper, self.solved.sum()

    def _least(self, rows: Tensor) -> Tensor:
        return rows[self.lower[rows].topk(min(_AT_ONCE, len(rows)), largest=False)[1]]

    def _open(self) -> Tensor:
        """Samples that may still attain the minimum and have neither been settled nor solved."""
        return ((self.lower < self.upper.amin()) & ~self._settled).nonzero()[:, 0]

    def search(self) -> Discs:
        """Look for zeros in the samples with the smallest lower bounds."""
        rows = self._least(self._open())
        if len(rows) == 0:
            return Discs.none(self.lower)
        function = ScaledSum.of(self._z[rows], self._a[rows])
        candidates = search(function, torch.zeros_like(function.spread), EFFORTS[0].starts)
        return self._take(rows, function, isolate(function, candidates))

    def _look_at(self, sighted: Sighting) -> Discs | None:
        """Return a narrow disc around the zero, if there is one where it is said to be."""
        rows = torch.tensor([sighted.sample], device=self.lower.device)
        if bool(self.lower[rows].isinf()):
            return None
        function = ScaledSum.of(self._z[rows], self._a[rows])
        scaled = sighted.zero * function.spread[:, None]
        found = isolate(function, Candidates(scaled.real, scaled.imag))
        narrow = found.radius[0, 0] <= self._rtol / 4 * found.modulus[0, 0]
        return self._take(rows, function, found) if bool(narrow) else None

    def _take(self, rows: Tensor, function: ScaledSum, found: Discs) -> Discs:
        """Take over the upper bounds, and return the discs (B, M) of ``rows`` among none of the others."""
        discs = Discs.none(self.lower)
        discs.u[rows], discs.v[rows], discs.radius[rows] = found.u, found.v, found.radius
        self.upper[rows] = found.nearest / function.spread * (1 + _ROUND)
        self.rho[rows] = found.modulus[:, 0] / function.spread
        self.zero[rows] = torch.complex(found.u[:, 0] / function.spread, found.v[:, 0] / function.spread)
        self.solved[rows] = True
        return discs

    def _prove(self, rows: Tensor, discs: Discs) -> None:
        """Raise lower bounds by a proof that no zero lies near the least radius found, other than those in discs."""
        if len(rows) == 0:
            return
        function = ScaledSum.of(self._z[rows], self._a[rows])
        outer = (_BEYOND * self.upper.amin() * function.spread).clamp(min=math.pi, max=_FARTHEST)
        known = Discs(discs.u[rows], discs.v[rows], discs.radius[rows])
        lower = prove_nearest(function, known, outer, _PIECES) / function.spread * (1 - _ROUND)
        self.lower[rows] = torch.maximum(self.lower[rows], lower)
        self._settled[rows] = lower > 0.0

    def _solve(self, rows: Tensor) -> None:
        found = solve(self._z[rows], self._a[rows], self._certify, self._rtol)
        self.rho[rows], self.zero[rows], self.upper[rows] = found.rho, found.zero, found.upper
        self.lower[rows] = torch.maximum(self.lower[rows], found.lower)
        self.solved[rows] = self._settled[rows] = True
