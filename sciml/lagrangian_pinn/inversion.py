"""Labels of points: the inverse of an increasing map of the line that commutes with a shift by one period."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

PathAndJacobian: TypeAlias = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
_MOST_STEPS = 200


def invert(paths: PathAndJacobian, x: Tensor, t: Tensor, guess: Tensor, period: float) -> Tensor:
    """Solve ``X(ξ, t) = x`` for ξ by Newton's method in a bracket that bisection shrinks.

    Parameters
    ----------
    paths
        ``(ξ, t) ↦ (X, ∂X/∂ξ)`` on tensors (N,), increasing in ξ, with ``X(ξ + L, t) = X(ξ, t) + L``.
    x, t
        Places and times, shape (N,).
    guess
        Labels to start from, shape (N,); any will do.
    period
        L > 0.

    Returns
    -------
    Tensor
        Labels (N,), to the rounding of ``X``.

    Raises
    ------
    ArithmeticError
        If the map does not increase at a label that was met, or no label was found.
    """
    low = guess + period * torch.floor((x - paths(guess, t)[0]) / period)  # X(low) ≤ x < X(low + L)
    high = low + period
    low, high = low - 1e-9 * period, high + 1e-9 * period
    xi = torch.minimum(torch.maximum(guess, low), high)
    eps = 64.0 * torch.finfo(x.dtype).eps  # of a path: a sum of many terms
    before = torch.full_like(x, math.inf)
    for _ in range(_MOST_STEPS):
        position, jacobian = paths(xi, t)
        if not bool((jacobian > 0.0).all()):
            worst = int(jacobian.argmin())
            raise ArithmeticError(
                f"X is not monotone: ∂X/∂ξ = {float(jacobian[worst]):.3g} at ξ = {float(xi[worst]):.6g}, "
                f"t = {float(t[worst]):.6g}; no label can be assigned to x = {float(x[worst]):.6g}"
            )
        excess = position - x
        newton = xi - excess / jacobian
        found = excess.abs() <= eps * (xi.abs() + position.abs() + x.abs() + period)
        if bool(found.all()):
            return newton
        low, high = torch.where(excess < 0, xi, low), torch.where(excess > 0, xi, high)
        trusted = (low < newton) & (newton < high) & (excess.abs() <= 0.5 * before)
        xi = torch.where(found, xi, torch.where(trusted, newton, (low + high) / 2.0))
        before = excess.abs()
    raise ArithmeticError(f"no label after {_MOST_STEPS} steps; residual {float(excess.abs().max()):.3g}")
