"""The control: a network in a frame that stands still or moves at a constant speed.

In the frame ``y = x − v t`` the network enters as ``w = u0(y) + (A/T) t N(y, t)``, A half the range of ``u0``, which
satisfies the initial and periodic conditions for any weights, and the equation reads ``w_t + (f1 − v) w_y = f2 w_yy``.

References
----------
The strictly periodic baseline of R. Mojgani, M. Balajewicz, P. Hassanzadeh, arXiv 2205.02902. The moving frame is ours:
whatever a network on characteristics gains over a fixed frame has to be compared with it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sciml.lagrangian_pinn._model import Frame, TransportPINN
from sciml.lagrangian_pinn.networks import VALUE, XX, T, X
from sciml.lagrangian_pinn.objective import Points
from sciml.lagrangian_pinn.problem import Problem


class EulerianPINN(TransportPINN):
    """A physics-informed network for ``w_t + f1 w_x = f2 w_xx`` in a frame of constant speed.

    Parameters
    ----------
    problem
        The equation with its initial values.
    moving_frame
        The speed v of the frame. ``"auto"`` is the mean velocity of the initial data.
    harmonics, width, depth, seed, dtype, device
        As `sciml.lagrangian_pinn.LagrangianPINN`, for the one network.

    Attributes
    ----------
    theta
        All parameters, shape (P,).
    frame
        The speed v.

    Raises
    ------
    ValueError, TypeError
        For arguments out of range.
    """

    _frame_name = "moving_frame"
    _n_colloc = 4096

    def __init__(
        self,
        problem: Problem,
        moving_frame: Frame = 0.0,
        *,
        harmonics: int = 3,
        width: int = 20,
        depth: int = 2,
        seed: int = 0,
        dtype: torch.dtype = torch.float64,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__(problem, moving_frame, 1, harmonics, width, depth, seed, dtype, device)
        self.order = 1 if problem.hyperbolic else 2

    def residuals(self, jets: Tensor, points: Points) -> Tensor:
        """``w_t + (f1 − v) w_y − f2 w_yy``, shape (1, N), in the unit ``A/T``."""
        (value,) = jets
        t, problem = points.t, self.problem
        w = torch.addcmul(points.w0, t, value[VALUE], value=self.rate)
        w_y = torch.addcmul(points.w0_x, t, value[X], value=self.rate)
        place = points.x + self.frame * t
        residual = self.rate * torch.addcmul(value[VALUE], t, value[T])
        residual = residual + (problem.velocity(place, t, w) - self.frame) * w_y
        if self.order > 1:
            w_yy = torch.addcmul(points.w0_xx, t, value[XX], value=self.rate)
            residual = residual - problem.diffusivity(place, t, w) * w_yy
        return (residual / self.rate).unsqueeze(0)

    def _predict(self, x: Tensor, t: Tensor) -> Tensor:
        y = x - self.frame * t
        return self.problem.value(y) + self.rate * t * self._jets(y, t, order=0)[0, VALUE]

    def boundary_errors(self, x: Tensor, t: Tensor) -> tuple[float, float]:
        """Largest violation of ``w = u0`` at t = 0 and of periodicity."""
        start = self._predict(x, torch.zeros_like(t)) - self.problem.value(x)
        around = self._predict(torch.full_like(t, self.problem.L), t) - self._predict(torch.zeros_like(t), t)
        return float(start.abs().max()), float(around.abs().max())
