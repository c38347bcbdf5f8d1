"""Radii and normalised steps over a training run, measured along the steps really taken."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from typing import Any, NamedTuple

import torch
from torch import nn

from theory.softmax_zeros.batch import batch_radius
from theory.softmax_zeros.slopes import Inputs, as_arguments, slopes_along

Tensor = torch.Tensor


class Batch(NamedTuple):
    """Inputs of a step, and their integer labels if the measurement needs them."""

    inputs: Inputs
    labels: Tensor | None = None


@dataclass(frozen=True)
class StepLine:
    """The logits of the observed samples on the line ``t -> z + t a``, in units of one step: ``t = 1`` is its end.

    Attributes
    ----------
    tau
        Length of the step, ``‖p‖_2`` over all parameters of the optimizer.
    logits, slopes
        ``z`` in the model's dtype and ``τ a`` in float64, shape ``(N, n)``, over all observed samples in order.
    """

    tau: float
    logits: Tensor
    slopes: Tensor

    def support(self) -> tuple[float, int]:
        """``r = τ/ρ_a = max_x τ Δ_a(x) / π``, rounded up, and the sample that attains it.

        Raises
        ------
        ValueError
            If the slopes are not finite.
        """
        least, greatest = torch.aminmax(self.slopes, dim=-1)
        spread, sample = (greatest - least).max(0)
        r = float(spread) / math.pi * (1.0 + 2.0**-50)
        if not math.isfinite(r):
            raise ValueError("model has logit slopes that are not finite along the step of optimizer")
        return r, int(sample)


def parameters_of(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    """Parameters in the order of the groups."""
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def require_parameters_of(model: nn.Module, parameters: Iterable[Tensor]) -> None:
    """Raise `ValueError` for a parameter that does not belong to ``model``: its part of a step cannot be measured."""
    known = set(model.parameters())
    for parameter in parameters:
        if parameter not in known:
            raise ValueError(f"optimizer has a parameter of shape {tuple(parameter.shape)} that is not in model")


def step_line(
    model: nn.Module,
    parameters: Sequence[Tensor],
    start: Sequence[Tensor],
    displacement: Sequence[Tensor],
    batches: Sequence[Batch],
    chunk_size: int | None,
) -> StepLine:
    """Measure the step from ``start`` by ``displacement`` on all batches: one Jacobian-vector product a sample.

    Raises
    ------
    ValueError
        If the step is not finite or a parameter is not in ``model``.
    """
    norms = torch._foreach_norm(list(displacement))
    tau = float(torch.linalg.vector_norm(torch.stack(norms), dtype=torch.float64))
    if not math.isfinite(tau):
        raise ValueError(f"the step of optimizer has length {tau}; expected a finite step (are the gradients finite?)")
    line = dict(zip(parameters, zip(start, displacement, strict=True), strict=True))
    lines = [slopes_along(model, line, as_arguments(batch.inputs), chunk_size) for batch in batches]
    logits, slopes = (_concatenated(parts) for parts in zip(*lines, strict=True))
    return StepLine(tau, logits, slopes.double())


def _concatenated(parts: Sequence[Tensor]) -> Tensor:
    """Samples of all batches, any axes between batch and class among them, shape ``(N, n)``."""
    flat = [part.reshape(-1, part.shape[-1]) for part in parts]
    return flat[0] if len(flat) == 1 else torch.cat(flat)


@dataclass(frozen=True)
class StepRadii:
    """One row of a `RadiusTable`; lengths in parameter-norm units.

    Attributes
    ----------
    step
        Number of the step, from 0, unmeasured ones counted.
    tau
        Length of the step taken.
    rho_a
        ``π / max_x Δ_a(x)`` along the step, ``inf`` if it moves no logit relative to another.
    rho
        ``ρ* = min_x ρ*(x)`` of the linearised model along the step.
    r, r_exact
        ``τ/ρ_a`` and ``τ/ρ*``, dimensionless; 0 for an infinite radius.
    sample, sample_exact
        Index of the sample with the least ``ρ_a`` and ``ρ*`` among those observed for the step, -1 where the radius is
        infinite.
    """

    step: int
    tau: float
    rho_a: float
    rho: float
    r: float
    r_exact: float
    sample: int
    sample_exact: int


class RadiusTable(list[StepRadii]):
    """Measured steps in order."""

    def columns(self) -> dict[str, list[Any]]:
        """The table by column, ready for a data frame or a plot."""
        return {field.name: [getattr(row, field.name) for row in self] for field in fields(StepRadii)}

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a header and one line a step; numbers in full precision."""
        with open(path, "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(field.name for field in fields(StepRadii))
            writer.writerows(map(astuple, self))


class RadiusMonitor:
    """Record ``r``, ``ρ_a``, ``ρ*`` and the binding samples of the steps an optimizer takes.

    Works with any training loop through step hooks, and never changes a step::

        monitor = RadiusMonitor(optimizer, model, every=10)
        ...
        monitor.observe(inputs)  # for each batch of a step, before optimizer.step()

    The radii are measured along the difference of the parameters after and before the step, at the parameters before.
    A measured step costs one copy of the parameters, one Jacobian-vector product (about four forward passes) and one
    batch radius; the other steps cost nothing. Inputs observed for steps that a gradient scaler skips count for the
    next step.

    Parameters
    ----------
    optimizer
        Any torch optimizer, `RadiusClip` included.
    model
        Holds all parameters of ``optimizer`` and returns logits ``(B, ..., n)``. See `logit_slopes` for the mode it is
        evaluated in.
    every
        Measure the steps ``0, every, 2 every, ...``.
    chunk_size
        Most samples in one Jacobian-vector product; ``None`` sets no limit.

    Attributes
    ----------
    table : RadiusTable
        What has been measured.

    References
    ----------
    "Ghosts of Softmax", arXiv 2603.13552, Equation 17 (``r``), Theorem 4.6 (``ρ_a``). Measuring along the step taken
    instead of the gradient, and the exact radius, are ours.
    """

    def __init__(
        self, optimizer: torch.optim.Optimizer, model: nn.Module, *, every: int = 1, chunk_size: int | None = None
    ) -> None:
        if every < 1:
            raise ValueError(f"every is {every}; expected at least 1")
        require_parameters_of(model, parameters_of(optimizer))
        self.table = RadiusTable()
        self._model, self._every, self._chunk_size = model, every, chunk_size
        self._step = 0
        self._batches: list[Batch] = []
        self._start: list[Tensor] = []
        self._handles = [
            optimizer.register_step_pre_hook(self._before_step),
            optimizer.register_step_post_hook(self._after_step),
        ]

    def observe(self, inputs: Inputs) -> None:
        """Add samples to those the next step is measured on."""
        self._batches.append(Batch(inputs))

    def remove(self) -> None:
        """Stop recording; the table stays."""
        for handle in self._handles:
            handle.remove()

    def _before_step(self, optimizer: torch.optim.Optimizer, _args: Any, _kwargs: Any) -> None:
        if self._step % self._every == 0:
            self._start = [parameter.detach().clone() for parameter in parameters_of(optimizer)]

    def _after_step(self, optimizer: torch.optim.Optimizer, _args: Any, _kwargs: Any) -> None:
        step, batches, start = self._step, self._batches, self._start
        self._step, self._batches, self._start = step + 1, [], []
        if step % self._every:
            return
        if not batches:
            raise RuntimeError(f"nothing to measure step {step} on; call observe(inputs) before optimizer.step()")
        parameters = parameters_of(optimizer)
        displacement = [parameter.detach() - old for parameter, old in zip(parameters, start, strict=True)]
        line = step_line(self._model, parameters, start, displacement, batches, self._chunk_size)
        self.table.append(_radii(step, line))


def _radii(step: int, line: StepLine) -> StepRadii:
    r, sample = line.support()
    if r == 0.0:
        return StepRadii(step, line.tau, math.inf, math.inf, 0.0, 0.0, -1, -1)
    exact = batch_radius(line.logits, line.slopes)
    rho = float(exact.rho)
    return StepRadii(step, line.tau, line.tau / r, line.tau * rho, r, 1.0 / rho, sample, int(exact.index))
