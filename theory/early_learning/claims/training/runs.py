"""Training runs by study, method and seeds, each done once, and what is measured on them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch

from theory.early_learning.claims.training.data import noisy_problem
from theory.early_learning.claims.training.methods import WIDTH, Method
from theory.early_learning.claims.training.network import BATCH, DECAY, MOMENTUM, Run, train

Seeds = tuple[int, ...]


class Study(NamedTuple):
    """Data, share of wrong labels, and length of training; see :mod:`~theory.early_learning.claims.training.data`."""

    data: str
    train: int
    noise: float
    epochs: int
    rate: float

    def setup(self, seeds: Seeds, *methods: Method, **more: Any) -> dict[str, Any]:
        """What was run, for the record of an experiment."""
        return {
            "data": self.data,
            "training images": self.train,
            "noise": f"a label becomes a random other class with probability {self.noise:g}",
            "network": f"d→{WIDTH}→{WIDTH}→10, ReLU",
            "training": f"SGD at {self.rate:g}, cosine to 0 in {self.epochs} epochs, momentum {MOMENTUM:g}, "
            f"weight decay {DECAY:g}, batch {BATCH}",
            "methods": [method.name for method in methods],
            "seeds of split, noise, weights and batches": list(seeds),
            **more,
        }


DIGITS = Study("digits", 1258, 0.4, 100, 0.05)
MNIST = Study("MNIST", 4000, 0.4, 40, 0.02)


@functools.cache
def run(study: Study, method: Method, seeds: Seeds) -> Run:
    """Train one network a seed."""
    problem = noisy_problem(study.data, study.train, study.noise, seeds)
    return train(problem, method, study.epochs, study.rate, seeds)


def last(study: Study, method: Method, seeds: Seeds) -> np.ndarray:
    """Test accuracy after the last epoch, (S,)."""
    return run(study, method, seeds).accuracy[-1].numpy()


def best(study: Study, method: Method, seeds: Seeds) -> np.ndarray:
    """Test accuracy of the recorded epoch where it is highest, which a user without clean data cannot find, (S,)."""
    return run(study, method, seeds).accuracy.amax(dim=0).numpy()


def memorized(study: Study, method: Method, seeds: Seeds) -> np.ndarray:
    """Share of the wrong labels that the network predicts after the last epoch, (S,)."""
    return run(study, method, seeds).memorized[-1].numpy()


def recovered(study: Study, method: Method, seeds: Seeds) -> np.ndarray:
    """Share of the wrongly labelled examples whose true class it predicts after the last epoch, (S,)."""
    return run(study, method, seeds).recovered[-1].numpy()


@torch.no_grad()
def test_logits(run: Run) -> torch.Tensor:
    """Logits of the test data with all channels, (S, m, 10)."""
    run.network.eval()
    logits: torch.Tensor = run.network(run.problem.x_test)
    run.network.train()
    return logits


def by_seed(found: Mapping[str, np.ndarray], seeds: Seeds) -> Callable[[int], dict[str, float]]:
    """What :meth:`~verify.Check.reproduces` asks for, from arrays (S,)."""
    return lambda seed: {name: float(values[seeds.index(seed)]) for name, values in found.items()}
