"""Training runs by data, method and seed, each done once, and what is measured on them."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy import stats

from theory.cauchy_schwarz.claims.training.attacks import fgsm, pgd
from theory.cauchy_schwarz.claims.training.data import Regression, load
from theory.cauchy_schwarz.claims.training.methods import BANDWIDTH, Method, Network, Pass
from verify import Check

Tensor = torch.Tensor

BATCH = 128
OUTLIERS, MANY_OUTLIERS = 0.1, 0.3
"""Shares of the training targets."""
CONFIDENCE = 0.95


class Study(NamedTuple):
    """Data, sizes and length of training."""

    data: str
    train: int
    test: int
    epochs: int
    rate: float = 1e-3

    def setup(self, seeds: Sequence[int], **more: Any) -> dict[str, Any]:
        """What was run, for the record of an experiment."""
        return {
            "data": self.data,
            "training rows": self.train,
            "test rows": self.test,
            "network": "d→128→128→32→32→128→1, ReLU",
            "training": f"Adam at {self.rate:g}, times 0.6 every third of {self.epochs} epochs, batch {BATCH}",
            "bandwidths": BANDWIDTH,
            "seeds of split, outliers, weights and batches": list(seeds),
            **more,
        }


def bike(check: Check) -> Study:
    """Bike Sharing, at the size of the run's level."""
    return check.at(quick=Study("Bike Sharing", 2048, 1000, 10, 6e-3), full=Study("Bike Sharing", 4000, 2000, 15))


def seeds_of(check: Check) -> range:
    """Those from the claim's on."""
    return range(check.seed, check.seed + check.at(quick=3, full=5))


def train(network: Network, data: Regression, loss: Callable[[Pass], Tensor], study: Study, seed: int) -> Network:
    """Train in place with whole batches only, and return the network; the global random state is left as it was."""
    optimizer = torch.optim.Adam(network.parameters(), lr=study.rate)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, study.epochs // 3, 0.6)
    rows = study.train - study.train % BATCH
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for _ in range(study.epochs):
            for chosen in torch.randperm(len(data.y))[:rows].split(BATCH):
                optimizer.zero_grad()
                loss(network.through(data.x[chosen], data.y[chosen])).backward()
                optimizer.step()
            schedule.step()
    return network


def build(inputs: int, seed: int, **shape: Any) -> Network:
    """A fresh network; the global random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Network(inputs, **shape)


@functools.cache
def fit(study: Study, method: Method, seed: int, outliers: float = 0.0) -> Network:
    """A trained network."""
    data = load(study.data, study.train, study.test, seed, outliers)
    return train(build(data.x.shape[1], seed, noise=method.noise), data, method.loss, study, seed)


ATTACKS: Mapping[str, Callable[[Network, Tensor, Tensor, float], Tensor]] = {
    "FGSM": fgsm,
    "PGD": functools.partial(pgd, step=0.05, steps=10),
}


@functools.cache
def rmse(
    study: Study, method: Method, seed: int, outliers: float = 0.0, attack: str = "FGSM", epsilon: float = 0.0
) -> float:
    """Error on clean test targets, in standard deviations of the training targets, with inputs attacked by ε."""
    data = load(study.data, study.train, study.test, seed, outliers)
    network = fit(study, method, seed, outliers)
    x = ATTACKS[attack](network, data.x_test, data.y_test, epsilon) if epsilon else data.x_test
    with torch.no_grad():
        return math.sqrt(float((network(x) - data.y_test).square().mean()))


def interval(values: Sequence[float] | np.ndarray) -> tuple[float, float]:
    """Student's 95 % interval of a mean over seeds."""
    sample = np.asarray(values, dtype=float)
    half = stats.t.ppf((1 + CONFIDENCE) / 2, len(sample) - 1) * sample.std(ddof=1) / math.sqrt(len(sample))
    return float(sample.mean() - half), float(sample.mean() + half)


def summary(rows: Sequence[Sequence[float]]) -> dict[str, list[float]]:
    """Columns for a table: mean and standard deviation over seeds, one row a condition."""
    table = np.array(rows)
    return {"mean": table.mean(1).tolist(), "sd": table.std(1, ddof=1).tolist()}
