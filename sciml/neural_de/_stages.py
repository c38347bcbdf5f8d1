"""Runge–Kutta stages on the autograd tape, one node for each combination y + h Σ a_ij k_j.

The calls of f stay on the ordinary tape, so that f may be anything. A combination g_i has only two parents there:
k_{i−1}, and g_{i−1} (for the first one y), which gives the nodes of a step their order. The adjoint of a whole step is
then one sum for each stage: once the cotangents ḡ_j of all later arguments are known, that of k_i is h Σ a_ji ḡ_j
over j > i, and that of y is Σ ḡ_j.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sciml.neural_de.tableaus import Tableau

Field = Callable[[Tensor, Tensor], Tensor]
Terms = list[tuple[int, float]]


class Plan:
    """The nonzero coefficients of a tableau in double precision, by row and by column.

    Attributes
    ----------
    rows
        For the argument of stage i the pairs (j, a_ij).
    columns
        For stage j the pairs (i, a_ij).
    last_of_error
        The weight of the last slope in err.
    error, quartic, slope_difference, argument_difference
        Weights w of the readouts h Σ w_j k_j: err, the quartic term of the dense output, h(k_s − k_{s−1}) and
        g_s − g_{s−1}.
    """

    def __init__(self, tableau: Tableau) -> None:
        self.last = tableau.stages - 1
        self.nodes = [float(c) for c in tableau.c[1:]]
        self.rows = [nonzero(row) for row in tableau.a]
        entries = [(i, j, a) for i, row in enumerate(self.rows) for j, a in row]
        self.columns: list[Terms] = [[(i, a) for i, k, a in entries if k == j] for j in range(self.last)]
        self.error = nonzero(tableau.error)
        self.last_of_error = float(tableau.error[-1])
        self.quartic = nonzero(tableau.quartic) or [(0, 0.0)]
        self.slope_difference = [(self.last - 1, -1.0), (self.last, 1.0)]
        self.argument_difference = nonzero(
            [*(x - y for x, y in zip(tableau.a[-1], tableau.a[-2], strict=False)), tableau.a[-1][-1]]
        )


def nonzero(weights: Sequence[Any]) -> Terms:
    """Positions and values of the weights that are not 0."""
    return [(j, float(weight)) for j, weight in enumerate(weights) if weight]


plan_of = functools.lru_cache(maxsize=None)(Plan)


class Step:
    """One step of length h.

    While a backward pass is in it, ``bars`` holds the cotangents of its arguments and ``read`` those of its readouts.
    """

    __slots__ = ("bars", "h", "plan", "read")

    def __init__(self, plan: Plan, h: float) -> None:
        self.plan, self.h = plan, h
        self.bars: list[Tensor | None] = []
        self.read: list[tuple[dict[int, float], Tensor]] = []


def weighted_sum(slopes: Sequence[Tensor], terms: Terms, h: float, start: Tensor | None = None) -> Tensor:
    """h Σ w_j k_j, added to ``start`` if it is given, in the order of the terms."""
    j, weight = terms[0]
    total = slopes[j] * (h * weight) if start is None else torch.add(start, slopes[j], alpha=h * weight)
    for j, weight in terms[1:]:
        total.add_(slopes[j], alpha=h * weight)
    return total


Known = tuple[Tensor, list[Tensor], Step, int]
"""The state, the slopes so far, the step and the stage: what a node needs besides its parents."""


class _Argument(torch.autograd.Function):
    """g_i = y + h Σ_{j<i} a_ij k_j; on the tape its parents are the argument before it (first y) and k_{i−1}.

    A backward pass that enters a step anywhere runs the node of its last argument first, because all others are
    reached through it; that node begins a new list of cotangents.
    """

    @staticmethod
    def forward(ctx: Any, parent: Tensor, k: Tensor, known: Known) -> Tensor:
        y, slopes, step, i = known
        ctx.step, ctx.i = step, i
        ctx.set_materialize_grads(False)
        return weighted_sum(slopes, step.plan.rows[i], step.h, y)

    @staticmethod
    def backward(ctx: Any, bar: Tensor | None) -> tuple[Tensor | None, ...]:
        step, i = ctx.step, ctx.i
        if i == step.plan.last:
            step.bars = [None] * (i + 1)
        return _argument_adjoint(step, i, bar)


class _LastArgument(torch.autograd.Function):
    """:class:`_Argument` of the last stage, with a ghost for each row of weights that will be read out of the step.

    A ghost has the shape of the state and no value: it is there to take the cotangent of its readout, which is made
    after the last slope is known, back to the step.
    """

    @staticmethod
    def forward(ctx: Any, parent: Tensor, k: Tensor, known: Known, rows: tuple[Terms, ...]) -> tuple[Tensor, ...]:
        y, slopes, step, i = known
        ctx.step, ctx.i, ctx.rows = step, i, rows
        ctx.set_materialize_grads(False)
        g = weighted_sum(slopes, step.plan.rows[i], step.h, y)
        return g, *(y.new_empty(()).expand(y.shape) for _ in rows)

    @staticmethod
    def backward(ctx: Any, bar: Tensor | None, *ghosts: Tensor | None) -> tuple[Tensor | None, ...]:
        step, i = ctx.step, ctx.i
        step.bars = [None] * (i + 1)
        step.read = [(dict(terms), ghost) for terms, ghost in zip(ctx.rows, ghosts, strict=True) if ghost is not None]
        return *_argument_adjoint(step, i, bar), None


def _argument_adjoint(step: Step, i: int, bar: Tensor | None) -> tuple[Tensor | None, ...]:
    """Cotangents of the parents of argument i, of which the first carries one only if it is the state."""
    refuse_second_derivatives()
    bars, h = step.bars, step.h
    bars[i] = bar
    terms = [term for term in step.plan.columns[i - 1] if bars[term[0]] is not None]
    k_bar = weighted_sum(bars, terms, h) if terms else None  # type: ignore[arg-type]
    for weights, read in step.read:
        if weight := weights.get(i - 1):
            k_bar = read * (h * weight) if k_bar is None else k_bar.add_(read, alpha=h * weight)
    if i > 1:
        return None, k_bar, None
    known = [later for later in bars if later is not None]
    step.bars, step.read = [], []
    return (_sum(known) if known else None), k_bar, None


def _sum(tensors: list[Tensor]) -> Tensor:
    if len(tensors) == 1:
        return tensors[0]
    total = tensors[0] + tensors[1]
    for tensor in tensors[2:]:
        total.add_(tensor)
    return total


class _ReadOut(torch.autograd.Function):
    """h Σ w_j k_j; on the tape its parents are its ghost and the last slope."""

    @staticmethod
    def forward(ctx: Any, ghost: Tensor, k: Tensor, terms: Terms, slopes: list[Tensor], h: float) -> Tensor:
        ctx.weight = h * dict(terms).get(len(slopes) - 1, 0.0)
        return weighted_sum(slopes, terms, h)

    @staticmethod
    def backward(ctx: Any, bar: Tensor) -> tuple[Tensor | None, ...]:
        refuse_second_derivatives()
        return bar, bar * ctx.weight if ctx.weight else None, None, None, None


def refuse_second_derivatives() -> None:
    """Raise where a backward pass is itself being recorded."""
    if torch.is_grad_enabled():
        raise RuntimeError("create_graph=True was asked of a solve; expected first derivatives only")


@dataclass
class Taken:
    """The stages of one step.

    Attributes
    ----------
    y, before
        The new state, which is the argument of the last stage, and that of the stage before.
    slopes
        k_1, …, k_s; the last is the slope at the new state.
    ghosts
        One for each row of weights that was announced, on the tape; none off it.
    """

    y: Tensor
    before: Tensor
    slopes: list[Tensor]
    h: float
    ghosts: tuple[Tensor, ...] = ()

    def read_out(self, place: int, terms: Terms) -> Tensor:
        """h Σ w_j k_j, on the tape, for the row of weights that was announced at ``place``."""
        if not self.ghosts:
            return weighted_sum(self.slopes, terms, self.h)
        apply: Callable[..., Tensor] = _ReadOut.apply
        return apply(self.ghosts[place], self.slopes[-1], terms, self.slopes, self.h)


def run_stages(
    f: Field, plan: Plan, t: float, y: Tensor, k: Tensor, h: float, *, rows: tuple[Terms, ...] = ()
) -> Taken:
    """One step from y with slope k at t; ``rows`` announces the weights of what will be read out on the tape."""
    times = torch.tensor([t + c * h for c in plan.nodes], dtype=y.dtype, device=y.device).unbind()
    slopes, before, g = [k], y, y
    if not torch.is_grad_enabled():
        for i, time in enumerate(times, 1):
            before, g = g, weighted_sum(slopes, plan.rows[i], h, y)
            slopes.append(evaluate(f, time, g))
        return Taken(g, before, slopes, h)
    step = Step(plan, h)
    ghosts: list[Tensor] = []
    argument: Callable[..., Tensor] = _Argument.apply
    last_argument: Callable[..., tuple[Tensor, ...]] = _LastArgument.apply
    for i, time in enumerate(times, 1):
        before = g
        if rows and i == plan.last:
            g, *ghosts = last_argument(g, slopes[-1], (y, slopes, step, i), rows)
        else:
            g = argument(g, slopes[-1], (y, slopes, step, i))
        slopes.append(evaluate(f, time, g))
    return Taken(g, before, slopes, h, tuple(ghosts))


def evaluate(f: Field, t: Tensor, y: Tensor) -> Tensor:
    """f(t, y), refusing what does not fit the state.

    Raises
    ------
    TypeError
        If the value is not a tensor.
    ValueError
        If it has another shape, dtype or device than ``y``.
    """
    k = f(t, y)
    if not isinstance(k, Tensor):
        raise TypeError(f"f returned {type(k).__name__}; expected a tensor")
    if k.shape != y.shape or k.dtype != y.dtype or k.device != y.device:
        raise ValueError(
            f"f returned {k.dtype} of shape {tuple(k.shape)} on {k.device}; "
            f"expected those of the state, {y.dtype}, {tuple(y.shape)}, {y.device}"
        )
    return k
