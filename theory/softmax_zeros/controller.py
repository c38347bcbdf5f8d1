"""A wrapper that keeps the normalised step ``r = τ/ρ`` of any optimizer at or below a target."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args, overload

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from theory.softmax_zeros.batch import Sighting, batch_radius, sight
from theory.softmax_zeros.descent import descent_certificate
from theory.softmax_zeros.monitor import Batch, StepLine, parameters_of, require_parameters_of, step_line
from theory.softmax_zeros.slopes import Inputs

Tensor = torch.Tensor
Radius: TypeAlias = Literal["rho_a", "exact", "descent"]
Optimizer = torch.optim.Optimizer

_RETREATS = (2.0**-16, 2.0**-12, 2.0**-8, 2.0**-4)
"""Relative margins of successive scalings; rounding makes the step stored differ from the scaled one."""


class _Shared:
    """An attribute of the inner optimizer."""

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    def __get__(self, clip: RadiusClip | None, _owner: type | None = None) -> Any:
        return self if clip is None else getattr(clip.optimizer, self._name)

    def __set__(self, clip: RadiusClip, value: Any) -> None:
        setattr(clip.optimizer, self._name, value)


@dataclass(frozen=True)
class ClipReport:
    """What `RadiusClip` did with a step; lengths in parameter-norm units.

    Attributes
    ----------
    tau
        Length of the step taken.
    rho
        Radius along it. With ``radius="exact"`` this is ``ρ_a`` where ``ρ_a`` already admits the step, and with
        ``"descent"`` the longest step that is certified not to raise the loss.
    r
        ``τ/ρ``, at most the target.
    scale
        Length of the step taken over that of the optimizer's own step.
    sample
        Index of the sample with the smallest radius among those observed; ``None`` for ``"descent"``, an infinite
        radius, or a zero step.
    """

    tau: float
    rho: float
    r: float
    scale: float
    sample: int | None


class RadiusClip(Optimizer):
    """Shorten the steps of an optimizer so that ``r = τ/ρ ≤ target``, for the step really taken.

    ::

        optimizer = RadiusClip(torch.optim.AdamW(model.parameters()), model)
        ...
        optimizer.observe(inputs)  # for each batch of a step, between zero_grad() and step()

    The inner optimizer takes its step. The logit slopes along the displacement, at the parameters before the step, give
    the radius on the observed samples; the displacement (momentum, weight decay and all) is then scaled by
    ``min(1, target ρ/τ)`` and, if that changed it, measured again as stored, until ``r ≤ target`` holds with the
    rounding of the parameters included.
    An admissible step is left as the inner optimizer made it, bit for bit. Cost of a step: a copy of the parameters
    and one Jacobian-vector product (about four forward passes), two for a shortened step.

    What ``r ≤ 1`` means: the Taylor series of the loss of the linearised model along the step converges at its end. It
    does not mean that the loss falls (`descent_certificate` does, for linear logits), and for a model with kinks, such
    as a ReLU network, no theorem applies.

    In all other respects it is the inner optimizer: parameter groups, state and state dict are shared, so schedulers,
    gradient scalers, closures and checkpoints work, and a checkpoint of the inner optimizer can be resumed with the
    wrapper and vice versa. The state (momentum, say) advances as if the full step had been taken.

    Parameters
    ----------
    optimizer
        Any torch optimizer whose parameters belong to ``model``.
    model
        Returns logits ``(B, ..., n)`` for the observed inputs. See `logit_slopes` for the mode it is evaluated in and
        for what it refuses.
    r
        Target, ``> 0``.
    radius
        ``"rho_a"``: ``π / max_x Δ_a(x)``. ``"exact"``: the lower end of the certified enclosure of ``min_x ρ*(x)``,
        computed where ``ρ_a`` does not already admit the step. ``"descent"``: ``max_step`` of `descent_certificate`
        for the mean cross-entropy over all observed samples (labels are needed); a step in a direction that does not
        descend is not taken.
    chunk_size
        Most samples in one Jacobian-vector product; ``None`` sets no limit.

    Attributes
    ----------
    report : ClipReport or None
        The last step.

    Raises
    ------
    ValueError
        For ``r`` not positive and finite, an unknown ``radius``, ``chunk_size < 1``, or a parameter that is not in
        ``model``.

    References
    ----------
    "Ghosts of Softmax", arXiv 2603.13552, Proposition 5.2 and Equation 17. The released controller measures ``ρ_a``
    along the gradient and lets Adam step elsewhere; measuring along the step, ``"exact"`` and ``"descent"`` are ours.
    """

    defaults = _Shared()
    param_groups = _Shared()
    state = _Shared()
    _OWN = ("optimizer", "model", "target", "radius", "chunk_size", "report", "_batches")

    def __init__(
        self,
        optimizer: Optimizer,
        model: nn.Module,
        r: float = 1.0,
        radius: Radius = "rho_a",
        *,
        chunk_size: int | None = None,
    ) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"optimizer is a {type(optimizer).__name__}; expected a torch.optim.Optimizer")
        if not (math.isfinite(r) and r > 0.0):
            raise ValueError(f"r is {r}; expected a positive finite target")
        if radius not in get_args(Radius):
            raise ValueError(f"radius is {radius!r}; expected one of {', '.join(map(repr, get_args(Radius)))}")
        if chunk_size is not None and chunk_size < 1:
            raise ValueError(f"chunk_size is {chunk_size}; expected at least 1")
        require_parameters_of(model, parameters_of(optimizer))
        self.optimizer, self.model, self.target, self.radius, self.chunk_size = optimizer, model, r, radius, chunk_size
        self.report: ClipReport | None = None
        self._batches: list[Batch] = []
        super().__setstate__({})  # hooks of its own around what it shares with the inner optimizer

    def observe(self, inputs: Inputs, labels: Tensor | None = None) -> None:
        """Add samples to those the next step is measured on; call once for each accumulated batch.

        `step` and `zero_grad` forget them.

        Parameters
        ----------
        inputs
            What ``model`` is called with: a tensor or a tuple of positional arguments.
        labels
            Integer classes, shape ``(B, ...)``; needed and used by ``radius="descent"`` only.
        """
        if (labels is None) == (self.radius == "descent"):
            raise ValueError(f"labels is {'missing' if labels is None else 'given'}, but radius is {self.radius!r}")
        self._batches.append(Batch(inputs, labels))

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], float]) -> float: ...
    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Take the step of the inner optimizer, shortened if need be.

        Parameters
        ----------
        closure
            Passed on. If it calls `zero_grad`, it is the place to observe.

        Raises
        ------
        RuntimeError
            If no inputs have been observed; the parameters are as before.
        ValueError
            If the step is not finite; the parameters are as before, the state is not.
        """
        parameters = parameters_of(self.optimizer)
        start = [parameter.detach().clone() for parameter in parameters]
        observed = tuple(self._batches)
        if closure is None:
            self._require(observed)
        try:
            loss: float | None = self.optimizer.step() if closure is None else self.optimizer.step(closure)
            batches = observed + tuple(batch for batch in self._batches if not any(batch is b for b in observed))
            self._require(batches)
            self.report = self._shorten(parameters, start, batches)
        except BaseException:
            torch._foreach_copy_(parameters, start)
            raise
        self._batches.clear()
        return loss

    def _shorten(self, parameters: list[Tensor], start: list[Tensor], batches: Sequence[Batch]) -> ClipReport:
        full = displacement = torch._foreach_sub(parameters, start)
        scale, sighted = 1.0, None
        for retreat in _RETREATS:
            line = step_line(self.model, parameters, start, displacement, batches, self.chunk_size)
            if line.tau == 0.0:
                return ClipReport(0.0, math.inf, 0.0, scale, None)
            r, sample, sighted = _normalised(self.radius, line, batches, self.target, sighted)
            if r <= self.target:
                return ClipReport(line.tau, line.tau / r if r > 0.0 else math.inf, r, scale, sample)
            factor = self.target / r * (1.0 - retreat)
            scale *= factor
            if scale == 0.0:
                break
            sighted = sighted and Sighting(sighted.sample, sighted.zero / factor)
            torch._foreach_copy_(parameters, torch._foreach_add(start, full, alpha=scale))
            displacement = torch._foreach_sub(parameters, start)
        torch._foreach_copy_(parameters, start)
        return ClipReport(0.0, line.tau / r, 0.0, 0.0, sample)

    def _require(self, batches: Sequence[Batch]) -> None:
        if not batches:
            raise RuntimeError("no inputs to measure the step on; call observe(inputs) between zero_grad() and step()")

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Reset the gradients and forget the observed inputs."""
        self._batches.clear()
        self.optimizer.zero_grad(set_to_none)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters of ``model`` to the inner optimizer; `ValueError` if they are not in it."""
        self.optimizer.add_param_group(param_group)
        try:
            require_parameters_of(self.model, parameters_of(self.optimizer))
        except ValueError:
            self.optimizer.param_groups.pop()
            raise

    def state_dict(self) -> dict[str, Any]:
        """State of the inner optimizer."""
        return self.optimizer.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load a state dict of the wrapper or of the inner optimizer."""
        self.optimizer.load_state_dict(state_dict)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """As for any optimizer; the hook gets the wrapper."""
        return self.optimizer.register_state_dict_pre_hook(self._as_inner(hook), prepend)

    def register_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """As for any optimizer; the hook gets the wrapper."""
        return self.optimizer.register_state_dict_post_hook(self._as_inner(hook), prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """As for any optimizer; the hook gets the wrapper."""
        return self.optimizer.register_load_state_dict_pre_hook(self._as_inner(hook), prepend)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """As for any optimizer; the hook gets the wrapper."""
        return self.optimizer.register_load_state_dict_post_hook(self._as_inner(hook), prepend)

    def _as_inner(self, hook: Callable[..., Any]) -> Callable[..., Any]:
        return lambda _inner, *arguments: hook(self, *arguments)

    def __getstate__(self) -> dict[str, Any]:
        return {name: self.__dict__[name] for name in self._OWN}


def _normalised(
    radius: Radius, line: StepLine, batches: Sequence[Batch], target: float, sighted: Sighting | None
) -> tuple[float, int | None, Sighting | None]:
    """``r`` of the step measured, the sample that limits it, and its zero where one was looked for.

    For ``"exact"`` an ``r`` above the target may be too small: a zero that makes the step too long need not be the
    nearest to be a reason to shorten it. ``sighted`` is where that zero should be after the shortening.
    """
    r, sample = line.support()
    if r == 0.0:
        return 0.0, None, None
    if radius == "descent":
        labels = torch.cat([batch.labels.reshape(-1) for batch in batches if batch.labels is not None])
        longest = descent_certificate(line.logits, line.slopes, labels).max_step
        return 1.0 / longest if longest > 0.0 else math.inf, None, None
    if radius == "exact" and r > target:
        sighted = sighted or sight(line.logits, line.slopes)
        if sighted and (least := 1.0 / abs(sighted.zero)) > target * (1.0 + _RETREATS[0]):
            return least, sighted.sample, sighted
        exact = batch_radius(line.logits, line.slopes, sighted=sighted)
        return 1.0 / float(exact.lower), int(exact.index), Sighting(int(exact.index), complex(exact.zero))
    return r, sample, None
