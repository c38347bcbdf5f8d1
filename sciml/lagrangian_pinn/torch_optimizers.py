"""Adam and L-BFGS of torch behind the interface of the dense methods."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from sciml.lagrangian_pinn.ssbroyden import Differentiable


class TorchOptimizer:
    """`torch.optim.Adam` (rate 1e−3, halved after a step to where the loss is infinite) or `torch.optim.LBFGS`.

    L-BFGS takes 50 pairs and a strong Wolfe search, and begins anew with each function.

    Parameters
    ----------
    theta
        Where to start, shape (P,), floating.
    name
        Which.

    Attributes
    ----------
    theta, loss
        The iterate and its loss.
    """

    def __init__(self, theta: Tensor, name: Literal["adam", "lbfgs"]) -> None:
        self.theta = theta
        self.loss = math.inf
        self._name = name
        self._parameter = torch.nn.Parameter(theta.clone())
        self._optimizer = self._make()

    def bind(self, objective: Differentiable) -> None:
        """Go on with another function near the last one."""
        self._objective = objective
        self._known = (self.theta, *objective.loss_and_gradient(self.theta))
        self.loss = self._known[1]
        if self._name == "lbfgs":
            self._optimizer = self._make()

    def step(self) -> bool:
        """Take one step; return whether there was one (L-BFGS: and the loss fell)."""
        tried = [self._known]

        def closure() -> float:
            here = self._parameter.detach()
            if not torch.equal(here, tried[-1][0]):
                tried.append((here.clone(), *self._objective.loss_and_gradient(here)))
            self._parameter.grad = tried[-1][2].clone()
            return tried[-1][1]

        self._optimizer.step(closure)
        end = self._parameter.detach().clone()
        found = next((known for known in tried if torch.equal(known[0], end)), None)
        found = found or (end, *self._objective.loss_and_gradient(end))
        rejected = not math.isfinite(found[1]) or (self._name == "lbfgs" and not found[1] < self.loss)
        if rejected:
            with torch.no_grad():
                self._parameter.copy_(self.theta)
            if self._name == "lbfgs":
                self._optimizer = self._make()
            else:
                self._optimizer.param_groups[0]["lr"] *= 0.5
            return False
        self._known = found
        self.theta, self.loss = found[0], found[1]
        return True

    def _make(self) -> torch.optim.Optimizer:
        if self._name == "adam":
            return torch.optim.Adam([self._parameter], lr=1e-3)
        return torch.optim.LBFGS(
            [self._parameter],
            max_iter=1,
            max_eval=25,
            history_size=50,
            tolerance_grad=0.0,
            tolerance_change=0.0,
            line_search_fn="strong_wolfe",
        )
