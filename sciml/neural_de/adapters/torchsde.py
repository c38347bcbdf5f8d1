"""Error estimates of adaptive torchsde solves, on the tape: ``sdeint`` whose solver shows its steps.

References
----------
A. Pal, Y. Ma, V. Shah, C. Rackauckas, "Opening the Blackbox: Accelerating Neural Differential Equations by Regularizing
Internal Solver Heuristics", Section 3, arXiv 2105.03918.
X. Li, T.-K. L. Wong, R. T. Q. Chen, D. Duvenaud, "Scalable Gradients for Stochastic Differential Equations",
arXiv 2001.01328 (torchsde).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from torch import Tensor

from sciml.neural_de.heuristics import Estimates, error_scale, needed_estimates, norms, sums

try:
    from torchsde._core import methods
    from torchsde._core.sdeint import check_contract, parse_return
except ImportError as error:
    raise ImportError("sciml.neural_de.adapters.torchsde needs torchsde: pip install 'paperchecks[ode]'") from error


@dataclass(frozen=True, eq=False)
class Recording:
    """What the accepted steps of a solve have shown.

    Attributes
    ----------
    heuristics
        The sums that were asked, by name: 0-d tensors on the tape.
    ts
        The grid of the accepted steps, from the first to the last output time.
    rejected
        Number of rejected steps.
    """

    heuristics: dict[str, Tensor]
    ts: tuple[float, ...]
    rejected: int


class _StepDoubling(NamedTuple):
    """The pair of one step and two half ones, which has no stages that would show stiffness."""

    name: str = "torchsde"
    stiffness_stages: None = None
    stability_limit: None = None


class _Attempt(NamedTuple):
    """A step and both of its halves: interval, old state, new state by the step and by the halves."""

    start: Any
    end: Any
    y: Tensor
    whole: Tensor
    halves: Tensor


class _Recorder:
    """The method ``step`` of a torchsde solver, which calls it for a step and for both halves, in this order."""

    def __init__(self, step: Callable[..., tuple[Tensor, Any]]) -> None:
        self.step = step
        self.calls: list[tuple[Any, Any, Tensor, Tensor]] = []
        self.attempts: list[_Attempt] = []
        self.rejected = 0

    def __call__(self, t0: Any, t1: Any, y0: Tensor, extra0: Any) -> tuple[Tensor, Any]:
        """One step."""
        y1, extra1 = self.step(t0, t1, y0, extra0)
        self.calls.append((t0, t1, y0, y1))
        if len(self.calls) == 3:
            (start, end, y, whole), _, (_, _, _, halves) = self.calls
            if self.attempts and self.attempts[-1].end != start:
                self.attempts.pop()
                self.rejected += 1
            self.attempts.append(_Attempt(start, end, y, whole, halves))
            self.calls = []
        return y1, extra1


def sdeint(
    sde: Any,
    y0: Tensor,
    ts: Tensor | Sequence[float],
    bm: Any = None,
    method: str | None = None,
    dt: float = 1e-3,
    adaptive: bool = True,
    rtol: float = 1e-5,
    atol: float = 1e-4,
    dt_min: float = 1e-5,
    options: dict[str, Any] | None = None,
    names: dict[str, str] | None = None,
    logqp: bool = False,
    *,
    heuristics: Sequence[str] = ("RE",),
    detach_scale: bool = True,
) -> tuple[Any, Recording]:
    r"""``torchsde.sdeint`` with adaptive steps, and the sums of its error estimates over the accepted ones.

    torchsde takes each step a second time in two halves, keeps the latter, and has their difference err as its
    estimate. Here err stays on the tape, with the sums of :func:`~sciml.neural_de.sde_solve` over it:
    R_E = Σ ‖err_j‖₂ h_j and so on. The step sizes are constants. Nothing else is changed; states, steps and
    evaluations are those of torchsde to the bit.

    For paths that depend on the entropy alone, and not on the order of the steps, pass a ``BrownianInterval`` with
    ``halfway_tree=True`` and a ``tol``.

    Parameters
    ----------
    sde, y0, ts, bm, method, dt, rtol, atol, dt_min, options, names, logqp
        As in torchsde. With ``logqp`` the estimates include the log-ratio, as the step size does.
    adaptive
        Must be true.
    heuristics
        Of ``RE``, ``RE2`` and ``REn``: torchsde has no estimate of stiffness.
    detach_scale
        Whether the denominator of ``REn`` is a constant.

    Returns
    -------
    states
        What torchsde returns.
    recording : Recording

    Raises
    ------
    ValueError
        If ``adaptive`` is false, a heuristic is unknown or needs a stiffness, or for what torchsde refuses.
    """
    if not adaptive:
        raise ValueError("adaptive is False; expected True, steps of fixed size make no error estimate")
    needed = needed_estimates(heuristics, _StepDoubling())
    sde, y0, ts, bm, method, options = check_contract(sde, y0, ts, bm, method, adaptive, options, names, logqp)
    solver = methods.select(method=method, sde_type=sde.sde_type)(
        sde=sde, bm=bm, dt=dt, adaptive=adaptive, rtol=rtol, atol=atol, dt_min=dt_min, options=options
    )
    recorder = solver.step = _Recorder(solver.step)
    ys, extra = solver.integrate(y0, ts, solver.init_extra_solver_state(ts[0], y0))
    attempts = recorder.attempts

    def scaled(step: _Attempt) -> Tensor:
        states = (step.y.detach(), step.halves.detach()) if detach_scale else (step.y, step.halves)
        return (step.whole - step.halves) / error_scale(*states, rtol, atol)

    estimates = Estimates(
        _StepDoubling(),
        y0.new_tensor([float(step.end - step.start) for step in attempts]),
        error=norms([step.whole - step.halves for step in attempts]) if "error" in needed else None,
        scaled_error=norms([scaled(step) for step in attempts]) / math.sqrt(y0.numel())
        if "scaled_error" in needed
        else None,
    )
    grid = (float(ts[0]), *(float(step.end) for step in attempts))
    return parse_return(y0, ys, extra, False, logqp), Recording(sums(heuristics, estimates), grid, recorder.rejected)
