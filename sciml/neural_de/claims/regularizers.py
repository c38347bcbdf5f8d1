"""What surrounds a loss: controllers, schedules, one local estimate instead of a sum (Section 2; arXiv 2303.02262)."""

import dataclasses
import functools
import math
import warnings

import hypothesis.strategies as st
import numpy as np
import torch
from flint import arb

from sciml.neural_de.brownian import BrownianPath
from sciml.neural_de.claims.paper import paper
from sciml.neural_de.controllers import FIRST_ERROR, IController, PIController
from sciml.neural_de.heuristics import norms
from sciml.neural_de.regularizers import anneal, local_estimate
from sciml.neural_de.sde_solve import sde_solve
from sciml.neural_de.solve import solve


def factor_with(present, past):
    """The unclipped factor 0.9 q_{n−1}^past q_n^present."""
    return lambda q, previous: 0.9 * previous**past * q**present


WIDE = {"least": 1e-9, "most": 1e9}


@paper.corrected(
    "Section 2 (PI controller)",
    tags=("erratum",),
    printed={"factor": factor_with(0.14, 0.08)},
    mutants={
        "both exponents negative": {"factor": factor_with(-0.14, -0.08)},
        "the past error only": {"factor": factor_with(0.0, 0.08)},
        "the integral controller": {"factor": lambda q, previous: IController(**WIDE).factor(q, previous, 5)},
    },
)
def next_step_shrinks_with_the_present_error_and_grows_with_the_past_one(
    check, factor=lambda q, previous: PIController(**WIDE).factor(q, previous, 5)
):
    r"""$h_{n+1} = \eta\,q_{n-1}^\alpha\,q_n^\beta\,h_n$ has $\beta < 0 < \alpha$: a larger error now means a shorter
    step, an error that grew too.

    The paper prints both exponents without a sign. With $\beta > 0$ the step would grow with its error. The ratio of
    two errors is at least $1 + 10^{-6}$, which changes the factor by $10^{-7}$ of itself, far above its rounding.
    """
    errors, ratios = st.floats(FIRST_ERROR, 1.0), st.floats(1 + 1e-6, 100.0)
    check.forall(
        lambda q, previous, ratio: (
            factor(q * ratio, previous) < factor(q, previous) and factor(q, previous * ratio) > factor(q, previous)
        ),
        examples=300,
        q=errors,
        previous=errors,
        ratio=ratios,
    )


class AsPrinted:
    """h_{n+1} = η q_{n−1}^α q_n^β h_n with both exponents positive."""

    def factor(self, error, previous, order):
        return float(np.clip(factor_with(7 / (10 * order), 2 / (5 * order))(error, previous), 0.2, 10.0))


AS_PRINTED = AsPrinted()


@paper.refuted(
    "Section 2 (PI controller, exponents as printed)",
    tags=("erratum",),
    controls={"the exponent of the present error negative": {"controller": PIController()}},
)
def controller_with_positive_exponents_reaches_the_end(check, controller=AS_PRINTED):
    r"""Steps $h_{n+1} = \eta\,q_{n-1}^\alpha\,q_n^\beta\,h_n$ with $\alpha, \beta > 0$, as printed, reach the end.

    They do not. An accepted step has $q \le 1$ and is followed by a shorter one, whose $q$ is smaller still, so that
    the steps sum to less than the interval. A pendulum over $[0, 5]$, from any angle; 200 steps are ten times those
    that it takes.
    """

    def ends(angle):
        y0 = torch.tensor([angle, 0.0], dtype=torch.float64)
        with torch.no_grad():
            try:
                solve(
                    lambda t, y: torch.stack([y[1], -torch.sin(y[0])]), y0, 0, 5, controller=controller, max_steps=200
                )
            except RuntimeError:
                return False
        return True

    check.forall(ends, examples=10, angle=st.floats(0.5, 2.5))


@paper.claim(
    "Section 4 (annealing)",
    tags=("identity",),
    mutants={
        "reaching λ_1 in the last epoch": {"schedule": lambda a, b, n: lambda t: a * (b / a) ** (t / (n - 1))},
        "linear": {"schedule": lambda a, b, n: lambda t: a + (b - a) * t / n},
        "base 2": {"schedule": lambda a, b, n: lambda t: a * 2 ** (-(t / n) * math.log(a / b))},
    },
)
def annealing_from_100_to_10_ends_at_10_312(check, schedule=anneal):
    r"""$\lambda_t = \lambda_0 \exp(-(t/\text{EPOCHS}) \ln(\lambda_0/\lambda_1))$, with 75 epochs from 100 to 10, is
    10.312 in the last one, $t = 74$.
    """
    check.certifies_value(lambda: arb(schedule(100.0, 10.0, 75)(74)), "10.312", says="the last epoch")
    exact = lambda: 100 * (-(arb(74) / 75) * arb(10).log()).exp()  # noqa: E731
    check.certifies_value(lambda: arb(schedule(100.0, 10.0, 75)(74)) - exact(), 0.0, within=1e-13, says="the formula")


def van_der_pol(t, y):
    return torch.stack([y[1], 5 * (1 - y[0] ** 2) * y[1] - y[0]])


@functools.cache
def relaxation():
    """Van der Pol's equation, μ = 5, over [0, 10] at tolerance 1e-4."""
    y0 = torch.tensor([2.0, 0.0], dtype=torch.float64)
    with torch.no_grad():
        return solve(van_der_pol, y0, 0.0, 10.0, rtol=1e-4, atol=1e-4, heuristics=("RE",), keep_states=True)


def accepted(solution):
    """The law of t_reg called biased: each accepted time before the last."""
    return solution.ts[:-1]


def equidistant(solution):
    """That called unbiased: uniform in time, here by the midpoints of 400 parts."""
    return solution.ts[0] + (np.arange(400) + 0.5) / 400 * (solution.ts[-1] - solution.ts[0])


@paper.refuted(
    "arXiv 2303.02262, Section 3 (unbiased sampling)",
    tags=("erratum",),
    controls={"the accepted times, called biased": {"times": accepted}},
)
def sampling_uniformly_in_time_is_unbiased(check, times=equidistant):
    r"""With $t_{\text{reg}}$ uniform in $[t_0, t_1]$, $N$ times the mean of $E(t_{\text{reg}})|h|$ is $R_E$.

    It is not: step $j$ is met with probability $h_j/(t_1 - t_0)$, which gives $\sum E_j h_j^2/(t_1 - t_0)$ even if $E$
    did not change within a step; and a step of length $h_j$ restarted elsewhere is one that the controller never chose.
    What the authors call biased, a time among the $N$ accepted ones, meets each step with probability $1/N$ and gives
    $R_E$ exactly, if the step is restarted with the solver's own $h_j$. The means run over all times of either law;
    $10^{-9}$ is the rounding of $E$.
    """
    solution = relaxation()
    N, R_E = solution.stats.accepted, solution.heuristics["RE"].item()
    with torch.no_grad():
        ratio = N * np.mean([local_estimate(van_der_pol, solution, t).item() for t in times(solution)]) / R_E
    check.forall(lambda solves: abs(ratio - 1) <= 1e-9, examples=1, solves=st.just(N), says="N times the mean is R_E")
    check.note(
        setup={"problem": "van der Pol, μ = 5, [0, 10]", "tolerance": 1e-4, "accepted steps": N},
        ratio=float(ratio),
    )


def pull(t, y):
    return torch.sin(3 * y) - y + torch.cos(2 * t)


def ripple(t, y):
    return 0.3 * torch.cos(y)


def on_another_path(solution):
    path = solution.path
    other = BrownianPath(path.shape, path.t0, path.t1, seed=path.seed + 1)
    return dataclasses.replace(solution, path=other)


@paper.claim(
    "arXiv 2303.02262, Section 3 (stochastic equations)",
    tags=("ours", "identity"),
    mutants={
        "another path": {"of": on_another_path},
        "uniform in time": {"times": lambda solution: equidistant(solution)[::20]},
        "the last step left out": {"times": lambda solution: solution.ts[:-2]},
    },
)
def local_estimates_of_a_stochastic_solve_average_to_its_error_sum(check, of=lambda s: s, times=accepted):
    r"""$N$ times the mean of $E(t_{\text{reg}})|h|$ over the accepted times is $R_E = \sum E_j h_j$, as without noise.

    The step is restarted with the $h_j$ of the solver and on its Brownian path; on another path it is another estimate.
    The two are the same operations, which leaves the rounding of a sum, $10^{-12}$.
    """

    def is_sum(seed):
        y0 = torch.tensor(np.random.default_rng(seed).normal(size=(2, 2)))
        with torch.no_grad():
            s = sde_solve(pull, ripple, y0, 0, 1, rtol=0.05, atol=0.05, seed=seed, heuristics=("RE",), keep_states=True)
            mean = np.mean([local_estimate(pull, of(s), t, g=ripple).item() for t in times(s)])
        return abs(s.stats.accepted * mean / s.heuristics["RE"].item() - 1) <= 1e-12

    check.forall(is_sum, examples=4, seed=st.integers(0, 2**31))


@paper.claim(
    "Section 4 (float32, tolerance 1.4e-8)",
    tags=("ours", "erratum", "empirical"),
    mutants={
        "tolerance 1e-5": {"tolerance": 1e-5},
        "float64": {"dtype": torch.float64},
    },
)
def tolerance_of_the_experiments_is_below_single_precision(check, tolerance=1.4e-8, dtype=torch.float32):
    r"""At the $\text{rtol} = \text{atol} = 1.4 \cdot 10^{-8}$ of the experiments, float32 rejects steps for rounding
    and needs more evaluations.

    Its rounding unit is $1.2 \cdot 10^{-7}$. On a harmonic oscillator, from any start, against float64 at the same
    tolerance.
    """

    def solved(angle, dtype):
        y0 = torch.tensor([math.cos(angle), math.sin(angle)], dtype=dtype)
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore", UserWarning)
            return solve(lambda t, y: torch.stack([y[1], -y[0]]), y0, 0.0, 6.0, rtol=tolerance, atol=tolerance).stats

    def costs_more(angle):
        ours, exact = solved(angle, dtype), solved(angle, torch.float64)
        return ours.nfe > exact.nfe and ours.rejected > exact.rejected

    check.forall(costs_more, examples=15, angle=st.floats(0, 6.25))


@paper.claim(
    "Section 3 (R_E of a vanishing field)",
    tags=("ours", "identity"),
    mutants={
        "root of a mean of squares": {"norm": lambda rows: torch.stack([row.square().mean().sqrt() for row in rows])},
        "1e-6 under the root": {
            "norm": lambda rows: torch.stack([(row.square().sum() + 1e-12).sqrt() for row in rows])
        },
    },
)
def error_sum_of_a_field_trained_to_zero_has_a_finite_gradient(check, norm=norms):
    r"""Where $\text{err} = 0$ its norm is 0 with gradient 0, so that a field whose error has vanished can go on
    training.

    The root of a mean of squares has the gradient $0/0$ there. Elsewhere value and gradient $\text{err}/\|\text{err}\|$
    are those of the norm, whatever the size of err, to $10^{-12}$.
    """

    def is_norm(entries, power):
        row = torch.tensor(entries, dtype=torch.float64) * 10.0**power
        row.requires_grad_()
        (value,) = norm([row])
        (gradient,) = torch.autograd.grad(value, row)
        length = math.hypot(*row.tolist())
        exact = row.detach() / length if length else torch.zeros_like(row)
        near = abs(value.item() - length) <= 1e-12 * length
        return near and bool((gradient - exact).abs().max() <= 1e-12)

    entries = st.lists(st.integers(-9, 9).map(float), min_size=1, max_size=4)
    check.forall(is_norm, examples=200, entries=entries, power=st.integers(-100, 100))
