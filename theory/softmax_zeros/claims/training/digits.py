"""Handwritten digits, six small architectures, a training loop, and what a step along a line does to a model."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.func import functional_call

from theory.softmax_zeros.bounds import rho_a
from theory.softmax_zeros.slopes import logit_slopes

Tensor = torch.Tensor
Tensors = dict[str, Tensor]
"""One tensor a parameter, by name."""


class Digits(NamedTuple):
    """Images (64 pixels in [0, 1]) and labels of the training and of the test set."""

    x: Tensor
    y: Tensor
    x_test: Tensor
    y_test: Tensor

    def sizes(self) -> dict[str, Any]:
        """Name and sizes of the data, for the set-up of an experiment."""
        return {"data": "scikit-learn digits", "training samples": len(self.y), "test samples": len(self.y_test)}


@functools.cache
def digits(seed: int = 42, dtype: torch.dtype = torch.float32) -> Digits:
    """The 1797 digits of scikit-learn, 30 % of every class held out; random draws in the order of the released code."""
    source = load_digits()
    draw = np.random.default_rng(seed)
    train, test = [], []
    for label in range(10):
        (members,) = np.where(source.target == label)
        draw.shuffle(members)
        held_out = round(0.3 * len(members))
        test.append(members[:held_out])
        train.append(members[held_out:])
    kept, held = np.concatenate(train), np.concatenate(test)
    draw.shuffle(kept)
    draw.shuffle(held)
    x, y = torch.tensor(source.data / 16, dtype=dtype), torch.tensor(source.target)
    return Digits(x[kept], y[kept], x[held], y[held])


class Residual(nn.Module):
    """x + f(x)."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.inner = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.inner(x)  # type: ignore[no-any-return]


class Attention(nn.Module):
    """Self-attention with every product written out."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.project = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        samples, tokens, width = x.shape
        parts = self.project(x).reshape(samples, tokens, 3, self.heads, width // self.heads)
        queries, keys, values = parts.permute(2, 0, 3, 1, 4)
        scores = queries @ keys.mT / math.sqrt(width // self.heads)
        mixed = scores.softmax(-1) @ values
        return self.out(mixed.transpose(1, 2).reshape(x.shape))  # type: ignore[no-any-return]


class TinyTransformer(nn.Module):
    """The eight rows of an image as tokens; pre-norm blocks, mean over tokens."""

    def __init__(self, width: int = 32, layers: int = 2, heads: int = 4) -> None:
        super().__init__()
        self.embed = nn.Linear(8, width)
        self.position = nn.Parameter(0.02 * torch.randn(8, width))
        blocks = []
        for _ in range(layers):
            feed = [nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)]
            blocks += [Residual(nn.LayerNorm(width), Attention(width, heads)), Residual(*feed)]
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 10))

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.embed(x.reshape(-1, 8, 8)) + self.position
        return self.head(self.blocks(tokens).mean(1))  # type: ignore[no-any-return]


def _mlp(norm: Callable[[int], nn.Module] | None = None) -> nn.Module:
    layers: list[nn.Module] = []
    for inputs in (64, 128):
        layers += [nn.Linear(inputs, 128), *([norm(128)] if norm else []), nn.GELU()]
    return nn.Sequential(*layers, nn.Linear(128, 10))


def _cnn(norm: Callable[[int], nn.Module] | None = None) -> nn.Module:
    layers: list[nn.Module] = [nn.Unflatten(-1, (1, 8, 8))]
    for inputs, outputs in ((1, 16), (16, 32)):
        convolution = nn.Conv2d(inputs, outputs, 3, padding=1)
        layers += [convolution, *([norm(outputs)] if norm else []), nn.GELU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(128, 10))


ARCHITECTURES: dict[str, Callable[[], nn.Module]] = {
    "linear": lambda: nn.Linear(64, 10),
    "MLP": _mlp,
    "CNN": _cnn,
    "MLP+LN": lambda: _mlp(nn.LayerNorm),
    "CNN+BN": lambda: _cnn(nn.BatchNorm2d),
    "transformer": TinyTransformer,
}
"""64–10; 64–128–128–10; 16 and 32 channels; the same two normalised; width 32, two layers, four heads. All GELU."""


def build(name: str, seed: int, dtype: torch.dtype = torch.float32) -> nn.Module:
    """A fresh network; the global random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ARCHITECTURES[name]().to(dtype)


def layers(model: nn.Module) -> str:
    """The layers of a network in order: widths of linear maps and convolutions, names of the rest but for reshapes."""
    told = []
    for module in model.modules():
        match module:
            case nn.Linear():
                told.append(f"{module.in_features}→{module.out_features}")
            case nn.Conv2d():
                told.append(f"{module.in_channels}→{module.out_channels} channels")
            case Attention():
                told.append(f"{module.heads}-head attention")
            case nn.Flatten() | nn.Unflatten():
                pass
            case _ if not list(module.children()):
                told.append(type(module).__name__)
    return " ".join(told)


def batches(samples: int, size: int, steps: int, seed: int) -> Iterator[Tensor]:
    """Indices of random batches, each without repetition."""
    draw = np.random.default_rng(seed)
    for _ in range(steps):
        yield torch.from_numpy(draw.choice(samples, size=size, replace=False))


Loss = Callable[[Tensor, Tensor], Tensor]
Optimizer = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]


class Schedule(NamedTuple):
    """How a network is trained."""

    steps: int
    batch: int = 128
    optimizer: Optimizer = functools.partial(torch.optim.AdamW, lr=3e-3)

    def settings(self) -> dict[str, Any]:
        """Its numbers, for the set-up of an experiment."""
        made = self.optimizer([nn.Parameter(torch.zeros(1))])
        decay = {"weight decay": made.defaults["weight_decay"]} if made.defaults["weight_decay"] else {}
        return {
            "optimizer": type(made).__name__,
            "learning rate": made.defaults["lr"],
            **decay,
            "steps": self.steps,
            "batch": self.batch,
        }

    def __str__(self) -> str:
        """One line, for a set-up with several networks."""
        told = self.settings()
        return f"{told['optimizer']} at {told['learning rate']:g}, {self.steps} steps of {self.batch}"


def train(
    model: nn.Module, x: Tensor, y: Tensor, how: Schedule, seed: int, loss: Loss = nn.functional.cross_entropy
) -> nn.Module:
    """Train in place, and return the model in evaluation mode."""
    updates = how.optimizer(model.parameters())
    model.train()
    for rows in batches(len(y), how.batch, how.steps, seed):
        updates.zero_grad()
        loss(model(x[rows]), y[rows]).backward()
        updates.step()
    return model.eval()


def unit(vector: Tensors) -> Tensors:
    """Scaled to length 1 over all parameters together."""
    length = math.sqrt(sum(float(v.double().square().sum()) for v in vector.values()))
    return {name: v / length for name, v in vector.items()}


def gradient(model: nn.Module, x: Tensor, y: Tensor, loss: Loss = nn.functional.cross_entropy) -> Tensors:
    """The gradient of the loss on all of ``x``, in evaluation mode."""
    names, parameters = zip(*model.eval().named_parameters(), strict=True)
    return dict(zip(names, torch.autograd.grad(loss(model(x), y), parameters), strict=True))


def descent(model: nn.Module, x: Tensor, y: Tensor, loss: Loss = nn.functional.cross_entropy) -> Tensors:
    """The unit vector of steepest descent."""
    return unit({name: -g for name, g in gradient(model, x, y, loss).items()})


def reverse(direction: Tensors) -> Tensors:
    """The opposite direction."""
    return {name: -v for name, v in direction.items()}


def support_radius(model: nn.Module, x: Tensor, direction: Tensors) -> float:
    """ρ_a = π/max_x Δ_a(x)."""
    _, slopes = logit_slopes(model, None, x, direction)
    return float(rho_a(slopes.double()).min())


@torch.no_grad()
def accuracy(model: nn.Module, x: Tensor, y: Tensor) -> float:
    """Share of samples classified as labelled, in evaluation mode."""
    return float((model.eval()(x).argmax(1) == y).double().mean())


class Curve(NamedTuple):
    """What a step does, one entry a step length."""

    loss: np.ndarray
    accuracy: np.ndarray
    flipped: np.ndarray
    """Share of samples whose predicted class is no longer that of step 0."""


@torch.no_grad()
def along(model: nn.Module, x: Tensor, y: Tensor, direction: Tensors, steps: Iterable[float]) -> Curve:
    """Mean cross-entropy, accuracy and flips at θ + τv for every τ in ``steps``."""
    parameters = {name: p.detach() for name, p in model.eval().named_parameters()}
    before = model(x).argmax(1)
    rows = []
    for step in steps:
        moved = {name: p + float(step) * direction[name] for name, p in parameters.items()}
        logits = functional_call(model, moved, (x,))
        after = logits.argmax(1)
        shares = [(after == y).double().mean(), (after != before).double().mean()]
        rows.append([float(value) for value in (nn.functional.cross_entropy(logits, y), *shares)])
    return Curve(*np.array(rows).T)
