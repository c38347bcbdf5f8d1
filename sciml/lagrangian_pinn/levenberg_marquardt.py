"""The Levenberg–Marquardt method for residuals with few parameters and many points."""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor

_FIRST_DAMPING = 1e-2
_PANELS = 8  # the Gram matrix is made of panels of rows, of which only the lower ones are computed


class LeastSquares(Protocol):
    """Residuals of parameters (P,), whose squares sum to the loss; the loss is infinite where they are not defined."""

    def loss(self, theta: Tensor) -> float:
        """Return the sum of squares."""

    def residuals_and_jacobian(self, theta: Tensor) -> tuple[Tensor, Tensor]:
        """Return the residuals (M,) and their derivatives (P, M)."""


class LevenbergMarquardt:
    """Solve ``(JᵀJ + λI) δ = −Jᵀr`` for each step; λ follows the ratio of the gain to the predicted one.

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
    D. W. Marquardt, SIAM J. Appl. Math. 11 (1963) 431.
    """

    def __init__(self, theta: Tensor) -> None:
        self.theta = theta
        self.loss = math.inf
        self._damping = _FIRST_DAMPING
        self._normal: tuple[Tensor, Tensor] | None = None

    def bind(self, objective: LeastSquares) -> None:
        """Go on with other residuals near the last ones: the damping is kept."""
        self._objective = objective
        self.loss = objective.loss(self.theta)
        self._normal = None

    def step(self) -> bool:
        """Try one step; return whether the loss fell."""
        if self._normal is None:
            residuals, jacobian = self._objective.residuals_and_jacobian(self.theta)
            self._normal = lower_gram(jacobian), jacobian @ residuals
        gram, gradient = self._normal
        damped = gram.clone()
        damped.diagonal().add_(self._damping)
        factor, info = torch.linalg.cholesky_ex(damped)
        if int(info) != 0:
            self._damping *= 4.0
            return False
        step = -torch.cholesky_solve(gradient[:, None], factor)[:, 0]
        loss = self._objective.loss(self.theta + step)
        if not loss < self.loss:
            self._damping *= 4.0
            return False
        predicted = float(step @ (self._damping * step - gradient))
        ratio = (self.loss - loss) / predicted
        self._damping *= 1.0 / 3.0 if ratio > 0.75 else 2.0 if ratio < 0.25 else 1.0
        self.theta, self.loss, self._normal = self.theta + step, loss, None
        return True


def lower_gram(rows: Tensor) -> Tensor:
    """The lower triangle of ``rows rowsᵀ``, (P, M) → (P, P), in nearly half the work; above it the values are open."""
    size = len(rows)
    gram = rows.new_empty(size, size)
    width = max(1, -(-size // _PANELS))
    for start in range(0, size, width):
        torch.matmul(rows[start:], rows[start : start + width].mT, out=gram[start:, start : start + width])
    return gram
