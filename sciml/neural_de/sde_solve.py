"""Stochastic differential equations with diagonal noise on the autograd tape: adaptive SRI methods of strong order 3/2.

The derivative is that of the program with its step sizes and its Brownian path held fixed. A rejected step is retried
on the same path, so the controller does not change the law of the noise, and a solve can be replayed on its grid and
path.
"""

from __future__ import annotations

import bisect
import functools
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
from sciml.neural_de._stages import Field, Terms, evaluate, nonzero
from sciml.neural_de.brownian import BrownianPath, Increment
from sciml.neural_de.controllers import FIRST_ERROR, Controller, PIController, find_controller
from sciml.neural_de.heuristics import Estimate, Estimates, error_scale, needed_estimates, norms, stiffness, sums
from sciml.neural_de.solve import Stats
from sciml.neural_de.sri_tableaus import SRI_TABLEAUS, SRITableau

SRIMethod = Literal["sosri", "sosri2", "sriw1", "sriw2"]

DEFAULT_CONTROLLER = PIController(most=1.125)
"""Lengthens a step by at most 9/8, as the authors' solver does for stochastic equations."""

CONTROL_ORDER = 1.5
"""The order of the error estimate that the controller assumes, which is that of its noise part."""


@dataclass(frozen=True, eq=False)
class SDESolution:
    """What :func:`sde_solve` returns: the fields of :class:`~sciml.neural_de.solve.Solution`, and the path.

    Attributes
    ----------
    y : Tensor
        The state at t1, with the shape and dtype of y0.
    ys : Tensor, shape (len(save_at), \\*y0.shape), optional
        The states at ``save_at``; ``None`` if it was not given.
    heuristics
        The sums that were asked, by name: 0-d tensors on the tape.
    stats
        Numbers of evaluations of f and of steps. g is evaluated at least as often.
    ts
        The grid t0 = ts[0], …, ts[n] = t1 of the accepted steps.
    states
        The states on this grid, if they were asked to be kept.
    tableau
        The method.
    path
        The Brownian path; ``sde_solve(..., brownian=path, grid=ts)`` replays the solve.
    """

    y: Tensor
    ys: Tensor | None
    heuristics: dict[str, Tensor]
    stats: Stats
    ts: tuple[float, ...]
    states: tuple[Tensor, ...] | None
    tableau: SRITableau
    path: BrownianPath

    @property
    def steps(self) -> list[float]:
        """The accepted step sizes h_j."""
        return [after - before for before, after in itertools.pairwise(self.ts)]


@dataclass(frozen=True, eq=False)
class SRIStep:
    """What :func:`sri_step` returns.

    Attributes
    ----------
    y : Tensor
        The new state, with the shape of the old one.
    drift_error : Tensor
        E1 = h Σ f(H⁰_i) over the stages that evaluate f. It is of the size of the drift of the whole step.
    noise_error : Tensor
        E2 = Σ (β³_i I_(1,0)/h + β⁴_i I_(1,1,1)/h) g(H¹_i).
    error : Tensor
        The estimate δ·E1 + E2.
    slope_difference, argument_difference : Tensor, optional
        f(H⁰_4) − f(H⁰_3) and H⁰_4 − H⁰_3; ``None`` if the method has no stiffness estimate.
    """

    y: Tensor
    drift_error: Tensor
    noise_error: Tensor
    error: Tensor
    slope_difference: Tensor | None
    argument_difference: Tensor | None

    @property
    def stiffness(self) -> Tensor | None:
        """The 0-d estimate S of a Lipschitz constant of f; ``None`` if the method has none."""
        if self.slope_difference is None or self.argument_difference is None:
            return None
        return stiffness([self.slope_difference], [self.argument_difference])[0]


class _Plan:
    """The nonzero coefficients of a method in double precision."""

    def __init__(self, tableau: SRITableau) -> None:
        self.a0, self.a1, self.b0, self.b1 = (
            [nonzero(row) for row in matrix] for matrix in (tableau.a0, tableau.a1, tableau.b0, tableau.b1)
        )
        self.c0, self.c1 = list(map(float, tableau.c0)), list(map(float, tableau.c1))
        self.alpha = nonzero(tableau.alpha)
        self.betas = [nonzero(beta) for beta in (tableau.beta1, tableau.beta2, tableau.beta3, tableau.beta4)]
        self.drift_stages = tableau.drift_stages
        self.error = [(i, 1.0) for i in tableau.drift_stages]
        self.drift_weight = float(tableau.drift_weight)
        self.stiffness_stages = tableau.stiffness_stages


_plan_of = functools.lru_cache(maxsize=None)(_Plan)


def _sum(values: Sequence[Tensor], terms: Terms, factor: float = 1.0) -> Tensor:
    (j, weight), *rest = terms
    total = values[j] * (factor * weight)
    for j, weight in rest:
        total = torch.add(total, values[j], alpha=factor * weight)
    return total


def sri_step(
    f: Field,
    g: Field,
    t: float,
    y: Tensor,
    h: float,
    noise: Increment,
    *,
    method: SRIMethod | SRITableau = "sosri",
    slope: Tensor | None = None,
    diffusion: Tensor | None = None,
) -> SRIStep:
    """One step of an SRI method, with its estimates on the tape.

    Parameters
    ----------
    f, g
        Drift f(t, y) and diagonal diffusion g(t, y), of the shape of y; t is a 0-d tensor.
    t, h
        Time and step size h > 0.
    y : Tensor
        The state, float32 or float64, of any shape.
    noise
        ΔW and I_(1,0) over the step, of the shape of y.
    method
        A name or a tableau.
    slope, diffusion : Tensor, optional
        f(t, y) and g(t, y), if they are known.

    Returns
    -------
    SRIStep

    Raises
    ------
    ValueError
        If ``h`` is not positive, or the method, the state, the noise or a value of f or g is not as expected.
    """
    tableau = _find_tableau(method)
    require_state(y)
    t = finite_number("t", t)
    if (h := finite_number("h", h)) <= 0:
        raise ValueError(f"h is {h}; expected a positive number")
    for name, value in zip(("noise.dw", "noise.integral"), noise, strict=True):
        if value.shape != y.shape or value.dtype != y.dtype:
            raise ValueError(
                f"{name} is {value.dtype} of shape {tuple(value.shape)}; expected {y.dtype} of shape {tuple(y.shape)}"
            )
    slope = evaluate(f, y.new_tensor(t), y) if slope is None else slope
    diffusion = evaluate(g, y.new_tensor(t), y) if diffusion is None else diffusion
    return _step(f, g, _plan_of(tableau), t, y, h, noise, slope, diffusion)


def _step(
    f: Field, g: Field, plan: _Plan, t: float, y: Tensor, h: float, noise: Increment, slope: Tensor, diffusion: Tensor
) -> SRIStep:
    root = math.sqrt(h)
    dw, mean = noise.dw, noise.integral / h
    second = (dw * dw - h) / (2 * root)
    third = dw * (dw * dw - 3 * h) / (6 * h)
    times = y.new_tensor([[t + c * h for c in nodes] for nodes in (plan.c0, plan.c1)])
    slopes, diffusions, arguments = [slope], [diffusion], [y]
    for i in range(1, len(plan.c0)):
        if i in plan.drift_stages:
            argument = y + _sum(slopes, plan.a0[i], h) if plan.a0[i] else y
            if plan.b0[i]:
                argument = torch.addcmul(argument, mean, _sum(diffusions, plan.b0[i]))
            slopes.append(evaluate(f, times[0, i], argument))
        else:
            argument = y
            slopes.append(slope)
        arguments.append(argument)
        other = y + _sum(slopes, plan.a1[i], h) if plan.a1[i] else y
        if plan.b1[i]:
            other = other + _sum(diffusions, plan.b1[i], root)
        diffusions.append(evaluate(g, times[1, i], other))
    first_part, second_part, mean_part, third_part = (_sum(diffusions, beta) for beta in plan.betas)
    noise_error = mean * mean_part + third * third_part
    drift_error = _sum(slopes, plan.error, h)
    new = y + _sum(slopes, plan.alpha, h) + dw * first_part + second * second_part + noise_error
    error = torch.add(noise_error, drift_error, alpha=plan.drift_weight)
    if plan.stiffness_stages is None:
        return SRIStep(new, drift_error, noise_error, error, None, None)
    x, z = plan.stiffness_stages
    return SRIStep(new, drift_error, noise_error, error, slopes[z] - slopes[x], arguments[z] - arguments[x])


def sde_solve(
    f: Field,
    g: Field,
    y0: Tensor,
    t0: float,
    t1: float,
    *,
    method: SRIMethod | SRITableau = "sosri",
    rtol: float = 1e-2,
    atol: float = 1e-2,
    seed: int | None = None,
    brownian: BrownianPath | None = None,
    save_at: Sequence[float] | Tensor | None = None,
    heuristics: Sequence[str] = (),
    grid: Sequence[float] | None = None,
    detach_scale: bool = True,
    controller: Literal["I", "PI"] | Controller = DEFAULT_CONTROLLER,
    first_step: float | None = None,
    max_steps: int = 10_000,
    keep_states: bool = False,
) -> SDESolution:
    r"""Solve the Itô equation dy = f(t, y) dt + g(t, y) dW with diagonal noise, and sum the solver's own estimates.

    The whole of ``y0`` is one system with one sequence of steps, and each of its entries has its own Brownian motion.
    The error estimate of a step is dominated by the drift h f of the step: it overestimates the error, by a factor that
    grows like 1/h, and the tolerances are to be chosen accordingly larger than for an ordinary equation.

    Parameters
    ----------
    f, g
        Drift and diffusion: t a 0-d tensor, y and the value of the shape and dtype of ``y0``. They may use anything
        that requires a gradient. SOSRI evaluates f outside [t, t + h].
    y0 : Tensor
        Initial state, float32 or float64, of any shape, on any device.
    t0, t1
        Start and end, t0 < t1. The last step ends at t1 exactly.
    method
        A name or a tableau. Only SOSRI2 has a stiffness estimate.
    rtol, atol
        Relative and absolute tolerance of the scaled error.
    seed, brownian
        The Brownian path, by its seed or itself; exactly one of the two. A path used again gives the same noise.
    save_at
        Times from t0 to t1, strictly increasing, at which ``ys`` is given. Steps end there.
    heuristics
        Names among :data:`~sciml.neural_de.heuristics.HEURISTICS`. They cost no evaluation of f or g.
    grid
        Times t0 = grid[0], …, grid[n] = t1 to step on instead of choosing steps; it has to hold those of ``save_at``.
    detach_scale
        Whether the denominator of ``REn`` is a constant.
    controller
        ``"I"``, ``"PI"`` or an object with a method ``factor``.
    first_step
        Length of the first step; if ``None``, that at which the drift alone would just meet the tolerance.
    max_steps
        Largest number of steps, rejected ones included.
    keep_states
        Whether ``SDESolution.states`` holds the states on the grid.

    Returns
    -------
    SDESolution
        Differentiable; the step sizes and the path count as constants.

    Raises
    ------
    ValueError
        If an argument, or a value of f or g, is not as described; in particular if a stiffness estimate is asked of a
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
    C. Rackauckas, Q. Nie, "Adaptive methods for stochastic differential equations via natural embeddings and rejection
    sampling with memory", Discrete Contin. Dyn. Syst. B 22 (2017) 2731.

    Examples
    --------
    >>> y0 = torch.ones(2, dtype=torch.float64)
    >>> solution = sde_solve(lambda t, y: -y, lambda t, y: 0.1 * y, y0, 0.0, 1.0, seed=1, heuristics=("RE",))
    >>> again = sde_solve(lambda t, y: -y, lambda t, y: 0.1 * y, y0, 0.0, 1.0, brownian=solution.path, grid=solution.ts)
    >>> bool((solution.y == again.y).all())
    True
    """
    tableau = _find_tableau(method)
    require_state(y0)
    t0, t1 = finite_number("t0", t0), finite_number("t1", t1)
    if t1 <= t0:
        raise ValueError(f"t0 and t1 are {t0} and {t1}; expected t0 < t1")
    require_tolerances(rtol, atol)
    if max_steps < 1:
        raise ValueError(f"max_steps is {max_steps}; expected at least 1")
    needed = needed_estimates(heuristics, tableau)
    path = _find_path(seed, brownian, y0, t0, t1)
    stops = None if save_at is None else monotone("save_at", save_at, t0, t1)
    run = _Run(f, g, tableau, path, y0, t0, rtol, atol, needed, detach_scale, stops or [], keep_states)
    if grid is None:
        warn_of_rounding(rtol, y0.dtype)
        run.adaptively(t1, find_controller(controller), first_step_of(first_step), max_steps)
    else:
        times = monotone("grid", grid, t0, t1)
        if len(times) < 2 or times[0] != t0 or times[-1] != t1:
            raise ValueError(f"grid has {len(times)} times; expected at least 2, from t0 = {t0} to t1 = {t1}")
        if missing := sorted(set(stops or []) - set(times)):
            raise ValueError(f"save_at has {missing[0]}, which is not in grid; expected only times of the grid")
        run.on_grid(times)
    return SDESolution(
        y=run.y,
        ys=None if stops is None else torch.stack(run.saved) if run.saved else y0.new_empty(0, *y0.shape),
        heuristics=sums(heuristics, run.estimates()) if heuristics else {},
        stats=Stats(run.nfe, len(run.ts) - 1, run.rejected),
        ts=tuple(run.ts),
        states=tuple(run.states) if keep_states else None,
        tableau=tableau,
        path=path,
    )


@dataclass
class _Run:
    """A solve in progress."""

    f: Field
    g: Field
    tableau: SRITableau
    path: BrownianPath
    y: Tensor
    t: float
    rtol: float
    atol: float
    needed: frozenset[Estimate]
    detach_scale: bool
    stops: list[float]
    keep_states: bool
    nfe: int = 0
    rejected: int = 0
    ts: list[float] = field(default_factory=list)
    states: list[Tensor] = field(default_factory=list)
    saved: list[Tensor] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.plan = _plan_of(self.tableau)
        self.taken: list[SRIStep] = []
        self.scaled: list[Tensor] = []
        self._arrive(self.t, self.y)
        if not all(torch.isfinite(x).all() for x in (self.y, self.slope, self.diffusion)):
            raise RuntimeError(f"the state, its drift or its diffusion is not finite at t0 = {self.t}")

    def adaptively(self, t1: float, controller: Controller, first_step: float | None, max_steps: int) -> None:
        """Step to ``t1``, choosing the steps."""
        h = first_step or self._automatic_first_step(t1)
        previous = FIRST_ERROR
        for _ in range(max_steps):
            if h < self.path.resolution:
                raise RuntimeError(
                    f"the step size vanished at t = {self.t}: f or g is not finite there or too steep for the tolerance"
                )
            ahead = self._next_time(t1, h)
            step = self._attempt(ahead)
            error = self._scaled_error(step)
            length = ahead - self.t
            factor = controller.factor(error, previous, CONTROL_ORDER)
            cut_by_a_stop = length < 0.9 * h
            proposal = (length if cut_by_a_stop else h) * factor
            h = max(h, proposal) if cut_by_a_stop and error <= 1 else proposal
            if error <= 1:
                self._accept(ahead, step)
                previous = max(error, FIRST_ERROR)
                if ahead == t1:
                    return
            else:
                self.rejected += 1
        raise RuntimeError(f"max_steps = {max_steps} were not enough: reached t = {self.t} of t1 = {t1}")

    def on_grid(self, times: Sequence[float]) -> None:
        """Step through the given times."""
        for ahead in times[1:]:
            step = self._attempt(ahead)
            if not torch.isfinite(step.y).all():
                raise RuntimeError(f"the state is not finite at t = {ahead}; it was at t = {self.t}")
            self._accept(ahead, step)

    def estimates(self) -> Estimates:
        """The estimates of the accepted steps."""
        steep = "stiffness" in self.needed
        return Estimates(
            self.tableau,
            self.y.new_tensor([after - before for before, after in itertools.pairwise(self.ts)]),
            error=norms([step.error for step in self.taken]) if "error" in self.needed else None,
            scaled_error=norms(self.scaled) / math.sqrt(self.y.numel()) if self.scaled else None,
            stiffness=stiffness(
                [step.slope_difference for step in self.taken if step.slope_difference is not None],
                [step.argument_difference for step in self.taken if step.argument_difference is not None],
            )
            if steep
            else None,
        )

    def _next_time(self, t1: float, h: float) -> float:
        """A time about h ahead, no further than t1 and the next stop."""
        later = bisect.bisect_right(self.stops, self.t)
        stop = self.stops[later] if later < len(self.stops) else t1
        return stop if h * (1 + 1e-9) >= stop - self.t else min(stop, self.path.time_after(self.t, h))

    def _attempt(self, ahead: float) -> SRIStep:
        noise = self.path.increment(self.t, ahead)
        self.nfe += len(self.plan.drift_stages) - 1
        return _step(self.f, self.g, self.plan, self.t, self.y, ahead - self.t, noise, self.slope, self.diffusion)

    @torch.no_grad()
    def _scaled_error(self, step: SRIStep) -> float:
        if not torch.isfinite(step.y).all():
            return math.inf
        scaled = step.error / error_scale(self.y, step.y, self.rtol, self.atol)
        return float(torch.linalg.vector_norm(scaled)) / math.sqrt(scaled.numel())

    def _accept(self, ahead: float, step: SRIStep) -> None:
        if "scaled_error" in self.needed:
            with torch.set_grad_enabled(torch.is_grad_enabled() and not self.detach_scale):
                scale = error_scale(self.y, step.y, self.rtol, self.atol)
            self.scaled.append(step.error / scale)
        if self.needed:
            self.taken.append(step)
        self._arrive(ahead, step.y)

    def _arrive(self, t: float, y: Tensor) -> None:
        self.t, self.y = t, y
        time = y.new_tensor(t)
        self.slope, self.diffusion = evaluate(self.f, time, y), evaluate(self.g, time, y)
        self.nfe += 1
        self.ts.append(t)
        if self.keep_states:
            self.states.append(y)
        if t in self.stops:
            self.saved.append(y)

    @torch.no_grad()
    def _automatic_first_step(self, t1: float) -> float:
        """The step at which δ h Σ f alone would have the scaled error 1; no longer than the interval."""
        scaled = self.slope / (self.atol + self.rtol * self.y.abs())
        size = float(torch.linalg.vector_norm(scaled)) / math.sqrt(scaled.numel())
        size *= self.plan.drift_weight * len(self.plan.drift_stages)
        return min(t1 - self.t, 1 / size) if size > 0 else t1 - self.t


def _find_tableau(method: str | SRITableau) -> SRITableau:
    if isinstance(method, SRITableau):
        return method
    if method not in SRI_TABLEAUS:
        raise ValueError(f"method is {method!r}; expected a tableau or one of {', '.join(SRI_TABLEAUS)}")
    return SRI_TABLEAUS[method]


def _find_path(seed: int | None, path: BrownianPath | None, y0: Tensor, t0: float, t1: float) -> BrownianPath:
    if (seed is None) == (path is None):
        given = "None" if path is None else "a path"
        raise ValueError(f"seed is {seed} and brownian is {given}; expected exactly one of them")
    if path is None:
        assert seed is not None
        return BrownianPath(tuple(y0.shape), t0, t1, seed=seed, dtype=y0.dtype, device=y0.device)
    if path.shape != tuple(y0.shape) or path.dtype != y0.dtype or path.device != y0.device:
        raise ValueError(
            f"brownian has {path.dtype} of shape {path.shape} on {path.device}; "
            f"expected those of y0, {y0.dtype}, {tuple(y0.shape)}, {y0.device}"
        )
    if not path.t0 <= t0 < t1 <= path.t1:
        raise ValueError(f"brownian runs from {path.t0} to {path.t1}; expected it to cover t0 = {t0} to t1 = {t1}")
    return path
