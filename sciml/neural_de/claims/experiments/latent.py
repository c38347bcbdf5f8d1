"""Latent ODEs of irregular series: fewer evaluations are paid for with fit (Section 4, time series)."""

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from sciml.neural_de.claims.paper import paper
from sciml.neural_de.models import LatentODE, NeuralODE, TimeMLP, negative_elbo
from sciml.neural_de.regularizers import anneal
from verify import Check

TIMES = torch.linspace(0, 4, 20)
TOLERANCE, BATCH, STEPS = 1e-5, 100, 300


class Series(NamedTuple):
    """Values (B, 20, 2), float32, and which half of them is observed."""

    values: Tensor
    observed: Tensor


@functools.cache
def oscillations(count: int, seed: int, part: int) -> Series:
    """Damped rotations of random radius, phase and frequency, each time observed with probability 1/2."""
    generator = torch.Generator().manual_seed(2 * seed + part)
    radius, phase, frequency = torch.rand(3, count, 1, generator=generator)
    angle = (2 + frequency) * TIMES + 2 * math.pi * phase
    envelope = (0.5 + radius) * torch.exp(-0.2 * TIMES)
    values = torch.stack([envelope * angle.cos(), envelope * angle.sin()], dim=-1)
    seen = torch.rand(count, len(TIMES), 1, generator=generator) < 0.5
    return Series(values, seen.expand_as(values))


class Measured(NamedTuple):
    """Evaluations in a solve of 200 unseen series, and mean squared error where they were not observed."""

    evaluations: int
    error: float


@functools.cache
def fit(coefficient: float, seed: int) -> Measured:
    """Train with the mean of q_j h_j, annealed to a tenth, and measure; the global random state is left as it was."""
    times, series, unseen = TIMES.tolist(), oscillations(300, seed, 0), oscillations(200, seed, 1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        ode = NeuralODE(TimeMLP([8, 40, 8], bounded=False), rtol=TOLERANCE, atol=TOLERANCE)
        model = LatentODE(ode, features=2, latent=8, hidden=32)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    weight = anneal(coefficient, coefficient / 10, STEPS) if coefficient else lambda step: 0.0
    generator = torch.Generator().manual_seed(seed)
    for step in range(STEPS):
        chosen = torch.randint(len(series.values), (BATCH,), generator=generator)
        values, observed = series.values[chosen], series.observed[chosen]
        noise = torch.randn(BATCH, 8, generator=generator)
        path = model(values, observed, times, noise=noise, heuristics=("REn",))
        task = negative_elbo(path, values, torch.ones_like(observed), 0.1, 0.01) / values[0].numel()
        optimizer.zero_grad()
        (task + weight(step) * path.solution.heuristics["REn"] / path.solution.stats.accepted).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        path = model(unseen.values, unseen.observed, times, noise=torch.zeros(len(unseen.values), 8))
    gaps = (path.prediction - unseen.values)[~unseen.observed]
    return Measured(path.solution.stats.nfe, float(gaps.square().mean()))


def error_without_penalty(seed: int) -> float:
    """That of the model trained on the task alone."""
    return fit(0.0, seed).error


def error_of_the_mean(seed: int) -> float:
    """That of predicting 0, the mean of all series."""
    unseen = oscillations(200, seed, 1)
    return float(unseen.values[~unseen.observed].square().mean())


GRID = (0.3, 3.0, 10.0, 30.0)


@paper.claim(
    "Section 4 (Physionet, latent ODE), Table 2",
    tags=("ours", "empirical"),
    level="full",
    mutants={
        "every penalty, whatever it saves": {"share": 1.0},
        "against predicting the mean": {"reference": error_of_the_mean},
    },
)
def every_penalty_that_halves_the_evaluations_of_a_latent_ode_costs_fit(
    check: Check, share: float = 0.5, reference: Callable[[int], float] = error_without_penalty
) -> None:
    r"""On damped rotations each $\lambda$ that halves the evaluations raises the held-out squared error by 10 % or
    more.

    The paper prints 287 evaluations for 733 on Physionet at a test loss of 3.57 for 3.55. That is not seen on this
    small task, where the path has to turn as the data do: evaluations and error are traded for each other, as tabled.
    The model is trained for 300 steps only and explains three quarters of the variance.
    """
    seeds = range(check.seed, check.seed + 2)

    def cheapest_loss(seed: int) -> dict[str, float]:
        plain, fits = fit(0.0, seed), [fit(x, seed) for x in GRID]
        cheap = [found.error for found in fits if found.evaluations <= share * plain.evaluations]
        return {"error": min(cheap, default=math.nan) / reference(seed), "penalties that save": len(cheap)}

    check.reproduces(
        cheapest_loss,
        bands={"error": (1.1, math.inf)},
        seeds=len(seeds),
        setup={
            "data": "300 damped 2-D rotations at 20 times in [0, 4], half of them observed; 200 for the test",
            "network": "GRU 32, latent 8, field 8-40-8, linear decoder; float32",
            "solver": f"Tsit5, tolerance {TOLERANCE}",
            "training": f"Adam 0.02, cosine, {STEPS} steps of {BATCH} series, noise 0.1, KL weight 0.01",
            "targets": "all values, observed or not",
            "penalties": list(GRID),
        },
        printed={"error": 3.57 / 3.55},
    )
    rows = [[fit(x, seed) for seed in seeds] for x in (0.0, *GRID)]
    check.table(
        "trade-off",
        coefficient=(0.0, *GRID),
        evaluations=[sum(found.evaluations for found in row) / len(row) for row in rows],
        error=[sum(found.error for found in row) / len(row) for row in rows],
    )
