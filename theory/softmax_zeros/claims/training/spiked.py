"""Training with Adam through a spike of the learning rate, under several rules for the step; what each step was."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.func import functional_call, jvp

from theory.softmax_zeros.claims.training.digits import (
    Attention,
    Digits,
    Residual,
    batches,
    digits,
    gradient,
    layers,
    reverse,
    support_radius,
    unit,
)
from theory.softmax_zeros.controller import Radius, RadiusClip

Tensor = torch.Tensor
Step = Callable[[], object]
Rule = Callable[[nn.Module, torch.optim.Optimizer, Digits], Step]
"""Given a model, its optimizer and the data, returns what takes a step once the gradient is there."""


def plain(_model: nn.Module, optimizer: torch.optim.Optimizer, _data: Digits) -> Step:
    """Adam's own step."""
    return optimizer.step


def gradient_clip(model: nn.Module, optimizer: torch.optim.Optimizer, _data: Digits) -> Step:
    """The gradient, not the step, is cut to length 1, as in Section 6.5."""

    def step() -> None:
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    return step


def update_cap(longest: float) -> Rule:
    """The step is cut to a constant length; no radius is asked for."""

    def rule(model: nn.Module, optimizer: torch.optim.Optimizer, _data: Digits) -> Step:
        @torch.no_grad()
        def step() -> None:
            before = [p.clone() for p in model.parameters()]
            optimizer.step()
            moved = [p - old for p, old in zip(model.parameters(), before, strict=True)]
            length = float(nn.utils.get_total_norm(moved))
            if length > longest:
                for p, old, step in zip(model.parameters(), before, moved, strict=True):
                    p.copy_(old + longest / length * step)

        return step

    return rule


def radius_clip(radius: Radius) -> Rule:
    """`RadiusClip` over the whole training set."""

    def rule(model: nn.Module, optimizer: torch.optim.Optimizer, data: Digits) -> Step:
        clip = RadiusClip(optimizer, model, radius=radius)

        def step() -> None:
            clip.observe(data.x, data.y if radius == "descent" else None)
            clip.step()

        return step

    return rule


def released(model: nn.Module, optimizer: torch.optim.Optimizer, data: Digits) -> Step:
    """As released: η‖g‖ ≤ ρ_a along the gradient g of the training loss; then Adam steps with that η."""

    def step() -> None:
        slope = gradient(model, data.x, data.y)
        length = math.sqrt(sum(float(g.double().square().sum()) for g in slope.values()))
        rho = support_radius(model, data.x, unit(reverse(slope)))
        (group,) = optimizer.param_groups
        asked = group["lr"]
        group["lr"] = min(asked, rho / length)
        optimizer.step()
        group["lr"] = asked

    return step


CAPS = (0.03, 0.1, 0.2, 0.3, 1.0, 3.0)
RULES: dict[str, Rule] = {
    "plain": plain,
    "gradient clip": gradient_clip,
    **{f"cap {longest:g}": update_cap(longest) for longest in CAPS},
    "rho_a": radius_clip("rho_a"),
    "exact": radius_clip("exact"),
    "descent": radius_clip("descent"),
    "released": released,
}


def first_fifth_held_out(_seed: int) -> Digits:
    """The digits in their own order."""
    source = load_digits()
    x, y = torch.tensor(source.data / 16, dtype=torch.float32), torch.tensor(source.target)
    held = len(y) // 5
    return Digits(x[held:], y[held:], x[:held], y[:held])


def one_token_transformer() -> nn.Module:
    """The "Transformer" of Table 1: an image is one token, so that its attention is identically 1."""
    feed = [nn.LayerNorm(32), nn.Linear(32, 128), nn.GELU(), nn.Linear(128, 32)]
    attend = Residual(nn.LayerNorm(32), Attention(32, heads=1))
    token = nn.Unflatten(-1, (1, 32))
    return nn.Sequential(nn.Linear(64, 32), token, attend, Residual(*feed), nn.Flatten(), nn.Linear(32, 10))


def normalised_mlp() -> nn.Module:
    """The "MLP+LN" of Table 1: 64–64–64–64–10."""
    hidden = [layer for _ in range(3) for layer in (nn.Linear(64, 64), nn.LayerNorm(64), nn.GELU())]
    return nn.Sequential(*hidden, nn.Linear(64, 10))


class Setting(NamedTuple):
    """Network and data, and how many steps the spike lasts; ``batch`` is ``None`` for the whole training set."""

    build: Callable[[], nn.Module]
    data: Callable[[int], Digits]
    batch: int | None
    lasts: float

    def __str__(self) -> str:
        """Network, sizes of data and batch, and length of the spike."""
        of = self.data(0)
        batch = f"batch {self.batch}" if self.batch else "full batch"
        lasts = "to the end" if math.isinf(self.lasts) else f"for {self.lasts:g} step"
        return f"{layers(self.build())}; {len(of.y)} training, {len(of.y_test)} test samples, {batch}; spike {lasts}"


SETTINGS = {
    "Figure 6": Setting(
        lambda: nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10)), digits, batch=64, lasts=math.inf
    ),
    "Transformer": Setting(one_token_transformer, first_fifth_held_out, batch=None, lasts=1),
    "MLP+LN": Setting(normalised_mlp, first_fifth_held_out, batch=None, lasts=1),
}
SPIKE = 50
"""The step, from 0, at which the rate is multiplied."""
STEPS = 200


class Run(NamedTuple):
    """One entry a step: loss on the batch before it, test accuracy after it, and the step itself, as taken."""

    loss: np.ndarray
    accuracy: np.ndarray
    tau: np.ndarray
    r: np.ndarray
    """τ/ρ_a over the training set, by a Jacobian–vector product in float64."""

    @property
    def final(self) -> float:
        """Test accuracy at the end: the median over the last five steps, as single ones scatter by a point or two."""
        return float(np.median(self.accuracy[-5:]))


@functools.cache
def spiked(rule: str, seed: int, rate: float, spike: float, setting: str = "Figure 6", steps: int = STEPS) -> Run:
    """Train with Adam at ``rate``, multiplied by ``spike`` from step `SPIKE` on."""
    build, load, batch, lasts = SETTINGS[setting]
    data = load(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build()
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    take = RULES[rule](model, optimizer, data)
    rows = []
    whole = torch.arange(len(data.y))
    for number, index in enumerate(batches(len(data.y), batch or 1, steps, seed)):
        chosen = index if batch else whole
        optimizer.param_groups[0]["lr"] = rate * (spike if SPIKE <= number < SPIKE + lasts else 1.0)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(data.x[chosen]), data.y[chosen])
        loss.backward()
        before = {name: p.detach().clone() for name, p in model.named_parameters()}
        take()
        with torch.no_grad():
            accuracy = (model(data.x_test).argmax(1) == data.y_test).double().mean()
        rows.append([float(loss.detach()), float(accuracy), *step_taken(model, before, data.x)])
    return Run(*np.array(rows).T)


def step_taken(model: nn.Module, before: dict[str, Tensor], x: Tensor) -> tuple[float, float]:
    """τ and r = τΔ_a/π of the step from ``before`` to where the model is now."""
    start = {name: p.double() for name, p in before.items()}
    step = {name: p.detach().double() - start[name] for name, p in model.named_parameters()}
    slopes = jvp(lambda p: functional_call(model, p, (x.double(),)), (start,), (step,))[1]
    tau = math.sqrt(sum(float(v.square().sum()) for v in step.values()))
    return tau, float((slopes.amax(-1) - slopes.amin(-1)).max()) / math.pi
