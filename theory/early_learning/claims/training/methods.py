"""Ways to train on wrong labels: the regularizer and its nearby falsehoods, dropout, nested dropout, self-distillation.

A loss takes logits (B, C), observed labels (B,), positions in the data set (B,) and the epoch from 1, and returns the
mean over the batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import nn
from torch.nn import functional as F

from theory.compression.nested_dropout import NestedDropout
from theory.distillation.progressive_targets import PSKDLoss
from theory.early_learning.claims.training.data import CLASSES
from theory.early_learning.loss import ELRLoss
from theory.early_learning.regularizer import elr_regularizer

Tensor = torch.Tensor
Loss = Callable[[Tensor, Tensor, Tensor, int], Tensor]
Pull = Callable[[Tensor, Tensor], Tensor]
"""From logits and averaged targets, both (B, C), to what each example adds to its cross-entropy, (B,)."""

WIDTH = 256
"""Channels of each hidden layer."""
CLAMP = 1e-4
"""ε of the authors' code."""


def cross_entropy(logits: Tensor, labels: Tensor, index: Tensor, epoch: int) -> Tensor:
    """The mean of −log p_y."""
    return F.cross_entropy(logits, labels)


@dataclass(frozen=True)
class Method:
    """A way to train; methods of one name are the same.

    Attributes
    ----------
    name
        What it is called in tables and figures.
    loss
        Makes the loss from the number of examples and of epochs.
    mask
        Makes what is applied to the features of the last hidden layer, (B, 256), in training.
    mask_below
        The same for the first hidden layer.
    """

    name: str
    loss: Callable[[int, int], Loss] = field(default=lambda n, epochs: cross_entropy, compare=False)
    mask: Callable[[], nn.Module] = field(default=nn.Identity, compare=False)
    mask_below: Callable[[], nn.Module] = field(default=nn.Identity, compare=False)


def elr(lam: float, beta: float, clamp: float | None = CLAMP) -> Method:
    """The package's loss, clamped as by the authors' code unless ``clamp`` is ``None``."""

    def loss(n: int, epochs: int) -> Loss:
        module = ELRLoss(n, CLASSES, lam, beta, clamp)
        return lambda logits, labels, index, epoch: module(logits, labels, index)

    return Method(f"ELR({lam:g}, {beta:g})" + ("" if clamp else " without clamp"), loss)


def averaged(name: str, beta: float, pull: Pull, *, constant: bool = True) -> Method:
    """Cross-entropy plus ``pull`` towards averaged predictions, which are held constant in the gradient or not."""

    def loss(n: int, epochs: int) -> Loss:
        target = torch.zeros(n, CLASSES)

        def value(logits: Tensor, labels: Tensor, index: Tensor, epoch: int) -> Tensor:
            p = clamped(logits)
            moved = beta * target[index] + (1 - beta) * p / p.sum(dim=1, keepdim=True)
            target[index] = moved.detach()
            return F.cross_entropy(logits, labels) + pull(logits, moved.detach() if constant else moved).mean()

        return value

    return Method(name, loss)


def clamped(logits: Tensor) -> Tensor:
    """Probabilities in [ε, 1 − ε], (B, C)."""
    return torch.softmax(logits, dim=1).clamp(CLAMP, 1 - CLAMP)


def sign_flipped(lam: float, beta: float) -> Method:
    """−λR: away from the averaged predictions."""
    return averaged(f"sign flipped({lam:g}, {beta:g})", beta, lambda z, t: -lam * elr_regularizer(z, t, "none"))


def without_log(lam: float, beta: float) -> Method:
    """−λ⟨p, t⟩."""
    return averaged(f"without log({lam:g}, {beta:g})", beta, lambda z, t: -lam * (clamped(z) * t).sum(dim=1))


def kullback_leibler(lam: float, beta: float) -> Method:
    """−λ Σ t log p, the penalty of Appendix C."""
    return averaged(f"KL({lam:g}, {beta:g})", beta, lambda z, t: -lam * (t * torch.log_softmax(z, 1)).sum(dim=1))


def without_stop_gradient(lam: float, beta: float) -> Method:
    """λR with the gradient also through t."""

    def pull(z: Tensor, t: Tensor) -> Tensor:
        return lam * torch.log(1 - (clamped(z) * t).sum(dim=1))

    return averaged(f"no stop-gradient({lam:g}, {beta:g})", beta, pull, constant=False)


def naive(lam: float, beta: float) -> Method:
    """λ log(1 − ⟨p, t⟩) as printed, in float32, without a clamp."""

    def loss(n: int, epochs: int) -> Loss:
        target = torch.zeros(n, CLASSES)

        def value(logits: Tensor, labels: Tensor, index: Tensor, epoch: int) -> Tensor:
            p = torch.softmax(logits, dim=1)
            target[index] = beta * target[index] + (1 - beta) * p.detach()
            overlap = (p * target[index]).sum(dim=1)
            return F.cross_entropy(logits, labels) + lam * torch.log(1 - overlap).mean()

        return value

    return Method(f"as printed, float32({lam:g}, {beta:g})", loss)


def dropout(rate: float) -> Method:
    """Bernoulli masks on the features."""
    return Method(f"dropout {rate:g}", mask=lambda: nn.Dropout(rate))


def nested_dropout(s: float) -> Method:
    """The first k features, one k a batch."""
    return Method(f"nested dropout {s:g}", mask=lambda: NestedDropout(WIDTH, s))


def self_distillation(alpha: float) -> Method:
    """PS-KD."""
    return Method(f"PS-KD {alpha:g}", lambda n, epochs: PSKDLoss(n, CLASSES, epochs, alpha))


CROSS_ENTROPY = Method("cross-entropy")
ELR = elr(7, 0.9)
