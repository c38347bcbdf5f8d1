"""What a training run has to say about itself, and the ways it can fail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

StopReason: TypeAlias = Literal["budget", "iterations", "target", "no descent"]


@dataclass(frozen=True)
class FitReport:
    """The outcome of a fit. Losses are mean squares of residuals in the unit A/T, A half the range of ``u0``.

    Attributes
    ----------
    train_loss, fresh_loss
        At the last points of training, and at four times as many points never trained on.
    spurious
        Whether the equation holds at the points of training only: of the mean ``(f1 u0' − f2 u0'')²`` that values
        standing still would leave, ``train_loss`` is less than a thousandth and ``fresh_loss`` more than four.
    min_J
        Least ∂X/∂ξ at the fresh points; None for a network in a frame.
    ic_error, periodic_error
        Largest violations of the initial and periodic conditions: rounding.
    certificate
        Bound of the error at ``T`` from the largest residual at the fresh points; None where none is known.
    n_iter, cpu_s
        Iterations, and CPU seconds with everything done before and after them.
    stopped
        Why training ended; ``"no descent"``: no step lowers the loss any more, which rounding brings about.
    optimizer, seed
        How it was made.
    """

    train_loss: float
    fresh_loss: float
    spurious: bool
    min_J: float | None
    ic_error: float
    periodic_error: float
    certificate: float | None
    n_iter: int
    cpu_s: float
    stopped: StopReason
    optimizer: str
    seed: int


class JacobianCollapse(ArithmeticError):
    """∂X/∂ξ vanishes, by prediction or in training, so that labels cannot resolve the solution.

    Attributes
    ----------
    J, T
        The least Jacobian and the time it belongs to.
    """

    def __init__(self, message: str, J: float, T: float) -> None:
        super().__init__(message)
        self.J, self.T = J, T


class JacobianWarning(UserWarning):
    """∂X/∂ξ becomes so small that accuracy will suffer, or is not positive after training."""


class SpuriousSolutionWarning(UserWarning):
    """The residual is small at the points of training only."""


class PrecisionWarning(UserWarning):
    """The dtype does not hold the accuracy asked for."""
