"""Error and stiffness estimates of torchdiffeq solves: ``odeint`` that records the stages as they pass.

References
----------
A. Pal, Y. Ma, V. Shah, C. Rackauckas, "Opening the Blackbox: Accelerating Neural Differential Equations by Regularizing
Internal Solver Heuristics", Section 3, arXiv 2105.03918.
R. T. Q. Chen, Y. Rubanova, J. Bettencourt, D. Duvenaud, "Neural Ordinary Differential Equations", arXiv 1806.07366
(torchdiffeq).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from sciml.neural_de._stages import plan_of, weighted_sum
from sciml.neural_de.heuristics import Estimates, error_scale, needed_estimates, norms, stiffness, sums
from sciml.neural_de.solve import Stats
from sciml.neural_de.tableaus import BOGACKI_SHAMPINE, DOPRI5, Tableau

try:
    import torchdiffeq
except ImportError as error:
    raise ImportError(
        "sciml.neural_de.adapters.torchdiffeq needs torchdiffeq: pip install 'paperchecks[ode]'"
    ) from error

State = Tensor | tuple[Tensor, ...]

METHODS: dict[str, Tableau] = {"dopri5": DOPRI5, "bosh3": BOGACKI_SHAMPINE}
"""The methods of torchdiffeq whose estimates can be recorded."""

POINTS = ("step_t", "jump_t")
"""The options of torchdiffeq that name points which no step crosses."""


class Recorder:
    r"""The field of one torchdiffeq solve, which keeps what it sees of each accepted step.

    :func:`odeint` makes one. Make one yourself where torchdiffeq is called by code that is not yours, and pass
    :attr:`options` to that call. It is called like the field, follows the solve by the callbacks that torchdiffeq
    documents, and evaluates the field no more often than torchdiffeq does.

    err has the weights of Dormand and Prince, as in :func:`~sciml.neural_de.solve`; torchdiffeq chooses its steps by
    2/3 of it. torchdiffeq leaves its gradient to an automatic first step; the recorder takes it off, so that all
    derivatives are those on the frozen grid.

    Parameters
    ----------
    func
        The field func(t, y) of ``torchdiffeq.odeint``; y a tensor or a tuple of tensors.
    t : Tensor, shape (times,)
        The times of the solve.
    rtol, atol
        Tolerances, as they are given to torchdiffeq; ``REn`` uses them.
    method
        ``"dopri5"`` or ``"bosh3"``, as it is given to torchdiffeq.
    options
        Further options of torchdiffeq.
    heuristics
        Names among :data:`~sciml.neural_de.heuristics.HEURISTICS`.
    detach_scale
        Whether the denominator of ``REn`` is a constant.

    Attributes
    ----------
    options
        Those given, and ``step_t`` at t[-1]: without it torchdiffeq steps beyond the end and interpolates back.

    Raises
    ------
    ValueError
        If ``t`` has less than two times, the method or a heuristic is unknown, or the method has not the stiffness
        estimate that is asked.
    """

    def __init__(
        self,
        func: Callable[[Tensor, Any], State],
        t: Tensor,
        *,
        rtol: float = 1e-7,
        atol: float = 1e-9,
        method: str | None = None,
        options: dict[str, Any] | None = None,
        heuristics: Sequence[str] = ("RE",),
        detach_scale: bool = True,
    ) -> None:
        method = method or "dopri5"
        if method not in METHODS:
            raise ValueError(f"method is {method!r}; expected one of {', '.join(METHODS)}")
        if t.ndim != 1 or len(t) < 2:
            raise ValueError(f"t has shape {tuple(t.shape)}; expected at least two times")
        self.tableau = METHODS[method]
        self.needed = needed_estimates(heuristics, self.tableau)
        self.func, self.names = func, tuple(heuristics)
        self.rtol, self.atol, self.detach_scale = rtol, atol, detach_scale
        self.options = _ending_at(t, options or {})
        self.t1 = float(t[-1])
        self.direction = math.copysign(1.0, self.t1 - float(t[0]))
        self.nfe = self.rejected = 0
        self.on_tape = False
        self.steps: list[_Step] = []
        self.time = float(t[0])
        self.slope: Tensor | None = None
        self.slopes: list[Tensor] | None = None
        self.argument: Tensor | None = None

    def __call__(self, t: Tensor, y: Any) -> State:
        """func(t, y), kept as a stage."""
        value = self.func(t, y)
        self.nfe += 1
        if self.slopes is not None:
            self.slopes.append(_flat(value))
            self.argument = _flat(y)
        elif self.steps or self.slope is None:  # the second evaluation of all finds the first step size
            self.slope = _flat(value)
        return value

    def callback_step(self, t0: Tensor, y0: State, dt: Tensor) -> None:
        """torchdiffeq begins a step."""
        begin = float(t0.detach())
        if self.steps and self.direction * (begin - self.steps[-1].t) <= 0:
            raise RuntimeError(f"the recorder has already seen a solve up to t = {self.time}; expected one for each")
        dt.detach_()
        left = self.direction * (self.t1 - begin) - float(dt)
        if 0 < left < 1e-9 * float(dt):  # within rounding of the end, which step_t then sets exactly
            dt.mul_(1 + 2e-9)
        assert self.slope is not None
        self.slopes = [self.slope]

    def callback_accept_step(self, t0: Tensor, y0: State, dt: Tensor) -> None:
        """torchdiffeq accepts the step."""
        assert self.slopes is not None
        assert self.argument is not None
        h, begin = float(dt.detach()), float(t0.detach())
        self.time = begin + self.direction * h
        past_end = self.direction * (self.time - self.t1)
        if past_end > 1e-9 * h:
            raise RuntimeError(
                f"torchdiffeq stepped to t = {self.time}, beyond t[-1] = {self.t1}; expected options=recorder.options"
            )
        if past_end > -1e-9 * h:
            self.time = self.t1
        self.on_tape = torch.is_grad_enabled()
        self.steps.append(self._read(begin, h, _flat(y0), self.argument, self.slopes))
        self.slope, self.slopes = self.slopes[-1], None

    def callback_reject_step(self, t0: Tensor, y0: State, dt: Tensor) -> None:
        """torchdiffeq rejects the step."""
        self.rejected += 1
        self.slopes = None

    def _read(self, begin: float, h: float, y: Tensor, new: Tensor, slopes: list[Tensor]) -> _Step:
        plan = plan_of(self.tableau)
        error = weighted_sum(slopes, plan.error, h)
        scaled = differences = None
        if "scaled_error" in self.needed:
            states = (y.detach(), new.detach()) if self.detach_scale else (y, new)
            scaled = error / error_scale(*states, self.rtol, self.atol)
        if "stiffness" in self.needed:
            differences = (
                weighted_sum(slopes, plan.slope_difference, h),
                weighted_sum(slopes, plan.argument_difference, h),
            )
        return _Step(begin, h, error, scaled, differences)

    @property
    def ts(self) -> tuple[float, ...]:
        """The grid t[0], …, t[-1] of the accepted steps; ``solve(..., grid=recorder.ts)`` replays it."""
        return (*(step.t for step in self._solved()), self.time)

    @property
    def stats(self) -> Stats:
        """Numbers of evaluations of func, and of accepted and rejected steps."""
        return Stats(self.nfe, len(self._solved()), self.rejected)

    @property
    def heuristics(self) -> dict[str, Tensor]:
        """The sums that were asked, by name: 0-d tensors on the tape.

        Raises
        ------
        RuntimeError
            If no solve has come to its end, or if gradients are recorded now but were not in the solve, as under
            ``odeint_adjoint``: then these sums would be constants in a loss.
        """
        steps = self._solved()
        if torch.is_grad_enabled() and not self.on_tape:
            raise RuntimeError(
                "the solve recorded no gradients, as under torchdiffeq.odeint_adjoint or torch.no_grad(): its "
                "heuristics have no derivative; expected torchdiffeq.odeint, or to be read under torch.no_grad() too"
            )
        size = steps[0].error.numel()
        differences = [step.differences for step in steps if step.differences is not None]
        h = steps[0].error.new_tensor([step.h for step in steps])
        return sums(
            self.names,
            Estimates(
                self.tableau,
                h,
                error=norms([step.error for step in steps]) if "error" in self.needed else None,
                scaled_error=norms([step.scaled for step in steps if step.scaled is not None]) / math.sqrt(size)
                if "scaled_error" in self.needed
                else None,
                stiffness=stiffness(*zip(*differences, strict=True)) / h if differences else None,
            ),
        )

    def _solved(self) -> list[_Step]:
        if self.time != self.t1:
            raise RuntimeError(f"the recorder has seen a solve up to t = {self.time}; expected one up to {self.t1}")
        return self.steps


class _Step(NamedTuple):
    """An accepted step from t of length h > 0: err, its scaled form, h(k_s − k_{s−1}) and g_s − g_{s−1}."""

    t: float
    h: float
    error: Tensor
    scaled: Tensor | None
    differences: tuple[Tensor, Tensor] | None


def _flat(state: State) -> Tensor:
    return state if isinstance(state, Tensor) else torch.cat([part.reshape(-1) for part in state])


def _ending_at(t: Tensor, options: dict[str, Any]) -> dict[str, Any]:
    """These options, with a grid point at t[-1]."""
    end = t[-1:].detach()
    points = {name: torch.as_tensor(options[name]).reshape(-1).to(end) for name in POINTS if name in options}
    if any(bool((known == end).any()) for known in points.values()):
        return options
    return {**options, "step_t": torch.cat([points.get("step_t", end[:0]), end])}


def odeint(
    func: Callable[[Tensor, Any], State],
    y0: State,
    t: Tensor,
    *,
    rtol: float = 1e-7,
    atol: float = 1e-9,
    method: str | None = None,
    options: dict[str, Any] | None = None,
    heuristics: Sequence[str] = ("RE",),
    detach_scale: bool = True,
) -> tuple[State, Recorder]:
    r"""``torchdiffeq.odeint``, and the sums of its error and stiffness estimates over the accepted steps.

    The sums are those of :func:`~sciml.neural_de.solve`, with norms over all of y, and cost no evaluation of
    ``func``. The last step is made to end at t[-1], so the grid can differ from that of torchdiffeq there.

    Parameters
    ----------
    func, y0, t, rtol, atol, method, options
        As in torchdiffeq; ``method`` is ``None``, ``"dopri5"`` or ``"bosh3"``.
    heuristics
        Names among :data:`~sciml.neural_de.heuristics.HEURISTICS`.
    detach_scale
        Whether the denominator of ``REn`` is a constant.

    Returns
    -------
    states
        At the times of ``t``, as from torchdiffeq.
    recorder : Recorder
        With ``heuristics``, ``ts`` and ``stats``.

    Raises
    ------
    ValueError
        As for :class:`Recorder`.

    Examples
    --------
    >>> y0 = torch.tensor([1.0, 0.0], dtype=torch.float64)
    >>> times = torch.linspace(0.0, torch.pi, 3, dtype=torch.float64)
    >>> ys, recorder = odeint(lambda t, y: torch.stack([y[1], -y[0]]), y0, times, heuristics=("RS",))
    >>> recorder.heuristics["RS"].round(decimals=2)
    tensor(3.1400, dtype=torch.float64)
    """
    recorder = Recorder(
        func, t, rtol=rtol, atol=atol, method=method, options=options, heuristics=heuristics, detach_scale=detach_scale
    )
    states: State = torchdiffeq.odeint(
        recorder, y0, t, rtol=rtol, atol=atol, method=method or "dopri5", options=recorder.options
    )
    return states, recorder
