"""Initial value problems on the autograd tape: adaptive explicit pairs, differentiated through their steps.

The derivative is that of the program with its step sizes held fixed (discretize, then optimize): the accepted grid is
chosen by a controller that the tape does not see. A solve can be replayed on that grid.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from sciml.neural_de._arguments import (
    finite_number,
    first_step_of,
    monotone,
    require_state,
    require_tolerances,
    warn_of_rounding,
)
from sciml.neural_de._estimates import Reading, Recorder, Ruler
from sciml.neural_de._stages import Field, Taken, evaluate, plan_of, run_stages
from sciml.neural_de.controllers import FIRST_ERROR, Controller, find_controller
from sciml.neural_de.heuristics import Estimate, needed_estimates, stiffness, sums
from sciml.neural_de.tableaus import TABLEAUS, Tableau

Method = Literal["tsit5", "dopri5", "bogacki-shampine"]


@dataclass(frozen=True)
class Stats:
    """The cost of a solve.

    Attributes
    ----------
    nfe
        Number of evaluations of f.
    accepted, rejected
        Numbers of steps.
    """

    nfe: int
    accepted: int
    rejected: int


@dataclass(frozen=True, eq=False)
class Solution:
    """What :func:`solve` returns.

    Attributes
    ----------
    y : Tensor
        The state at t1, with the shape and dtype of y0.
    ys : Tensor, shape (len(save_at), \\*y0.shape), optional
        The states at ``save_at``; ``None`` if it was not given.
    heuristics
        The sums that were asked, by name: 0-d tensors on the tape.
    stats
        Numbers of evaluations and steps.
    ts
        The grid t0 = ts[0], …, ts[n] = t1 of the accepted steps; ``solve(..., grid=ts)`` replays it.
    states
        The states on this grid, if they were asked to be kept.
    tableau
        The method.
    """

    y: Tensor
    ys: Tensor | None
    heuristics: dict[str, Tensor]
    stats: Stats
    ts: tuple[float, ...]
    states: tuple[Tensor, ...] | None
    tableau: Tableau

    @property
    def steps(self) -> list[float]:
        """The accepted step sizes h_j, negative if t1 < t0."""
        return [after - before for before, after in zip(self.ts, self.ts[1:], strict=False)]


@dataclass(frozen=True, eq=False)
class StepResult:
    """What :func:`rk_step` returns.

    Attributes
    ----------
    y : Tensor
        The new state, with the shape of the old one.
    error : Tensor
        err = h Σ (b_i − b̂_i) k_i, with the shape of the state.
    stiffness : Tensor, optional
        The 0-d estimate S; ``None`` if the method has none.
    slopes
        k_1, …, k_s; the last is the slope at the new state.
    """

    y: Tensor
    error: Tensor
    stiffness: Tensor | None
    slopes: tuple[Tensor, ...]


def rk_step(
    f: Field, t: float, y: Tensor, h: float, *, method: Method | Tableau = "tsit5", slope: Tensor | None = None
) -> StepResult:
    """One step of an embedded pair, with its estimates on the tape.

    Parameters
    ----------
    f
        The field f(t, y); t is a 0-d tensor.
    t, h
        Time and step size; h may be negative.
    y : Tensor
        The state, float32 or float64, of any shape.
    method
        A name or a tableau.
    slope : Tensor, optional
        f(t, y), if it is known.

    Returns
    -------
    StepResult

    Raises
    ------
    ValueError
        If ``h`` is 0 or not finite, or the method, the state or a value of f is not as expected.
    """
    tableau = _find_tableau(method)
    require_state(y)
    t = finite_number("t", t)
    if (h := finite_number("h", h)) == 0:
        raise ValueError("h is 0; expected a step forwards or backwards")
    y = y.contiguous()
    if slope is None:
        slope = evaluate(f, y.new_tensor(t), y)
    plan = plan_of(tableau)
    taken = run_stages(f, plan, t, y, slope, h, rows=(plan.error, plan.argument_difference))
    error, estimate = taken.read_out(0, plan.error), None
    if tableau.stiffness_stages is not None:
        difference = taken.slopes[-1] - taken.slopes[-2]
        estimate = stiffness([difference], [taken.read_out(1, plan.argument_difference)])[0]
    return StepResult(taken.y, error, estimate, tuple(taken.slopes))


def solve(
    f: Field,
    y0: Tensor,
    t0: float,
    t1: float,
    *,
    method: Method | Tableau = "tsit5",
    rtol: float = 1e-5,
    atol: float = 1e-5,
    save_at: Sequence[float] | Tensor | None = None,
    heuristics: Sequence[str] = (),
    grid: Sequence[float] | None = None,
    detach_scale: bool = True,
    controller: Literal["I", "PI"] | Controller = "I",
    first_step: float | None = None,
    max_steps: int = 10_000,
    keep_states: bool = False,
) -> Solution:
    r"""Solve y' = f(t, y), y(t0) = y0, and sum the solver's own estimates of its error and stiffness.

    The whole of ``y0`` is one system with one sequence of steps; norms run over all its entries. So ``RE`` grows with
    the square root of a batch size, ``REn``, ``RS`` and ``RSmax`` do not.

    Parameters
    ----------
    f
        The field f(t, y): t a 0-d tensor, y and the value of the shape and dtype of ``y0``. It may use anything that
        requires a gradient, and is evaluated once a stage.
    y0 : Tensor
        Initial state, float32 or float64, of any shape, on any device.
    t0, t1
        Start and end, t1 ≠ t0. The last step ends at t1 exactly.
    method
        A name or a tableau.
    rtol, atol
        Relative and absolute tolerance of the scaled error.
    save_at
        Times from t0 to t1, strictly in this direction, at which ``ys`` is given, by interpolation of order 4 (3 for
        Bogacki–Shampine) within the step.
    heuristics
        Names among :data:`~sciml.neural_de.heuristics.HEURISTICS`. They cost no evaluation of f. Where gradients are
        not recorded they are plain numbers.
    grid
        Times t0 = grid[0], …, grid[n] = t1 to step on instead of choosing steps; ``Solution.ts`` of another solve.
    detach_scale
        Whether the denominator of ``REn`` is a constant.
    controller
        ``"I"``, ``"PI"`` or an object with a method ``factor``.
    first_step
        Length of the first step; found with one more evaluation of f if ``None``.
    max_steps
        Largest number of steps, rejected ones included.
    keep_states
        Whether ``Solution.states`` holds the states on the grid.

    Returns
    -------
    Solution
        Differentiable once; the step sizes count as constants.

    Raises
    ------
    ValueError
        If an argument, or a value of f, is not as described; in particular if a stiffness estimate is asked of a
        method that has none.
    RuntimeError
        If the state stops being finite, the step size vanishes or ``max_steps`` are not enough. The message gives the
        time reached.

    Warns
    -----
    UserWarning
        If ``rtol`` is below ten times the rounding unit of the dtype, where steps are rejected for rounding.

    References
    ----------
    A. Pal, Y. Ma, V. Shah, C. Rackauckas, "Opening the Blackbox: Accelerating Neural Differential Equations by
    Regularizing Internal Solver Heuristics", Section 3, arXiv 2105.03918.

    Examples
    --------
    >>> y0 = torch.tensor([1.0, 0.0], dtype=torch.float64)
    >>> solution = solve(lambda t, y: torch.stack([y[1], -y[0]]), y0, 0.0, torch.pi, heuristics=("RE", "RS"))
    >>> solution.y.round(decimals=2), solution.heuristics["RS"].round(decimals=2)
    (tensor([-1.,  0.], dtype=torch.float64), tensor(3.1400, dtype=torch.float64))
    """
    tableau = _find_tableau(method)
    require_state(y0)
    t0, t1 = finite_number("t0", t0), finite_number("t1", t1)
    if t1 == t0:
        raise ValueError(f"t1 = t0 = {t0}; expected an interval of positive length")
    require_tolerances(rtol, atol)
    if max_steps < 1:
        raise ValueError(f"max_steps is {max_steps}; expected at least 1")
    needed = needed_estimates(heuristics, tableau)
    saved_times = None if save_at is None else monotone("save_at", save_at, t0, t1)
    run = _Run(f, tableau, y0.contiguous(), t0, rtol, atol, needed, detach_scale, saved_times, keep_states)
    if grid is None:
        warn_of_rounding(rtol, y0.dtype)
        run.adaptively(t1, find_controller(controller), first_step_of(first_step), max_steps)
    else:
        times = monotone("grid", grid, t0, t1)
        if len(times) < 2 or times[0] != t0 or times[-1] != t1:
            raise ValueError(f"grid has {len(times)} times; expected at least 2, from t0 = {t0} to t1 = {t1}")
        run.on_grid(times)
    return Solution(
        y=run.y,
        ys=None if saved_times is None else run.saved_states(),
        heuristics=sums(heuristics, run.recorder.estimates()) if heuristics else {},
        stats=Stats(run.nfe, len(run.ts) - 1, run.rejected),
        ts=tuple(run.ts),
        states=tuple(run.states) if keep_states else None,
        tableau=tableau,
    )


@dataclass
class _Run:
    """A solve in progress."""

    f: Field
    tableau: Tableau
    y: Tensor
    t: float
    rtol: float
    atol: float
    needed: frozenset[Estimate]
    detach_scale: bool
    save_at: list[float] | None
    keep_states: bool
    nfe: int = 1
    rejected: int = 0
    ts: list[float] = field(default_factory=list)
    states: list[Tensor] = field(default_factory=list)
    saved: list[Tensor] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.plan = plan_of(self.tableau)
        self.rows = (self.plan.error,) if self.needed - {"stiffness"} else ()
        self.ruler = Ruler(self.plan, self.y, self.rtol, self.atol, keep=bool(self.rows))
        self.recorder = Recorder(self.tableau, self.ruler, self.needed, self.detach_scale)
        self.slope = evaluate(self.f, self.y.new_tensor(self.t), self.y)
        if not (torch.isfinite(self.y).all() and torch.isfinite(self.slope).all()):
            raise RuntimeError(f"the state or its slope is not finite at t0 = {self.t}")
        self._keep(self.t, self.y)

    def adaptively(self, t1: float, controller: Controller, first_step: float | None, max_steps: int) -> None:
        """Step to ``t1``, choosing the steps."""
        order = self.tableau.embedded_order + 1
        h = math.copysign(first_step or self._automatic_first_step(t1), t1 - self.t)
        previous = FIRST_ERROR
        for _ in range(max_steps):
            ahead = t1 if abs(h) * (1 + 1e-9) >= abs(t1 - self.t) else self.t + h
            if ahead == self.t:
                raise RuntimeError(
                    f"the step size vanished at t = {self.t}: f is not finite there, or too steep for the tolerance"
                )
            h = ahead - self.t
            reading = self.ruler.read(self._attempt(ahead), self.y)
            error = float(reading.size) / self.ruler.root
            h *= controller.factor(error, previous, order)
            if error <= 1:
                self._accept(ahead, reading.taken, reading)
                previous = max(error, FIRST_ERROR)
                if ahead == t1:
                    return
            else:
                self.rejected += 1
        raise RuntimeError(f"max_steps = {max_steps} were not enough: reached t = {self.t} of t1 = {t1}")

    def on_grid(self, times: Sequence[float]) -> None:
        """Step through the given times."""
        for ahead in times[1:]:
            taken = self._attempt(ahead)
            if not torch.isfinite(taken.y).all():
                raise RuntimeError(f"the state is not finite at t = {ahead}; it was at t = {self.t}")
            self._accept(ahead, taken, self.ruler.read(taken, self.y) if self.needed else None)

    def saved_states(self) -> Tensor:
        """The states at the times of ``save_at``."""
        return torch.stack(self.saved) if self.saved else self.y.new_empty(0, *self.y.shape)

    def _attempt(self, ahead: float) -> Taken:
        """A step to ``ahead``, which announces what will be read out of it: err and the term of the dense output."""
        rows = self.rows
        if self.save_at is not None and any(0 < x < 1 for x in self._fractions(ahead)):
            rows = (*rows, self.plan.quartic)
        taken = run_stages(self.f, self.plan, self.t, self.y, self.slope, ahead - self.t, rows=rows)
        self.nfe += len(taken.slopes) - 1
        return taken

    def _accept(self, ahead: float, taken: Taken, reading: Reading | None) -> None:
        if self.save_at is not None:
            self._save(ahead, taken)
        if reading is not None:
            self.ruler.magnitude = reading.magnitude
            if self.needed:
                self.recorder.add(reading)
        self.y, self.slope, self.t = taken.y, taken.slopes[-1], ahead
        self._keep(ahead, taken.y)

    def _keep(self, t: float, y: Tensor) -> None:
        self.ts.append(t)
        if self.keep_states:
            self.states.append(y)

    def _fractions(self, ahead: float) -> list[float]:
        """Where in the step to ``ahead`` the next times of ``save_at`` lie: 0 (in the first step), inside, or 1."""
        assert self.save_at is not None
        h = ahead - self.t
        times = itertools.takewhile(lambda time: (time - ahead) * h <= 0, self.save_at[len(self.saved) :])
        return [1.0 if time == ahead else (time - self.t) / h for time in times]

    def _save(self, ahead: float, taken: Taken) -> None:
        fractions = self._fractions(ahead)
        inside = [x for x in fractions if 0 < x < 1]
        between = iter(self._interpolate(inside, taken) if inside else ())
        ends = {0.0: self.y, 1.0: taken.y}
        self.saved += [ends[x] if x in ends else next(between) for x in fractions]

    def _interpolate(self, fractions: list[float], taken: Taken) -> tuple[Tensor, ...]:
        """States at fractions θ of the step, from both ends, both slopes and the quartic term."""
        h, quartic = taken.h, taken.read_out(-1, self.plan.quartic)
        basis = torch.stack([self.y, taken.y, taken.slopes[0], taken.slopes[-1], quartic])
        weights = [
            [(1 - x) ** 2 * (1 + 2 * x), x**2 * (3 - 2 * x), h * x * (1 - x) ** 2, h * x**2 * (x - 1), (x - x * x) ** 2]
            for x in fractions
        ]
        return tuple(torch.tensordot(basis.new_tensor(weights), basis, dims=1))

    @torch.no_grad()
    def _automatic_first_step(self, t1: float) -> float:
        """Hairer, Nørsett, Wanner I, Section II.4, with one more evaluation of f."""
        self.nfe += 1
        y, slope, span = self.y, self.slope, t1 - self.t
        scale = self.atol + self.rtol * y.abs()

        def size(x: Tensor) -> float:
            return float(torch.linalg.vector_norm(x / scale)) / math.sqrt(x.numel())

        d0, d1 = size(y), size(slope)
        trial = 1e-6 if min(d0, d1) < 1e-5 else 0.01 * d0 / d1
        trial = min(trial, abs(span))
        ahead = self.t + math.copysign(trial, span)
        then = evaluate(self.f, y.new_tensor(ahead), y + (ahead - self.t) * slope)
        largest = max(d1, size(then - slope) / trial)
        if not math.isfinite(largest):
            return trial
        power = 1 / (self.tableau.embedded_order + 1)
        longer = max(1e-6, 1e-3 * trial) if largest <= 1e-15 else (0.01 / largest) ** power
        return min(100 * trial, longer, abs(span))


def _find_tableau(method: str | Tableau) -> Tableau:
    if isinstance(method, Tableau):
        return method
    if method not in TABLEAUS:
        raise ValueError(f"method is {method!r}; expected a tableau or one of {', '.join(TABLEAUS)}")
    return TABLEAUS[method]
