"""The exact ghost radius of a linearised softmax, with certificates; of one sample, a batch, or the batch minimum."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import torch

from theory._arrays import Array, as_float64, require_samples, same_kind
from theory.softmax_zeros._arb_certificate import enclose_nearest
from theory.softmax_zeros._float_certificate import locate
from theory.softmax_zeros.bounds import lower_bound
from theory.softmax_zeros.exponential_sum import ScaledSum

Tensor = torch.Tensor

_ROUND = 2.0**-53
Certify: TypeAlias = Literal["none", "float", "arb"]


@dataclass(frozen=True)
class RadiusResult:
    """The ghost radius of each sample; NumPy or torch as the input, shape () or (B,).

    Attributes
    ----------
    rho
        The smallest modulus of a zero of ``F``, float64, ``inf`` if all slopes are equal. Differentiable.
    zero
        The zero that attains it, in the upper half plane, complex128.
    lower, upper
        A rigorous enclosure of the radius, float64; ``upper`` is ``inf`` where no zero was proved to exist.
    certified
        True only if ``upper − lower ≤ rtol · lower`` (bool).
    """

    rho: Any
    zero: Any
    lower: Any
    upper: Any
    certified: Any


def radius(logits: Array, slopes: Array, certify: Certify = "none", rtol: float = 1e-9) -> RadiusResult:
    """Return the distance from 0 to the nearest complex zero of ``F(t) = Σ_k e^{z_k + a_k t}``.

    It is the convergence radius of the Taylor series of the cross-entropy along the line with slopes ``a``, for any
    target distribution, if the logits are linear in ``t``.

    Parameters
    ----------
    logits, slopes
        ``z_k`` and ``a_k``, real floating, shape (n,) or (B, n), NumPy or torch. Every number is taken as exact;
        narrower dtypes are widened.
    certify
        ``"float"``: a float64 search, repeated with more effort until a count of the zeros in a disc, with a bound of
        all rounding errors, proves that the nearest zero was found. It relies on ``exp``, ``sin`` and ``cos`` that err
        by at most one unit in the last place, and declines at multiple zeros and tight clusters. ``"arb"``: ball
        arithmetic, sample by sample; decides those too. ``"none"``: the search and the count of ``"float"`` without
        the claim; ``certified`` is False.
    rtol
        Relative width that an enclosure must have to count as certified, ``0 < rtol < 1``.

    Returns
    -------
    RadiusResult
        With ``rho`` differentiable once with respect to torch ``logits`` and ``slopes`` where the nearest zero is
        simple and unique up to conjugation. ``rho = zero = ∞``, certified, where all slopes are equal. Where
        certification declines, ``lower`` is the best of `theory.softmax_zeros.bounds.lower_bound` and ``upper`` the
        modulus of a zero that was proved to exist, or ``∞``; ``rho`` is then the nearest zero that was found.

    Raises
    ------
    TypeError
        For complex, integer or boolean arrays.
    ValueError
        For NaN, infinities, empty arrays, mismatched shapes, an unknown ``certify`` or ``rtol`` out of range.

    References
    ----------
    arXiv 2603.13552, Prop. 4.2. The certificates are ours: `theory.softmax_zeros._float_certificate` and
    `theory.softmax_zeros._arb_certificate`.
    """
    (z, a), _ = as_float64(logits=logits, slopes=slopes)
    require_samples(logits=z, slopes=a)
    require_options(certify, rtol)
    rows_z, rows_a = z.reshape(-1, z.shape[-1]), a.reshape(-1, a.shape[-1])
    with torch.inference_mode():
        solved = solve(rows_z.detach(), rows_a.detach(), certify, rtol)
    solved = RadiusResult(*(getattr(solved, field.name).clone() for field in dataclasses.fields(RadiusResult)))
    rho = attach(rows_z, rows_a, solved.rho, solved.zero)
    back = same_kind(logits, slopes)
    fields = (rho, solved.zero, solved.lower, solved.upper, solved.certified)
    return RadiusResult(*(back(field.reshape(z.shape[:-1])) for field in fields))


def require_options(certify: str, rtol: float, choices: tuple[str, ...] = get_args(Certify)) -> None:
    """Raise unless ``certify`` is one of ``choices`` and ``0 < rtol < 1``."""
    if certify not in choices:
        raise ValueError(f"certify is {certify!r}; expected one of {', '.join(map(repr, choices))}")
    if isinstance(rtol, bool) or not isinstance(rtol, int | float):
        raise TypeError(f"rtol is a {type(rtol).__name__}; expected a float")
    if not 0.0 < rtol < 1.0:
        raise ValueError(f"rtol is {rtol}; expected 0 < rtol < 1")


def solve(z: Tensor, a: Tensor, certify: Certify, rtol: float) -> RadiusResult:
    """Solve detached samples (B, n); tensors in the result."""
    flat = a.amax(-1) == a.amin(-1)
    if not bool(flat.any()):
        return _solve_sloped(z, a, certify, rtol)
    rho = torch.full_like(z[:, 0], math.inf)
    result = RadiusResult(rho, torch.complex(rho, torch.zeros_like(rho)), rho.clone(), rho.clone(), flat)
    rows = (~flat).nonzero()[:, 0]
    if len(rows):
        solved = _solve_sloped(z[rows], a[rows], certify, rtol)
        for field in dataclasses.fields(RadiusResult):
            getattr(result, field.name)[rows] = getattr(solved, field.name)
    return result


def _solve_sloped(z: Tensor, a: Tensor, certify: Certify, rtol: float) -> RadiusResult:
    """Solve samples none of which has all slopes equal."""
    rho, zero, lower, upper = _enclose_in_balls(z, a, rtol) if certify == "arb" else _enclose(z, a)
    wide = upper - lower > rtol * lower
    if bool(wide.any()):
        lower[wide] = torch.maximum(lower[wide], lower_bound(z[wide], a[wide]))
    certified = (upper - lower <= rtol * lower) & (certify != "none")
    return RadiusResult(rho.clamp_(lower, upper), zero, lower, upper, certified)


def _enclose(z: Tensor, a: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return ``rho, zero, lower, upper`` by float64 arithmetic, ``lower = 0`` where the proof failed."""
    function = ScaledSum.of(z, a)
    found = locate(function)
    lower = (found.lower / function.spread * (1 - 8 * _ROUND)).clamp(max=torch.finfo(z.dtype).max)
    upper = found.upper / function.spread * (1 + 8 * _ROUND)
    zero = torch.complex(found.u / function.spread, found.v / function.spread)
    return torch.hypot(found.u, found.v) / function.spread, zero, lower, upper


def _enclose_in_balls(z: Tensor, a: Tensor, rtol: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    _, starts, _, _ = _enclose(z, a)
    found = [
        enclose_nearest(zi, ai, start, rtol)
        for zi, ai, start in zip(z.tolist(), a.tolist(), starts.tolist(), strict=True)
    ]
    rho, lower, upper = (z.new_tensor([getattr(e, name) for e in found]) for name in ("rho", "lower", "upper"))
    zero = torch.tensor([e.zero for e in found], dtype=torch.complex128, device=z.device)
    return rho, zero, lower, upper


def attach(z: Tensor, a: Tensor, rho: Tensor, zero: Tensor) -> Tensor:
    """Return ``rho`` (B,) as a differentiable function of ``z`` and ``a`` (B, n) if these carry gradients."""
    if not (z.requires_grad or a.requires_grad):
        return rho
    attached: Tensor = _ImplicitRadius.apply(z, a, rho, zero)  # type: ignore[no-untyped-call]
    return attached


class _ImplicitRadius(torch.autograd.Function):
    """``ρ = |t|``, ``F(t; z, a) = 0``: ``dt = −Σ_k e_k (dz_k + t da_k) / Σ_k a_k e_k``, ``e_k = e^{z_k + a_k t}``."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, a: Tensor, rho: Tensor, zero: Tensor) -> Tensor:
        ctx.save_for_backward(z, a, rho, zero)
        return rho.clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, None]:
        z, a, rho, zero = ctx.saved_tensors
        t = zero[:, None]
        exponent = z + a * t.real
        shift, dominant = exponent.max(-1, keepdim=True)
        offset = a - a.gather(-1, dominant)
        terms = torch.polar((exponent - shift).exp(), offset * t.imag)
        share = terms / (offset * terms).sum(-1, keepdim=True)
        flat = rho.isinf()[:, None]
        grad = grad[:, None]
        grad_z = (-grad * (share * t.conj()).real / rho[:, None]).masked_fill(flat, 0.0)
        grad_a = (-grad * share.real * rho[:, None]).masked_fill(flat, 0.0)
        return grad_z, grad_a, None, None
