"""Checks of Gaussian parameters, and the logarithm of a determinant near the identity."""

from __future__ import annotations

import torch

_ASYMMETRY = 1e-6
_NEAR = 0.25
"""The series of :func:`log_det_excess` is used where the Frobenius norm is below this."""
_TERMS = 29  # 0.25^30 < 2^-52 · 0.25^2 / 2


def require_gaussian(mean_name: str, mean: torch.Tensor, cov_name: str, cov: torch.Tensor) -> None:
    """Raise ``ValueError`` unless the shapes are ``(..., d)`` and ``(..., d, d)`` and the covariances symmetric."""
    if mean.ndim < 1:
        raise ValueError(f"{mean_name} is a scalar; expected shape (..., d)")
    size = mean.shape[-1]
    if cov.ndim < 2 or cov.shape[-2:] != (size, size):
        raise ValueError(
            f"{cov_name} has shape {tuple(cov.shape)}; expected (..., {size}, {size}), as {mean_name} has shape "
            f"{tuple(mean.shape)}"
        )
    require_symmetric(cov_name, cov)


def require_leading(**shapes: torch.Size) -> torch.Size:
    """The common leading shape, or ``ValueError`` naming the arguments if there is none."""
    try:
        common: torch.Size = torch.broadcast_shapes(*shapes.values())  # type: ignore[no-untyped-call]
    except RuntimeError:
        told = ", ".join(f"{name} has {tuple(shape)}" for name, shape in shapes.items())
        raise ValueError(f"leading shapes do not broadcast: {told}") from None
    return common


def require_symmetric(name: str, cov: torch.Tensor) -> None:
    """Raise ``ValueError`` unless the matrices equal their transposes to 1e-6 of their largest entry."""
    cov = cov.detach()
    scale = cov.abs().amax(dim=(-2, -1), keepdim=True)
    if bool((gap := (cov / scale - cov.mT / scale).abs()).gt(_ASYMMETRY).any()):
        raise ValueError(f"{name} differs from its transpose by {gap.max().item():.3g} of its largest entry")


def cholesky(name: str, cov: torch.Tensor) -> torch.Tensor:
    """Lower Cholesky factor, or ``ValueError`` naming the argument if a matrix is not positive definite."""
    factor: torch.Tensor
    factor, failed = torch.linalg.cholesky_ex(cov / 2 + cov.mT / 2)
    if bool(failed.any()):
        least = torch.linalg.eigvalsh(cov.detach()).min().item()
        raise ValueError(f"{name} has an eigenvalue {least:.6g}; expected positive definite matrices")
    return factor


def log_det(factor: torch.Tensor) -> torch.Tensor:
    """Logarithm of the determinant of ``L L^T``."""
    diagonal: torch.Tensor = factor.diagonal(dim1=-2, dim2=-1)
    return 2.0 * diagonal.log().sum(-1)


def whitened(factor: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
    """``L^-1 A L^-T`` for symmetric ``A``."""
    half = torch.linalg.solve_triangular(factor, matrix, upper=False)
    result: torch.Tensor = torch.linalg.solve_triangular(factor, half.mT, upper=False)
    return result


def squared_length(factor: torch.Tensor, vector: torch.Tensor) -> torch.Tensor:
    """``v^T (L L^T)^-1 v``, infinite where that leaves the range of float64."""
    scale = vector.detach().abs().amax(-1, keepdim=True).clamp(min=1.0)
    solution = torch.linalg.solve_triangular(factor, (vector / scale).unsqueeze(-1), upper=False)
    whitened_vector: torch.Tensor = scale * solution.squeeze(-1)
    return whitened_vector.square().sum(-1)


def is_near_zero(matrix: torch.Tensor) -> torch.Tensor:
    """Where :func:`log_det_excess` has full accuracy."""
    norm: torch.Tensor = torch.linalg.matrix_norm(matrix.detach())
    return norm <= _NEAR


def log_det_excess(matrix: torch.Tensor) -> torch.Tensor:
    """``tr A - log det(I + A)`` of symmetric matrices near zero, to relative rounding error; 0 for the others.

    ``sum_(k >= 2) (-1)^k tr(A^k) / k``, all terms of which are at most ``|A|_F^k / k``.
    """
    matrix = torch.where(is_near_zero(matrix)[..., None, None], matrix, 0.0)
    power, total = matrix, torch.zeros_like(matrix[..., 0, 0])
    for k in range(2, _TERMS + 1):
        total = total + (-1) ** k / k * (power * matrix).sum((-2, -1))
        power = power @ matrix
    return total
