"""Networks on the characteristics: one branch for the paths, one for the values along them.

With the label ξ (the place at t = 0), the path ``X(ξ, t)``, the value ``W(ξ, t) = w(X(ξ, t), t)`` and ``J = ∂X/∂ξ``,
``w_t + f1 w_x = f2 w_xx`` reads

    ``X_t = f1(X, t, W)``,    ``W_t = (f2/J) ∂_ξ(W_ξ/J)``,

and diffusion is not ``f2 W_ξξ`` unless J = 1. The branches ``N_x``, ``N_w`` enter as

    ``X = ξ + v t + V t N_x(ξ, t)``,    ``W = u0(ξ) + (A/T) t N_w(ξ, t)``,

so that the initial and periodic conditions, ``X(ξ + L, t) = X(ξ, t) + L`` among them, hold for any weights. v is the
frame shift, V the largest ``|f1 − v|`` of the initial data and A half the range of ``u0``: a network of size one moves
characteristics as far as they go, whatever the speed. The second equation is trained in flux form, multiplied by J:
that is the residual per label, finite where labels crowd together.

References
----------
R. Mojgani, M. Balajewicz, P. Hassanzadeh, "Lagrangian PINNs: a causality-conforming solution to failure modes of
physics-informed neural networks", arXiv 2205.02902, with the diffusion in labels put right. Units and flux form are
ours.
"""

from __future__ import annotations

import math
import warnings
from typing import Any, NamedTuple

import torch
from torch import Tensor

from sciml.lagrangian_pinn._model import Frame, TransportPINN
from sciml.lagrangian_pinn.certificate import burgers_bound, convection_bound
from sciml.lagrangian_pinn.collapse import doubt_of_labels
from sciml.lagrangian_pinn.inversion import invert
from sciml.lagrangian_pinn.networks import VALUE, XX, T, X
from sciml.lagrangian_pinn.objective import Points
from sciml.lagrangian_pinn.problem import Problem

_J_FLOOR = 1e-6  # least Jacobian at which diffusion in labels is evaluated
_CHECKED_LABELS, _CHECKED_TIMES = 256, 256  # at which a prediction looks for crossing characteristics
_FIRST_OUTPUT = 0.1  # training starts near straight characteristics and constant values


class Characteristics(NamedTuple):
    """What a trained network knows along its characteristics; each the broadcast shape of labels and times.

    Attributes
    ----------
    X
        Places, not wrapped to one period.
    J
        ``∂X/∂ξ``, positive as long as characteristics do not cross.
    W
        Values carried.
    """

    X: Any
    J: Any
    W: Any


class LagrangianPINN(TransportPINN):
    r"""A physics-informed network for ``w_t + f1 w_x = f2 w_xx`` in the coordinates of its characteristics.

    Parameters
    ----------
    problem
        The equation with its initial values.
    frame_shift
        The speed v of the straight lines that the paths are measured from. ``"auto"`` is the mean velocity of the
        initial data; with 0 the network has to learn the transport.
    harmonics, width, depth
        Of each of the two branches: waves of the embedding, units in a layer, hidden layers.
    seed
        Of the first weights and of the points of training.
    dtype
        ``torch.float64``, or ``torch.float32`` for errors above about 1e−3.
    device
        Where to train, such as ``"cuda"``.

    Attributes
    ----------
    theta
        All parameters, shape (P,).
    frame
        The speed v.

    Raises
    ------
    ValueError, TypeError
        For arguments out of range.

    Notes
    -----
    Labels follow the solution into a shock until ∂X/∂ξ vanishes there; with diffusion that takes a little longer.
    `fit` computes ∂X/∂ξ beforehand and refuses what cannot work.
    """

    _frame_name = "frame_shift"
    _n_colloc = 2048

    def __init__(
        self,
        problem: Problem,
        frame_shift: Frame = "auto",
        *,
        harmonics: int = 1,
        width: int = 20,
        depth: int = 2,
        seed: int = 0,
        dtype: torch.dtype = torch.float64,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__(problem, frame_shift, 2, harmonics, width, depth, seed, dtype, device)
        self.order = 0 if problem.hyperbolic else 2
        self.speed = problem.spread_of_velocity(self.frame)
        weight, _ = self.network.layers(self.theta)[-1]
        weight *= _FIRST_OUTPUT
        weight[0] *= min(1.0, problem.L / (2.0 * math.pi * self.speed * problem.T))

    def residuals(self, jets: Tensor, points: Points) -> Tensor:
        """``X_t − f1`` and ``J W_t − f2 ∂_ξ(W_ξ/J)``, shape (2, N), in the units ``A/(T max|u0'|)`` and ``A/T``."""
        path, value = jets
        t, problem = points.t, self.problem
        W = torch.addcmul(points.w0, t, value[VALUE], value=self.rate)
        W_t = self.rate * torch.addcmul(value[VALUE], t, value[T])
        place = points.x + self.frame * t + self.speed * t * path[VALUE]
        drift = self.speed * torch.addcmul(path[VALUE], t, path[T]) + (self.frame - problem.velocity(place, t, W))
        if self.order > 0:
            J, J_xi = 1.0 + self.speed * t * path[X], self.speed * t * path[XX]
            W_xi = torch.addcmul(points.w0_x, t, value[X], value=self.rate)
            W_xixi = torch.addcmul(points.w0_xx, t, value[XX], value=self.rate)
            W_t = J * W_t - problem.diffusivity(place, t, W) * (W_xixi - W_xi * J_xi / J) / J
        return torch.stack([drift * ((problem.slope or 1.0) / self.rate), W_t / self.rate])

    def admissible(self, jets: Tensor, points: Points) -> bool:
        """Whether ∂X/∂ξ, which diffusion is divided by, stays away from 0."""
        return self.order == 0 or bool(self._jacobian(jets, points.t).min() > _J_FLOOR)

    def check_before_training(self, force: bool) -> None:
        """Refuse, or warn of, a problem whose characteristics cross or crowd together; see `check_jacobian`."""
        if (doubt := doubt_of_labels(self.problem, force)) is not None:
            warnings.warn(doubt, stacklevel=4)

    def characteristics(self, xi: Any, t: Any) -> Characteristics:
        """Return paths, ∂X/∂ξ and values at labels ``xi`` and times ``t``.

        Parameters
        ----------
        xi, t
            As ``x`` and ``t`` of `predict`, but labels are not wrapped.

        Returns
        -------
        Characteristics
            In the kind, dtype and device of the arguments.

        Raises
        ------
        ValueError
            For shapes that do not broadcast, values that are not finite, or a time outside [0, T].
        """
        xi_, t_, restore = self._arguments("xi", xi, t)
        return Characteristics(*map(restore, self._follow(xi_, t_)))

    def _predict(self, x: Tensor, t: Tensor) -> Tensor:
        times = torch.unique(t)
        if len(times) > _CHECKED_TIMES:
            times = times[torch.linspace(0, len(times) - 1, _CHECKED_TIMES, device=t.device).round().long()]
        labels = torch.arange(_CHECKED_LABELS, dtype=t.dtype, device=t.device) * (self.problem.L / _CHECKED_LABELS)
        self._require_monotone(labels.repeat(len(times)), times.repeat_interleave(_CHECKED_LABELS))
        xi = invert(lambda xi, t: self._follow(xi, t)[:2], x, t, x - self.frame * t, self.problem.L)
        return self._follow(xi, t)[2]

    def _require_monotone(self, xi: Tensor, t: Tensor) -> None:
        J = self._follow(xi, t)[1]
        if float(J.min()) <= 0.0:
            worst = int(J.argmin())
            raise ArithmeticError(
                f"characteristics cross: ∂X/∂ξ = {float(J[worst]):.3g} at ξ = {float(xi[worst]):.6g}, t = "
                f"{float(t[worst]):.6g}; expected an increasing X. Train longer, or predict earlier times"
            )

    def _follow(self, xi: Tensor, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        jets = self._jets(xi, t, order=1)
        place = xi + self.frame * t + self.speed * t * jets[0, VALUE]
        return place, self._jacobian(jets, t), self.problem.value(xi) + self.rate * t * jets[1, VALUE]

    def _jacobian(self, jets: Tensor, t: Tensor) -> Tensor:
        return 1.0 + self.speed * t * jets[0, X]

    def least_jacobian(self, x: Tensor, t: Tensor) -> float:
        """Least ∂X/∂ξ at labels and times (N,)."""
        return float(self._follow(x, t)[1].min())

    def certificate(self, x: Tensor, t: Tensor) -> float | None:
        """The bound of the error at ``T`` from the largest residuals at (N,) points; None where none is known.

        Known are those of a constant ``f1`` and of ``f1 = w``, both without diffusion. It is a certificate to the
        extent that the points find the largest residuals.
        """
        problem = self.problem
        if not problem.hyperbolic:
            return None
        points = self.points(x, t)
        drift, change = self.residuals(self._jets(x, t, self.order), points).abs().amax(-1).tolist()
        eps_x, eps_w = drift * self.rate / (problem.slope or 1.0), change * self.rate
        if not callable(problem.f1):
            return convection_bound(eps_x, eps_w, problem.slope, problem.T)
        if problem.is_burgers:
            slope = float(problem.initial(problem.labels)[1].min())
            return burgers_bound(eps_x, eps_w, problem.slope, slope, problem.T)
        return None

    def boundary_errors(self, x: Tensor, t: Tensor) -> tuple[float, float]:
        """Largest violation of ``X = ξ, W = u0`` at t = 0 and of the periodicity of ``X − ξ`` and W."""
        zero, L = torch.zeros_like(t), self.problem.L
        X_, _, W = self._follow(x, zero)
        start = max(float((X_ - x).abs().max()), float((W - self.problem.value(x)).abs().max()))
        left, right = self._follow(torch.zeros_like(t), t), self._follow(torch.full_like(t, L), t)
        around = max(float((right[0] - left[0] - L).abs().max()), float((right[2] - left[2]).abs().max()))
        return start, around
