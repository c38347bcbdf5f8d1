"""The estimates of the steps of a solve on the autograd tape, with one node a step and one for their sizes.

The node of a step makes the cotangents of its vectors when the backward pass arrives at the step, from numbers: so
those of one step at a time are in memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from sciml.neural_de._stages import Plan, Taken, refuse_second_derivatives, weighted_sum
from sciml.neural_de.heuristics import Estimate, Estimates, Pair, ratio


@dataclass
class Reading:
    """The vectors of a step that its controller sees, off the tape.

    Attributes
    ----------
    taken, y
        The step, and the state before it.
    magnitude : Tensor
        |new|, entry by entry.
    error, scale, scaled : Tensor
        err, the denominator of the scaled error, and the quotient of the two.
    size : Tensor
        The norm of ``scaled``.
    """

    taken: Taken
    y: Tensor
    magnitude: Tensor
    error: Tensor
    scale: Tensor
    scaled: Tensor
    size: Tensor


class Ruler:
    """Measures errors by atol + rtol·max(|y|, |new|).

    Parameters
    ----------
    plan
        The coefficients of the method.
    y : Tensor
        The initial state.
    rtol, atol
        The tolerances.
    keep
        Whether readings hold err; if not, its memory is that of the scaled error.
    """

    def __init__(self, plan: Plan, y: Tensor, rtol: float, atol: float, *, keep: bool) -> None:
        self.plan, self.rtol, self.keep = plan, rtol, keep
        self.atol = y.new_tensor(atol)
        self.root = math.sqrt(y.numel())
        self.magnitude = y.detach().abs()

    def read(self, taken: Taken, y: Tensor) -> Reading:
        """The error of a step from y."""
        with torch.no_grad():
            error = weighted_sum(taken.slopes, self.plan.error, taken.h)
            magnitude = taken.y.abs()
            scale = torch.add(self.atol, torch.maximum(self.magnitude, magnitude), alpha=self.rtol)
            scaled = error / scale if self.keep else error.div_(scale)
            return Reading(taken, y, magnitude, error, scale, scaled, torch.linalg.vector_norm(scaled))


@dataclass
class Vectors:
    """What the node of a step keeps, off the tape, of which each is there if its estimate is needed.

    Attributes
    ----------
    last_weight
        The weight h e_s of the last slope in err.
    error
        err.
    scaled
        Scaled error and its denominator.
    states
        Both states and rtol, if the denominator is on the tape.
    differences
        k_s − k_{s−1} and g_s − g_{s−1}.
    factors
        During a backward pass, the cotangents of the norms of the vectors over the norms.
    """

    last_weight: float
    error: Tensor | None = None
    scaled: tuple[Tensor, Tensor] | None = None
    states: tuple[Tensor, Tensor, float] | None = None
    differences: tuple[Tensor, Tensor] | None = None
    factors: list[float] = field(default_factory=list)

    def cotangents(self) -> list[Tensor]:
        """Those of the parents of :class:`_Step`."""
        bar = of_slope = None
        bars, factors = [], iter(self.factors)
        if self.error is not None:
            bar = self.error * next(factors)
        if self.scaled is not None:
            scaled, scale = self.scaled
            of_error = (scaled / scale).mul_(next(factors))
            if self.states is not None:
                bars += _scale_adjoint(*self.states, -scaled * of_error)
            bar = of_error if bar is None else bar.add_(of_error)
        if self.differences is not None:
            of_slope, of_argument = (difference * next(factors) for difference in self.differences)
            bars += [-of_slope, of_argument, -of_argument]
        if bar is not None:
            bars.append(bar)
            of_slope = bar * self.last_weight if of_slope is None else of_slope.add_(bar, alpha=self.last_weight)
        assert of_slope is not None
        return [*bars, of_slope]


def _scale_adjoint(y: Tensor, new: Tensor, rtol: float, bar: Tensor) -> list[Tensor]:
    """Cotangents of both states from that of atol + rtol·max(|y|, |new|); equal ones share it."""
    share = torch.sign(y.abs() - new.abs()).add_(1).div_(2)
    bar = bar * rtol
    return [bar * share * torch.sign(y), bar * (1 - share) * torch.sign(new)]


class _Step(torch.autograd.Function):
    """A handle to the norms of a step; a backward pass finds their cotangents in its :class:`Vectors`.

    Its parents are, in the order of :meth:`Vectors.cotangents`: both states for a denominator on the tape; the slope
    before the last and the last two arguments for the stiffness; the ghost of err for the error; the last slope.
    """

    @staticmethod
    def forward(ctx: Any, reading: Reading, recorder: Recorder, *parents: Tensor) -> Tensor:
        ctx.vectors = recorder.look(reading)
        ctx.set_materialize_grads(False)
        return reading.y.new_empty(())

    @staticmethod
    def backward(ctx: Any, handle: None) -> tuple[Tensor | None, ...]:
        refuse_second_derivatives()
        return None, None, *ctx.vectors.cotangents()


class _Sizes(torch.autograd.Function):
    """The estimates of all steps from their norms; on the tape its parents are the handles of the steps."""

    @staticmethod
    def forward(ctx: Any, recorder: Recorder, *handles: Tensor) -> tuple[Tensor, ...]:
        ctx.kinds, ctx.root, ctx.vectors = sorted(recorder.needed), recorder.ruler.root, recorder.vectors
        ctx.norms = torch.stack(recorder.norms).view(len(handles), -1)
        ctx.set_materialize_grads(False)
        columns = iter(ctx.norms.unbind(1))
        values: dict[Estimate, Callable[[], Tensor]] = {
            "error": lambda: next(columns).clone(),
            "scaled_error": lambda: next(columns) / ctx.root,
            "stiffness": lambda: ratio(next(columns), next(columns)),
        }
        return tuple(values[kind]() for kind in ctx.kinds)

    @staticmethod
    def backward(ctx: Any, *bars: Tensor | None) -> tuple[None, ...]:
        refuse_second_derivatives()
        steps = len(ctx.vectors)
        by_kind = [[0.0] * steps if bar is None else bar.tolist() for bar in bars]
        for vectors, norms, cotangents in zip(ctx.vectors, ctx.norms.tolist(), zip(*by_kind, strict=True), strict=True):
            remaining, factors = iter(norms), []
            for kind, bar in zip(ctx.kinds, cotangents, strict=True):
                norm = next(remaining)
                if kind == "stiffness":
                    below = next(remaining)
                    factors += [_over(bar, norm * below), -_over(_over(bar * norm, below * below), below)]
                else:
                    factors.append(_over(bar if kind == "error" else bar / ctx.root, norm))
            vectors.factors = factors
        return None, *[None] * steps


def _over(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator > 0 else 0.0


@dataclass
class Recorder:
    """Collects the estimates of accepted steps.

    Attributes
    ----------
    tableau, ruler
        The method, and what measures its errors.
    needed
        The estimates to keep.
    detach_scale
        Whether the denominator of the scaled error is a constant.
    """

    tableau: Pair
    ruler: Ruler
    needed: frozenset[Estimate]
    detach_scale: bool
    norms: list[Tensor] = field(default_factory=list)
    vectors: list[Vectors] = field(default_factory=list)
    handles: list[Tensor] = field(default_factory=list)
    lengths: list[float] = field(default_factory=list)

    def add(self, reading: Reading) -> None:
        """Take in an accepted step."""
        taken, parents = reading.taken, []
        if "scaled_error" in self.needed and not self.detach_scale:
            parents += [reading.y, taken.y]
        if "stiffness" in self.needed:
            parents += [taken.slopes[-2], taken.y, taken.before]
        if taken.ghosts and ("error" in self.needed or "scaled_error" in self.needed):
            parents.append(taken.ghosts[0])
        apply: Callable[..., Tensor] = _Step.apply
        self.handles.append(apply(reading, self, *parents, taken.slopes[-1]))
        self.lengths.append(abs(taken.h))

    def look(self, reading: Reading) -> Vectors:
        """Take the norms of the vectors of a step."""
        taken, norms = reading.taken, self.norms
        vectors = Vectors(taken.h * self.ruler.plan.last_of_error)
        if "error" in self.needed:
            vectors.error = reading.error
            norms.append(torch.linalg.vector_norm(reading.error))
        if "scaled_error" in self.needed:
            vectors.scaled = (reading.scaled, reading.scale)
            norms.append(reading.size)
            if not self.detach_scale:
                vectors.states = (reading.y.detach(), taken.y.detach(), self.ruler.rtol)
        if "stiffness" in self.needed:
            slope = taken.slopes[-1] - taken.slopes[-2]
            vectors.differences = (slope, weighted_sum(taken.slopes, self.ruler.plan.argument_difference, taken.h))
            norms += map(torch.linalg.vector_norm, vectors.differences)
        self.vectors.append(vectors)
        return vectors

    def estimates(self) -> Estimates:
        """Those of all steps, on the tape."""
        y, kinds = self.handles[0], sorted(self.needed)
        apply: Callable[..., tuple[Tensor, ...]] = _Sizes.apply
        found = dict(zip(kinds, apply(self, *self.handles), strict=True))
        return Estimates(
            self.tableau,
            y.new_tensor(self.lengths),
            error=found.get("error"),
            scaled_error=found.get("scaled_error"),
            stiffness=found.get("stiffness"),
        )
