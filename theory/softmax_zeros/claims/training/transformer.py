"""Which radius binds in a tiny transformer (Section 6.6, Figure 11, Table 2), scaled down.

At each step, along Adam's own update: ρ_out = π/Δ over the logits, ρ_attn = π/Δ over the scores of a query before the
softmax (least over heads), and ρ_ffn, the 1 % quantile of |h|/|ḣ| over the pre-activations h of the feed-forward
layers. The all-radii controller takes a step of length min(ρ_out, ρ_attn, ρ_ffn). Width 32, two layers, four heads.
"""

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn
from torch.func import functional_call, jvp

from theory.softmax_zeros.activations import activation_radius
from theory.softmax_zeros.claims.paper import paper
from theory.softmax_zeros.claims.training.digits import (
    Attention,
    Residual,
    Schedule,
    Tensor,
    TinyTransformer,
    digits,
    layers,
)
from theory.softmax_zeros.updates import update_direction
from verify import Check

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {"gelu": nn.GELU, "relu": nn.ReLU}
RADII = ("ffn", "out", "attention")
PHASES = ("early", "middle", "late")
PRINTED = {
    "early: median ffn": 0.0164,
    "early: median out": 0.0307,
    "early: median attention": 0.645,
    "middle: median ffn": 0.0111,
    "middle: median out": 0.0107,
    "middle: median attention": 0.203,
    "late: median ffn": 0.0131,
    "late: median out": 0.00793,
    "late: median attention": 0.168,
    "early: ffn least": 0.94,
    "early: out least": 0.06,
    "middle: ffn least": 0.48,
    "middle: out least": 0.52,
    "late: ffn least": 0.08,
    "late: out least": 0.92,
    "attention least": 0.0,
}
"""Table 2: medians of the radii and shares of the steps at which each is the least; 1257 samples, 1200 steps."""


class Trace(NamedTuple):
    """Radii at every step, shape (steps, 3) in the order of `RADII`, and the training loss."""

    radii: np.ndarray
    loss: np.ndarray
    distance: float
    """1 % quantile, at the last step, of the radii of the neurons by the singularities of their activation."""

    def medians(self, phase: str) -> dict[str, float]:
        """Of each radius, in a third of the run."""
        part = np.array_split(self.radii, 3)[PHASES.index(phase)]
        return dict(zip(RADII, np.median(part, axis=0), strict=True))

    def wins(self, phase: str) -> dict[str, float]:
        """Share of the steps of a third of the run at which each radius is the least."""
        least = np.array_split(self.radii, 3)[PHASES.index(phase)].argmin(1)
        return {name: float(np.mean(least == k)) for k, name in enumerate(RADII)}


def watch(model: TinyTransformer, kept: dict[str, list[Tensor]]) -> None:
    """Keep the attention scores and the pre-activations of the latest forward pass."""
    for block in model.blocks:
        assert isinstance(block, Residual)
        if isinstance(block.inner[1], Attention):
            heads = block.inner[1].heads

            def scores(_module: nn.Module, _inputs: object, projected: Tensor, heads: int = heads) -> None:
                queries, keys, _ = (part.unflatten(-1, (heads, -1)) for part in projected.chunk(3, -1))
                width = queries.shape[-1]
                kept["attention"].append(torch.einsum("sihd,sjhd->shij", queries, keys) / math.sqrt(width))

            block.inner[1].project.register_forward_hook(scores)
        else:
            block.inner[1].register_forward_hook(lambda _module, _inputs, h: kept["ffn"].append(h))


def build(activation: str, seed: int) -> TinyTransformer:
    """A fresh network with that activation in its feed-forward layers."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = TinyTransformer()
    for block in model.blocks:
        if isinstance(block, Residual) and not isinstance(block.inner[1], Attention):
            block.inner[2] = ACTIVATIONS[activation]()
    return model


@functools.cache
def trained(activation: str, seed: int, how: Schedule) -> Trace:
    """The all-radii controller, on the whole of a training set of the size of a batch."""
    data = digits(seed)
    x, y = data.x[: how.batch], data.y[: how.batch]
    model = build(activation, seed)
    kept: dict[str, list[Tensor]] = {"attention": [], "ffn": []}
    watch(model, kept)

    def outputs(parameters: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        for found in kept.values():
            found.clear()
        logits = functional_call(model, parameters, (x,))
        return logits, torch.stack(kept["attention"]), torch.stack(kept["ffn"])

    optimizer = how.optimizer(model.parameters())
    radii, losses = [], []
    for _ in range(how.steps):
        optimizer.param_groups[0]["lr"] = 1.0
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        update = update_direction(optimizer)
        length = math.sqrt(sum(float(p.double().square().sum()) for p in update.values()))
        direction = {name: update[p] / length for name, p in model.named_parameters()}
        start = {name: p.detach() for name, p in model.named_parameters()}
        (_, _, h), (logits, scores, hdot) = jvp(outputs, (start,), (direction,))[:2]
        kinks = (h.abs() / hdot.abs().clamp_min(1e-12)).flatten()[:: 1 + h.numel() // 10**6]
        found = [float(np.quantile(kinks.numpy(), 0.01))]
        found += [math.pi / float((a.amax(-1) - a.amin(-1)).max()) for a in (logits, scores)]
        radii.append(found)
        losses.append(float(loss.detach()))
        optimizer.param_groups[0]["lr"] = min(found) / length
        optimizer.step()
    distance = float(np.quantile(activation_radius(activation, h, hdot).numpy(), 0.01, method="lower"))
    return Trace(np.array(radii), np.array(losses), distance)


def schedule(check: Check) -> Schedule:
    """Full batches, of the size of the level; the rate is that before the controller."""
    adamw = functools.partial(torch.optim.AdamW, lr=1.0, weight_decay=1e-4)
    return Schedule(steps=check.at(quick=60, full=300), batch=check.at(quick=100, full=300), optimizer=adamw)


def run(check: Check, seed: int, activation: str = "gelu") -> Trace:
    """A run at the size of the level."""
    return trained(activation, seed, schedule(check))


def setup(check: Check, activation: str = "gelu") -> dict[str, Any]:
    """What is run at this level; the batch is the whole training set."""
    how = schedule(check)
    return {
        "data": "scikit-learn digits",
        "training samples": how.batch,
        "model": layers(build(activation, 0)),
        **how.settings(),
        "learning rate": "min(ρ_out, ρ_attn, ρ_ffn)/‖u‖, u being AdamW's step at rate 1",
        "directions": "AdamW's own step",
        "seen on": "the training set",
    }


@paper.claim(
    "Section 6.6, Table 2",
    tags=("empirical",),
    mutants={
        "FFN and attention exchanged": {"names": ("attention", "out", "ffn")},
        "output and attention exchanged": {"names": ("ffn", "attention", "out")},
    },
)
def attention_never_binds_in_the_tiny_transformer(check: Check, names: tuple[str, str, str] = RADII) -> None:
    r"""The attention radius is never the least; early in training the FFN proxy is, then comes the output.

    Printed early medians: FFN 0.0164, output 0.0307, attention 0.645, and wins of 94, 6 and 0 %. Here with 100 samples
    and 60 steps, or 300 and 300, against 1257 and 1200; the FFN proxy stays the least for longer. The last two bands:
    90 % of the steps, and a ratio of 2.4 to 7.6 over seeds $100 \ldots 103$ and both sizes, by a factor of two or more.
    """

    def measure(seed: int) -> dict[str, float]:
        found = run(check, seed)
        label = dict(zip(RADII, names, strict=True))
        numbers: dict[str, float] = {}
        for phase in PHASES:
            numbers |= {f"{phase}: median {label[name]}": value for name, value in found.medians(phase).items()}
            numbers |= {f"{phase}: {label[name]} least": value for name, value in found.wins(phase).items()}
        numbers["attention least"] = max(numbers[f"{phase}: attention least"] for phase in PHASES)
        numbers["early: attention/out"] = numbers["early: median attention"] / numbers["early: median out"]
        return numbers

    bands = {"attention least": (0.0, 0.0), "early: ffn least": (0.9, 1.0), "early: attention/out": (1.2, 30.0)}
    seeds = check.at(quick=1, full=2)
    check.reproduces(measure, bands=bands, seeds=seeds, setup=setup(check), printed=PRINTED if names == RADII else {})
    traced = run(check, check.seed)
    columns = dict(zip(RADII, traced.radii.T, strict=True))
    check.table("radii", step=np.arange(len(traced.loss)), loss=traced.loss, **columns)


@paper.claim(
    "Section 6.6, Table 2",
    tags=("empirical",),
    level="full",
    mutants={"the attention radius": {"name": "attention"}, "the FFN proxy": {"name": "ffn"}},
)
def the_output_radius_shrinks_over_training(check: Check, name: str = "out") -> None:
    r"""The median output radius of the last third of a run is at most a quarter of that of the first.

    Printed: 0.00793 against 0.0307, that is 0.26.
    """

    def shrinkage(seed: int) -> dict[str, float]:
        early, late = (run(check, seed).medians(phase)[name] for phase in ("early", "late"))
        return {"late/early": late / early}

    check.reproduces(
        shrinkage,
        bands={"late/early": (0.0, 0.25)},
        seeds=2,
        setup=setup(check),
        printed={"late/early": PRINTED["late: median out"] / PRINTED["early: median out"]},
    )


@paper.refuted(
    "Section 6.6, Table 2",
    tags=("erratum", "empirical"),
    controls={"a ReLU network": {"activation": "relu"}},
)
def the_feed_forward_radius_limits_a_gelu_network(check: Check, activation: str = "gelu") -> None:
    r"""$\rho_{\text{ffn}} = Q_{0.01}(|h|/|\dot{h}|)$ is how far the feed-forward neurons of the network are from their
    singularities.

    $|h|/|\dot{h}|$ is the distance to the kink of a ReLU. The network has exact GELUs, which Appendix 2 itself counts
    as entire: no neuron has a singularity, and "FFN-limited early" comes from the proxy alone. On the same network with
    ReLUs the proxy is what it says, to the interpolation of the quantile.
    """

    def compare(seed: int) -> dict[str, float]:
        found = run(check, seed, activation)
        proxy = float(found.radii[-1, RADII.index("ffn")])
        point = torch.tensor([-1e-9, 1e-9], dtype=torch.float64, requires_grad=True)
        (slopes,) = torch.autograd.grad(ACTIVATIONS[activation]()(point).sum(), point)
        return {
            "proxy/distance to the singularities": proxy / found.distance,
            "jump of the activation's slope where the proxy is 0": float(slopes[1] - slopes[0]),
            "proxy": proxy,
        }

    bands = {
        "proxy/distance to the singularities": (0.99, 1.01),
        "jump of the activation's slope where the proxy is 0": (0.99, 1.01),
    }
    check.reproduces(compare, bands=bands, seeds=check.at(quick=1, full=2), setup=setup(check, activation))
