"""The self-scaled Broyden method with a dense inverse Hessian and a strong Wolfe line search.

The minimum along a step is typically at a third to a half of the quasi-Newton step, again and again. The first trial of
the search is therefore the running mean of what the cubics through the last trials had for their minima; it is accepted
in more than nine of ten steps, where the full step would cost a second evaluation. (The running mean is ours.)
"""

from __future__ import annotations

import math
import warnings
from typing import Protocol

import numpy as np
import torch
from scipy.optimize import line_search
from torch import Tensor

from theory._numbers import Floats

_SHORTEST = 0.05  # first trial, in units of the quasi-Newton step
_LEARNING = 0.3  # exponent by which the first trial follows the minima along the lines


class Differentiable(Protocol):
    """A function of parameters (P,) with its gradient; infinite where it is not defined."""

    def loss_and_gradient(self, theta: Tensor) -> tuple[float, Tensor]:
        """Return the loss and its gradient (P,)."""


class SSBroyden:
    """Minimise a function of a few thousand parameters; each step costs O(P²) beside the evaluations.

    Parameters
    ----------
    theta
        Where to start, shape (P,), floating.

    Attributes
    ----------
    theta, loss
        The iterate and its loss.

    References
    ----------
    J. F. Urbán, P. Stefanou, J. A. Pons, "Unveiling the optimization process of physics informed neural networks",
    arXiv 2405.04230; J. Nocedal, S. J. Wright, "Numerical Optimization", Algorithms 3.5 and 3.6 and
    Equation 6.20 (the first scaling). The Broyden family is that of M. Al-Baali's self-scaling methods.
    """

    def __init__(self, theta: Tensor) -> None:
        self.theta = theta
        self.loss = math.inf
        self._gradient = torch.zeros_like(theta)
        self._inverse: Tensor | None = None
        self._unit = math.inf  # inverse curvature along the last step
        self._length = 1.0

    def bind(self, objective: Differentiable) -> None:
        """Go on with another function near the last one: the inverse Hessian is kept."""
        self._objective = objective
        self.loss, self._gradient = objective.loss_and_gradient(self.theta)

    def step(self) -> bool:
        """Take one step; return whether the loss fell.

        If it did not, the next step is one of steepest descent, as long as the curvature along the last step tells and
        a tenth of that after each further failure.
        """
        if self._inverse is None:
            self._unit = min(self._unit, 1.0 / max(1.0, float(self._gradient.abs().sum())))
            direction = -self._unit * self._gradient
        else:
            direction = self._length * -(self._inverse @ self._gradient)
        found = self._search(direction)
        if found is None:
            self._unit *= 1.0 if self._inverse is not None else 0.1
            self._inverse, self._length = None, 1.0
            return False
        alpha, loss, gradient = found
        step = alpha * direction
        length = alpha * self._length
        if self._inverse is not None:
            best = cubic_minimum(self.loss, float(self._gradient @ step), loss, float(gradient @ step))
            self._length = min(1.0, max(_SHORTEST, self._length * (alpha * best) ** _LEARNING))
        self._update(length, step, gradient - self._gradient)
        self.theta, self.loss, self._gradient = self.theta + step, loss, gradient
        return True

    def _search(self, direction: Tensor) -> tuple[float, float, Tensor] | None:
        """The step length of the strong Wolfe conditions; if none was found the best one tried, if it is better."""
        slope = float(self._gradient @ direction)
        if not slope < 0.0:
            return None
        tried: dict[float, tuple[float, Tensor, float]] = {}

        def evaluate(alpha: float) -> tuple[float, Tensor, float]:
            if alpha not in tried:
                loss, gradient = self._objective.loss_and_gradient(self.theta + alpha * direction)
                tried[alpha] = loss, gradient, float(gradient @ direction)
            return tried[alpha]

        def value(alpha: Floats) -> float:
            return evaluate(float(alpha[0]))[0]

        def derivative(alpha: Floats) -> Floats:
            return np.array([evaluate(float(alpha[0]))[2]])

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a search that fails is dealt with below
            alpha = line_search(
                value,
                derivative,
                np.zeros(1),
                np.ones(1),
                np.array([slope]),
                self.loss,
                c1=1e-4,
                c2=0.9,
            )[0]
        if alpha is None:
            alpha = min(tried, key=lambda a: tried[a][0])
        loss, gradient, _ = tried[float(alpha)]
        return (float(alpha), loss, gradient) if loss < self.loss else None

    def _update(self, length: float, s: Tensor, y: Tensor) -> None:
        """Learn from the step ``s``, ``length`` times the quasi-Newton one, and the change ``y`` of the gradient."""
        sy, yy = float(s @ y), float(y @ y)
        if not (sy > 0.0 and yy > 0.0):  # yy underflows before a loss that falls to 0
            return
        self._unit = sy / yy
        if self._inverse is None:
            self._inverse = torch.eye(len(s), dtype=s.dtype, device=s.device) * self._unit
            sBs = float(s @ s) / self._unit
        else:
            sBs = -length * float(s @ self._gradient)
        Hy = self._inverse @ y
        yHy = float(y @ Hy)
        tau, phi = _scaling(sBs / sy, yHy / sy, len(s))
        v = s / sy - Hy / yHy
        left = torch.stack([Hy / -(yHy * tau), v * (phi * yHy / tau), s / sy], 1)
        self._inverse.addmm_(left, torch.stack([Hy, v, s]), beta=1.0 / tau)


def cubic_minimum(f0: float, d0: float, f1: float, d1: float) -> float:
    """Where the cubic with these values and slopes at 0 and 1 is least, within [1/2, 2] and 2 if it has no minimum."""
    z = 3.0 * (f0 - f1) + d0 + d1
    root = math.sqrt(max(z * z - d0 * d1, 0.0))
    denominator = d1 - d0 + 2.0 * root
    if not denominator > 0.0:
        return 2.0
    return min(2.0, max(0.5, 1.0 - (d1 + root - z) / denominator))


def _scaling(b: float, h: float, size: int) -> tuple[float, float]:
    """Scaling τ and Broyden parameter φ from ``b = sᵀH⁻¹s / sᵀy`` and ``h = yᵀHy / sᵀy``."""
    a = h * b - 1.0
    if not a > 1e-14:
        return 1.0, 1.0  # BFGS: the step was along Hy, and all members of the family agree
    rho = min(1.0, h * (1.0 - math.sqrt(a / (a + 1.0))))
    theta = max((rho - 1.0) / a, min(1.0 / rho, (1.0 - b) / b))
    sigma = 1.0 + a * theta
    root = sigma ** (1.0 / (1.0 - size)) if sigma > 0.0 else math.inf
    tau = min(rho * root, sigma) if theta <= 0.0 else rho * min(root, 1.0 / theta)
    return tau, (1.0 - theta) / (1.0 + a * theta)
