"""The mean squared residual of a network at fixed points, with its gradient and its Jacobian by the parameters."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from sciml.lagrangian_pinn.networks import PeriodicMLP, Sweep


@dataclass(frozen=True)
class Points:
    """Places (labels, or positions in the moving frame) and times of shape (N,), with the initial values there."""

    x: Tensor
    t: Tensor
    w0: Tensor
    w0_x: Tensor
    w0_xx: Tensor


class Equations(ABC):
    """What a network has to satisfy: residuals made of its jets and of the points."""

    network: PeriodicMLP
    order: int

    @abstractmethod
    def points(self, x: Tensor, t: Tensor) -> Points:
        """Look up the initial values at the points."""

    @abstractmethod
    def residuals(self, jets: Tensor, points: Points) -> Tensor:
        """Dimensionless residuals (R, N) from jets (B, order + 2, N), elementwise in N and differentiable."""

    @abstractmethod
    def admissible(self, jets: Tensor, points: Points) -> bool:
        """Whether the residuals mean anything at these jets."""


class Objective:
    """The loss ``Σ_r mean_n residual²`` of equations at points, as a function of the parameters (P,).

    Where the equations are not admissible the loss is infinite and the gradient 0.

    Parameters
    ----------
    equations
        What to satisfy.
    x, t
        Places and times, shape (N,), of the dtype and on the device of the parameters.
    """

    def __init__(self, equations: Equations, x: Tensor, t: Tensor) -> None:
        self.equations = equations
        self.points = equations.points(x, t)
        self.inadmissible = 0
        self._sweep = Sweep(equations.network, equations.network.embed(x, t, equations.order))
        self._rows: Tensor | None = None

    def loss(self, theta: Tensor) -> float:
        """The loss alone."""
        jets = self._jets(theta)
        if jets is None:
            return math.inf
        return float(self.equations.residuals(jets, self.points).square().sum()) / jets.shape[-1]

    def loss_and_gradient(self, theta: Tensor) -> tuple[float, Tensor]:
        """The loss and its gradient (P,)."""
        jets = self._jets(theta)
        if jets is None:
            return math.inf, torch.zeros_like(theta)
        with torch.enable_grad():
            jets.requires_grad_()
            loss = self.equations.residuals(jets, self.points).square().sum() / jets.shape[-1]
            (seeds,) = torch.autograd.grad(loss, jets)
        with torch.no_grad():
            return float(loss.detach()), self._sweep.gradient(seeds)

    def residuals_and_jacobian(self, theta: Tensor) -> tuple[Tensor, Tensor]:
        """Residuals (R N,) whose squares sum to the loss, and their derivatives (P, R N) in memory used again.

        Raises
        ------
        ValueError
            If the equations are not admissible at ``theta``.
        """
        jets = self._jets(theta)
        if jets is None:
            raise ValueError("theta is not admissible for the equations; expected parameters with a finite loss")
        with torch.enable_grad():
            jets.requires_grad_()
            residuals = self.equations.residuals(jets, self.points) / math.sqrt(jets.shape[-1])
            seeds = [
                torch.autograd.grad(r.sum(), jets, retain_graph=True, materialize_grads=True)[0] for r in residuals
            ]
        n = jets.shape[-1]
        if self._rows is None:
            self._rows = theta.new_empty(len(theta), residuals.numel())
        with torch.no_grad():
            for index, seed in enumerate(seeds):
                self._sweep.gradients(seed, self._rows[:, index * n : (index + 1) * n])
        return residuals.detach().flatten(), self._rows

    def _jets(self, theta: Tensor) -> Tensor | None:
        with torch.no_grad():
            jets = self._sweep.forward(theta)
            if self.equations.admissible(jets, self.points):
                return jets
        self.inadmissible += 1
        return None
