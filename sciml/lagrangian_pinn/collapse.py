"""∂X/∂ξ before any training: when characteristics cross, and how far diffusion lets them crowd together.

Without diffusion values are constant along characteristics, and ``X_t = f1(X, t, u0)``, ``J_t = f1_x J + f1_w u0'`` are
ordinary equations for each label. With diffusion ``J_t = J ∂_x f1`` needs the solution: it is computed to the few per
cent that matter by a Fourier method in the moving frame, with diffusion and the rest split (Strang), along the labels
near the worst one of the first look.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor

from sciml.lagrangian_pinn.problem import Problem
from sciml.lagrangian_pinn.report import JacobianCollapse, JacobianWarning
from theory.characteristics import CharacteristicsCross, shock_time

_State: TypeAlias = tuple[Tensor, ...]

_WARN, _REFUSE = 2e-2, 1e-4
_HARMLESS = 0.1  # a Jacobian without diffusion above this is not looked at again with it
_STEPS = 200
_LABELS = 1024
_GRID = 256
_TRACKED = 65  # labels followed through the diffusive solution


class LeastJacobian(NamedTuple):
    """The least ∂X/∂ξ over labels and times up to T.

    Attributes
    ----------
    J
        Its value; 0 if characteristics cross.
    xi
        The label.
    time
        When: the time of the crossing, or that of the least value.
    """

    J: float
    xi: float
    time: float


@lru_cache(maxsize=64)
def predict_least_jacobian(problem: Problem) -> LeastJacobian:
    """Return the least ∂X/∂ξ that the exact solution of a problem has up to its time ``T``.

    Parameters
    ----------
    problem
        The problem. Exact to rounding for inviscid Burgers; else to the fourth order in T/200 and the spacing L/1024 of
        labels without diffusion, and to a few per cent with it, where the solution is resolved by 256 points.

    Raises
    ------
    ValueError
        Without diffusion, if a derivative of ``f1`` is not finite somewhere along the characteristics.
    """
    first = _without_diffusion(problem)
    if problem.hyperbolic or first.J > _HARMLESS:
        return first
    return _with_diffusion(problem, first.xi)


def check_jacobian(problem: Problem, force: bool = False) -> None:
    """Raise, or warn, if a problem is out of reach of labels.

    Parameters
    ----------
    problem
        The problem.
    force
        Warn where `JacobianCollapse` would be raised.

    Raises
    ------
    CharacteristicsCross
        Without diffusion, if characteristics cross by ``T``.
    JacobianCollapse
        With diffusion, if ∂X/∂ξ falls below 1e−4.

    Warns
    -----
    JacobianWarning
        If it falls below 2e−2.
    """
    if (doubt := doubt_of_labels(problem, force)) is not None:
        warnings.warn(doubt, stacklevel=2)


def doubt_of_labels(problem: Problem, force: bool) -> JacobianWarning | None:
    """The warning of `check_jacobian`, for a caller that knows how far away its user is; raises as it does."""
    least = predict_least_jacobian(problem)
    if problem.hyperbolic:
        if least.J <= 0.0:
            raise CharacteristicsCross(least.time, least.xi, problem.T)
        return None
    if least.J >= _WARN:
        return None
    message = (
        f"∂X/∂ξ is predicted to fall to {least.J:.3g} at ξ = {least.xi:.4g} by T = {problem.T:g}, below "
        f"{_REFUSE if least.J < _REFUSE else _WARN:g}: labels cannot resolve the solution there. Use EulerianPINN "
        "with moving_frame='auto', or a smaller T"
    )
    if least.J < _REFUSE and not force:
        raise JacobianCollapse(message + ", or force=True", least.J, problem.T)
    return JacobianWarning(message)


def _without_diffusion(problem: Problem) -> LeastJacobian:
    xi = torch.arange(_LABELS, dtype=torch.float64) * (problem.L / _LABELS)
    w, slope, _ = problem.initial(xi)
    if not callable(problem.f1):
        return LeastJacobian(1.0, 0.0, 0.0)
    if problem.is_burgers:
        shock = shock_time(lambda x: problem.initial(torch.as_tensor(x))[1].numpy(), (0.0, problem.L))
        return LeastJacobian(max(1.0 - problem.T / shock.time, 0.0), shock.label, min(problem.T, shock.time))

    def rate(state: _State, t: float) -> _State:
        X, J = state
        with torch.enable_grad():
            X_, w_ = X.detach().requires_grad_(), w.detach().requires_grad_()
            f1 = problem.velocity(X_, torch.full_like(X, t), w_)
            zeros = torch.zeros_like(X)
            f1_x, f1_w = zeros, zeros
            if f1.requires_grad:
                f1_x, f1_w = torch.autograd.grad(f1.sum(), (X_, w_), allow_unused=True, materialize_grads=True)
        return f1.detach(), f1_x * J + f1_w * slope

    state: _State = (xi, torch.ones_like(xi))
    step = problem.T / _STEPS
    least = LeastJacobian(1.0, 0.0, 0.0)
    for index in range(_STEPS):
        t, before = index * step, state[1]
        state = _runge_kutta(rate, state, t, step)
        J = state[1]
        worst = int(J.argmin())
        value = float(J[worst])
        if math.isnan(value) and problem.hyperbolic:
            raise ValueError(f"f1 or a derivative of it is not finite by t = {t + step:.6g}; expected finite numbers")
        if not value > 0.0:
            crossing = t + step * float(before[worst]) / (float(before[worst]) - value)
            return LeastJacobian(0.0, float(xi[worst]), crossing)
        if value < least.J:
            least = LeastJacobian(value, float(xi[worst]), t + step)
    return least


def _with_diffusion(problem: Problem, centre: float) -> LeastJacobian:
    L, v = problem.L, problem.mean_velocity
    y = torch.arange(_GRID, dtype=torch.float64) * (L / _GRID)
    k = torch.arange(_GRID // 2 + 1, dtype=torch.float64) * (2.0 * math.pi / L)
    keep = (torch.arange(_GRID // 2 + 1) <= _GRID // 3).double()  # products are dealiased
    w = problem.value(y)
    xi = centre + torch.linspace(-L / 8, L / 8, _TRACKED, dtype=torch.float64)
    stretch = float((problem.velocity(y, 0 * y, w) - v).abs().max())
    steps = max(_STEPS, math.ceil(problem.T * stretch * float(k[-1]) / 2.0))
    step = problem.T / steps

    def derivative(values: Tensor) -> Tensor:
        slope: Tensor = torch.fft.irfft(1j * k * keep * torch.fft.rfft(values), n=_GRID)
        return slope

    def at(values: Tensor, places: Tensor) -> Tensor:
        modes = keep * torch.fft.rfft(values) / _GRID
        modes[1:] *= 2.0
        waves: Tensor = torch.exp(1j * torch.outer(places, k))
        return torch.real(waves @ modes)

    def rate(state: _State, t: float) -> _State:
        w, Y, _ = state
        place, time = torch.remainder(y + v * t, L), torch.full_like(y, t)
        speed = problem.velocity(place, time, w) - v
        extra = (problem.diffusivity(place, time, w) - nu) * torch.fft.irfft(-k * k * torch.fft.rfft(w), n=_GRID)
        return extra - speed * derivative(w), at(speed, Y), at(derivative(speed), Y)

    nu = float(problem.diffusivity(y, 0 * y, w).mean())
    half_heat = torch.exp(-nu * k * k * step / 2.0)
    state: _State = (w, xi, torch.zeros_like(xi))  # values on the grid; places in the frame and log J of the labels
    least = LeastJacobian(1.0, 0.0, 0.0)
    for index in range(steps):
        t = index * step
        state = (torch.fft.irfft(half_heat * torch.fft.rfft(state[0]), n=_GRID), *state[1:])
        state = _runge_kutta(rate, state, t, step)
        state = (torch.fft.irfft(half_heat * torch.fft.rfft(state[0]), n=_GRID), *state[1:])
        worst = int(state[2].argmin())
        if not math.isfinite(float(state[2][worst])):  # the grid does not resolve the shock
            return LeastJacobian(0.0, float(xi[worst]), t + step)
        if (value := math.exp(float(state[2][worst]))) < least.J:
            least = LeastJacobian(value, float(xi[worst]), t + step)
    return least


def _runge_kutta(rate: Callable[[_State, float], _State], state: _State, t: float, step: float) -> _State:
    """One classical step of the fourth order."""

    def moved(slope: _State, by: float) -> _State:
        return tuple(v + by * s for v, s in zip(state, slope, strict=True))

    k1 = rate(state, t)
    k2 = rate(moved(k1, step / 2), t + step / 2)
    k3 = rate(moved(k2, step / 2), t + step / 2)
    k4 = rate(moved(k3, step), t + step)
    mean = tuple((a + 2 * b + 2 * c + d) / 6 for a, b, c, d in zip(k1, k2, k3, k4, strict=True))
    return moved(mean, step)
