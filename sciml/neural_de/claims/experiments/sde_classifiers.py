"""Neural SDE classifiers of digits: trained once for each method and seed, and what is measured on them."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from sciml.neural_de._stages import Field
from sciml.neural_de.claims.experiments.digits import Part, digits
from sciml.neural_de.claims.experiments.methods import Method, cheapest
from sciml.neural_de.models import Autonomous
from sciml.neural_de.sde_solve import SDESolution, SRIMethod, sde_solve

TOLERANCE = 0.14
PATHS = 5
"""Brownian paths of an image over which its probabilities are averaged; the paper averages 10."""

VANILLA = Method("vanilla")

FirstStep = Literal["authors'", "at the tolerance"]


class Classifier(nn.Module):
    """Pixels (B, 64) → neural SDE of width 32 on [0, 1] → scores (B, 10), as in the paper at 784.

    The drift has 64 hidden units, the diffusion is linear, with one Brownian motion for each entry.
    """

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Linear(64, 32)
        self.drift = Autonomous(nn.Sequential(nn.Linear(32, 64), nn.Tanh(), nn.Linear(64, 32)))
        self.diffusion = Autonomous(nn.Linear(32, 32))
        self.head = nn.Linear(32, 10)


class Study(NamedTuple):
    """Size and length of training."""

    train: int
    epochs: int
    batch: int

    def setup(self, **more: Any) -> dict[str, Any]:
        """What was run, for the record of an experiment."""
        return {
            "data": "scikit-learn digits",
            "training, test images": [self.train, 500],
            "network": "pixels → 32 linear → SDE, drift 32-64-32 tanh, diffusion linear → linear; float32",
            "solver": f"SOSRI (SOSRI2 for SR), tolerance {TOLERANCE}, PI controller, steps grow by at most 9/8",
            "training": f"Adam 0.01, gradients of norm at most 5, batch {self.batch}, {self.epochs} epochs",
            "test": f"probabilities averaged over {PATHS} paths",
            **more,
        }


class Score(NamedTuple):
    """Evaluations of the drift in a solve of a whole part, mean over the paths; percent right."""

    evaluations: float
    accuracy: float


class Trained(NamedTuple):
    """A classifier, its first step, and its scores on the validation part after each epoch."""

    model: Classifier
    first: FirstStep
    history: list[Score]


@torch.no_grad()
def first_step_of_the_authors(f: Field, g: Field, y0: Tensor, tolerance: float = TOLERANCE) -> float:
    r"""The first step of StochasticDiffEq.jl (``sde_determine_initdt``), with which the paper's solves begin.

    With norms in units of the tolerance, $d_0 = \|y_0\|$, $d_1 = \|\max|f \pm 3g|\|$ and a trial step
    $h_0 = d_0/(100 d_1)$, it is the smaller of $100 h_0$ and $(100 \max(d_1, d_2))^{-1/2}$. Here $d_2$ is meant to be
    a second derivative; as the code adds $|3g(t_0)| + |3g(t_0 + h_0)|$ to the difference of the drifts, it is about
    $6\|g\|/h_0$, and the step far below what the tolerance asks.
    """

    def scaled_norm(y: Tensor) -> float:
        return float((y / (tolerance + tolerance * y0.abs())).square().mean().sqrt())

    t = y0.new_zeros(())
    drift, noise = f(t, y0), 3 * g(t, y0).abs()
    size, speed = scaled_norm(y0), scaled_norm(drift.abs() + noise)
    trial = min(0.01 * size / speed, 1.0) if min(size, speed) >= 1e-5 else 1e-6
    later = y0 + trial * drift
    both = noise + 3 * g(t + trial, later).abs()
    bend = scaled_norm((f(t + trial, later) - drift).abs() + both) / trial
    steepest = max(speed, bend)
    return min(100 * trial, 0.1 / math.sqrt(steepest) if steepest > 1e-15 else max(1e-6, trial / 1000))


def run(model: Classifier, x: Tensor, seed: int, first: FirstStep, method: Method = VANILLA) -> SDESolution:
    """Solve for images along the path of a seed."""
    z = model.encoder(x)
    tableau: SRIMethod = "sosri2" if method.kind == "SR" else "sosri"
    return sde_solve(
        model.drift,
        model.diffusion,
        z,
        0.0,
        1.0,
        method=tableau,
        rtol=TOLERANCE,
        atol=TOLERANCE,
        seed=seed,
        heuristics={"vanilla": (), "ER": ("REn",), "SR": ("RSmax",)}[method.kind],
        first_step=first_step_of_the_authors(model.drift, model.diffusion, z) if first == "authors'" else None,
    )


def penalty(solution: SDESolution) -> Tensor | float:
    """The mean of q_j h_j, or max_j S_j / x_stab, or 0: what was asked of the solve."""
    if "REn" in solution.heuristics:
        return solution.heuristics["REn"] / solution.stats.accepted
    return solution.heuristics.get("RSmax", 0.0)


@torch.no_grad()
def score(model: Classifier, part: Part, first: FirstStep, paths: int = PATHS) -> Score:
    """Measure on a part of the data."""
    solutions = [run(model, part.x.float(), seed, first) for seed in range(paths)]
    chances = torch.stack([model.head(solution.y).softmax(-1) for solution in solutions]).mean(0)
    evaluations = np.mean([solution.stats.nfe for solution in solutions])
    return Score(float(evaluations), percent_right(chances, part))


def percent_right(scores: Tensor, part: Part) -> float:
    """Share of images whose label has the largest score."""
    return 100 * float((scores.argmax(-1) == part.label).double().mean())


def initial(seed: int) -> Classifier:
    """A classifier with random weights; the global random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Classifier()


@functools.cache
def fit(study: Study, method: Method, seed: int, first: FirstStep = "authors'") -> Trained:
    """Train with a new Brownian path for each batch, and λ constant as in the authors' code."""
    data, model = digits(study.train, seed), initial(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    generator = torch.Generator().manual_seed(seed)
    history = []
    for _ in range(study.epochs):
        for chosen in torch.randperm(len(data.train.x), generator=generator).split(study.batch):
            path = int(torch.randint(2**62, (), generator=generator))
            solution = run(model, data.train.x[chosen].float(), path, first, method)
            loss = functional.cross_entropy(model.head(solution.y), data.train.label[chosen])
            loss = loss + method.coefficient * penalty(solution)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
        history.append(score(model, data.validation, first, paths=1))
    return Trained(model, first, history)


def choose(study: Study, grid: Sequence[float], seeds: Sequence[int]) -> Method:
    """The λ of ER that :func:`cheapest` takes on the validation parts after training."""
    return cheapest("ER", grid, lambda method: [fit(study, method, seed).history[-1] for seed in seeds])


class Result(NamedTuple):
    """Of a trained network on the test part.

    Attributes
    ----------
    evaluations, accuracy
        As in :class:`Score`.
    floor
        Evaluations of a solve from the same first step whose drift and diffusion vanish.
    left_out
        Percent right if the head is given the encoded pixels, without the SDE.
    """

    evaluations: float
    accuracy: float
    floor: float
    left_out: float


@functools.cache
def result(study: Study, method: Method, seed: int) -> Result:
    """Of one method and seed, from the authors' first step."""
    (model, first, _), test = fit(study, method, seed), digits(study.train, seed).test
    with torch.no_grad():
        z = model.encoder(test.x.float())
        h = first_step_of_the_authors(model.drift, model.diffusion, z)
        floor = sde_solve(nothing, nothing, z[:1], 0.0, 1.0, rtol=TOLERANCE, atol=TOLERANCE, seed=0, first_step=h)
        left_out = percent_right(model.head(z), test)
    return Result(*score(model, test, first), floor.stats.nfe, left_out)


def nothing(t: Tensor, y: Tensor) -> Tensor:
    """A drift or diffusion that vanishes."""
    return torch.zeros_like(y)


@torch.no_grad()
def steps(study: Study, method: Method, seed: int) -> SDESolution:
    """One solve of the whole test part, for its steps."""
    trained, test = fit(study, method, seed), digits(study.train, seed).test
    return run(trained.model, test.x.float(), 0, trained.first)
