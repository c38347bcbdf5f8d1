r"""Viscous Burgers with a sinusoidal start: exact solution, slope, characteristics, and how far they are compressed.

``u_t + u u_x = ν u_xx``, ``u(x, 0) = c + A sin x``, period 2π. In the frame ``y = x − ct`` the Cole–Hopf transform
``u = c − 2ν φ_y/φ`` turns it into the heat equation, so that φ is a Gaussian average of its start
``exp((A/2ν) (cos x − 1))``. After an integration by parts the solution is an expectation without a division by t,

    ``u = c + A E[sin S]``,    ``S = y + √(2νt) R``,    density of R ``∝ exp(−R²/2 − (A/2ν) (1 − cos S))``.

It is evaluated by the trapezoidal rule, whose error is known in advance: on the line ``Im S = η`` the density is at
most ``exp(η²/4νt + (|A|/2ν) (cosh η − 1))`` times that on the real line, hence a step h errs by at most twice that
times ``e^{−2πη/h}`` (and ``cosh η`` for the sine), whatever η. The Fourier–Bessel series of φ is exact as well, but
its alternating terms cancel to ``e^{−A/ν}`` of their size: in double precision it is worthless for ν below A/30.

References
----------
E. Hopf, "The partial differential equation u_t + u u_x = μ u_xx", Comm. Pure Appl. Math. 3 (1950) 201. J. D. Cole,
Quart. Appl. Math. 9 (1951) 225. The test problem of "Lagrangian PINNs", arXiv 2205.02902. The error bound of the rule,
the form without a division by t and the closed form of the Jacobian are ours.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from scipy.integrate import solve_ivp

from theory._arrays import as_float64, require_broadcast, require_nonnegative
from theory._numbers import require_number
from theory.characteristics._frame import moved

_TAIL = 10.0
"""Standard deviations of R kept beyond the farthest minimum of the exponent; the rest weighs e^{−50}."""
_ERROR_EXPONENT = 40.0
"""The rule errs by e^{−40} at most."""
_HIGHEST_LINE = 300.0
"""Lines Im S = η beyond are not tried: cosh η would leave the range of float64."""
_MOST_NODES = 1 << 20
_CHUNK = 1 << 18
"""Evaluations of the integrand held in memory at a time."""


def burgers_exact(x: Any, t: Any, nu: float, A: float = 1.0, c: float = 0.0) -> Any:
    r"""Return the periodic solution of ``u_t + u u_x = ν u_xx`` that starts from ``c + A sin x``.

    Parameters
    ----------
    x
        Positions, any real numbers (the period is 2π); NumPy array, tensor or number, broadcast with ``t``.
    t
        Times, at least 0; ``u(x, 0) = c + A sin x`` needs no special case.
    nu
        Viscosity ν > 0.
    A
        Amplitude of the initial wave, of either sign.
    c
        Its mean, which is also the speed of the wave. Rounding of ``x − ct`` costs about ``|c| t`` units in the last
        place.

    Returns
    -------
    array or tensor
        Broadcast shape of ``x`` and ``t``, in their kind, dtype and device. In float64 the error is about 1e−13 |A| or
        less for ν from |A|/1000 to |A|; memory does not grow with the grid. Differentiable in ``x``, and in ``t > 0``.

    Raises
    ------
    TypeError, ValueError
        For input other than described above, shapes that do not broadcast, a ``t = 0`` that requires a gradient, or
        parameters for which the rule would need more than a million nodes (``|A| t / √ν`` or ``√(νt)`` beyond some
        1e5), or ``x − ct`` beyond the range of float64.

    References
    ----------
    Hopf 1950, Cole 1951; problem of arXiv 2205.02902.

    Examples
    --------
    >>> burgers_exact(np.linspace(0, 2 * np.pi, 256, endpoint=False)[:, None], np.linspace(0, 1, 100), nu=0.01).shape
    (256, 100)
    """
    (x_, t_), restore = as_float64(x=x, t=t)
    return restore(_expectations(x_, t_, nu, A, c)[0])


def burgers_slope(x: Any, t: Any, nu: float, A: float = 1.0, c: float = 0.0) -> Any:
    r"""Return ``u_x`` of `burgers_exact`, ``A E[cos S] − (A²/2ν) Var(sin S)``.

    It equals ``1/t − Var(S)/(2νt²)`` without that form's cancellation at small t.

    Parameters
    ----------
    x, t, nu, A, c
        As for `burgers_exact`.

    Returns
    -------
    array or tensor
        As `burgers_exact`; per unit length. It is ``A cos x`` at ``t = 0``.

    Raises
    ------
    TypeError, ValueError
        As `burgers_exact`.

    References
    ----------
    Ours, by differentiation of the expectation.
    """
    (x_, t_), restore = as_float64(x=x, t=t)
    return restore(_expectations(x_, t_, nu, A, c)[1])


def burgers_trajectories(xi: Any, t: Any, nu: float, A: float = 1.0, c: float = 0.0) -> Any:
    r"""Return the characteristics ``X_t = u(X, t)``, ``X(ξ, 0) = ξ`` of `burgers_exact`.

    They are integrated in the moving frame, with the Dormand–Prince pair of order 8 at a tolerance of 1e−11 and the
    exact velocity.

    Parameters
    ----------
    xi
        Labels ξ, shape (n,): NumPy array or tensor.
    t
        Times, shape (m,), at least 0, in ascending order; equal ones are allowed.
    nu, A, c
        As for `burgers_exact`.

    Returns
    -------
    array or tensor
        ``X``, shape (n, m), not wrapped into a period: ``X(ξ + 2π, t) = X(ξ, t) + 2π``. The solution along it is
        ``burgers_exact(X, t, nu, A, c)``. Not differentiable.

    Raises
    ------
    TypeError, ValueError
        As `burgers_exact`, and for ``xi`` or ``t`` of another shape or order.
    ArithmeticError
        If the integration does not reach the tolerance.

    References
    ----------
    arXiv 2205.02902, the characteristic part of the Lagrangian pair.
    """
    (xi_, t_), restore = as_float64(xi=xi, t=t)
    for name, values in (("xi", xi_), ("t", t_)):
        if values.ndim != 1:
            raise ValueError(f"{name} has shape {tuple(values.shape)}; expected one dimension")
    require_nonnegative(t=t_)
    if bool((t_.diff() < 0).any()):
        raise ValueError("t decreases; expected ascending times")
    labels, times = xi_.detach().cpu().numpy(), t_.detach().cpu().numpy()
    distinct, places = np.unique(times, return_inverse=True)
    _parameters(nu, A, c)

    def velocity(now: float, Y: np.ndarray) -> Any:
        return burgers_exact(Y, now, nu, A)

    if times[-1] > 0:
        solved = solve_ivp(velocity, (0.0, times[-1]), labels, method="DOP853", t_eval=distinct, rtol=1e-11, atol=1e-11)
        if not solved.success:
            raise ArithmeticError(f"the characteristics could not be integrated: {solved.message}")
        Y = solved.y[:, places]
    else:
        Y = np.repeat(labels[:, None], len(times), axis=1)
    return restore(moved(torch.as_tensor(Y, device=xi_.device), c, t_))


def jacobian_floor(nu: float, A: float, T: Any) -> Any:
    r"""Return ``J = ∂X/∂ξ`` of the Burgers characteristics at the label where it is least, where the shock forms.

    At that label (π in the moving frame, 0 for A < 0) φ_y vanishes, so ``J_t = u_x J`` integrates to
    ``J = (φ(0)/φ(T))² = E[exp((|A|/ν) sin²(√(2νT) R / 2))]^{−2}`` with a standard normal R. After the inviscid shock
    time ``1/|A|`` it collapses like ``exp(−a² T / 2ν)``, a the half-jump of the shock.

    Parameters
    ----------
    nu
        Viscosity ν > 0.
    A
        Amplitude of the initial wave ``c + A sin x``; the floor depends on neither c nor the sign.
    T
        Times, at least 0: NumPy array, tensor or number.

    Returns
    -------
    array or tensor
        In (0, 1], the kind and shape of ``T``; 0 where it is below the least number of the dtype. The relative error
        is about 1e−13 times ``1 + |log J|``. Differentiable in ``T > 0``.

    Raises
    ------
    TypeError, ValueError
        As `burgers_exact`.

    References
    ----------
    Ours; the quantity decides whether ``W_ξξ/J²`` of arXiv 2205.02902 can be trained.
    """
    (T_,), restore = as_float64(T=T)
    nu, A, _ = _parameters(nu, A, 0.0)
    require_nonnegative(T=T_)
    _require_differentiable("T", T_)
    _, spread, exponent = _rule(torch.full((), math.pi, dtype=torch.float64, device=T_.device), T_, nu, abs(A))
    weight = torch.logsumexp(exponent, -1) - torch.logsumexp(-0.5 * spread * spread, -1)
    start = -abs(A) / nu  # the exponent at t = 0
    return restore(torch.exp(2.0 * (start - weight)))


def _parameters(nu: float, A: float, c: float) -> tuple[float, float, float]:
    return (
        require_number("nu", nu, 0.0, math.inf, open_low=True),
        require_number("A", A, -math.inf, math.inf),
        require_number("c", c, -math.inf, math.inf),
    )


def _expectations(x: torch.Tensor, t: torch.Tensor, nu: float, A: float, c: float) -> tuple[torch.Tensor, torch.Tensor]:
    """The solution and its slope, in pieces of bounded memory."""
    nu, A, c = _parameters(nu, A, c)
    require_broadcast(x=x, t=t)
    require_nonnegative(t=t)
    _require_differentiable("t", t)
    x, t = torch.broadcast_tensors(x, t)  # type: ignore[no-untyped-call]
    nodes = _half_count(float(t.detach().max()), nu, A)
    pieces = min(x.numel(), max(1, x.numel() * (2 * nodes + 1) // _CHUNK))
    values, slopes = [], []
    for xs, ts in zip(x.reshape(-1).tensor_split(pieces), t.reshape(-1).tensor_split(pieces), strict=True):
        S, _, exponent = _rule(moved(xs, -c, ts), ts, nu, A)
        density = torch.softmax(exponent, -1)
        sine = torch.sin(S)
        mean = (density * sine).sum(-1)
        variance = (density * (sine - mean[..., None]) ** 2).sum(-1)
        values.append(c + A * mean)
        slopes.append(A * (density * torch.cos(S)).sum(-1) - A * (A / (2.0 * nu)) * variance)
    return torch.cat(values).reshape(x.shape), torch.cat(slopes).reshape(x.shape)


def _require_differentiable(name: str, t: torch.Tensor) -> None:
    if t.requires_grad and bool((t == 0).any()):
        raise ValueError(
            f"{name} contains 0 and requires a gradient; expected {name} > 0, where the rule can be differentiated"
        )


def _rule(y: torch.Tensor, t: torch.Tensor, nu: float, A: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """S and R at equidistant nodes (last axis), and the logarithm of their density up to a constant."""
    count = _half_count(float(t.detach().max()), nu, A)
    unit = torch.arange(-count, count + 1, dtype=torch.float64, device=t.device) / count
    R = (abs(A) * torch.sqrt(t / (2.0 * nu)) + _TAIL)[..., None] * unit
    S = y[..., None] + torch.sqrt(2.0 * nu * t)[..., None] * R
    return S, R, -0.5 * R * R - (A / (2.0 * nu)) * (1.0 - torch.cos(S))


def _half_count(t: float, nu: float, A: float) -> int:
    """Nodes on either side for which the rule errs by e^{−40} at time t, and hence at all earlier times."""
    periodic, width = abs(A) / (2.0 * nu), math.sqrt(4.0 * nu * t)
    count = math.inf
    if math.isfinite(periodic):
        largest = math.sqrt(_ERROR_EXPONENT / (1.0 + periodic * width**2 / 2.0))
        if largest * width > _HIGHEST_LINE:
            largest = _HIGHEST_LINE / width
        heights = largest * np.geomspace(1e-3, 1.0, 64)  # η / √(4νt)
        growth = heights**2 + periodic * (np.cosh(width * heights) - 1.0) + width * heights
        step = np.max(2.0 * math.pi * math.sqrt(2.0) * heights / (_ERROR_EXPONENT + growth))
        count = (abs(A) * math.sqrt(t / (2.0 * nu)) + _TAIL) / float(step)
    if not count < _MOST_NODES:
        raise ValueError(
            f"nu = {nu:g}, A = {A:g} at t = {t:g} need {2 * count:.3g} nodes; expected at most {2 * _MOST_NODES}"
        )
    return math.ceil(count)
