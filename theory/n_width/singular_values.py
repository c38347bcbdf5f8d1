"""Singular values of snapshots in the units of the solution, and what follows from them for the n-width.

References
----------
R. Mojgani, M. Balajewicz, P. Hassanzadeh, "Lagrangian PINNs", arXiv 2205.02902, argue with the decay of the singular
values of snapshots. The normalisation is that of the Karhunen-Loève expansion in L².
"""

from __future__ import annotations

import torch

from theory._arrays import Array, as_float64, require_nonnegative
from theory._numbers import require_number


def snapshot_singular_values(snapshots: Array, dx: float, dt_weights: Array) -> Array:
    r"""Return the singular values ``σ_j`` of a family of snapshots, independent of the grid.

    ``σ_j²`` are the eigenvalues of the covariance ``Σ_m p_m u(·, t_m) ⊗ u(·, t_m)`` in L², where ``p_m`` are the
    weights over their sum: ``Σ_j σ_j²`` is the mean square of the L² norm over time, and refining the grid leaves the
    ``σ_j`` where they are. A plain SVD of the matrix grows like the root of its size. Differentiable where no value is
    0; sums of equal values are differentiable, each of them alone is not.

    Parameters
    ----------
    snapshots
        ``u(x_i, t_m)``, shape (..., n_x, n_t), of a floating dtype; on a uniform grid in x. No mean is removed.
    dx
        Spacing of the grid, ``L / n_x`` on a circle, in the unit of x; above 0.
    dt_weights
        Weights of the times or parameters in the average, shape (n_t,), nonnegative, in any unit: all equal for equally
        spaced times on a circle, those of the trapezoidal rule on an interval, or a probability.

    Returns
    -------
    array or tensor
        In descending order, shape (..., min(n_x, n_t)), in the unit of u times the root of that of x; in the caller's
        kind, dtype and device, computed in float64.

    Raises
    ------
    TypeError
        For input of another dtype.
    ValueError
        For other shapes, a NaN or an infinity, a spacing not above 0, or weights that are negative or sum to 0.
    """
    dx = require_number("dx", dx, 0.0, float("inf"), open_low=True)
    (values, weights), restore = as_float64(snapshots=snapshots, dt_weights=dt_weights)
    if values.ndim < 2:
        raise ValueError(f"snapshots has shape {tuple(values.shape)}; expected (..., n_x, n_t)")
    if weights.shape != values.shape[-1:]:
        raise ValueError(f"dt_weights has shape {tuple(weights.shape)}; expected {tuple(values.shape[-1:])}")
    require_nonnegative(dt_weights=weights)
    if not bool((weights > 0.0).any()):
        raise ValueError("dt_weights are all 0; expected a positive one")
    relative = weights / weights.max()
    scale = _largest(values.flatten(-2))
    weighted = values / scale[..., None] * (relative / relative.sum()).sqrt()
    return restore(torch.linalg.svdvals(weighted) * scale * dx**0.5)  # type: ignore[no-any-return]


def average_widths(singular_values: Array) -> Array:
    """Return ``(Σ_{j>n} σ_j²)^{1/2}`` for n = 0, …, k: lower bounds of the n-widths ``d_n``.

    It is the least root mean square distance of the family to a space of dimension n.

    Parameters
    ----------
    singular_values
        ``σ_j``, shape (..., k), nonnegative, in any order, of a floating dtype.

    Returns
    -------
    array or tensor
        Shape (..., k + 1), in the unit, kind, dtype and device of the input; the last entry is 0. Summed from the
        smallest value, so that tails down to 1e−150 of the largest value keep their relative accuracy.

    Raises
    ------
    TypeError
        For input of another dtype.
    ValueError
        For a scalar, an empty array, a negative entry, a NaN or an infinity.
    """
    (values,), restore = as_float64(singular_values=singular_values)
    tails, scale = _tail_energies(values)
    positive = tails > 0.0
    return restore(torch.where(positive, torch.where(positive, tails, 1.0).sqrt() * scale, 0.0))  # type: ignore[no-any-return]


def energy_rank(singular_values: Array, eps: float) -> Array:
    """Return the least number of modes that leave out at most the share ``eps`` of the energy ``Σ σ_j²``.

    Parameters
    ----------
    singular_values
        ``σ_j``, shape (..., k), nonnegative, in any order, of a floating dtype.
    eps
        Share of the energy that may be left out, in (0, 1]. The root mean square error is ``√eps`` of that of 0.

    Returns
    -------
    array or tensor
        Of int64, shape (...); 0 if all values are 0.

    Raises
    ------
    TypeError
        For input of another dtype.
    ValueError
        As `average_widths`, and for ``eps`` outside (0, 1].
    """
    eps = require_number("eps", eps, 0.0, 1.0, open_low=True)
    (values,), restore = as_float64(singular_values=singular_values)
    tails, _ = _tail_energies(values)
    return restore((tails > eps * tails[..., :1]).sum(dim=-1))  # type: ignore[no-any-return]


def _tail_energies(values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """``Σ_{j>n} (σ_j / σ_max)²`` for n = 0, …, k, and ``σ_max`` (1 if it is 0)."""
    if values.ndim < 1:
        raise ValueError(f"singular_values is the number {values.item()}; expected shape (..., k)")
    require_nonnegative(singular_values=values)
    scale = _largest(values)
    ascending = torch.sort(values / scale, dim=-1).values
    sums = torch.cumsum(ascending**2, dim=-1).flip(-1)
    return torch.nn.functional.pad(sums, (0, 1)), scale


def _largest(values: torch.Tensor) -> torch.Tensor:
    """Largest modulus in the last dimension, which is kept; 1 where all are 0. Not part of the graph."""
    largest = values.detach().abs().amax(dim=-1, keepdim=True)
    return torch.where(largest > 0.0, largest, 1.0)
