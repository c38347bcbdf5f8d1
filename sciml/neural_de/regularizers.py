"""What is added to a loss beside the sums of a solve: one local estimate, a Taylor term, a random end time, a schedule.

References
----------
A. Pal, A. Edelman, C. Rackauckas, "Locally Regularized Neural Differential Equations", arXiv 2303.02262.
J. Kelly, J. Bettencourt, M. J. Johnson, D. Duvenaud, "Learning Differential Equations that are Easy to Solve",
arXiv 2007.04504.
A. Ghosh, H. S. Behl, E. Dupont, P. H. S. Torr, V. Namboodiri, "STEER: Simple Temporal Regularization For Neural ODEs",
arXiv 2006.10711.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from sciml.neural_de._stages import Field
from sciml.neural_de.heuristics import norms
from sciml.neural_de.sde_solve import SDESolution, sri_step
from sciml.neural_de.solve import Solution, rk_step
from theory._numbers import require_integer


def local_estimate(f: Field, solution: Solution | SDESolution, t: float, *, g: Field | None = None) -> Tensor:
    """E(t)·|h| from one step that is restarted at time t of a solve, with the solver's step size h there.

    The gradient flows through this one step only; the state it starts from is a constant.

    Parameters
    ----------
    f
        The field, or drift, that was solved.
    solution
        From :func:`~sciml.neural_de.solve` or :func:`~sciml.neural_de.sde_solve` with ``keep_states=True``.
    t
        From t0 up to, and without, t1. Between two accepted times the state is found by a shorter step.
    g
        The diffusion, of a stochastic solve, whose steps here are on its Brownian path; they end at t1 at the latest,
        with the path.

    Returns
    -------
    Tensor
        0-d.

    Raises
    ------
    ValueError
        If the solution kept no states, ``t`` is not within it, or ``g`` is missing or superfluous.
    """
    if (g is None) == isinstance(solution, SDESolution):
        given, kind = ("None", "a stochastic") if g is None else ("a field", "an ordinary")
        raise ValueError(f"g is {given} and solution is of {kind} equation; expected g for a stochastic one only")
    if solution.states is None:
        raise ValueError("solution kept no states; expected one from solve(..., keep_states=True)")
    ts, sign = solution.ts, math.copysign(1.0, solution.ts[-1] - solution.ts[0])
    j = bisect.bisect_right(ts, sign * t, key=lambda time: sign * time) - 1
    if not 0 <= j < len(ts) - 1:
        raise ValueError(f"t is {t}; expected a time from t0 = {ts[0]} up to, and without, t1 = {ts[-1]}")
    y, h = solution.states[j].detach(), solution.steps[j]
    if t != ts[j]:
        with torch.no_grad():
            y = _step(f, g, solution, ts[j], y, t - ts[j])[0]
    if isinstance(solution, SDESolution):
        h = min(h, ts[-1] - t)
    return norms([_step(f, g, solution, t, y, h)[1]])[0] * abs(h)


def _step(
    f: Field, g: Field | None, solution: Solution | SDESolution, t: float, y: Tensor, h: float
) -> tuple[Tensor, Tensor]:
    """New state and error of a step of the method of a solution, on its path."""
    if isinstance(solution, Solution):
        found = rk_step(f, t, y, h, method=solution.tableau)
        return found.y, found.error
    assert g is not None
    step = sri_step(f, g, t, y, h, solution.path.increment(t, t + h), method=solution.tableau)
    return step.y, step.error


def local_regularizer(
    f: Field,
    solution: Solution | SDESolution,
    *,
    g: Field | None = None,
    kind: Literal["biased", "uniform"] = "biased",
    generator: torch.Generator | None = None,
) -> Tensor:
    """:func:`local_estimate` at a random time t_reg.

    Parameters
    ----------
    f, solution, g
        As there.
    kind
        ``"biased"``: t_reg is one of the N accepted times before t1, each as likely; N times the mean is R_E.
        ``"uniform"`` (the authors call it unbiased): t_reg is uniform in time. R_E is no fixed multiple of
        the mean: a step of length h_j restarted within the j-th step is one that the controller did not choose.
    generator
        Source of randomness on the CPU; torch's own if ``None``.

    Returns
    -------
    Tensor
        0-d.

    Raises
    ------
    ValueError
        If the solution kept no states, ``kind`` is unknown, or ``g`` is missing or superfluous.
    """
    if kind not in ("biased", "uniform"):
        raise ValueError(f"kind is {kind!r}; expected 'biased' or 'uniform'")
    ts, draw = solution.ts, float(torch.rand((), generator=generator, dtype=torch.float64))
    t = ts[int(draw * (len(ts) - 1))] if kind == "biased" else ts[0] + draw * (ts[-1] - ts[0])
    return local_estimate(f, solution, t, g=g)


def anneal(first: float, last: float, epochs: int) -> Callable[[float], float]:
    """The schedule λ_t = λ_0 (λ_1/λ_0)^(t/epochs), of which the last epoch, t = epochs − 1, does not reach λ_1.

    Raises
    ------
    ValueError
        If a coefficient is not positive and finite or ``epochs`` is below 1.
    """
    for name, value in (("first", first), ("last", last)):
        if not 0 < value < math.inf:
            raise ValueError(f"{name} is {value}; expected a positive coefficient")
    if epochs < 1:
        raise ValueError(f"epochs is {epochs}; expected at least 1")
    return lambda t: first * (last / first) ** (t / epochs)


def steer_end_time(t0: float, t1: float, b: float, generator: torch.Generator | None = None) -> float:
    """An end time T ~ U(t1 − b, t1 + b) to train with instead of t1 (STEER).

    Raises
    ------
    ValueError
        Unless 0 < b < |t1 − t0|.
    """
    if not 0 < b < abs(t1 - t0):
        raise ValueError(f"b is {b}; expected a number between 0 and |t1 - t0| = {abs(t1 - t0)}")
    return t1 + b * (2 * float(torch.rand((), generator=generator, dtype=torch.float64)) - 1)


def total_derivative(f: Field, order: int) -> Field:
    """The field of d^K z/dt^K along solutions of z' = f(t, z): D¹ = f, D^{k+1} = (∂_t + f·∇)D^k.

    Parameters
    ----------
    f
        The field, built of operations with forward-mode derivatives; t a 0-d tensor.
    order
        K ≥ 1. A value of D^K costs about 2^K − 1 evaluations of f, and that of f itself is among them.

    Raises
    ------
    TypeError, ValueError
        If ``order`` is not an integer of at least 1.
    """
    require_integer("order", order, 1)
    return f if order == 1 else lambda t, y: _slope_and_derivative(f, order, t, y)[1]


def _slope_and_derivative(f: Field, order: int, t: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """D¹ and D^K, of which the latter needs the former."""
    slope = f(t, y)
    if order == 1:
        return slope, slope
    lower = total_derivative(f, order - 1)
    return slope, torch.func.jvp(lower, (t, y), (torch.ones_like(t), slope))[1]


class TayReg:
    """The Taylor regularizer R_K = ∫ ‖d^K z/dt^K‖² dt of TayNODE, integrated along with the state.

    An instance is the field of a state with one more entry in its last dimension, which holds R_K of each sample.
    TayNODE's code divides by the width D and averages over the batch.

    Parameters
    ----------
    f
        The field, of states (..., D); see :func:`total_derivative`.
    order
        K ≥ 1.

    Raises
    ------
    TypeError, ValueError
        If ``order`` is not an integer of at least 1.

    Examples
    --------
    >>> from sciml.neural_de import solve
    >>> regularized = TayReg(lambda t, y: -y, order=2)
    >>> solution = solve(regularized, regularized.augment(torch.ones(1, 1, dtype=torch.float64)), 0.0, 1.0)
    >>> y, R = regularized.split(solution.y)
    >>> R.round(decimals=4)  # (1 − e⁻²)/2
    tensor([0.4323], dtype=torch.float64)
    """

    def __init__(self, f: Field, order: int) -> None:
        require_integer("order", order, 1)
        self.f, self.order = f, order

    def __call__(self, t: Tensor, state: Tensor) -> Tensor:
        """The slope of the state and of R_K."""
        y = state[..., :-1]
        slope, derivative = _slope_and_derivative(self.f, self.order, t, y)
        return torch.cat([slope, derivative.square().sum(-1, keepdim=True)], dim=-1)

    @staticmethod
    def augment(y0: Tensor) -> Tensor:
        """The initial state with R_K = 0: (..., D) to (..., D + 1)."""
        return torch.cat([y0, torch.zeros_like(y0[..., :1])], dim=-1)

    @staticmethod
    def split(state: Tensor) -> tuple[Tensor, Tensor]:
        """The state (..., D) and R_K of each sample (...)."""
        return state[..., :-1], state[..., -1]
