"""Bounds of the error of paths and values that nearly satisfy the equations without diffusion.

Let ``X(ξ, 0) = ξ``, ``W(ξ, 0) = u0(ξ)`` hold exactly, and ``|X_t − f1| ≤ ε_x``, ``|W_t| ≤ ε_w`` everywhere. Integrating
in time bounds how far the path and its value are from the exact ones; dividing by the least ``J = 1 + t u0'`` turns the
distance of paths into one of labels. The bounds are ours.
"""

from __future__ import annotations

import math

from theory._numbers import require_number


def convection_bound(eps_x: float, eps_w: float, slope: float, t: float) -> float:
    """Bound ``max|u0'| ε_x t + ε_w t`` of the error at time ``t`` for a constant velocity.

    Parameters
    ----------
    eps_x, eps_w
        Bounds of ``|X_t − c|`` and ``|W_t|``, at least 0.
    slope
        ``max|u0'|``, at least 0.
    t
        Time, at least 0.

    Raises
    ------
    ValueError, TypeError
        For an argument out of range.
    """
    _require_nonnegative(eps_x=eps_x, eps_w=eps_w, slope=slope, t=t)
    return slope * eps_x * t + eps_w * t


def burgers_bound(eps_x: float, eps_w: float, slope: float, least_slope: float, t: float) -> float:
    """Bound ``ε_w t + max|u0'| (ε_x t + ε_w t²/2) / (1 + t min u0')`` of the error for inviscid Burgers.

    Parameters
    ----------
    eps_x, eps_w
        Bounds of ``|X_t − W|`` and ``|W_t|``, at least 0.
    slope
        ``max|u0'|``, at least 0.
    least_slope
        ``min u0'``, with its sign.
    t
        Time, at least 0 and less than ``−1 / min u0'``.

    Raises
    ------
    ValueError, TypeError
        For an argument out of range.
    """
    _require_nonnegative(eps_x=eps_x, eps_w=eps_w, slope=slope, t=t)
    require_number("least_slope", least_slope, -math.inf, math.inf)
    least_jacobian = 1.0 + t * min(least_slope, 0.0)
    if least_jacobian <= 0.0:
        raise ValueError(f"t is {t:g}; expected a time before the shock at {-1.0 / least_slope:g}")
    return eps_w * t + slope * (eps_x * t + eps_w * t * t / 2.0) / least_jacobian


def _require_nonnegative(**numbers: float) -> None:
    for name, value in numbers.items():
        require_number(name, value, 0.0, math.inf)
