"""A perceptron d → 256 → 256 → 10 for several seeds at once, and its training."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import nn

from theory.early_learning.claims.training.data import CLASSES, Problem
from theory.early_learning.claims.training.methods import WIDTH, Loss, Method

Tensor = torch.Tensor

BATCH = 64
MOMENTUM, DECAY = 0.9, 1e-3


class Perceptrons(nn.Module):
    """S networks with ReLU, and without bias in the last layer, drawn as torch draws `nn.Linear`."""

    def __init__(self, seeds: tuple[int, ...], inputs: int, method: Method) -> None:
        super().__init__()
        self.masks = nn.ModuleList([method.mask_below(), method.mask()])
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]

        def drawn(fan_in: int, *shape: int) -> nn.Parameter:
            unit = torch.stack([torch.rand(*shape, generator=each) for each in generators])
            return nn.Parameter((2 * unit - 1) / math.sqrt(fan_in))

        self.weights = nn.ParameterList([drawn(fan_in, fan_in, WIDTH) for fan_in in (inputs, WIDTH)])
        self.biases = nn.ParameterList([drawn(fan_in, 1, WIDTH) for fan_in in (inputs, WIDTH)])
        self.head = drawn(WIDTH, WIDTH, CLASSES)

    def features(self, x: Tensor) -> Tensor:
        """(S, B, 256) from (S, B, d); in training each network has a mask of its own."""
        for weight, bias, mask in zip(self.weights, self.biases, self.masks, strict=True):
            x = torch.baddbmm(bias, x, weight).relu()
            x = x if isinstance(mask, nn.Identity) else torch.stack([mask(each) for each in x])
        return x

    def forward(self, x: Tensor) -> Tensor:
        """Logits, (S, B, 10)."""
        return self.features(x) @ self.head


class Run(NamedTuple):
    """A training; K recorded epochs, S seeds.

    Attributes
    ----------
    problem, network, loss
        The data, the networks at the end, and the loss with what it kept.
    epoch
        Recorded epochs, (K,): some and the last, without wrong labels the last alone.
    accuracy
        On test data, (K, S).
    memorized, recovered
        Shares of the wrongly labelled training examples classified by their wrong label, and by their true class,
        (K, S); NaN without wrong labels.
    """

    problem: Problem
    network: Perceptrons
    loss: Loss
    epoch: Tensor
    accuracy: Tensor
    memorized: Tensor
    recovered: Tensor


def train(problem: Problem, method: Method, epochs: int, rate: float, seeds: tuple[int, ...]) -> Run:
    """Momentum descent with a cosine schedule to 0, one network a seed; the global random state is left as it was.

    Masks of all networks come from one stream, so that they depend on the whole tuple of seeds; nothing else does.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeds[0])
        return _train(problem, method, epochs, rate, seeds)


def _train(problem: Problem, method: Method, epochs: int, rate: float, seeds: tuple[int, ...]) -> Run:
    count, n, inputs = problem.x.shape
    network = Perceptrons(seeds, inputs, method)
    loss = method.loss(count * n, epochs)
    optimizer = torch.optim.SGD(network.parameters(), rate, MOMENTUM, weight_decay=DECAY, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    generators = [torch.Generator().manual_seed(1_000_000 + seed) for seed in seeds]
    owner = torch.arange(count)[:, None]
    noisy, between = not torch.equal(problem.observed, problem.true), max(1, epochs // 25)
    rows = []
    for epoch in range(1, epochs + 1):
        order = torch.stack([torch.randperm(n, generator=each) for each in generators])
        for batch in order.split(BATCH, dim=1):
            logits = network(problem.x[owner, batch]).flatten(0, 1)
            value = loss(logits, problem.observed[owner, batch].flatten(), (batch + n * owner).flatten(), epoch)
            optimizer.zero_grad()
            (count * value).backward()
            optimizer.step()
        schedule.step()
        if epoch == epochs or (noisy and (epoch <= 4 or epoch % between == 0)):
            rows.append((torch.tensor(epoch), *_observe(network, problem)))
    return Run(problem, network, loss, *(torch.stack(column) for column in zip(*rows, strict=True)))


@torch.no_grad()
def _observe(network: Perceptrons, problem: Problem) -> tuple[Tensor, Tensor, Tensor]:
    network.eval()
    accuracy = (network(problem.x_test).argmax(dim=2) == problem.true_test).double().mean(dim=1)
    wrong = problem.observed != problem.true
    predicted = network(problem.x).argmax(dim=2)
    memorized, recovered = (
        ((predicted == classes) & wrong).sum(dim=1).double() / wrong.sum(dim=1)
        for classes in (problem.observed, problem.true)
    )
    network.train()
    return accuracy, memorized, recovered
