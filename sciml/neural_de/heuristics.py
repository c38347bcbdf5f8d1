"""What an embedded pair knows of its own cost: local error and stiffness of each step, and their sums.

References
----------
A. Pal, Y. Ma, V. Shah, C. Rackauckas, "Opening the Blackbox: Accelerating Neural Differential Equations by Regularizing
Internal Solver Heuristics", Section 3, arXiv 2105.03918.
L. F. Shampine, "Stiffness and nonstiff differential equation solvers, II", ACM TOMS 3 (1977) 44.
E. Hairer, G. Wanner, "Solving Ordinary Differential Equations II", Section IV.2 (stiffness detection).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch
from torch import Tensor


def error_scale(y: Tensor, new: Tensor, rtol: float, atol: float) -> Tensor:
    """atol + rtol·max(|y_n|, |y_{n+1}|), entry by entry; the scaled error of a step is the RMS of err over this."""
    return torch.maximum(y.abs(), new.abs()).mul_(rtol).add_(atol)


class _Norms(torch.autograd.Function):
    """Euclidean norms of many tensors; the gradient of the norm of 0 is 0."""

    @staticmethod
    def forward(ctx: Any, *rows: Tensor) -> Tensor:
        values = torch.stack([torch.linalg.vector_norm(row) for row in rows])
        ctx.save_for_backward(values, *rows)
        return values

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, bar: Tensor) -> tuple[Tensor, ...]:
        values, *rows = ctx.saved_tensors
        factors = torch.where(values > 0, bar / torch.where(values > 0, values, 1.0), 0.0)
        return tuple(row * factor for row, factor in zip(rows, factors.unbind(), strict=True))


def norms(rows: Sequence[Tensor]) -> Tensor:
    """Euclidean norms of tensors of any shapes, of shape (len(rows),), without copying them together.

    The gradient of the norm of 0 is 0: a field that has been trained to a vanishing error stays trainable.
    """
    apply: Callable[..., Tensor] = _Norms.apply
    return apply(*rows)


def stiffness(slope_differences: Sequence[Tensor], argument_differences: Sequence[Tensor]) -> Tensor:
    r"""S = ‖k_x − k_y‖/‖g_x − g_y‖ of two stages at the same time, a lower bound of the Lipschitz constant of f.

    The paper prints the row sums of the tableau in the denominator, whose difference is 0; the arguments g of the
    stages belong there.

    Parameters
    ----------
    slope_differences, argument_differences
        k_x − k_y and g_x − g_y of each step.

    Returns
    -------
    Tensor, shape (steps,)
        In units of 1/time. 0, with gradient 0, where the two arguments are equal (an equilibrium).
    """
    return ratio(norms(slope_differences), norms(argument_differences))


def ratio(above: Tensor, below: Tensor) -> Tensor:
    """above/below entry by entry; 0, with gradient 0, where ``below`` is 0."""
    apart = below > 0
    return torch.where(apart, above / torch.where(apart, below, 1.0), 0.0)


class Pair(Protocol):
    """What the sums ask of a tableau."""

    @property
    def name(self) -> str:
        """How it is called in messages."""
        ...

    @property
    def stiffness_stages(self) -> tuple[int, int] | None:
        """Two stages at the same time; ``None`` if there is no stiffness estimate."""
        ...

    @property
    def stability_limit(self) -> float | None:
        """x_stab, by which stiffness is divided."""
        ...


@dataclass(frozen=True)
class Estimates:
    """The estimates of the accepted steps; each is there if a heuristic needs it.

    Attributes
    ----------
    tableau
        The pair.
    h : Tensor, shape (steps,)
        Lengths |h_j|, constants.
    error, scaled_error, stiffness : Tensor, shape (steps,), optional
        E_j = ‖err_j‖₂, q_j and S_j.
    """

    tableau: Pair
    h: Tensor
    error: Tensor | None = None
    scaled_error: Tensor | None = None
    stiffness: Tensor | None = None


Estimate = Literal["error", "scaled_error", "stiffness"]


def _largest_over_limit(stiffness: Tensor, steps: Estimates) -> Tensor:
    limit = steps.tableau.stability_limit
    assert limit is not None
    return stiffness.amax() / limit


HEURISTICS: dict[str, tuple[Estimate, Callable[[Tensor, Estimates], Tensor]]] = {
    "RE": ("error", lambda error, steps: torch.dot(error, steps.h)),
    "RE2": ("error", lambda error, steps: torch.dot(error, error)),
    "REn": ("scaled_error", lambda error, steps: torch.dot(error, steps.h)),
    "RS": ("stiffness", lambda stiffness, steps: torch.dot(stiffness, steps.h)),
    "RSmax": ("stiffness", _largest_over_limit),
}
"""R_E = Σ E_j|h_j|, R_E² = Σ E_j², the scaled Σ q_j|h_j|, R_S = Σ S_j|h_j|, and max_j S_j / x_stab, by name.

Each is given with the estimate it sums. ``REn`` divided by the number of steps is what the authors' code calls error
regularization, ``RSmax`` what it calls stiffness regularization; their text sums ``RE`` and ``RS``.
"""


def needed_estimates(names: Sequence[str], tableau: Pair) -> frozenset[Estimate]:
    """The estimates that these heuristics sum.

    Raises
    ------
    ValueError
        If a heuristic is unknown, or needs a stiffness estimate that the tableau does not have.
    """
    if isinstance(names, str):
        raise ValueError(f"heuristics is the string {names!r}; expected a sequence of names")
    for name in names:
        if name not in HEURISTICS:
            raise ValueError(f"heuristics has {name!r}; expected names among {', '.join(HEURISTICS)}")
        if HEURISTICS[name][0] == "stiffness" and tableau.stiffness_stages is None:
            raise ValueError(
                f"heuristic {name} was asked of {tableau.name}, which has no stiffness estimate; "
                "expected a method with a stiffness estimate, such as dopri5 or tsit5"
            )
    return frozenset(HEURISTICS[name][0] for name in names)


def sums(names: Sequence[str], estimates: Estimates) -> dict[str, Tensor]:
    """The heuristics by name, as 0-d tensors, from the estimates of all accepted steps."""
    return {name: value(getattr(estimates, kind), estimates) for name in names for kind, value in [HEURISTICS[name]]}
