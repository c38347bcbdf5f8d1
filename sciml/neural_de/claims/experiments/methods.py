"""What the methods add to a task's loss, and how they solve: vanilla, ER, ER2, SR, local, TayNODE, STEER."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from sciml.neural_de.models import NeuralODE
from sciml.neural_de.regularizers import TayReg, local_regularizer, steer_end_time
from sciml.neural_de.solve import Stats, solve


class Method(NamedTuple):
    """One way of training.

    Attributes
    ----------
    kind
        A name in ``PENALTIES``, or "vanilla", "local", "TayNODE", "STEER".
    coefficient
        λ at the start, annealed to a tenth of it; for STEER the half-width b.
    """

    kind: str
    coefficient: float = 0.0


class Pass(NamedTuple):
    """States at t1, the penalty, and the cost of the solve."""

    y: Tensor
    penalty: Tensor
    stats: Stats


PENALTIES = {"ER": "REn", "ER2": "RE2", "SR": "RSmax"}
"""The heuristic of each. ER and SR are those of the authors' code: the mean of q_j h_j, and max_j S_j / x_stab.

"local" is E(t)|h| per tolerance, root mean square over the states, so that its λ has the scale of ER's.
"""


def forward(ode: NeuralODE, y0: Tensor, method: Method, generator: torch.Generator) -> Pass:
    """Solve as a method does in training."""
    none = y0.new_zeros(())
    if method.kind == "vanilla":
        solution = ode(y0)
        return Pass(solution.y, none, solution.stats)
    if method.kind == "STEER":
        solution = ode(y0, t1=steer_end_time(ode.t0, ode.t1, method.coefficient, generator))
        return Pass(solution.y, none, solution.stats)
    if method.kind == "local":
        solution = ode(y0, keep_states=True)
        estimate = local_regularizer(ode.field, solution, generator=generator)
        return Pass(solution.y, estimate / (ode.atol * y0.numel() ** 0.5), solution.stats)
    if method.kind == "TayNODE":
        regularized = TayReg(ode.field, order=3)
        found = solve(regularized, regularized.augment(y0), ode.t0, ode.t1, rtol=ode.rtol, atol=ode.atol)
        y, penalty = regularized.split(found.y)
        return Pass(y, penalty.mean() / y.shape[-1], found.stats)
    name = PENALTIES[method.kind]
    solution = ode(y0, heuristics=(name,))
    penalty = solution.heuristics[name]
    return Pass(solution.y, penalty / solution.stats.accepted if name == "REn" else penalty, solution.stats)


def cheapest(kind: str, grid: Sequence[float], validated: Callable[[Method], Sequence[tuple[float, float]]]) -> Method:
    """The λ with the fewest evaluations among those that lose at most a point of accuracy against vanilla.

    Medians over seeds of evaluations, means of accuracy; the smaller λ if two are equal, the smallest if all lose more.
    ``validated`` gives both for each seed, measured on validation parts; a grid of one λ is not measured.
    """
    if len(grid) == 1:
        return Method(kind, grid[0])
    reference = np.mean([accuracy for _, accuracy in validated(Method("vanilla"))])
    best, fewest = min(grid), math.inf
    for coefficient in sorted(grid):
        evaluations, accuracy = zip(*validated(Method(kind, coefficient)), strict=True)
        if np.mean(accuracy) >= reference - 1 - 1e-9 and np.median(evaluations) < fewest:
            best, fewest = coefficient, float(np.median(evaluations))
    return Method(kind, best)
