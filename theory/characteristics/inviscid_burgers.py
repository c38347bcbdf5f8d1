"""Inviscid Burgers up to the shock: where characteristics first cross, and the solution before.

The wave keeps its value along straight characteristics, ``u = u0(ξ)`` at ``x = ξ + u0(ξ) t``. The label of a point is
unique while ``J = 1 + t u0'(ξ)`` is positive everywhere, that is for ``t < t* = −1 / min u0'``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch
from scipy.optimize import minimize_scalar

from theory._arrays import as_float64, require_broadcast, require_nonnegative
from theory._numbers import require_number

Function: TypeAlias = Callable[[Any], Any]
Domain: TypeAlias = tuple[float, float]

_SAMPLES = 4096
_BASINS = 16
"""Local minima of the samples that are refined."""
_MOST_STEPS = 200
_EPS = 2.0**-52


class Shock(NamedTuple):
    """When and where characteristics first cross.

    Attributes
    ----------
    time
        ``t* = −1 / min u0'``, infinite if the wave is compressed nowhere.
    label
        The label ξ of the least slope.
    """

    time: float
    label: float


class CharacteristicsCross(ValueError):
    """The solution is asked for at or after the time at which characteristics cross.

    Attributes
    ----------
    t_star, xi
        The time and the label of the first crossing.
    t
        The time asked for.
    """

    def __init__(self, t_star: float, xi: float, t: float) -> None:
        super().__init__(t_star, xi, t)
        self.t_star, self.xi, self.t = t_star, xi, t

    def __str__(self) -> str:
        return (
            f"t reaches {self.t:.6g}, but characteristics cross at t* = {self.t_star:.6g} (label ξ = {self.xi:.6g}); "
            "expected t < t*, or a positive viscosity"
        )


def shock_time(du0: Function, domain: Domain | torch.Tensor) -> Shock:
    r"""Return the time ``t* = −1 / min u0'`` at which characteristics of inviscid Burgers first cross.

    The slope is sampled at 4097 points and its 16 lowest local minima are refined by Brent's method. A dip much
    narrower than 1/4096 of the domain can be missed.

    Parameters
    ----------
    du0
        Slope ``u0'`` of the initial wave, vectorised. It is called with a float64 array, or a tensor if ``domain`` is
        one.
    domain
        The two ends ``(low, high)`` of the interval of labels; a tensor of shape (2,) for a slope written in torch.

    Returns
    -------
    Shock
        The time is a relative 1e−15 or so away from the true one; it does not depend on a constant added to the wave.

    Raises
    ------
    TypeError, ValueError
        For a domain other than ``low < high``, or a slope that is not finite or has another shape than its argument.

    References
    ----------
    Textbook; the guard that arXiv 2205.02902 lacks: its benchmark ``c + sin x`` has ``t* = 1``, the final time.
    """
    low, high = _ends(domain)
    like = domain if isinstance(domain, torch.Tensor) else None
    points = np.linspace(low, high, _SAMPLES + 1)
    slopes = _call("du0", du0, torch.from_numpy(points), like).detach().cpu().numpy()
    padded = np.pad(slopes, 1, constant_values=math.inf)
    basins = np.flatnonzero((slopes <= padded[:-2]) & (slopes <= padded[2:]))
    best = min(zip(slopes, points, strict=True))
    for at in basins[np.argsort(slopes[basins], kind="stable")][:_BASINS]:
        bracket = points[max(at - 1, 0)], points[min(at + 1, _SAMPLES)]
        found = minimize_scalar(
            lambda xi: _call("du0", du0, torch.tensor([xi], dtype=torch.float64), like).item(),
            bounds=bracket,
            method="bounded",
            options={"xatol": 1e-12 * (high - low)},
        )
        best = min(best, (float(found.fun), float(found.x)))
    least, label = map(float, best)
    return Shock(-1.0 / least if least < 0.0 else math.inf, label)


def inviscid_burgers(x: Any, t: Any, u0: Function, du0: Function, domain: Domain = (0.0, 2.0 * math.pi)) -> Any:
    r"""Return the periodic solution of ``u_t + u u_x = 0`` before its shock, ``u = u0(ξ)`` with ``x = ξ + u0(ξ) t``.

    The label is found by Newton's method inside a bracket that bisection shrinks.

    Parameters
    ----------
    x
        Positions, any real numbers; NumPy array, tensor or number, broadcast with ``t``.
    t
        Times in ``[0, t*)``.
    u0, du0
        Initial wave and its slope, vectorised, periodic over ``domain``; called with float64 arrays, or tensors if
        ``x`` or ``t`` is one.
    domain
        One period ``(low, high)``.

    Returns
    -------
    array or tensor
        Broadcast shape of ``x`` and ``t``, in their kind, dtype and device. Rounding is amplified by ``1/J``, which has
        no bound near the shock. Once differentiable in ``x`` and ``t``.

    Raises
    ------
    CharacteristicsCross
        If a time is not less than `shock_time`. The label is unique before, and may not be at or after.
    TypeError, ValueError
        For input other than described above; a wave that does not repeat itself after ``domain`` is named with the
        change.
    ArithmeticError
        If ``u0`` is computed too coarsely, say in float32, for a label to meet the equation.

    References
    ----------
    Textbook; the limit ν → 0 of the benchmark of arXiv 2205.02902.
    """
    (x_, t_), restore = as_float64(x=x, t=t)
    require_broadcast(x=x_, t=t_)
    require_nonnegative(t=t_)
    low, high = _ends(domain)
    like = next((value for value in (x, t) if isinstance(value, torch.Tensor)), None)
    shock = shock_time(du0, domain if like is None else torch.tensor(domain, dtype=torch.float64, device=like.device))
    if (latest := float(t_.detach().max())) >= shock.time:
        raise CharacteristicsCross(shock.time, shock.label, latest)
    points = torch.linspace(low, high, _SAMPLES + 1, dtype=torch.float64, device=x_.device)
    wave = _call("u0", u0, points, like)
    change = float((_call("u0", u0, points + (high - low), like) - wave).abs().max())
    if change > 1e-9 * (1.0 + float(wave.abs().max())):
        raise ValueError(f"u0 changes by {change:.3g} from one domain to the next; expected a periodic wave")
    x_, t_ = torch.broadcast_tensors(x_, t_)  # type: ignore[no-untyped-call]
    xi = _labels(x_.detach(), t_.detach(), u0, du0, like, (float(wave.min()), float(wave.max())))
    jacobian = 1.0 + t_.detach() * _call("du0", du0, xi, like)
    xi = xi - (xi + t_ * _call("u0", u0, xi, like) - x_) / jacobian  # a Newton step, and the implicit derivative
    return restore(_call("u0", u0, xi, like))


def _labels(
    x: torch.Tensor, t: torch.Tensor, u0: Function, du0: Function, like: Any, values: tuple[float, float]
) -> torch.Tensor:
    """Solve ``ξ + u0(ξ) t = x``, whose left side increases, to rounding."""
    spread = (values[1] - values[0]) * t / 64 + 64 * _EPS * (1.0 + x.abs())
    low, high = x - t * values[1] - spread, x - t * values[0] + spread
    xi = (low + high) / 2
    rounding = 8 * _EPS * (x.abs() + t * max(map(abs, values)) + spread)  # u0 may be a sum of larger terms
    before = torch.full_like(x, math.inf)
    for _ in range(_MOST_STEPS):
        excess = xi + t * _call("u0", u0, xi, like) - x
        found = excess.abs() <= rounding
        if bool(found.all()):
            return xi
        low, high = torch.where(excess < 0, xi, low), torch.where(excess > 0, xi, high)
        step = xi - excess / (1.0 + t * _call("du0", du0, xi, like))
        trusted = (low < step) & (step < high) & (excess.abs() <= before / 2)
        xi = torch.where(found, xi, torch.where(trusted, step, (low + high) / 2))
        before = excess.abs()
    raise ArithmeticError(f"no label after {_MOST_STEPS} steps; residual {float(excess.abs().max()):.3g}")


def _ends(domain: Any) -> Domain:
    ends = domain.tolist() if isinstance(domain, torch.Tensor) else domain
    if not isinstance(ends, tuple | list) or len(ends) != 2:
        raise ValueError(f"domain is {domain!r}; expected two ends (low, high)")
    low, high = (require_number("domain", end, -math.inf, math.inf) for end in ends)
    if not low < high:
        raise ValueError(f"domain is ({low}, {high}); expected low < high")
    return low, high


def _call(name: str, function: Function, points: torch.Tensor, like: torch.Tensor | None) -> torch.Tensor:
    """Evaluate the caller's function on his kind of array, and check what it returns."""
    values = function(points.numpy() if like is None else points.to(like.device))
    result = torch.as_tensor(values, dtype=torch.float64, device=points.device)
    if result.shape != points.shape:
        raise ValueError(f"{name} returned shape {tuple(result.shape)}; expected {tuple(points.shape)}")
    if not bool(torch.isfinite(result).all()):
        raise ValueError(f"{name} returned a value that is not finite; expected a smooth wave")
    return result
