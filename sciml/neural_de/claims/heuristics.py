"""The estimates of a step and their sums: what they equal, bound, and do not see (Section 3)."""

import functools
import itertools
from fractions import Fraction

import hypothesis.strategies as st
import numpy as np
import sympy as sp
import torch

from sciml.neural_de.claims.paper import paper
from sciml.neural_de.claims.tableaus import ESTIMATE, rational
from sciml.neural_de.heuristics import HEURISTICS
from sciml.neural_de.rooted_trees import residuals, symmetry
from sciml.neural_de.solve import rk_step, solve
from sciml.neural_de.tableaus import DOPRI5, TSIT5

ALL = tuple(HEURISTICS)
SEEDS = st.integers(0, 2**31)
EPS = np.finfo(float).eps


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


def estimate(f, y, h, pair=DOPRI5):
    """S of one step from y."""
    with torch.no_grad():
        found = rk_step(f, 0.0, y, h, method=pair).stiffness
    assert found is not None
    return found.item()


def between(later, before):
    """‖k_x − k_y‖/‖g_x − g_y‖ of two other stages of Dormand–Prince, counted from 1."""

    def found(f, y, h, pair=DOPRI5):
        slopes = rk_step(f, 0.0, y, h, method=pair).slopes
        rows = [
            sum((float(a) * k for a, k in zip(pair.a[i - 1], slopes, strict=False)), start=0 * y)
            for i in (later, before)
        ]
        return float((slopes[later - 1] - slopes[before - 1]).norm() / (h * (rows[0] - rows[1]).norm()))

    return found


def spectral_radius(M):
    return max(abs(np.linalg.eigvals(M)))


def linear(M):
    M = torch.tensor(M)
    return lambda t, y: M @ y


@paper.claim(
    "Section 3 (stiffness estimate)",
    tags=("ours", "inequality"),
    mutants={
        "at most the spectral radius": {"bound": spectral_radius},
        "1 % below the norm": {"bound": lambda M: 0.99 * np.linalg.norm(M, 2)},
        "at most the largest |Re λ|": {"bound": lambda M: max(abs(np.linalg.eigvals(M).real))},
    },
)
def stiffness_estimate_is_at_most_the_operator_norm(check, bound=lambda M: np.linalg.norm(M, 2)):
    r"""For $z' = Mz$, $S = \|Mv\|/\|v\|$ with $v = g_7 - g_6$, so that $S \le \|M\|_2$ for every $M$, $z$ and $h$.

    The spectral radius is no bound: $S$ of a matrix that is not normal may exceed it. $10^{-9}$ allows for the
    cancellation in $v$, which is of size $(h\|M\|)^3$ at the least, $h\|M\| \ge 1/2$.
    """

    def bounded(seed, d, skew, reach):
        rng = np.random.default_rng(seed)
        M = rng.normal(size=(d, d)) + skew * np.triu(rng.normal(size=(d, d)), 1)
        y, h = torch.tensor(rng.normal(size=d)), reach / np.linalg.norm(M, 2)
        return estimate(linear(M), y, h) <= bound(M) * (1 + 1e-9)

    reaches, skews = st.floats(0.5, 3), st.sampled_from([0.0, 3.0, 10.0])
    check.forall(bounded, examples=300, seed=SEEDS, d=st.integers(1, 5), skew=skews, reach=reaches)


@paper.claim(
    "Section 3 (stiffness estimate)",
    tags=("ours", "identity"),
    mutants={
        "stages 5 and 7, at different times": {"formula": between(7, 5)},
        "stages 4 and 7": {"formula": between(7, 4)},
        "half of it": {"formula": lambda f, y, h: estimate(f, y, h) / 2},
    },
)
def stiffness_of_a_forced_decay_is_its_rate(check, formula=estimate):
    r"""For $z' = -\lambda z + \varphi(t)$, $S = \lambda$ exactly: both stages stand at the same time, so that the
    forcing cancels.

    That needs $c_6 = c_7$. The rounding of $k_7 - k_6$ is below 64 units of the largest $|k|$, over $|g_7 - g_6|$.
    """

    def is_rate(rate, amplitude, frequency, h):
        f = lambda t, y: -rate * y + amplitude * torch.cos(frequency * t)  # noqa: E731
        y = torch.tensor([1.0], dtype=torch.float64)
        slopes = rk_step(f, 0.0, y, h, method=DOPRI5).slopes
        apart = float((slopes[-1] - slopes[-2]).abs()) / rate
        largest = float(torch.stack(slopes).abs().max()) * max(1.0, h * rate)
        return abs(formula(f, y, h) - rate) * apart <= 64 * EPS * (largest + rate)

    check.forall(
        is_rate,
        examples=300,
        rate=st.floats(0.5, 20),
        amplitude=st.floats(0, 50),
        frequency=st.floats(0, 40),
        h=st.floats(0.05, 0.3),
    )


@paper.refuted(
    "Section 3 (stiffness index max |Re λ|)",
    tags=("erratum",),
    controls={"the modulus |λ|": {"index": np.abs}},
)
def stiffness_estimate_is_the_largest_real_part(check, index=lambda eigenvalue: abs(eigenvalue.real)):
    r"""$S$ estimates the stiffness index $\max |\operatorname{Re} \lambda_i|$ of the Jacobian.

    It does not for a rotation, where $\operatorname{Re} \lambda = 0$ and $S = |\omega|$: on a normal matrix with one
    pair of eigenvalues $-a \pm i\omega$, $S$ is their modulus. $10^{-9}$ as for the operator norm, $h|\lambda| = 1$.
    """

    def is_index(decay, turn):
        eigenvalue = complex(-decay, turn)
        M = np.array([[-decay, -turn], [turn, -decay]])
        S = estimate(linear(M), torch.tensor([1.0, 0.5], dtype=torch.float64), 1 / abs(eigenvalue))
        return abs(S - index(eigenvalue)) <= 1e-9 * abs(eigenvalue)

    check.forall(is_index, examples=200, decay=st.floats(0.125, 8), turn=st.floats(0, 8))


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


def elementary_differential(tree, f, z, values):
    """F(τ)(z): the derivative of f with as many arguments as branches, filled with their differentials."""
    branches = [elementary_differential(branch, f, z, values) for branch in tree]
    total = []
    for component in f:
        value = sp.Integer(0)
        for indices in itertools.product(range(len(z)), repeat=len(branches)):
            partial = sp.diff(component, *(z[i] for i in indices)) if indices else component
            value += partial.subs(values) * sp.prod(branch[i] for branch, i in zip(branches, indices, strict=True))
        total.append(value)
    return total


@functools.cache
def quadratic_problem():
    """A quadratic field of the plane, a point, and the h⁵ term of err there, from the stages run with symbolic h."""
    z, h = sp.symbols("z1 z2"), sp.Symbol("h")
    f = [z[1] + z[0] ** 2, z[0] * z[1] - 2 * z[0]]
    at = {z[0]: sp.Integer(1), z[1]: sp.Rational(1, 2)}
    slopes: list[list[sp.Expr]] = []
    for row in DOPRI5.a:
        g = {
            x: at[x] + h * sum((rational(a) * k[i] for a, k in zip(row, slopes, strict=True)), start=sp.Integer(0))
            for i, x in enumerate(z)
        }
        slopes.append([truncate(component.subs(g, simultaneous=True), h, 4) for component in f])
    err = [sum(rational(e) * k[i] for e, k in zip(DOPRI5.error, slopes, strict=True)) for i in range(2)]
    return f, z, at, [sp.expand(x).coeff(h, 4) for x in err]


def truncate(expression, h, degree):
    expanded = sp.expand(expression)
    return sum(expanded.coeff(h, k) * h**k for k in range(degree + 1))


def by_trees(f, z, at, sigma=symmetry):
    """−Σ (residual of b̂)/σ(τ) F(τ) over the nine trees of order 5."""
    gaps = residuals(DOPRI5.a, DOPRI5.b_hat, 5)
    terms = [(rational(gap) / sigma(tree), elementary_differential(tree, f, z, at)) for tree, gap in gaps.items()]
    return [-sum(weight * F[i] for weight, F in terms) for i in range(2)]


def parallel_to_the_fifth_derivative(f, z, at):
    """C z⁽⁵⁾ with the C of linear problems."""
    derivative = list(f)
    for _ in range(4):
        derivative = [sp.expand(sum(sp.diff(g, x) * fx for x, fx in zip(z, f, strict=True))) for g in derivative]
    return [-sp.Rational(97, 120000) * g.subs(at) for g in derivative]


@paper.claim(
    "Section 3 (R_E is similar to R_K)",
    tags=("ours", "identity"),
    mutants={
        "a multiple of the fifth derivative": {"formula": parallel_to_the_fifth_derivative},
        "symmetry left out": {"formula": functools.partial(by_trees, sigma=lambda tree: 1)},
        "the other sign": {"formula": lambda f, z, at: [-x for x in by_trees(f, z, at)]},
    },
)
def error_estimate_of_a_nonlinear_field_is_a_sum_over_nine_trees(check, formula=by_trees):
    r"""$\text{err} = -h^5 \sum_\tau (\text{residual of } \hat b \text{ at } \tau)/\sigma(\tau) \cdot F(\tau)(z)
    + O(h^6)$, over the nine trees of order 5.

    For a nonlinear field this is no multiple of $z^{(5)}$, so that $R_E$ and the $R_K$ of TayNODE penalise different
    vectors. On a quadratic field of the plane, whose stages are run with a symbolic $h$ and exact coefficients.
    """
    f, z, at, h5 = quadratic_problem()
    found = formula(f, z, at)
    check.proves(
        sp.Eq(sum((x - y) ** 2 for x, y in zip(found, h5, strict=True)), 0), says="both components of the h⁵ term"
    )


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


def rounding_of(step, h):
    """For one entry, |err − h Σ e_i k_i| with the latter in exact arithmetic, h Σ |e_i k_i|, and |h Σ e_i k_i|."""
    terms = [e * Fraction(k.item()) for e, k in zip(TSIT5.error, step.slopes, strict=True)]
    exact, size = Fraction(h) * sum(terms), Fraction(h) * sum(map(abs, terms))
    return float(abs(Fraction(step.error.item()) - exact)), float(size), float(abs(exact))


@paper.claim(
    "Section 3 (error estimate)",
    tags=("ours", "inequality"),
    mutants={
        "relative to err": {"floor": lambda size, err: 8 * EPS * err},
        "a hundredth of the terms": {"floor": lambda size, err: 0.01 * EPS * size},
        "the rounding of single precision relative to err": {"floor": lambda size, err: 1e-7 * err},
    },
)
def error_estimate_has_a_floor_of_rounding(check, floor=lambda size, err: 8 * EPS * size):
    r"""$|\text{err} - h\sum e_i k_i| \le 8\epsilon\, h\sum|e_i||k_i|$ in floating point: a floor below err.

    $e = b - \hat b$ and $\epsilon = 2^{-52}$; nine roundings of $\epsilon/2$ a term make $4.5\epsilon$, and as many
    again what they compound. The terms cancel to $O(h^5)$, so that relative changes of $E$ mean nothing once $E$ comes
    near the floor. Against the exact weights and arithmetic in fractions, on the slopes that the step used.
    """

    def is_near(rate, level, power):
        h = 10.0**power
        with torch.no_grad():
            step = rk_step(lambda t, y: level + torch.sin(rate * y), 0.0, torch.ones(1, dtype=torch.float64), h)
        distance, size, err = rounding_of(step, h)
        return distance <= floor(size, err)

    check.forall(is_near, examples=300, rate=st.floats(0.1, 2), level=st.floats(1, 10), power=st.floats(-3, -0.5))


MU = 5.0


def van_der_pol(t, y):
    return torch.stack([y[1], MU * (1 - y[0] ** 2) * y[1] - y[0]])


def jacobian(point):
    a, b = point
    return np.array([[0, 1], [-2 * MU * a * b - 1, MU * (1 - a * a)]])


def relaxation():
    """Steps, estimates and the norm of the Jacobian along van der Pol's equation, by the time each step starts."""
    y0 = torch.tensor([2.0, 0.0], dtype=torch.float64)
    with torch.no_grad():
        s = solve(van_der_pol, y0, 0.0, 20.0, method="dopri5", rtol=1e-6, atol=1e-6, keep_states=True)
    states = s.states or ()
    starts = list(zip(s.ts, states, s.steps, strict=False))
    return {
        "t": [t for t, _, _ in starts],
        "h": s.steps,
        "x": [y[0].item() for _, y, _ in starts],
        "stiffness": [estimate(van_der_pol, y, h) for _, y, h in starts],
        "norm": [np.linalg.norm(jacobian(y.tolist()), 2) for _, y, _ in starts],
    }


@paper.claim(
    "Section 3 (stiffness estimate)",
    tags=("ours", "inequality"),
    mutants={
        "half of the constant": {"constant": lambda L: L / 2},
        "at the start of the step": {"constant": lambda L: L, "where": "start"},
    },
)
def stiffness_estimate_is_at_most_the_lipschitz_constant(check, constant=lambda L: L, where="segment"):
    r"""For a nonlinear field $S$ is at most the largest $\|J\|_2$ on the segment between the two arguments $g_6$ and
    $g_7$.

    On van der Pol's equation, $\mu = 5$; the maximum is taken over 33 points of the segment, and twice the largest
    change of $J$ from one to the next allows for what lies between.
    """

    def bounded(a, b, reach):
        y = torch.tensor([a, b], dtype=torch.float64)
        h = reach / np.linalg.norm(jacobian((a, b)), 2)
        step = rk_step(van_der_pol, 0.0, y, h, method=TSIT5)
        k = torch.stack(step.slopes[:-1])
        before = y + h * sum(float(x) * k[i] for i, x in enumerate(TSIT5.a[5]))
        ends = before.numpy(), step.y.numpy()
        points = [ends[0] + s * (ends[1] - ends[0]) for s in np.linspace(0, 1, 33)]
        J = np.array([jacobian(y.numpy())] * 2 if where == "start" else [jacobian(point) for point in points])
        slack = 2 * np.linalg.norm(np.diff(J, axis=0), axis=(1, 2)).max()
        return estimate(van_der_pol, y, h, TSIT5) <= constant(np.linalg.norm(J, 2, axis=(1, 2)).max()) + slack + 1e-9

    check.forall(bounded, examples=200, a=st.floats(-2, 2), b=st.floats(-8, 8), reach=st.floats(0.3, 1.5))
    check.table("track", **relaxation())
