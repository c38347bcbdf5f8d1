"""The networks of the training claims: the package's, the usual and the released ones, each trained once a process."""

import functools
import math
import warnings
from typing import Any, NamedTuple

import torch

from sciml.lagrangian_pinn import EulerianPINN, FitReport, LagrangianPINN, Problem
from sciml.lagrangian_pinn.claims.invariants import travelling_burgers
from sciml.lagrangian_pinn.fit import OptimizerName
from sciml.lagrangian_pinn.networks import VALUE, XX, PeriodicMLP, T, X
from theory.characteristics import burgers_exact, convection_diffusion_exact

EARLY = 1 / 8
"""Share of the points of a network with a soft start that lie at t = 0."""


def squeezed(time, end):
    """Times of [0, T] with the first eighth moved to 0 and the rest spread out."""
    return ((time - EARLY * end) / (1 - EARLY)).clamp(min=0)


class WithEarlyPoints(PeriodicMLP):
    """A network asked at squeezed times."""

    def embed(self, x, t, order):
        return super().embed(x, squeezed(t, self.T), order)


class SoftPINN(EulerianPINN):
    """The usual network: the start is in the loss, with weight 100, instead of in the network; convection only."""

    def __init__(self, problem, **settings):
        super().__init__(problem, **settings)
        plain = self.network
        self.network = WithEarlyPoints(plain.L, plain.T, 1, plain.harmonics, plain.width, len(plain.shapes) - 1)

    def points(self, x, t):
        return super().points(x, squeezed(t, self.problem.T))

    def residuals(self, jets, points):
        (w,) = jets
        equation = (w[T] + self.problem.f1 * w[X]) / self.rate
        start = points.t == 0
        return torch.stack([torch.where(start, 0, equation), torch.where(start, 10 * (w[VALUE] - points.w0), 0)])

    def _predict(self, x, t):
        return self._jets(x, EARLY * self.problem.T + (1 - EARLY) * t, order=0)[0, VALUE]


class PaperPINN(LagrangianPINN):
    """The paper's branches, X = ξ + t N: no frame shift, and no unit of velocity."""

    def __init__(self, problem, **settings):
        super().__init__(problem, 0.0, **settings)
        self.speed = 1.0
        self.theta = self.network.initial(self.settings["seed"])


class LabelDiffusion(LagrangianPINN):
    """The released equation W_t = ν W_ξξ."""

    def admissible(self, jets, points):
        return True

    def check_before_training(self, force):
        """Its own characteristics are those that matter."""

    def residuals(self, jets, points):
        drift, _ = super().residuals(jets, points)
        _, W = jets
        W_t = self.rate * (W[VALUE] + points.t * W[T])
        return torch.stack([drift, (W_t - self.problem.f2 * (points.w0_xx + self.rate * points.t * W[XX])) / self.rate])


KINDS = {
    "soft": lambda problem, seed: SoftPINN(problem, harmonics=1, seed=seed),
    "fixed": lambda problem, seed: EulerianPINN(problem, harmonics=1, seed=seed),
    "moving": lambda problem, seed: EulerianPINN(problem, "auto", harmonics=3, seed=seed),
    "paper": lambda problem, seed: PaperPINN(problem, seed=seed),
    "scaled": lambda problem, seed: LagrangianPINN(problem, 0.0, seed=seed),
    "shifted": lambda problem, seed: LagrangianPINN(problem, seed=seed),
    "label diffusion": lambda problem, seed: LabelDiffusion(problem, seed=seed),
}
NETWORKS = "two hidden layers of 20 tanh units, one harmonic (moving frame: three)"


class Case(NamedTuple):
    """An equation by its name, viscosity and speed."""

    equation: str
    speed: float
    nu: float = 0.0

    def problem(self):
        """For training."""
        if self.equation == "Burgers":
            return travelling_burgers(self.speed, self.nu)
        return Problem(self.speed, self.nu, torch.sin)

    def exact(self, x, t):
        """The solution, and its mean."""
        if self.equation == "Burgers":
            return burgers_exact(x, t, self.nu, 1.0, self.speed), self.speed
        return convection_diffusion_exact(x, t, self.speed, self.nu), 0.0


class Recipe(NamedTuple):
    """How to train."""

    optimizer: OptimizerName
    steps: int
    points: int
    resample: int | None = None

    def __str__(self):
        renewed = f"renewed every {self.resample} steps" if self.resample else "fixed"
        return f"{self.steps} steps of {self.optimizer} on {self.points} points, {renewed}"


class Trained(NamedTuple):
    """A run, its error on the grid, and what its report says."""

    case: Case
    model: Any
    error: float
    report: FitReport

    @property
    def scale(self):
        """Mean of (f1 w0')² for convection; for Burgers up to 1/8. Losses are in the unit A/T = 1."""
        return self.case.speed**2 / 2


def grid():
    """Places (256, 1) and times (100,)."""
    x = torch.arange(256, dtype=torch.float64)[:, None] * (2 * math.pi / 256)
    return x, torch.linspace(0, 1, 100, dtype=torch.float64)


@functools.cache
def train(kind: str, case: Case, recipe: Recipe, seed: int) -> Trained:
    """Train a network; the warning of a spurious solution is in its report."""
    model = KINDS[kind](case.problem(), seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = model.fit(
            recipe.optimizer,
            None,
            max_iter=recipe.steps,
            n_colloc=recipe.points,
            resample_every=recipe.resample,
        )
    x, t = grid()
    exact, mean = case.exact(x, t)
    return Trained(case, model, float((model.predict(x, t) - exact).norm() / (exact - mean).norm()), report)


LBFGS = Recipe("lbfgs", 500, 512)


def convection_run(kind, speed, seed, recipe=LBFGS):
    """Convection of sin x."""
    return train(kind, Case("convection", speed), recipe, seed)


def convection_error(kind, speed, seed, recipe=LBFGS):
    """Its error."""
    return convection_run(kind, speed, seed, recipe).error
