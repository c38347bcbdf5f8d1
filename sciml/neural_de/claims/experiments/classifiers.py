"""Neural ODE classifiers of digits: trained once for each method and seed, and what is measured on them."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from sciml.neural_de.claims.experiments.digits import Part, digits
from sciml.neural_de.claims.experiments.methods import Method, cheapest, forward
from sciml.neural_de.models import NeuralODE, TimeMLP
from sciml.neural_de.regularizers import anneal
from sciml.neural_de.solve import rk_step

TOLERANCE = 1.4e-8


class Classifier(nn.Module):
    """Pixels (B, 64) → neural ODE of width 64 with 50 hidden units → scores (B, 10), as in the paper at 784 and 100."""

    def __init__(self) -> None:
        super().__init__()
        field = TimeMLP([64, 50, 64])
        for parameter in field.parameters():
            (nn.init.xavier_uniform_ if parameter.ndim == 2 else nn.init.zeros_)(parameter)
        self.ode = NeuralODE(field, rtol=TOLERANCE, atol=TOLERANCE)
        self.head = nn.Linear(64, 10)


class Study(NamedTuple):
    """Size and length of training."""

    train: int
    epochs: int
    batch: int = 256

    def setup(self, seeds: Sequence[int], **more: Any) -> dict[str, Any]:
        """What was run, for the record of an experiment."""
        return {
            "data": "scikit-learn digits",
            "training, test images": [self.train, 500],
            "network": "pixels → neural ODE, tanh, 64-50-64, time in each layer → linear; float64",
            "solver": f"Tsit5, tolerance {TOLERANCE}, I controller",
            "training": f"SGD 0.1, momentum 0.9, batch {self.batch}, {self.epochs} epochs",
            "penalty": "annealed to a tenth",
            "seeds of weights and batches": list(seeds),
            **more,
        }


class Trained(NamedTuple):
    """A classifier and its history.

    Attributes
    ----------
    model
        The trained classifier.
    evaluations, accuracy
        After each epoch on the validation part: number of evaluations of f, and percent right.
    cost
        Field evaluations of the whole training, those of the backward passes included.
    """

    model: Classifier
    evaluations: list[int]
    accuracy: list[float]
    cost: int


class Score(NamedTuple):
    """Number of evaluations of f for a whole part as one batch, and percent right."""

    evaluations: int
    accuracy: float


@torch.no_grad()
def score(model: Classifier, part: Part) -> Score:
    """Measure on a part of the data."""
    solution = model.ode(part.x)
    right = (model.head(solution.y).argmax(-1) == part.label).double().mean()
    return Score(solution.stats.nfe, 100 * float(right))


def loss_of(
    model: Classifier, x: Tensor, label: Tensor, method: Method, weight: float, generator: torch.Generator
) -> tuple[Tensor, int]:
    """Cross-entropy plus the weighted penalty, and the field evaluations of the pass and of its derivative."""
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    hook = model.ode.field.register_forward_hook(count)
    run = forward(model.ode, x, method, generator)
    hook.remove()
    differentiated = calls - math.ceil(calls * run.stats.rejected / (run.stats.accepted + run.stats.rejected))
    return functional.cross_entropy(model.head(run.y), label) + weight * run.penalty, calls + differentiated


def schedule(method: Method, epochs: int) -> Callable[[int], float]:
    """The weight of the penalty by epoch."""
    if method.kind == "STEER" or method.coefficient == 0:
        return lambda epoch: 0.0
    return anneal(method.coefficient, method.coefficient / 10, epochs)


def initial(seed: int) -> Classifier:
    """A classifier with random weights; the global random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Classifier().double()


@functools.cache
def fit(study: Study, method: Method, seed: int) -> Trained:
    """Train by gradient descent with momentum."""
    data, model = digits(study.train, seed), initial(seed)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    generator = torch.Generator().manual_seed(seed)
    weight = schedule(method, study.epochs)
    history: list[Score] = []
    cost = 0
    for epoch in range(study.epochs):
        for chosen in torch.randperm(len(data.train.x), generator=generator).split(study.batch):
            x, label = data.train.x[chosen], data.train.label[chosen]
            loss, spent = loss_of(model, x, label, method, weight(epoch), generator)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            cost += spent
        history.append(score(model, data.validation))
    return Trained(model, [s.evaluations for s in history], [s.accuracy for s in history], cost)


def choose(study: Study, kind: str, grid: Sequence[float], seeds: Sequence[int]) -> Method:
    """The λ that :func:`cheapest` takes on the validation parts after training."""

    def validated(method: Method) -> list[tuple[float, float]]:
        runs = [fit(study, method, seed) for seed in seeds]
        return [(run.evaluations[-1], run.accuracy[-1]) for run in runs]

    return cheapest(kind, grid, validated)


class Result(NamedTuple):
    """What a training gave: a solve of the test part, and the cost of training as in :class:`Trained`."""

    evaluations: int
    accuracy: float
    cost: int


def result(study: Study, method: Method, seed: int) -> Result:
    """Of one method and seed."""
    run = fit(study, method, seed)
    return Result(*score(run.model, digits(study.train, seed).test), run.cost)


def compared(ours: Result, plain: Result) -> dict[str, float]:
    """Evaluations and cost of training over those of another method; points of accuracy gained on it."""
    return {
        "evaluations": ours.evaluations / plain.evaluations,
        "accuracy gained": ours.accuracy - plain.accuracy,
        "cost of training": ours.cost / plain.cost,
    }


def against_vanilla(study: Study, method: Method, seed: int) -> dict[str, float]:
    """:func:`compared` with no penalty, on the test part."""
    return compared(result(study, method, seed), result(study, Method("vanilla"), seed))


@functools.cache
def evaluations_by_digit(study: Study, method: Method, seed: int, each: int) -> tuple[tuple[int, int], ...]:
    """(Digit, evaluations) of the first ``each`` test images of every digit, solved one at a time."""
    model, test = fit(study, method, seed).model, digits(study.train, seed).test
    found = []
    with torch.no_grad():
        for digit in range(10):
            images = test.x[test.label == digit][:each]
            found += [(digit, model.ode(image).stats.nfe) for image in images]
    return tuple(found)


@functools.cache
def track(study: Study, method: Method, seed: int) -> tuple[tuple[float, float, float], ...]:
    """Time, length and stiffness of each step of a solve of the whole test part."""
    ode, test = fit(study, method, seed).model.ode, digits(study.train, seed).test
    with torch.no_grad():
        solution = ode(test.x, keep_states=True)
        assert solution.states is not None
        rows = []
        for t, h, y in zip(solution.ts, solution.steps, solution.states, strict=False):
            stiffness = rk_step(ode.field, t, y, h).stiffness
            assert stiffness is not None
            rows.append((t, h, stiffness.item()))
    return tuple(rows)
