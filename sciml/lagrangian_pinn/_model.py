"""What the networks on characteristics and in a frame share: parameters, training, prediction, files."""

from __future__ import annotations

import math
import os
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Literal, Self, TypeAlias

import numpy as np
import torch
from torch import Tensor

from sciml.lagrangian_pinn.fit import Callback, OptimizerName, train
from sciml.lagrangian_pinn.networks import PeriodicMLP, Sweep
from sciml.lagrangian_pinn.objective import Equations, Points
from sciml.lagrangian_pinn.problem import Problem
from sciml.lagrangian_pinn.report import FitReport
from theory._arrays import as_float64, require_broadcast
from theory._numbers import require_integer, require_number

Frame: TypeAlias = float | Literal["auto"]

_PIECE = 1 << 14  # points of a prediction whose activations are in memory at a time


class TransportPINN(Equations):
    """A network that meets initial and periodic conditions with any parameters, and is trained on the equation."""

    _frame_name: ClassVar[str]
    _n_colloc: ClassVar[int]

    def __init__(
        self,
        problem: Problem,
        frame: Frame,
        branches: int,
        harmonics: int,
        width: int,
        depth: int,
        seed: int,
        dtype: torch.dtype,
        device: torch.device | str,
    ) -> None:
        if dtype not in (torch.float64, torch.float32):
            raise ValueError(f"dtype is {dtype}; expected torch.float64 or torch.float32")
        if isinstance(frame, str) and frame != "auto":
            raise ValueError(f"{self._frame_name} is {frame!r}; expected a number or 'auto'")
        self.problem = problem
        self.frame = (
            problem.mean_velocity
            if isinstance(frame, str)
            else require_number(self._frame_name, frame, -math.inf, math.inf)
        )
        self.settings = {
            name: require_integer(name, value, low)
            for name, value, low in (
                ("harmonics", harmonics, 1),
                ("width", width, 1),
                ("depth", depth, 1),
                ("seed", seed, 0),
            )
        }
        self.network = PeriodicMLP(problem.L, problem.T, branches, harmonics, width, depth)
        self.rate = problem.amplitude / problem.T
        self.theta = self.network.initial(seed).to(device=device, dtype=dtype)

    def fit(
        self,
        optimizer: OptimizerName = "ssbroyden",
        budget_s: float | None = 60.0,
        *,
        max_iter: int | None = None,
        n_colloc: int | None = None,
        resample_every: int | None = 200,
        target: float | None = None,
        progress: bool = False,
        callback: Callback | None = None,
        force: bool = False,
    ) -> FitReport:
        r"""Train on the residuals of the equation; call again to go on.

        Parameters
        ----------
        optimizer
            ``"ssbroyden"`` (the most accurate here), ``"lm"`` (Levenberg–Marquardt; linear problems), ``"lbfgs"``
            (torch, strong Wolfe), or ``"adam"`` (torch, rate 1e−3).
        budget_s
            CPU seconds of this process for the training; None for no limit.
        max_iter
            Most iterations; None for no limit. With ``budget_s=None`` the result is the same at each run.
        n_colloc
            Points of training, a power of two, from a scrambled Sobol sequence seeded by the model's seed; by default
            2048 on characteristics and 4096 in a frame, where fronts are steeper.
        resample_every
            Iterations after which the points are replaced by the next ones of the sequence; None to keep them.
        target
            Stop as soon as the root of the loss, a dimensionless residual, is below it.
        progress
            Show a progress bar on the standard error.
        callback
            Called with (iteration, CPU seconds, loss) after each iteration, when the model holds the iterate and can
            predict. Its own CPU time is not counted.
        force
            Train although ∂X/∂ξ is predicted to collapse under diffusion.

        Returns
        -------
        FitReport
            Losses at the points of training and at fresh ones, and what else there is to know before trusting it.

        Raises
        ------
        CharacteristicsCross
            `LagrangianPINN`, no diffusion, and characteristics cross by ``T``.
        JacobianCollapse
            `LagrangianPINN`: ∂X/∂ξ is predicted to fall below 1e−4, or fell to 0 in all of many steps.
        ValueError, TypeError
            For arguments out of range.

        Warns
        -----
        JacobianWarning
            `LagrangianPINN`: ∂X/∂ξ is predicted to fall below 2e−2, or is not positive at the end.
        SpuriousSolutionWarning
            The loss is small at the points of training only.
        PrecisionWarning
            ``target`` is below what float32 reaches.
        """
        return train(
            self,
            optimizer,
            budget_s=budget_s,
            max_iter=max_iter,
            n_colloc=self._n_colloc if n_colloc is None else n_colloc,
            resample_every=resample_every,
            target=target,
            progress=progress,
            callback=callback,
            force=force,
        )

    def predict(self, x: Any, t: Any) -> Any:
        """Return the solution at places and times.

        Parameters
        ----------
        x
            Places, any real numbers; those outside [0, L) are wrapped.
        t
            Times in [0, T], where the end is ``T`` in the dtype of ``t``. NumPy arrays, tensors or numbers that
            broadcast; arrays of integers count as float64.

        Returns
        -------
        array or tensor
            Broadcast shape, in the kind, dtype and device of the arguments.

        Raises
        ------
        ValueError
            For shapes that do not broadcast, values that are not finite, or a time outside [0, T].
        ArithmeticError
            `LagrangianPINN`: X is not monotone at one of the times, so that places have no labels.
        """
        x_, t_, restore = self._arguments("x", x, t)
        value: Tensor = self._predict(torch.remainder(x_, self.problem.L), t_)
        return restore(value)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write parameters and settings to a file of `torch.save`. The functions of the problem are not stored."""
        torch.save(
            {
                "kind": type(self).__name__,
                "frame": self.frame,
                "settings": self.settings,
                "fingerprint": self.problem.fingerprint(),
                "theta": self.theta.cpu(),
            },
            path,
        )

    @classmethod
    def load(cls, path: str | os.PathLike[str], problem: Problem, device: torch.device | str = "cpu") -> Self:
        """Read a model of `save`.

        Parameters
        ----------
        path
            The file.
        problem
            The problem it was trained on; period, time, initial data and coefficients there are compared.
        device
            Where to put the parameters.

        Raises
        ------
        ValueError
            If the file holds something else, another kind of model, or one of another problem.
        """
        state = torch.load(path, map_location="cpu", weights_only=True)
        kind = state.get("kind", "dict") if isinstance(state, dict) else type(state).__name__
        if kind != cls.__name__:
            raise ValueError(f"path holds a {kind}; expected a {cls.__name__}")
        if not torch.allclose(state["fingerprint"], problem.fingerprint(), rtol=1e-10, atol=1e-12):
            raise ValueError(
                "problem differs from the one the model was trained on; expected the same L, T, u0, f1, f2"
            )
        model = cls(
            problem, **{cls._frame_name: state["frame"]}, **state["settings"], dtype=state["theta"].dtype, device=device
        )
        model.theta = state["theta"].to(device)
        return model

    def points(self, x: Tensor, t: Tensor) -> Points:
        """Look up the initial values at places and times (N,)."""
        return Points(x, t, *self.problem.initial(x))

    def admissible(self, jets: Tensor, points: Points) -> bool:
        """Whether the residuals mean anything at these jets: always."""
        return True

    def check_before_training(self, force: bool) -> None:
        """Raise or warn if the problem cannot be solved in these coordinates."""

    def least_jacobian(self, x: Tensor, t: Tensor) -> float | None:
        """Least ∂X/∂ξ at points (N,); None where there are no characteristics."""
        return None

    def certificate(self, x: Tensor, t: Tensor) -> float | None:
        """A bound of the error from the residuals at points (N,); None where none is known."""
        return None

    @abstractmethod
    def boundary_errors(self, x: Tensor, t: Tensor) -> tuple[float, float]:
        """Largest violations of the initial and of the periodic conditions at points (N,)."""

    @abstractmethod
    def _predict(self, x: Tensor, t: Tensor) -> Tensor:
        """The solution at points (N,) of [0, L) × [0, T]."""

    def _jets(self, x: Tensor, t: Tensor, order: int) -> Tensor:
        with torch.no_grad():
            pieces = zip(torch.split(x, _PIECE), torch.split(t, _PIECE), strict=True)
            return torch.cat(
                [Sweep(self.network, self.network.embed(*piece, order)).forward(self.theta) for piece in pieces], dim=-1
            )

    def _arguments(self, name: str, x: Any, t: Any) -> tuple[Tensor, Tensor, Callable[[Tensor], Any]]:
        """Points (N,) of the model's dtype and device, and what brings (N,) back to the caller's shape and kind."""
        (x_, t_), restore = as_float64(**{name: _promote(x), "t": _promote(t)})
        require_broadcast(**{name: x_, "t": t_})
        t_ = torch.where(t_ == _rounded(self.problem.T, t), self.problem.T, t_)
        if float(t_.min()) < 0.0 or float(t_.max()) > self.problem.T:
            worst = float(t_.min()) if float(t_.min()) < 0.0 else float(t_.max())
            raise ValueError(f"t contains {worst:g}; expected times in [0, {self.problem.T:g}]")
        shape, device = torch.broadcast_shapes(x_.shape, t_.shape), x_.device  # type: ignore[no-untyped-call]
        flat = [v.detach().expand(shape).reshape(-1).to(self.theta) for v in (x_, t_)]
        return flat[0], flat[1], lambda result: restore(result.reshape(shape).to(device, torch.float64))


def _rounded(number: float, like: Any) -> float:
    """A number in the floating dtype of an argument."""
    dtype = like.dtype if isinstance(like, Tensor) else torch.from_numpy(np.zeros_like(like, shape=0)).dtype
    return float(torch.tensor(number, dtype=dtype if dtype.is_floating_point else torch.float64))


def _promote(value: Any) -> Any:
    if isinstance(value, int):
        return value
    if isinstance(value, Tensor):
        return value if value.is_floating_point() or value.dtype == torch.bool or value.is_complex() else value.double()
    array = np.asarray(value)
    return array.astype(np.float64) if array.dtype.kind in "iu" else value
