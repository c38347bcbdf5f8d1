"""The smallest ghost radius in a batch, solved exactly for the few samples that cheap bounds cannot rule out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch

from theory.softmax_zeros._arrays import Array, as_float64, require_samples, same_kind
from theory.softmax_zeros._float_certificate import zero_free
from theory.softmax_zeros.bounds import lower_bound
from theory.softmax_zeros.exponential_sum import ScaledSum
from theory.softmax_zeros.radius import attach, require_options, solve

Tensor = torch.Tensor

_SHARPENED = 256  # samples that get the sharper bound at once
_SOLVED = 12  # samples that are solved at once


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
        How many samples were solved, the others being ruled out by bounds, int64.
    """

    rho: Any
    index: Any
    zero: Any
    lower: Any
    upper: Any
    certified: Any
    solved: Any


def batch_radius(
    logits: Array, slopes: Array, certify: Literal["float", "arb"] = "float", rtol: float = 1e-9
) -> BatchRadius:
    """Return the smallest ghost radius of a batch, the same as ``radius(...).rho.min()`` but for less work.

    The samples with the smallest lower bounds are solved. The others are ruled out if their bound exceeds the least
    radius found, or (``"float"``) if their disc of that radius is proved to hold no zero; what remains is solved.

    Parameters
    ----------
    logits, slopes
        Real floating, shape (B, n) or (n,), NumPy or torch; see `theory.softmax_zeros.radius.radius`.
    certify, rtol
        As for `theory.softmax_zeros.radius.radius`.

    Returns
    -------
    BatchRadius
        ``rho = ∞`` at index 0 if every sample has all slopes equal.

    Raises
    ------
    TypeError, ValueError
        As `theory.softmax_zeros.radius.radius`.

    References
    ----------
    The radius of the mean loss is exactly the minimum over its samples, since ``exp`` of a positive combination of
    ``log F_x`` has zeros and branch points of positive order only, which cannot cancel (ours; arXiv 2603.13552, Eq. 15
    has the corresponding statement for the bound ``π/Δ_a``).
    """
    (z, a), _ = as_float64(logits=logits, slopes=slopes)
    require_samples(logits=z, slopes=a)
    require_options(certify, rtol)
    if certify == "none":
        raise ValueError("certify is 'none'; expected 'float' or 'arb'")
    z, a = torch.atleast_2d(z), torch.atleast_2d(a)
    with torch.inference_mode():
        found = _Elimination(z.detach(), a.detach(), certify, rtol).run()
    rho, index, zero, lower, upper, solved = (value.clone() for value in found)
    rho = attach(z[index : index + 1], a[index : index + 1], rho[None], zero[None])[0]
    certified = (upper - lower <= rtol * lower) | lower.isinf()
    return BatchRadius(*map(same_kind(logits, slopes), (rho, index, zero, lower, upper, certified, solved)))


class _Elimination:
    """Enclosures of the radii of all samples (B,), narrowed until only the minimum matters."""

    def __init__(self, z: Tensor, a: Tensor, certify: Literal["float", "arb"], rtol: float) -> None:
        self._z, self._a, self._certify, self._rtol = z, a, certify, rtol
        self.lower: Tensor = lower_bound(z, a, "dominance")
        self.upper = torch.full_like(self.lower, torch.inf)
        self.rho = self.upper.clone()
        self.zero = torch.complex(self.rho, torch.zeros_like(self.rho))
        self.solved = torch.zeros_like(self.lower, dtype=torch.bool)

    def run(self) -> tuple[Tensor, ...]:
        """Return the minimum, its sample and zero, its lower and upper bound, and the number of samples solved."""
        first = self._smallest(_SHARPENED)
        self._sharpen(first)
        self._solve(first[self.lower[first].topk(min(_SOLVED, len(first)), largest=False)[1]])
        rest = self._open()
        self._sharpen(rest[torch.isin(rest, first, invert=True)])
        if self._certify == "float":
            self._rule_out(self._open())
        while len(rest := self._open()):
            self._solve(rest[self.lower[rest].topk(min(4 * _SOLVED, len(rest)), largest=False)[1]])
        index = self.rho.argmin()
        return self.rho[index], index, self.zero[index], self.lower.amin(), self.upper.amin(), self.solved.sum()

    def _smallest(self, count: int) -> Tensor:
        return self.lower.topk(min(count, len(self.lower)), largest=False)[1]

    def _open(self) -> Tensor:
        """Samples that may still attain the minimum and have not been solved."""
        return ((self.lower < self.upper.amin()) & ~self.solved).nonzero()[:, 0]

    def _sharpen(self, rows: Tensor) -> None:
        if len(rows):
            self.lower[rows] = torch.maximum(self.lower[rows], lower_bound(self._z[rows], self._a[rows], "variance"))

    def _rule_out(self, rows: Tensor) -> None:
        """Raise the lower bound to the least radius found where the disc is proved to hold no zero."""
        if len(rows) == 0:
            return
        function = ScaledSum.of(self._z[rows], self._a[rows])
        least = self.upper.amin()
        empty = zero_free(function, least * function.spread * (1 + 1e-12))
        self.lower[rows[empty]] = least

    def _solve(self, rows: Tensor) -> None:
        found = solve(self._z[rows], self._a[rows], self._certify, self._rtol)
        self.rho[rows], self.zero[rows], self.upper[rows] = found.rho, found.zero, found.upper
        self.lower[rows] = torch.maximum(self.lower[rows], found.lower)
        self.solved[rows] = True
