"""The softmax partition function ``F(t) = Σ_k e^{z_k + a_k t}`` at complex ``t``, without overflow or cancellation.

``F`` is an exponential sum of the logits ``z`` and the logit slopes ``a`` along a line in parameter space; its zeros
are the singularities of the cross-entropy along that line ("Ghosts of Softmax", arXiv 2603.13552, Sec. 4).
Every value is returned relative to its largest term, so logit gaps of thousands and common slope offsets of 1e8 cost
no digits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from theory._arrays import as_float64, require_samples, same_kind

Tensor = torch.Tensor


@dataclass(frozen=True)
class ScaledSum:
    """A batch of exponential sums in the frame where the likeliest class is constant and the slopes span 1.

    With ``r = argmax z`` and ``Δ = max a − min a > 0``, ``F(τ/Δ) = e^{z_r + a_r τ/Δ} Σ_k e^{gaps_k + slopes_k τ}``.
    The zeros ``τ`` of the scaled sum are ``Δ`` times those of ``F``. Arrays are class-first: reductions over classes
    then run over contiguous rows.

    Attributes
    ----------
    gaps
        ``z_k − z_r ≤ 0``, shape (n, B), float64.
    slopes
        ``(a_k − a_r) / Δ``, shape (n, B); they span 1 and contain 0.
    spread
        ``Δ``, shape (B,), in slope units.
    """

    gaps: Tensor
    slopes: Tensor
    spread: Tensor

    @classmethod
    def of(cls, logits: Tensor, slopes: Tensor) -> ScaledSum:
        """Scale detached float64 ``(B, n)`` samples whose slopes are not all equal.

        Raises
        ------
        ValueError
            If the difference of two logits or of two slopes of a sample overflows.
        """
        top, reference = logits.max(-1, keepdim=True)
        spread = slopes.amax(-1) - slopes.amin(-1)
        if bool(spread.amax().isinf()):
            raise ValueError("slopes differ by more than the float64 range within a sample")
        if bool((top[:, 0] - logits.amin(-1)).amax().isinf()):
            raise ValueError("logits differ by more than the float64 range within a sample")
        offset = (slopes - slopes.gather(-1, reference)) / spread[:, None]
        return cls((logits - top).t().contiguous(), offset.t().contiguous(), spread)

    def __len__(self) -> int:
        return self.spread.shape[0]

    def select(self, rows: Tensor) -> ScaledSum:
        """Return the samples at the integer or boolean index ``rows``."""
        return ScaledSum(self.gaps[:, rows], self.slopes[:, rows], self.spread[rows])


def tilted_terms(gaps: Tensor, slopes: Tensor, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the terms ``e^{gaps_k + slopes_k (u + iv)}`` over the largest modulus among them.

    Parameters
    ----------
    gaps, slopes
        Shape (n, B, 1).
    u, v
        Shape (B, T).

    Returns
    -------
    moduli, re, im
        Shape (n, B, T).
    """
    moduli = torch.addcmul(gaps, slopes, u)
    moduli.sub_(moduli.amax(0)).exp_()
    return moduli, *rotated(moduli, slopes, v)


def rotated(moduli: Tensor, slopes: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Return the real and imaginary parts of ``moduli_k e^{i slopes_k v}``, shapes as in `tilted_terms`."""
    phase = slopes * v
    return phase.cos().mul_(moduli), phase.sin_().mul_(moduli)


def log_modulus(logits: Any, slopes: Any, t: Any) -> Any:
    """Return ``log|F(t)|`` for one complex ``t`` per sample.

    Parameters
    ----------
    logits, slopes
        Real floating, shape (n,) or (B, n).
    t
        Complex (or real) points, a Python number, array or tensor that broadcasts to shape () or (B,),
        in inverse slope units.

    Returns
    -------
    array or tensor
        float64, shape () or (B,); ``-inf`` at an exact zero.

    Raises
    ------
    TypeError, ValueError
        For invalid samples, see :func:`theory.softmax_zeros.radius.radius`.
    """
    shift, relative, _, _, restore = _evaluate(logits, slopes, t)
    return restore(shift + relative.abs().log())


def log_derivative(logits: Any, slopes: Any, t: Any) -> Any:
    """Return ``F'(t)/F(t)``, the complex mean of the slopes under the tilted softmax ``q_k ∝ e^{z_k + a_k t}``.

    Arguments and errors as for :func:`log_modulus`; complex128, shape () or (B,), in slope units.
    """
    _, relative, derivative, reference, restore = _evaluate(logits, slopes, t)
    return restore(reference + derivative / relative)


def _evaluate(logits: Any, slopes: Any, t: Any) -> tuple[Tensor, Tensor, Tensor, Tensor, Callable[[Tensor], Any]]:
    (z, a), _ = as_float64(logits=logits, slopes=slopes)
    require_samples(logits=z, slopes=a)
    point = torch.as_tensor(t, device=z.device).to(torch.complex128)[..., None]
    exponent = z + a * point.real
    shift, dominant = exponent.max(-1, keepdim=True)
    reference = a.gather(-1, dominant)
    offset = a - reference
    terms = torch.polar((exponent - shift).exp(), offset * point.imag)
    restore = same_kind(logits, slopes, t)
    return shift[..., 0], terms.sum(-1), (offset * terms).sum(-1), reference[..., 0], restore
