"""Training within a budget of CPU seconds, on points that are replaced, with a report at the end."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, get_args

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from torch import Tensor
from torch.quasirandom import SobolEngine

from sciml.lagrangian_pinn.levenberg_marquardt import LevenbergMarquardt
from sciml.lagrangian_pinn.objective import Objective
from sciml.lagrangian_pinn.report import (
    FitReport,
    JacobianCollapse,
    JacobianWarning,
    PrecisionWarning,
    SpuriousSolutionWarning,
    StopReason,
)
from sciml.lagrangian_pinn.ssbroyden import SSBroyden
from sciml.lagrangian_pinn.torch_optimizers import TorchOptimizer
from theory._numbers import require_integer, require_number

if TYPE_CHECKING:
    from sciml.lagrangian_pinn._model import TransportPINN

OptimizerName: TypeAlias = Literal["ssbroyden", "lm", "lbfgs", "adam"]

Callback: TypeAlias = Callable[[int, float, float], None]

_MOST_FAILURES = 25  # steps in a row that do not lower the loss
_SMALL, _SPURIOUS = 1e-3, 4e-3  # loss where trained and beside, as parts of what values standing still would leave
_FRESH = 4  # fresh points for each point of training
_FLOAT32_TARGET = 1e-4
_FRESH_SEED = 1 << 20  # far from the seeds of training


class Optimizer(Protocol):
    """An iterate with its loss, bound to one function after another."""

    theta: Tensor
    loss: float

    def bind(self, objective: Any) -> None:
        """Go on with another function."""

    def step(self) -> bool:
        """Take a step; return whether it succeeded."""


_OPTIMIZERS: dict[str, Callable[[Tensor], Optimizer]] = {
    "ssbroyden": SSBroyden,
    "lm": LevenbergMarquardt,
    "lbfgs": lambda theta: TorchOptimizer(theta, "lbfgs"),
    "adam": lambda theta: TorchOptimizer(theta, "adam"),
}


class _Sobol:
    """Points of [0, L) × [0, T], one block of a scrambled Sobol sequence after another."""

    def __init__(self, model: TransportPINN, n: int, seed: int) -> None:
        self._model, self._n = model, n
        self._engine = SobolEngine(2, scramble=True, seed=seed)  # type: ignore[no-untyped-call]

    def draw(self) -> tuple[Tensor, Tensor]:
        unit = self._engine.draw(self._n, dtype=torch.float64).to(self._model.theta)
        return unit[:, 0] * self._model.problem.L, unit[:, 1] * self._model.problem.T


def train(
    model: TransportPINN,
    optimizer: OptimizerName,
    *,
    budget_s: float | None,
    max_iter: int | None,
    n_colloc: int,
    resample_every: int | None,
    target: float | None,
    progress: bool,
    callback: Callback | None,
    force: bool,
) -> FitReport:
    """Fit a model in place; arguments as `TransportPINN.fit`."""
    start = time.process_time()
    _validate(optimizer, budget_s, max_iter, n_colloc, resample_every, target)
    if target is not None and target < _FLOAT32_TARGET and model.theta.dtype == torch.float32:
        warnings.warn(
            f"target is {target:g}, but residuals in float32 stop falling near {_FLOAT32_TARGET:g}; use "
            "dtype=torch.float64",
            PrecisionWarning,
            stacklevel=3,
        )
    model.check_before_training(force)
    seed = model.settings["seed"]
    points = _Sobol(model, n_colloc, seed)
    method = _OPTIMIZERS[optimizer](model.theta)
    objective = Objective(model, *points.draw())
    _bind(method, objective)
    if math.isinf(method.loss):
        raise JacobianCollapse(
            "∂X/∂ξ is not positive at the start; expected parameters that fit can start from", 0.0, 0.0
        )
    failures = rejected = iteration = 0
    elsewhere = 0.0
    stopped: StopReason | None = None
    with _bar(progress, budget_s, max_iter) as show:
        while True:
            elapsed = time.process_time() - start - elsewhere
            if target is not None and method.loss <= target * target:
                stopped = "target"
            elif max_iter is not None and iteration >= max_iter:
                stopped = "iterations"
            elif budget_s is not None and elapsed >= budget_s:
                stopped = "budget"
            elif failures >= _MOST_FAILURES or method.loss == 0.0:
                stopped = "no descent"
            if stopped is not None:
                break
            if iteration and resample_every is not None and iteration % resample_every == 0:
                following = Objective(model, *points.draw())
                _bind(method, following)
                if math.isinf(method.loss):  # characteristics cross between the old points, and only there
                    method.bind(objective)
                else:
                    objective = following
            before = objective.inadmissible
            failures = 0 if method.step() else failures + 1
            rejected = rejected + int(objective.inadmissible > before) if failures else 0
            if rejected >= _MOST_FAILURES:
                raise JacobianCollapse(
                    f"∂X/∂ξ fell to 0 in {rejected} steps in a row, all rejected; expected characteristics that do "
                    "not cross. Use EulerianPINN with moving_frame='auto', or a smaller T",
                    0.0,
                    model.problem.T,
                )
            iteration += 1
            model.theta = method.theta
            show(iteration, elapsed, method.loss)
            if callback is not None:
                paused = time.process_time()
                callback(iteration, paused - start - elsewhere, method.loss)
                elsewhere += time.process_time() - paused
    fresh = _Sobol(model, _FRESH * n_colloc, seed + _FRESH_SEED)
    return _report(model, method, optimizer, iteration, stopped, fresh, start + elsewhere)


def _bind(method: Optimizer, objective: Objective) -> None:
    method.bind(objective)
    if math.isnan(method.loss):
        raise ValueError("f1 or f2 returned nan at the points of training; expected finite numbers")


def _report(
    model: TransportPINN,
    method: Optimizer,
    optimizer: OptimizerName,
    iterations: int,
    stopped: StopReason,
    fresh: _Sobol,
    start: float,
) -> FitReport:
    x, t = fresh.draw()
    fresh_loss = Objective(model, x, t).loss(model.theta)
    at_rest = model.problem.initial_rate / model.rate**2
    spurious = method.loss < _SMALL * at_rest and fresh_loss > _SPURIOUS * at_rest
    if spurious:
        warnings.warn(
            f"residual small only on training points: loss {method.loss:.2g} there, {fresh_loss:.2g} on fresh points, "
            f"expected below {_SPURIOUS * at_rest:.2g}. This is not a solution; take more points or another optimizer, "
            "or LagrangianPINN",
            SpuriousSolutionWarning,
            stacklevel=4,
        )
    min_J = model.least_jacobian(x, t)
    if min_J is not None and min_J <= 0.0:
        warnings.warn(
            f"characteristics cross: ∂X/∂ξ falls to {min_J:.3g} at fresh points, so predict will refuse some times. "
            "Train longer, or use EulerianPINN",
            JacobianWarning,
            stacklevel=4,
        )
    ic_error, periodic_error = model.boundary_errors(x, t)
    return FitReport(
        train_loss=method.loss,
        fresh_loss=fresh_loss,
        spurious=spurious,
        min_J=min_J,
        ic_error=ic_error,
        periodic_error=periodic_error,
        certificate=model.certificate(x, t),
        n_iter=iterations,
        cpu_s=time.process_time() - start,
        stopped=stopped,
        optimizer=optimizer,
        seed=model.settings["seed"],
    )


def _validate(
    optimizer: str,
    budget_s: float | None,
    max_iter: int | None,
    n_colloc: int,
    resample_every: int | None,
    target: float | None,
) -> None:
    if optimizer not in _OPTIMIZERS:
        raise ValueError(f"optimizer is {optimizer!r}; expected one of {', '.join(get_args(OptimizerName))}")
    if budget_s is None and max_iter is None and target is None:
        raise ValueError("budget_s, max_iter and target are None; expected at least one limit")
    if budget_s is not None:
        require_number("budget_s", budget_s, 0.0, math.inf, open_low=True)
    if max_iter is not None:
        require_integer("max_iter", max_iter, 1)
    if target is not None:
        require_number("target", target, 0.0, math.inf, open_low=True)
    if resample_every is not None:
        require_integer("resample_every", resample_every, 1)
    if require_integer("n_colloc", n_colloc, 2).bit_count() != 1:
        raise ValueError(f"n_colloc is {n_colloc}; expected a power of two, the blocks of a Sobol sequence")


def _bar(progress: bool, budget_s: float | None, max_iter: int | None) -> AbstractContextManager[Callback]:
    if not progress:
        return nullcontext(lambda iteration, elapsed, loss: None)
    return _ProgressBar(budget_s, max_iter)


class _ProgressBar(AbstractContextManager[Callback]):
    """CPU seconds, or iterations where there is no budget, with the loss."""

    def __init__(self, budget_s: float | None, max_iter: int | None) -> None:
        self._in_seconds = budget_s is not None
        self._bar = Progress(
            TextColumn("{task.completed:.0f}/{task.total} " + ("CPU s" if self._in_seconds else "iterations")),
            BarColumn(),
            TextColumn("loss {task.fields[loss]:.3g}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        )
        self._task = self._bar.add_task("fit", total=budget_s if self._in_seconds else max_iter, loss=math.nan)

    def __enter__(self) -> Callback:
        self._bar.start()
        return self._show

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def _show(self, iteration: int, elapsed: float, loss: float) -> None:
        self._bar.update(self._task, completed=elapsed if self._in_seconds else iteration, loss=loss)
