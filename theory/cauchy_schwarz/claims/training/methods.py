"""Regression through a representation, and the losses that it is trained with.

References
----------
arXiv 2404.17951 (CS-IB). A. Alemi, I. Fischer, J. Dillon, K. Murphy, "Deep Variational Information Bottleneck", Eqs. 14
and 17, arXiv 1612.00410 (VIB). A. Kolchinsky, B. Tracey, D. Wolpert, "Nonlinear Information Bottleneck", Section 3,
arXiv 1705.02436 (NIB). Z. Wang et al., "Revisiting Hilbert-Schmidt Information Bottleneck for Adversarial Robustness",
arXiv 2106.02734 (HSIC).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from theory.cauchy_schwarz import (
    conditional_divergence,
    hsic,
    normalized_mutual_information,
)
from theory.cauchy_schwarz.conditional import Variant

Tensor = torch.Tensor
Noise = Literal["none", "common", "own"]
"""Of the representation: none, of one learned variance, or of a learned variance for each input and feature."""

WIDTH, FEATURES = 128, 32
BANDWIDTH = 1.0
"""Of all kernels in training, as in the released code; inputs and targets are standardised, representations are not."""


class Pass(NamedTuple):
    """One batch on its way through the network; the representation is ``t = mean + noise``."""

    x: Tensor
    y: Tensor
    mean: Tensor
    log_variance: Tensor | None
    t: Tensor
    y_hat: Tensor


class Network(nn.Module):
    """Encoder d–128–128–32–32, decoder 32–128–1, ReLU. Networks of one seed and width start from the same weights."""

    def __init__(self, inputs: int, noise: Noise = "none", width: int = WIDTH, depth: int = 2) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for size in (inputs, *[width] * (depth - 1)):
            layers += [nn.Linear(size, width), nn.ReLU()]
        self.encoder = nn.Sequential(*layers, nn.Linear(width, FEATURES), nn.ReLU())
        self.mean = nn.Linear(FEATURES, FEATURES)
        self.decoder = nn.Sequential(nn.Linear(FEATURES, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 1))
        self.noise = noise
        if noise == "own":
            self.spread = nn.Linear(FEATURES, FEATURES)
        if noise == "common":
            self.log_variance = nn.Parameter(torch.tensor(-4.0))

    def forward(self, x: Tensor) -> Tensor:
        """Prediction (N,) without noise."""
        return self.decoder(self.mean(self.encoder(x)))[:, 0]  # type: ignore[no-any-return]

    def through(self, x: Tensor, y: Tensor) -> Pass:
        """Predict with noise."""
        hidden = self.encoder(x)
        mean = t = self.mean(hidden)
        spread = None
        if self.noise != "none":
            spread = self.spread(hidden) if self.noise == "own" else self.log_variance.expand_as(mean)
            t = mean + torch.exp(spread / 2) * torch.randn_like(mean)
        return Pass(x, y, mean, spread, t, self.decoder(t)[:, 0])


def squared_error(seen: Pass) -> Tensor:
    """Mean squared error."""
    return F.mse_loss(seen.y_hat, seen.y)


def huber(seen: Pass) -> Tensor:
    """Huber's loss, linear beyond one standard deviation of the targets."""
    return F.huber_loss(seen.y_hat, seen.y)


def welsch(seen: Pass) -> Tensor:
    """``−2 log mean κ(ŷ_i − y_i)``: correntropy, what CS-IB's divergence is for a narrow kernel of the inputs."""
    exponents = -(seen.y_hat - seen.y).square() / (2 * BANDWIDTH**2)
    return -2 * (torch.logsumexp(exponents, 0) - math.log(len(exponents)))


def no_information(seen: Pass) -> Tensor:
    """For losses without a bottleneck."""
    return seen.t.new_zeros(())


def rate(seen: Pass) -> Tensor:
    """VIB's bound on I(x; t) in nats: mean KL from N(mean, variance) to N(0, I)."""
    assert seen.log_variance is not None
    each = seen.mean.square() + seen.log_variance.exp() - 1 - seen.log_variance
    return each.sum(1).mean() / 2


def pairwise_bound(seen: Pass) -> Tensor:
    """NIB's bound on I(x; t) in nats, from the distances of the components of a Gaussian mixture."""
    assert seen.log_variance is not None
    centres = seen.mean * torch.exp(-seen.log_variance / 2)
    squares = centres.square().sum(1)
    exponents = -(squares[:, None] + squares - 2 * centres @ centres.T).clamp_min(0) / 2
    return (math.log(len(centres)) - torch.logsumexp(exponents, 1)).mean()


def normalized_hsic(seen: Pass) -> Tensor:
    """``HSIC(x, t) / √(HSIC(x, x) HSIC(t, t))``."""
    norms = hsic(seen.x, seen.x, BANDWIDTH, BANDWIDTH) * hsic(seen.t, seen.t, BANDWIDTH, BANDWIDTH)
    return hsic(seen.x, seen.t, BANDWIDTH, BANDWIDTH) / torch.sqrt(norms)  # type: ignore[no-any-return]


def normalized_information(seen: Pass) -> Tensor:
    """CS-IB's ``I_CS(x; t) / √(I_CS(x; x) I_CS(t; t))``."""
    return normalized_mutual_information(seen.x, seen.t, BANDWIDTH, BANDWIDTH)  # type: ignore[no-any-return]


def written_divergence(seen: Pass, variant: Variant, width: float = BANDWIDTH) -> Tensor:
    """CS-IB's ``D_CS(p(y|x); q(ŷ|x))`` from columns."""
    found: Tensor = conditional_divergence(seen.x, seen.y, seen.y_hat, BANDWIDTH, width, variant)
    return found


def released_divergence(x: Tensor, y: Tensor, y_hat: Tensor, bandwidth: float = BANDWIDTH) -> Tensor:
    """The released code's estimate of ``D_CS(p(y|x); q(ŷ|x))`` in bits, here with all sums in log space.

    Its kernel matrices come from ``‖a‖² + ‖b‖² − 2ab`` over the last axis. Columns (N, 1) give matrices; vectors (N,),
    which it is called with, give one number that is broadcast.
    """

    def log_kernel(a: Tensor, b: Tensor) -> Tensor:
        norms = [(value * value).sum(-1, keepdim=value.ndim > 1) for value in (a, b)]
        product = a @ (b.mT if b.ndim > 1 else b)
        return -(norms[0] + (norms[1].mT if b.ndim > 1 else norms[1]) - 2 * product) / (2 * bandwidth**2)

    inputs = log_kernel(x, x)
    weights = torch.logsumexp(2 * inputs, 1, keepdim=True)

    def log_sum(a: Tensor, b: Tensor) -> Tensor:
        return torch.logsumexp((inputs + log_kernel(a, b) - weights).flatten(), 0)

    return (log_sum(y, y) + log_sum(y_hat, y_hat) - 2 * log_sum(y_hat, y)) / math.log(2)


class Method(NamedTuple):
    """A loss ``prediction + beta · information``."""

    prediction: Callable[[Pass], Tensor]
    information: Callable[[Pass], Tensor] = no_information
    beta: float = 0.0
    noise: Noise = "none"

    def loss(self, seen: Pass) -> Tensor:
        """A scalar."""
        fit = self.prediction(seen)
        return fit + self.beta * self.information(seen) if self.beta else fit

    def at(self, beta: float) -> Method:
        """The same at another strength. At 0 it has no bottleneck, so that methods of one loss are one method."""
        return self._replace(beta=beta, information=self.information if beta else no_information)


@functools.cache
def written(variant: Variant, beta: float = 0.0, width: float = BANDWIDTH) -> Method:
    """CS-IB with its divergence as written, in one of the variants; ``width`` is the bandwidth of the targets."""
    divergence = functools.partial(written_divergence, variant=variant, width=width)
    return Method(divergence, normalized_information, beta)


MSE, HUBER, WELSCH = Method(squared_error), Method(huber), Method(welsch)
VIB = Method(squared_error, rate, 1e-3, "own")
NIB = Method(squared_error, pairwise_bound, 1e-2, "common")
HSIC = Method(squared_error, normalized_hsic, 0.1)
RELEASED = Method(lambda seen: released_divergence(seen.x, seen.y, seen.y_hat))
CS_IB = written("psd", 0.01)
CS = CS_IB.at(0.0)

METHODS: Mapping[str, Method] = {
    "MSE": MSE,
    "Huber": HUBER,
    "Welsch": WELSCH,
    "VIB": VIB,
    "NIB": NIB,
    "HSIC": HSIC,
    "CS-IB": CS_IB,
}
"""Each bottleneck at one strength, weak enough to leave the error on clean data much as it is."""

VARIANTS: Mapping[str, Method] = {
    "weights of the paper": written("paper"),
    "weights of the repository": written("repository"),
}
"""CS-IB's divergence alone (β = 0), as ``CS``, with other weights."""
