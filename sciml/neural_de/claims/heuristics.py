"""The sums of the estimates over a solve: that they are free, and what they measure (Sections 3 and 4)."""

import functools
import itertools

import hypothesis.strategies as st
import numpy as np
import sympy as sp
import torch

from sciml.neural_de.claims.paper import paper
from sciml.neural_de.claims.tableaus import ESTIMATE, rational
from sciml.neural_de.heuristics import HEURISTICS
from sciml.neural_de.solve import solve
from sciml.neural_de.tableaus import DOPRI5

ALL = tuple(HEURISTICS)
SEEDS = st.integers(0, 2**31)


def random_field(seed):
    """A time-dependent field of random frequencies and weights, of states of dimension 3."""
    rng = np.random.default_rng(seed)
    W, V, w = (torch.tensor(rng.normal(size=shape)) for shape in ((3, 3), (3, 3), 3))
    return lambda t, y: torch.tanh(y @ W) @ V + torch.sin(w * t), torch.tensor(rng.normal(size=3))


def engine(f, y0, heuristics):
    return solve(f, y0, 0.0, 1.0, heuristics=heuristics)


def with_slopes_again(f, y0, heuristics):
    """Estimates from two more evaluations after each step, as a user without access to the stages has to."""
    solution = engine(f, y0, ())
    for t in solution.ts[1:] if heuristics else ():
        f(torch.tensor(t), y0), f(torch.tensor(t), y0)
    return solution


@paper.claim(
    "Section 3 (computationally free)",
    tags=("identity",),
    mutants={
        "two more evaluations a step": {"run": with_slopes_again},
        "seven evaluations a step": {"each": 7},
        "no evaluation for the first step size": {"extra": 1},
    },
)
def heuristics_need_no_evaluation_of_f(check, run=engine, each=6, extra=2):
    r"""A solve evaluates $f$ 6 times for each attempted step and twice to begin, with all five heuristics as without.

    The second of the two finds the first step size. The end state does not change by a bit either.
    """

    def is_free(seed):
        f, y0 = random_field(seed)
        calls = itertools.count()

        def counted(t, y):
            next(calls)
            return f(t, y)

        plain, before = run(counted, y0, ()), next(calls)
        asked, after = run(counted, y0, ALL), next(calls) - before - 1
        attempts = plain.stats.accepted + plain.stats.rejected
        return before == after == each * attempts + extra and torch.equal(plain.y, asked.y)

    check.forall(is_free, examples=60, seed=SEEDS)


ROTATION = torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=torch.float64)


def log_derivatives(frequency, steps, grid):
    """d log R/d log ω of R_E, R_E² and R_S for z' = ωJz on [0, 1], and R_E itself."""
    omega = torch.tensor(frequency, dtype=torch.float64, requires_grad=True)
    y0 = torch.tensor([1.0, 0.0], dtype=torch.float64)
    found = solve(
        lambda t, y: omega * (ROTATION @ y),
        y0,
        0.0,
        1.0,
        method="dopri5",
        heuristics=("RE", "RE2", "RS"),
        grid=grid(frequency, steps),
    ).heuristics
    slopes = {name: torch.autograd.grad(R, omega, retain_graph=True)[0] * omega / R for name, R in found.items()}
    return {name: slope.item() for name, slope in slopes.items()}


def uniform(frequency, steps):
    return [j / steps for j in range(steps)] + [1.0]


def coarser(frequency, steps):
    return [j / (steps // 4) for j in range(steps // 4)] + [1.0]


def exact_log_derivatives(theta, steps):
    """The same from the polynomials of Dormand–Prince at X = iθ, with E_n = |err(iθ)| |R(iθ)|ⁿ."""
    x = sp.Symbol("theta", positive=True)
    X = sp.Symbol("X")
    size = sp.sqrt(
        sp.expand(sp.re(sp.expand(ESTIMATE.subs(X, sp.I * x))) ** 2 + sp.im(sp.expand(ESTIMATE.subs(X, sp.I * x))) ** 2)
    )
    R = sum(rational(c) * (sp.I * x) ** k for k, c in enumerate(DOPRI5.stability_polynomial))
    growth = sp.sqrt(sp.expand(sp.re(sp.expand(R)) ** 2 + sp.im(sp.expand(R)) ** 2))
    functions = [sp.lambdify(x, expression) for expression in (size, sp.diff(size, x), growth, sp.diff(growth, x))]
    e, de, g, dg = (function(theta) for function in functions)
    n = np.arange(steps)
    errors, slopes = e * g**n, de * g**n + e * n * g ** np.maximum(n - 1, 0) * dg
    return {
        "RE": theta * slopes.sum() / errors.sum(),
        "RE2": theta * (2 * errors * slopes).sum() / (errors**2).sum(),
        "RS": 1.0,
    }


@paper.claim(
    "Section 3 (R_E, R_E², R_S)",
    tags=("ours", "identity"),
    mutants={
        "R_E of degree 4": {"powers": {"RE": 4, "RE2": 10, "RS": 1}},
        "R_E² of degree 8": {"powers": {"RE": 5, "RE2": 8, "RS": 1}},
        "R_S of degree 2": {"powers": {"RE": 5, "RE2": 10, "RS": 2}},
        "another grid": {"grid": coarser},
    },
)
def gradients_follow_the_fifth_power_of_the_frequency(check, powers=None, grid=uniform):
    r"""For $z' = \omega Jz$ on a fixed grid, the log-derivatives by $\omega$ of $R_E$, $R_{E^2}$ and $R_S$ tend to 5,
    10 and 1 as $h \to 0$.

    At a finite $\theta = h\omega$ the tape's derivatives are those of the exact polynomials of the pair at
    $X = i\theta$, to $10^{-8}$: the rounding of err, $2^{-52}$ of its largest term over $\theta^5$, at
    $\theta \ge 1/8$. From the powers they are then $O(\theta^2)$ away.
    """
    powers = powers or {"RE": 5, "RE2": 10, "RS": 1}

    def as_predicted(eighths, steps):
        theta = eighths / 8
        found, exact = log_derivatives(theta * steps, steps, grid), exact_log_derivatives(theta, steps)
        near = {name: powers[name] + exact[name] - {"RE": 5, "RE2": 10, "RS": 1}[name] for name in exact}
        return all(abs(found[name] - near[name]) <= 1e-8 * abs(near[name]) for name in exact)

    check.forall(as_predicted, examples=24, eighths=st.integers(1, 8), steps=st.sampled_from([8, 16, 32]))


FREQUENCIES = (1.0, 2.0, 4.0, 8.0, 16.0)


def pendulum(omega, t, y):
    return omega * torch.stack([y[1], -torch.sin(y[0])])


@functools.cache
def pendulum_costs(seed):
    """Pendulum z' = ω(y, −sin x) over [0, 10] at tolerance 1e-7: counts and sums, by ω."""
    angle = np.random.default_rng(seed).uniform(0.8, 2.0)
    y0 = torch.tensor([angle, 0.0], dtype=torch.float64)
    rows = []
    for omega in FREQUENCIES:
        with torch.no_grad():
            s = solve(
                functools.partial(pendulum, omega),
                y0,
                0.0,
                10.0,
                rtol=1e-7,
                atol=1e-7,
                heuristics=("RE", "RE2", "REn", "RS"),
            )
        rows.append({"NFE": float(s.stats.nfe)} | {name: value.item() for name, value in s.heuristics.items()})
    return {name: [row[name] for row in rows] for name in rows[0]}


INVARIANCE = {"NFE": 1.0, "REn": 0.0, "RE": 0.0, "RE2": 1.0, "RS": 1.0}


@paper.claim(
    "Section 3 (R_E as a measure of cost)",
    tags=("ours", "empirical"),
    mutants={
        "R_E grows with the cost": {"powers": INVARIANCE | {"RE": 1.0}},
        "the scaled sum grows with the cost": {"powers": INVARIANCE | {"REn": 1.0}},
        "R_E² does not grow": {"powers": INVARIANCE | {"RE2": 0.0}},
        "R_S does not grow": {"powers": INVARIANCE | {"RS": 0.0}},
    },
)
def value_of_the_error_sum_does_not_measure_cost(check, powers=None):
    r"""Under an adaptive controller $R_E$ and $\sum q_j h_j$ stay the same when the dynamics, and the cost, are 8-fold.

    The controller holds $q$ at one level, whatever the field. $R_E$ is worth differentiating, on the grid, and not
    worth logging: log evaluations of $f$. $R_{E^2}$ and $R_S$ grow with the cost. Exponents over $\omega = 2 \dots 16$;
    the bands of $\pm 0.05$ are twice what a first and a last step amount to, 1 in 50 steps at $\omega = 2$, against
    $\log 8$.
    """
    powers = powers or INVARIANCE

    def measure(seed):
        costs = pendulum_costs(seed)
        return {name: np.polyfit(np.log(FREQUENCIES[1:]), np.log(costs[name][1:]), 1)[0] for name in powers}

    check.reproduces(
        measure,
        bands={name: (power - 0.05, power + 0.05) for name, power in powers.items()},
        seeds=3,
        setup={
            "problem": "pendulum z' = ω(y, −sin x), ω = 1, 2, 4, 8, 16, start angle U(0.8, 2)",
            "interval": "[0, 10]",
            "method": "tsit5, I controller",
            "tolerance": 1e-7,
            "measured": "exponents of ω",
        },
        says="exponents of ω",
    )
    check.table("costs", omega=FREQUENCIES, **pendulum_costs(check.seed))


def errors_by_hand(f, solution, tolerance):
    """q_j h_j of every step by the textbook's formulas in numpy, from the states of a solve."""
    pair = solution.tableau
    found: list[float] = []
    for t, y, h in zip(solution.ts, (y.numpy() for y in solution.states), solution.steps, strict=False):
        slopes: list[np.ndarray] = []
        for row, c in zip(pair.a, pair.c, strict=True):
            g = y + h * sum((float(x) * k for x, k in zip(row, slopes, strict=True)), start=0 * y)
            slopes.append(f(torch.tensor(t + float(c) * h, dtype=torch.float64), torch.tensor(g)).numpy())
        err = h * sum(float(e) * k for e, k in zip(pair.error, slopes, strict=True))
        found.append(np.sqrt(np.mean((err / (tolerance * (1 + np.maximum(abs(y), abs(g))))) ** 2)) * h)
    return found


@paper.claim(
    "Section 4 (error regularization, as the code averages it)",
    tags=("ours", "identity"),
    mutants={
        "an estimate of 1 for the start": {"average": lambda s, R: (R + s.steps[0]) / (s.stats.accepted + 1)},
        "an estimate of 0 for the start": {"average": lambda s, R: R / (s.stats.accepted + 1)},
        "rejected steps counted": {"average": lambda s, R: R / (s.stats.accepted + s.stats.rejected)},
        "an average over time": {"average": lambda s, R: R / sum(s.steps)},
    },
)
def average_of_the_scaled_errors_has_one_entry_a_step(check, average=lambda s, R: R / s.stats.accepted):
    r"""The average of $q_j h_j$, by which the code regularizes, is over the $N$ accepted steps and nothing else.

    An entry of $q = 1$ for the start, which a solver has before its first step, would shift the mean $m$ by
    $(h_0 - m)/(N + 1)$. Against the steps by hand, to $10^{-8}$ of $m$: a rounding of the slopes over
    $\text{err} \approx 10^{-6}$, with a hundredfold reserve.
    """

    def is_mean(seed):
        f, y0 = random_field(seed)
        with torch.no_grad():
            s = solve(f, y0, 0.0, 1.0, first_step=0.5, heuristics=("REn",), keep_states=True)
            mean = np.mean(errors_by_hand(f, s, 1e-5))
        return abs(average(s, s.heuristics["REn"].item()) - mean) <= 1e-8 * mean

    check.forall(is_mean, examples=40, seed=SEEDS)


@paper.refuted(
    "Section 4 (error regularization, tolerance-scaled)",
    tags=("erratum",),
    controls={
        "the scale held constant": {"detach_scale": True},
        "the error itself": {"name": "RE"},
    },
)
def scaled_error_on_the_tape_does_not_reward_growth_of_the_state(check, detach_scale=False, name="REn"):
    r"""With $q = \|\text{err}/(a + r\max(|z_n|, |z_{n+1}|))\|$ on the tape, only a smaller error lowers $\sum q_j h_j$.

    A larger state does too. For $z' = \theta + \cos(\omega t)$ the error does not depend on $\theta$, as
    $\sum (b_i - \hat b_i) = 0$, and $z > 0$ grows with it: the derivative by $\theta$ is negative. With the
    denominator as a constant, our default, it is 0. $10^{-9}$ of the sum allows for the rounding of the weights,
    $10^{-17}/q$ of it.
    """

    def is_not_rewarded(theta, omega):
        drift = torch.tensor(theta, dtype=torch.float64, requires_grad=True)
        y0 = torch.ones(1, dtype=torch.float64)
        s = solve(
            lambda t, y: drift + torch.cos(omega * t) + 0 * y, y0, 0, 1, heuristics=(name,), detach_scale=detach_scale
        )
        (slope,) = torch.autograd.grad(s.heuristics[name], drift)
        return slope.item() >= -1e-9 * s.heuristics[name].item()

    check.forall(is_not_rewarded, examples=40, theta=st.floats(0, 2), omega=st.floats(3, 8))
