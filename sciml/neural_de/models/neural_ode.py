"""A neural ODE: a field, an interval and how it is solved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn

from sciml.neural_de.controllers import Controller
from sciml.neural_de.solve import Method, Solution, solve
from sciml.neural_de.tableaus import Tableau


class NeuralODE(nn.Module):
    """The map y(t0) → y(t1) of y' = f(t, y), with what the solver knows of its own cost.

    Parameters
    ----------
    field
        A module f(t, y) of a 0-d time and a state (..., D), whose value has the state's shape.
    t0, t1
        The interval.
    method, rtol, atol, controller, detach_scale, max_steps
        As in :func:`~sciml.neural_de.solve`.

    References
    ----------
    R. T. Q. Chen, Y. Rubanova, J. Bettencourt, D. Duvenaud, "Neural Ordinary Differential Equations", arXiv 1806.07366.
    A. Pal, Y. Ma, V. Shah, C. Rackauckas, "Opening the Blackbox: Accelerating Neural Differential Equations by
    Regularizing Internal Solver Heuristics", arXiv 2105.03918.

    Examples
    --------
    >>> import torch
    >>> from sciml.neural_de.models import TimeMLP
    >>> ode = NeuralODE(TimeMLP([2, 16, 2]))
    >>> solution = ode(torch.zeros(8, 2), heuristics=("RE",))
    >>> loss = solution.y.square().mean() + 10.0 * solution.heuristics["RE"]
    >>> loss.backward()
    """

    def __init__(
        self,
        field: nn.Module,
        t0: float = 0.0,
        t1: float = 1.0,
        *,
        method: Method | Tableau = "tsit5",
        rtol: float = 1e-5,
        atol: float = 1e-5,
        controller: Literal["I", "PI"] | Controller = "I",
        detach_scale: bool = True,
        max_steps: int = 10_000,
    ) -> None:
        super().__init__()
        self.field = field
        self.t0, self.t1 = t0, t1
        self.method = method
        self.rtol, self.atol = rtol, atol
        self.controller = controller
        self.detach_scale = detach_scale
        self.max_steps = max_steps

    def forward(
        self,
        y0: Tensor,
        *,
        t0: float | None = None,
        t1: float | None = None,
        save_at: Sequence[float] | Tensor | None = None,
        heuristics: Sequence[str] = (),
        grid: Sequence[float] | None = None,
        keep_states: bool = False,
    ) -> Solution:
        """Solve from ``y0``.

        Parameters
        ----------
        y0 : Tensor, shape (..., D)
            Initial states of a batch, which share their steps; float32 or float64.
        t0, t1
            Another interval, with such an end time as :func:`~sciml.neural_de.steer_end_time` draws.
        save_at, heuristics, grid, keep_states
            As in :func:`~sciml.neural_de.solve`.

        Returns
        -------
        Solution

        Raises
        ------
        ValueError, RuntimeError
            As :func:`~sciml.neural_de.solve` does.
        """
        return solve(
            self.field,
            y0,
            self.t0 if t0 is None else t0,
            self.t1 if t1 is None else t1,
            method=self.method,
            rtol=self.rtol,
            atol=self.atol,
            save_at=save_at,
            heuristics=heuristics,
            grid=grid,
            detach_scale=self.detach_scale,
            controller=self.controller,
            max_steps=self.max_steps,
            keep_states=keep_states,
        )
