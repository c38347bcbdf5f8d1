"""Scalar transport on a circle, ``w_t + f1(x, t, w) w_x = f2(x, t, w) w_xx``, with periodic initial values."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import torch
from torch import Tensor

from theory._numbers import require_number

Coefficient: TypeAlias = Callable[[Tensor, Tensor, Tensor], Tensor]
InitialValues: TypeAlias = Callable[[Tensor], Tensor]

_LABELS = 1024  # points of the circle at which a problem is looked at before training


@dataclass(frozen=True)
class Problem:
    r"""The periodic initial value problem ``w_t + f1 w_x = f2 w_xx``, ``w(x, 0) = u0(x)``, ``0 ≤ t ≤ T``.

    Parameters
    ----------
    f1
        Velocity: a number, or a function of tensors ``(x, t, w)`` of one shape (N,) to a tensor of that shape, made of
        differentiable elementwise torch operations and L-periodic in ``x``. Inviscid and viscous Burgers: ``w``.
    f2
        Diffusivity: a nonnegative number, or a function as ``f1`` with nonnegative values. The number 0 makes the
        problem hyperbolic.
    u0
        Initial values: a function of a tensor (N,) to a tensor (N,) made of elementwise torch operations that can be
        differentiated twice, L-periodic with its derivative.
    L
        Period, positive.
    T
        End of the time interval, positive.

    Raises
    ------
    ValueError
        If ``L``, ``T`` or a number ``f2`` is out of range; if a function returns another shape than it was given, or
        values that are not finite or no floating numbers on the initial data; if ``f2`` takes negative values there;
        if ``u0`` varies while autograd finds no slope, or has a derivative that is not finite; if ``u0`` or its
        derivative jumps from ``L`` to 0.
    TypeError
        If an argument is neither a number nor, where that is allowed, a function.

    Notes
    -----
    R. Mojgani, M. Balajewicz, P. Hassanzadeh, "Lagrangian PINNs", arXiv 2205.02902, Equation 1 of its slides.
    """

    f1: Coefficient | float
    f2: Coefficient | float
    u0: InitialValues
    L: float = 2.0 * math.pi
    T: float = 1.0

    def __post_init__(self) -> None:
        require_number("L", self.L, 0.0, math.inf, open_low=True)
        require_number("T", self.T, 0.0, math.inf, open_low=True)
        if not callable(self.f1):
            require_number("f1", self.f1, -math.inf, math.inf)
        if not callable(self.f2):
            require_number("f2", self.f2, 0.0, math.inf)
        if not callable(self.u0):
            raise TypeError(f"u0 is {self.u0!r}; expected a function of a tensor")
        x, t = self.labels, torch.zeros_like(self.labels)
        w = _values("u0", self.u0, x)
        _values("f1", self.velocity, x, t, w)
        if float((f2 := _values("f2", self.diffusivity, x, t, w)).min()) < 0.0:
            raise ValueError(f"f2 takes the value {float(f2.min())} on the initial data; expected nonnegative values")
        self._require_derivatives()
        self._require_periodic()

    @property
    def hyperbolic(self) -> bool:
        """Whether there is no diffusion at all: ``f2`` is the number 0."""
        return not callable(self.f2) and self.f2 == 0

    @cached_property
    def labels(self) -> Tensor:
        """Equidistant points of [0, L), float64, shape (1024,)."""
        return torch.arange(_LABELS, dtype=torch.float64) * (self.L / _LABELS)

    @cached_property
    def amplitude(self) -> float:
        """Half the range of ``u0``, the unit of ``w``; 1 for constant initial values."""
        w = self.u0(self.labels)
        return float(w.max() - w.min()) / 2.0 or 1.0

    @cached_property
    def slope(self) -> float:
        """Largest modulus of ``u0'``."""
        return float(self.initial(self.labels)[1].abs().max())

    @cached_property
    def mean_velocity(self) -> float:
        """Mean of ``f1`` over the circle at t = 0. For Burgers the mean of ``u0``, which the flow conserves."""
        return float(self._initial_velocity().mean())

    @cached_property
    def initial_rate(self) -> float:
        """Mean of ``(f1 u0' − f2 u0'')²`` at t = 0: the residual, squared, of values that stand still."""
        w, w_x, w_xx = self.initial(self.labels)
        diffusivity = self.diffusivity(self.labels, torch.zeros_like(w), w)
        return float((self._initial_velocity() * w_x - diffusivity * w_xx).square().mean())

    def spread_of_velocity(self, frame: float) -> float:
        """Largest modulus of ``f1 − frame`` at t = 0; the velocity L/T where that is 0 up to rounding."""
        velocity = self._initial_velocity()
        spread = float((velocity - frame).abs().max())
        return spread if spread > 1e-9 * float(velocity.abs().max()) else self.L / self.T

    @cached_property
    def is_burgers(self) -> bool:
        """Whether ``f1`` returned ``w`` itself, bit for bit, at 64 random points with values in and around ``u0``'s."""
        if not callable(self.f1):
            return False
        x, t, w = torch.rand(3, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).unbind()
        w = self.u0(self.labels).mean() + 4.0 * self.amplitude * (w - 0.5)
        return torch.equal(self.f1(self.L * x, self.T * t, w), w)

    def fingerprint(self) -> Tensor:
        """Numbers (34,) that tell problems apart: L, T, and u0, f1, f2 at a few labels and at two times."""
        x = self.labels[:: _LABELS // 8] + 0.1 * self.L / _LABELS
        w = self.value(x)
        ends = torch.tensor([self.L, self.T], dtype=torch.float64)
        late = torch.full_like(x, self.T)
        return torch.cat([ends, w, self.velocity(x, 0 * x, w), self.velocity(x, late, w), self.diffusivity(x, late, w)])

    def value(self, x: Tensor) -> Tensor:
        """``u0``, continued with period L."""
        return self.u0(torch.remainder(x, self.L))

    def velocity(self, x: Tensor, t: Tensor, w: Tensor) -> Tensor:
        """``f1``, also where it is a number, continued with period L."""
        return self.f1(torch.remainder(x, self.L), t, w) if callable(self.f1) else torch.full_like(w, self.f1)

    def diffusivity(self, x: Tensor, t: Tensor, w: Tensor) -> Tensor:
        """``f2``, also where it is a number, continued with period L."""
        return self.f2(torch.remainder(x, self.L), t, w) if callable(self.f2) else torch.full_like(w, self.f2)

    def initial(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """``u0``, ``u0'`` and ``u0''`` at points (N,), without a graph."""
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            w = self.value(x)
            (w_x,) = _derivative(w, x)
            (w_xx,) = _derivative(w_x, x)
        return w.detach(), w_x.detach(), w_xx.detach()

    def _initial_velocity(self) -> Tensor:
        return self.velocity(self.labels, torch.zeros_like(self.labels), self.u0(self.labels))

    def _require_derivatives(self) -> None:
        w, *derivatives = self.initial(self.labels)
        for name, values in zip(("u0'", "u0''"), derivatives, strict=True):
            if not bool(torch.isfinite(values).all()):
                place = float(self.labels[~torch.isfinite(values)][0])
                raise ValueError(f"{name} is not finite at x = {place:.6g}; expected u0 with two derivatives")
        if self.slope == 0.0 and float(w.max()) > float(w.min()):
            raise ValueError("u0 varies, but autograd finds no slope; expected torch operations on its argument")

    def _require_periodic(self) -> None:
        ends = torch.tensor([0.0, self.L], dtype=torch.float64)
        with torch.enable_grad():
            ends.requires_grad_()
            w = self.u0(ends)
            (w_x,) = _derivative(w, ends)
        jump, slope_jump = (float((v[1] - v[0]).detach().abs()) for v in (w, w_x))
        if jump > 1e-8 * self.amplitude or slope_jump > 1e-8 * max(self.slope, self.amplitude / self.L):
            raise ValueError(
                f"u0 is not periodic: |u0(L) - u0(0)| = {jump:.3g}, |u0'(L) - u0'(0)| = {slope_jump:.3g} for "
                f"L = {self.L:.6g}; expected no jump"
            )


def _derivative(y: Tensor, x: Tensor) -> tuple[Tensor]:
    if not y.requires_grad:
        return (torch.zeros_like(x),)
    (slope,) = torch.autograd.grad(y.sum(), x, create_graph=True, materialize_grads=True)
    return (slope,)


def _values(name: str, function: Callable[..., Tensor], *arguments: Tensor) -> Tensor:
    values = function(*arguments)
    if not isinstance(values, Tensor) or values.shape != arguments[0].shape:
        got = tuple(values.shape) if isinstance(values, Tensor) else type(values).__name__
        raise ValueError(
            f"{name} returned {got} for arguments of shape {tuple(arguments[0].shape)}; expected that shape"
        )
    if not values.is_floating_point():
        raise ValueError(f"{name} returned numbers of dtype {values.dtype}; expected a floating dtype")
    if not bool(torch.isfinite(values).all()):
        raise ValueError(
            f"{name} returned {values[~torch.isfinite(values)][0]} on the initial data; expected finite numbers"
        )
    return values
