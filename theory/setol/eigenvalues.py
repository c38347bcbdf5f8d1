"""Eigenvalues of the correlation matrix ``X = WᵀW`` of a weight matrix or a convolution kernel.

``W`` is read as N × M with N ≥ M (transposed if needed); the M eigenvalues are its squared singular values ``σ_i²``.
All work is in float64 whatever the dtype of ``W``, in blocks, so that beside ``W`` only the M × M matrix is in memory.

References
----------
"SETOL: A Semi-Empirical Theory of (Deep) Learning", arXiv 2507.17912, Section 2 (``X = WᵀW/N``, empirical spectral
density) and Section 5 (spectrum of mean 1, on which the ERG condition is stated).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt
import torch

Method: TypeAlias = Literal["gram", "svd"]
Convolution: TypeAlias = Literal["pool", "flatten", "slices"]
Scale: TypeAlias = Literal["raw", "1/N", "mean1"]
Spectrum: TypeAlias = npt.NDArray[np.float64]

_BLOCK = 1 << 20
"""Entries converted to float64 at a time (8 MiB)."""
_GRAMS = 1 << 22
"""Entries of the Gram matrices of a kernel that are held at a time (32 MiB), if that is more than one of them."""
_NARROWEST = 64
"""Least number of columns of a Gram matrix that are multiplied at a time."""
_WIDEST = 1000
"""Largest power of two a block is divided by: its inverse is a normal number, and the squares of what is left fit."""


def eigenvalues(
    W: npt.ArrayLike | torch.Tensor, method: Method = "gram", conv: Convolution = "pool", scale: Scale = "raw"
) -> Spectrum:
    """Return the eigenvalues of ``WᵀW``, ascending.

    Parameters
    ----------
    W
        A matrix, or a kernel of shape (C_out, C_in, k₁[, k₂[, k₃]]) with K = k₁k₂k₃ positions. Real floating of any
        precision, NumPy or torch, on any device. Kernels of grouped convolutions are read as they are stored,
        (C_out, C_in/groups, …), those of transposed convolutions as (C_in, C_out, …).
    method
        ``"gram"`` diagonalises ``WᵀW``: absolute error of order ``M ε λ_max`` with ε = 2⁻⁵², so small eigenvalues are
        relatively wrong, and rounding below 0 is returned as 0. ``"svd"`` squares the singular values: an error of
        order ``M ε √(λ λ_max)``, for two to five times the work.
    conv
        What a kernel means. ``"pool"``: the eigenvalues of its K matrices C_out × C_in together. ``"flatten"``: of the
        one matrix C_out × C_in K. ``"slices"``: of each of the K matrices by itself. A matrix is the same in all three.
    scale
        ``"raw"``: ``σ²``, in squared units of ``W``. ``"1/N"``: ``σ²/N``, the paper's ``X``. ``"mean1"``:
        ``λ̂_i = λ_i n / Σ λ`` over the n eigenvalues returned (over each slice for ``"slices"``), dimensionless.

    Returns
    -------
    array, float64
        Shape (M,) for a matrix; for kernels (K M,) if pooled, (min(C_out, C_in K),) if flattened, (K, M) by slices.
        Nonnegative.

    Raises
    ------
    TypeError
        For complex, boolean or integer ``W``: the unit of quantised weights is not known here.
    ValueError
        For an empty ``W``, fewer than 2 or more than 5 axes, NaN or infinite entries, an unknown option, ``"mean1"`` of
        a zero spectrum, or eigenvalues outside the range of float64.

    Notes
    -----
    ``W`` is divided by a power of two and the eigenvalues multiplied by its square, which is exact: ``"raw"`` of
    ``2ᵏ W`` is ``4ᵏ`` times ``"raw"`` of ``W`` and ``"mean1"`` the same, bit for bit. WeightWatcher 0.7.7 returns
    half of ``"pool"`` for 4-axis kernels (its factor ``√(1/2)`` on ``W``).
    """
    _require_option("method", method, get_args(Method))
    _require_option("conv", conv, get_args(Convolution))
    _require_option("scale", scale, get_args(Scale))
    weights = _as_tensor(W)
    stack = _stack(weights, conv)
    exponent = _exponent(stack)
    solve = _from_gram if method == "gram" else _from_singular_values
    found: Spectrum = np.concatenate([solve(part, exponent).cpu().numpy() for part in _batches(stack)])
    if conv != "slices" or weights.ndim == 2:
        found = np.sort(found, axis=None)
    if scale == "mean1":
        return _mean_one(found)
    return _in_units(found / max(stack.shape[:2]) if scale == "1/N" else found, exponent)


def _require_option(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} is {value!r}; expected one of {', '.join(map(repr, allowed))}")


def _as_tensor(W: Any) -> torch.Tensor:
    tensor = W.detach() if isinstance(W, torch.Tensor) else torch.as_tensor(np.asarray(W))
    if not tensor.is_floating_point():
        raise TypeError(f"W has dtype {tensor.dtype}; expected a real floating dtype (scale quantised weights first)")
    if not 2 <= tensor.ndim <= 5:
        raise ValueError(f"W has shape {tuple(tensor.shape)}; expected a matrix or a kernel of 3 to 5 axes")
    if tensor.numel() == 0:
        raise ValueError(f"W is empty (shape {tuple(tensor.shape)}); expected at least one entry")
    return tensor


def _stack(W: torch.Tensor, conv: Convolution) -> torch.Tensor:
    """View ``W`` as rows, columns and positions, shape (R, C, K)."""
    if conv == "flatten":
        W = W.reshape(W.shape[0], -1)
    return W.reshape(*W.shape[:2], -1)


def _batches(stack: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Split by positions, so that the Gram matrices of a batch are few."""
    return torch.split(stack, max(1, _GRAMS // min(stack.shape[:2]) ** 2), dim=2)


def _blocks(stack: torch.Tensor) -> Iterator[torch.Tensor]:
    """Yield copies of parts of the stack as tall matrices in float64, shapes (K, N', M) with Σ N' = N."""
    rows, columns, positions = stack.shape
    axis = 0 if rows >= columns else 1
    for part in torch.split(stack, max(1, _BLOCK // (min(rows, columns) * positions)), dim=axis):
        block = part.reshape(-1, positions).T.contiguous().to(torch.float64, copy=True)
        block = block.view(positions, *part.shape[:2])
        yield block if axis == 0 else block.mT


def _exponent(stack: torch.Tensor) -> int:
    """Return k with ``2^(k−1) ≤ max |W| < 2^k``, cut off at ±1000; 0 for a zero matrix."""
    largest = 0.0
    for rows in torch.split(stack, max(1, _BLOCK // stack[0].numel())):
        low, high = (value.item() for value in torch.aminmax(rows.float() if rows.itemsize == 1 else rows))
        if not (math.isfinite(low) and math.isfinite(high)):
            raise ValueError(f"W contains {low if math.isfinite(high) else high}; expected finite entries")
        largest = max(largest, -low, high)
    return max(-_WIDEST, min(_WIDEST, math.frexp(largest)[1]))


def _from_gram(stack: torch.Tensor, exponent: int) -> torch.Tensor:
    side = min(stack.shape[:2])
    gram = torch.zeros(stack.shape[2], side, side, dtype=torch.float64, device=stack.device)
    width = max(_NARROWEST, side // 8)
    for block in _blocks(stack):
        block.mul_(2.0**-exponent)
        for start in range(0, side, width):  # the lower triangle, the only one that is read
            below = gram[:, start:, start : start + width]
            below.baddbmm_(block[:, :, start:].mT, block[:, :, start : start + width])
    found: torch.Tensor = torch.linalg.eigvalsh(gram)
    return found.clamp_(min=0.0)


def _from_singular_values(stack: torch.Tensor, exponent: int) -> torch.Tensor:
    found: torch.Tensor = torch.linalg.svdvals(stack.movedim(2, 0).double() * 2.0**-exponent)
    return found.square().flip(-1)


def _mean_one(found: Spectrum) -> Spectrum:
    mean = found.mean(axis=-1, keepdims=True)
    if not np.all(mean > 0.0):
        raise ValueError("W has a spectrum of zeros; expected a nonzero one for scale='mean1'")
    scaled: Spectrum = found / mean
    return scaled


def _in_units(found: Spectrum, exponent: int) -> Spectrum:
    with np.errstate(over="ignore", under="ignore"):
        scaled: Spectrum = np.ldexp(found, 2 * exponent)
    largest = scaled.max()
    if not np.isfinite(largest) or (largest == 0.0 < found.max()):
        raise ValueError(
            f"W has largest eigenvalue {found.max():.3g} · 2**{2 * exponent}, outside the range of float64; "
            "expected a rescaled W or scale='mean1'"
        )
    return scaled
