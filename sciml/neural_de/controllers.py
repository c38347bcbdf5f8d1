"""Step size controllers: from the scaled error of a step to the factor by which the next one is longer.

References
----------
E. Hairer, G. Wanner, "Solving Ordinary Differential Equations II", Section IV.2 (PI control).
A. Pal, Y. Ma, V. Shah, C. Rackauckas, "Opening the Blackbox", Section 2 (adaptive time stepping), arXiv 2105.03918.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

FIRST_ERROR = 1e-4
"""What stands for the error of the step before the first, and the least error a controller remembers."""


class Controller(Protocol):
    """What :func:`~sciml.neural_de.solve` needs of a controller."""

    def factor(self, error: float, previous: float, order: float) -> float:
        """The ratio of the next step to this one.

        Parameters
        ----------
        error
            Scaled error q_n ≥ 0 of the step, which is accepted if q_n ≤ 1; not finite if the step left the domain of f.
        previous
            q_{n−1} of the last accepted step, at least :data:`FIRST_ERROR`.
        order
            Order of the error estimate in h: 5 for a 5(4) pair.
        """
        ...


@dataclass(frozen=True)
class IController:
    """h_{n+1} = h_n · clip(safety · q_n^(−1/k), least, most), with k the order of the error estimate.

    Attributes
    ----------
    safety
        Fraction of the step that would just be accepted.
    least, most
        Bounds of the factor.
    """

    safety: float = 0.9
    least: float = 0.2
    most: float = 10.0

    def __post_init__(self) -> None:
        _check(self.safety, self.least, self.most)

    def factor(self, error: float, previous: float, order: float) -> float:
        """See :class:`Controller`; ``previous`` has no influence."""
        return _clipped(error, -1.0 / order, self.safety, self.least, self.most)


@dataclass(frozen=True)
class PIController:
    """h_{n+1} = h_n · clip(safety · q_{n−1}^α · q_n^(−β), least, most), with β = 7/(10k) and α = 2/(5k).

    The paper writes both exponents without their signs; the one of the present error has to be negative.

    Attributes
    ----------
    safety
        Fraction of the step that would just be accepted if the error stayed as it is.
    least, most
        Bounds of the factor.
    """

    safety: float = 0.9
    least: float = 0.2
    most: float = 10.0

    def __post_init__(self) -> None:
        _check(self.safety, self.least, self.most)

    def factor(self, error: float, previous: float, order: float) -> float:
        """See :class:`Controller`."""
        memory = previous ** (2.0 / (5.0 * order))
        return _clipped(error, -7.0 / (10.0 * order), self.safety * memory, self.least, self.most)


def _clipped(error: float, exponent: float, scale: float, least: float, most: float) -> float:
    if not math.isfinite(error):
        return least
    if error == 0.0:
        return most
    return min(most, max(least, scale * math.pow(error, exponent)))


def _check(safety: float, least: float, most: float) -> None:
    if not 0 < safety < 1:
        raise ValueError(f"safety is {safety}; expected a number between 0 and 1")
    if not 0 < least < 1 < most < math.inf:
        raise ValueError(f"least and most are {least} and {most}; expected 0 < least < 1 < most < ∞")


CONTROLLERS: dict[str, Controller] = {"I": IController(), "PI": PIController()}
"""The controllers with their default constants, by name."""


def find_controller(controller: str | Controller) -> Controller:
    """Return a controller by name, or the one given; ``ValueError`` for an unknown name."""
    if not isinstance(controller, str):
        return controller
    if controller not in CONTROLLERS:
        raise ValueError(f"controller is {controller!r}; expected an object or one of {', '.join(CONTROLLERS)}")
    return CONTROLLERS[controller]
