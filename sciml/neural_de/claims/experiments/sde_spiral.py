"""The spiral SDE: what the system itself costs, and what a penalty saves of a network's (Section 4, Table 3)."""

import functools
import math
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from sciml.neural_de.claims.experiments.sde_classifiers import first_step_of_the_authors
from sciml.neural_de.claims.experiments.spiral import Cubed
from sciml.neural_de.claims.paper import paper
from sciml.neural_de.claims.spiral_sde import TIMES, A, B, G, moments
from sciml.neural_de.models import Autonomous, NeuralSDE
from sciml.neural_de.sde_solve import SDESolution, sde_solve
from verify import Check

TOLERANCE, PATHS = 0.3, 100
START = torch.tensor([[2.0, 0.0]], dtype=torch.float64)
SAVED = torch.linspace(0, 1, TIMES, dtype=torch.float64)
VANILLA, PENALIZED = 528.67, 502.0
"""Evaluations printed without a penalty, and with either of them."""


def spiral(t: Tensor, u: Tensor) -> Tensor:
    """The drift of the data."""
    x, y = (u**3).unbind(-1)
    return torch.stack([-A * x - B * y, B * x - A * y], dim=-1)


@functools.cache
def evaluations_of_the_spiral(
    seed: int, *, speed: float, tolerance: float, first: Literal["authors'", "at the tolerance"], stops: bool
) -> int:
    """Of the drift, for 100 paths from (2, 0) on [0, 1] by SOSRI; two of them are for the authors' first step."""

    def drift(t: Tensor, u: Tensor) -> Tensor:
        return speed * spiral(t, u)

    def noise(t: Tensor, u: Tensor) -> Tensor:
        return math.sqrt(speed) * G * u

    start, saved = START.expand(PATHS, 2), SAVED if stops else None
    h = first_step_of_the_authors(drift, noise, start, tolerance) if first == "authors'" else None
    solution = sde_solve(
        drift, noise, start, 0.0, 1.0, rtol=tolerance, atol=tolerance, seed=seed, save_at=saved, first_step=h
    )
    return solution.stats.nfe + (2 if h else 0)


@paper.claim(
    "Section 4 (spiral SDE), Table 3",
    tags=("empirical", "ours"),
    mutants={
        "a spiral a tenth faster": {"speed": 1.1},
        "a tolerance a tenth smaller": {"tolerance": 0.27},
        "a first step at the tolerance": {"first": "at the tolerance"},
        "steps that end at the 30 times": {"stops": True},
    },
)
def the_spiral_itself_takes_the_evaluations_that_are_printed_with_a_penalty(
    check: Check,
    speed: float = 1.0,
    tolerance: float = TOLERANCE,
    first: Literal["authors'", "at the tolerance"] = "authors'",
    stops: bool = False,
) -> None:
    r"""The spiral that the data come from takes $502 \pm 13.3$ evaluations of its drift: the printed saving ends there.

    With the authors' method, tolerance, 100 paths and rule for the first step, and no step forced to end where data
    are; networks are printed to take 528.67 evaluations without a penalty, and 502 with the error or with stiffness in
    the loss. So 5 % is what there is to be saved at an equal fit: a penalty can do away with what a network adds to its
    system, not with the system. The band reaches half way to the unpenalized network.
    """
    half_way = (VANILLA - PENALIZED) / 2
    seeds = check.at(quick=5, full=21)

    def evaluations(seed: int) -> int:
        return evaluations_of_the_spiral(seed, speed=speed, tolerance=tolerance, first=first, stops=stops)

    check.reproduces(
        lambda seed: {"evaluations": evaluations(seed)},
        bands={"evaluations": (PENALIZED - half_way, PENALIZED + half_way)},
        seeds=seeds,
        setup={
            "system": f"du = (−{A} u₁³ − {B} u₂³, {B} u₁³ − {A} u₂³) dt + {G} u dW, sped up {speed:g} times",
            "paths": PATHS,
            "method": f"SOSRI, tolerance {tolerance:g}, PI controller, steps grow by at most 9/8",
            "first step": first,
            "steps end at the times of the data": stops,
        },
        printed={"evaluations": PENALIZED},
    )
    used = range(check.seed, check.seed + seeds)
    check.table("evaluations of the spiral", seed=used, evaluations=[evaluations(seed) for seed in used])


@functools.cache
def data() -> tuple[Tensor, Tensor]:
    """Means and variances of 4,000 paths of the spiral at the 30 times, each (30, 2)."""
    mean, var, *_ = moments(1, False, 0, 4_000)
    return torch.from_numpy(mean.T.copy()), torch.from_numpy(var.T.copy())


def paths_of(sde: NeuralSDE, seed: int, paths: int) -> SDESolution:
    """Paths from (2, 0), with the scaled error."""
    solution: SDESolution = sde(START.expand(paths, 2), seed=seed, save_at=SAVED, heuristics=("REn",))
    return solution


def loss_of(solution: SDESolution) -> Tensor:
    """Mean squared errors of the means and of the variances at the 30 times, added."""
    assert solution.ys is not None
    mean, var = data()
    return (solution.ys.mean(1) - mean).square().mean() + (solution.ys.var(1) - var).square().mean()


class Fit(NamedTuple):
    """Loss for 2,000 other paths; evaluations as :func:`evaluations_of_the_spiral` counts them, median of 5 paths."""

    loss: float
    evaluations: float


@torch.no_grad()
def measured(sde: NeuralSDE) -> Fit:
    """What is kept of a network."""
    start = START.expand(PATHS, 2)
    h = first_step_of_the_authors(sde.drift, sde.diffusion, start, TOLERANCE)
    evaluations = []
    for seed in range(5):
        solution = sde_solve(
            sde.drift, sde.diffusion, start, 0.0, 1.0, rtol=TOLERANCE, atol=TOLERANCE, seed=seed, first_step=h
        )
        evaluations.append(solution.stats.nfe + 2)
    return Fit(float(loss_of(paths_of(sde, 2**40, 2_000))), float(np.median(evaluations)))


@functools.cache
def fit(coefficient: float, steps: int, seed: int) -> Fit:
    """Train on slopes and noises about the means first, then on the moments with λ Σ q_j h_j."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        sde = NeuralSDE(Cubed(), Autonomous(nn.Linear(2, 2).double()), rtol=TOLERANCE, atol=TOLERANCE)
    generator = torch.Generator().manual_seed(seed)
    (mean, var), t = data(), SAVED.new_zeros(())
    optimizer = torch.optim.Adam(sde.parameters(), lr=0.05)
    for _ in range(300):
        u = mean + var.sqrt() * torch.randn((20, TIMES, 2), generator=generator, dtype=torch.float64)
        gaps = sde.drift(t, u) - spiral(t, u), sde.diffusion(t, u) - G * u
        optimizer.zero_grad()
        (gaps[0].square().mean() + gaps[1].square().mean()).backward()
        optimizer.step()
    optimizer = torch.optim.Adam(sde.parameters(), lr=0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        solution = paths_of(sde, int(torch.randint(2**40, (), generator=generator)), PATHS)
        optimizer.zero_grad()
        (loss_of(solution) + coefficient * solution.heuristics["REn"]).backward()
        nn.utils.clip_grad_norm_(sde.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return measured(sde)


STEPS = 40


@paper.claim(
    "Section 4 (spiral SDE), Table 3",
    tags=("empirical",),
    level="full",
    seed=2,
    mutants={"fifty times the authors' weight": {"weight": 10.0}},
)
def the_error_in_the_loss_saves_at_most_the_printed_share_of_a_fitted_spiral_sde(
    check: Check, weight: float = 0.2
) -> None:
    r"""With the authors' $\lambda \sum_j q_j h_j$, $\lambda = 0.2$, at most 5 % are saved, $1 - 502/528.67$.

    Networks begin at the slopes of the spiral, and 40 iterations follow; the authors take 250 from random weights. The
    losses are recorded and have no band: after so few, those on seeds 0 and 1 were 0.98 and 3.5 times the ones without
    the penalty, while 1.6 % and 0.8 % of the evaluations were saved.
    """

    def saving(seed: int) -> dict[str, float]:
        ours, plain = fit(weight, STEPS, seed), fit(0.0, STEPS, seed)
        return {"saved": 1 - ours.evaluations / plain.evaluations, "loss over that without": ours.loss / plain.loss}

    seeds = range(check.seed, check.seed + 2)
    check.reproduces(
        saving,
        bands={"saved": (-math.inf, 1 - PENALIZED / VANILLA)},
        seeds=len(seeds),
        setup={
            "data": "moments of 4,000 simulated paths at 30 times",
            "network": "drift u³ → 50 tanh → 2, diffusion linear; float64",
            "training": f"300 steps on slopes and noises, {STEPS} on the moments of {PATHS} paths; Adam 0.01, cosine",
            "solver": f"SOSRI, tolerance {TOLERANCE}; measured from the authors' first step, without stops",
            "weight": weight,
        },
        printed={"saved": 1 - PENALIZED / VANILLA, "loss over that without": 0.0227 / 0.0217},
    )
    for each in (0.0, weight):
        fits = [fit(each, STEPS, seed) for seed in seeds]
        columns = {field: [getattr(found, field) for found in fits] for field in Fit._fields}
        check.table(f"weight {each:g}", seed=seeds, **columns)
