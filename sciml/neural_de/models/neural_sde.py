"""A neural SDE: a drift, a diagonal diffusion, an interval and how it is solved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn

from sciml.neural_de.brownian import BrownianPath
from sciml.neural_de.controllers import Controller
from sciml.neural_de.sde_solve import DEFAULT_CONTROLLER, SDESolution, SRIMethod, sde_solve
from sciml.neural_de.sri_tableaus import SRITableau


class NeuralSDE(nn.Module):
    """The random map y(t0) → y(t1) of dy = f(t, y) dt + g(t, y) dW with diagonal noise, in the sense of Itô.

    Parameters
    ----------
    drift, diffusion
        Modules f(t, y) and g(t, y) of a 0-d time and a state (..., D), whose values have the state's shape.
    t0, t1
        The interval, t0 < t1.
    method, rtol, atol, controller, detach_scale, max_steps
        As in :func:`~sciml.neural_de.sde_solve.sde_solve`.

    References
    ----------
    A. Pal, Y. Ma, V. Shah, C. Rackauckas, "Opening the Blackbox: Accelerating Neural Differential Equations by
    Regularizing Internal Solver Heuristics", Section 4, arXiv 2105.03918.

    Examples
    --------
    >>> import torch
    >>> from sciml.neural_de.models import Autonomous, TimeMLP
    >>> sde = NeuralSDE(TimeMLP([2, 16, 2]), Autonomous(nn.Linear(2, 2)), rtol=0.1, atol=0.1)
    >>> solution = sde(torch.zeros(8, 2), seed=0, heuristics=("REn",))
    >>> solution.y.shape
    torch.Size([8, 2])
    """

    def __init__(
        self,
        drift: nn.Module,
        diffusion: nn.Module,
        t0: float = 0.0,
        t1: float = 1.0,
        *,
        method: SRIMethod | SRITableau = "sosri",
        rtol: float = 1e-2,
        atol: float = 1e-2,
        controller: Literal["I", "PI"] | Controller = DEFAULT_CONTROLLER,
        detach_scale: bool = True,
        max_steps: int = 10_000,
    ) -> None:
        super().__init__()
        self.drift, self.diffusion = drift, diffusion
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
        seed: int | None = None,
        brownian: BrownianPath | None = None,
        save_at: Sequence[float] | Tensor | None = None,
        heuristics: Sequence[str] = (),
        grid: Sequence[float] | None = None,
        keep_states: bool = False,
    ) -> SDESolution:
        """Solve from ``y0`` along one Brownian path for each entry.

        Parameters
        ----------
        y0 : Tensor, shape (..., D)
            Initial states of a batch, which share their steps; float32 or float64.
        seed, brownian
            The path, by its seed or itself; exactly one of the two.
        save_at, heuristics, grid, keep_states
            As in :func:`~sciml.neural_de.sde_solve.sde_solve`.

        Returns
        -------
        SDESolution

        Raises
        ------
        ValueError, RuntimeError
            As :func:`~sciml.neural_de.sde_solve.sde_solve` does.
        """
        return sde_solve(
            self.drift,
            self.diffusion,
            y0,
            self.t0,
            self.t1,
            method=self.method,
            rtol=self.rtol,
            atol=self.atol,
            seed=seed,
            brownian=brownian,
            save_at=save_at,
            heuristics=heuristics,
            grid=grid,
            detach_scale=self.detach_scale,
            controller=self.controller,
            max_steps=self.max_steps,
            keep_states=keep_states,
        )
