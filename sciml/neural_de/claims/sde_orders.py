"""Strong and weak orders of the stochastic methods, and the order of their error estimate (Sections 3 and 4)."""

import dataclasses
import functools
import itertools
import math

import numpy as np
import sympy as sp
import torch
from sympy import QQ
from sympy.polys.rings import ring

from sciml.neural_de.brownian import BrownianPath, Increment
from sciml.neural_de.claims._sri_series import expectation, sri_step_in_powers_of_root_h
from sciml.neural_de.claims.paper import paper
from sciml.neural_de.claims.sri_order_conditions import MILLIONTH, changed
from sciml.neural_de.sde_solve import sri_step
from sciml.neural_de.sri_tableaus import SOSRI, SOSRI2, SRIW1, SRIW2

P, epsilon, w, u, mu, sigma = ring("epsilon w u mu sigma", QQ)
METHODS = (SRIW1, SRIW2, SOSRI, SOSRI2)


def sri_factor(tableau):
    """R with X' = R·X for a step on geometric Brownian motion dX = μX dt + σX dW, and E1/X, E2/X."""
    step, e1, e2 = sri_step_in_powers_of_root_h(
        tableau, epsilon, w, u, lambda d: mu * (1 + d), lambda d: sigma * (1 + d)
    )
    return 1 + step, e1, e2


def euler_factor():
    return 1 + epsilon**2 * mu + epsilon * sigma * w


def milstein_factor():
    return euler_factor() + epsilon**2 * sigma**2 * (w**2 - 1) * QQ(1, 2)


def exact_factor(power):
    """exp((μ − σ²/2)h + σΔW), right up to this power of ε."""
    exponent = epsilon**2 * (mu - sigma**2 * QQ(1, 2)) + epsilon * sigma * w
    return sum((exponent**k * QQ(1, math.factorial(k)) for k in range(power + 1)), start=P.zero)


def lowest_power(polynomial):
    return min(powers[0] for powers in polynomial.monoms())


def moments(factor):
    """E[R] and E[R²] as polynomials in h (and √h where a method has such terms), μ and σ."""
    root = sp.sqrt(sp.Symbol("h", positive=True))
    values = [expectation(x, P, w, u).as_expr() for x in (factor, factor**2)]
    return [sp.expand(value.subs(sp.Symbol("epsilon"), root)) for value in values]


h, m, s = sp.Symbol("h", positive=True), sp.Symbol("mu"), sp.Symbol("sigma")


@paper.claim(
    "Section 4 (SOSRI and the class SRI)",
    tags=("ours", "identity"),
    mutants={
        "SRIW2's third order with SRIW1's coefficients": {"second": SRIW1},
        "α of SRIW1 moved": {"first": changed(SRIW1, "a0", 0, MILLIONTH, row=1)},
        "Milstein's term forgotten": {"milstein": euler_factor},
        "the defect of SRIW2 of order h³": {"defect": lambda: -m * s**3 * h**3 / 6},
    },
)
def weak_errors_on_geometric_brownian_motion_have_closed_forms(
    check, first=SRIW1, second=SRIW2, milstein=milstein_factor, defect=lambda: -m * s**3 * h ** sp.Rational(5, 2) / 6
):
    r"""One step on $dX = \mu X\,dt + \sigma X\,dW$ multiplies $X$ by $R$, and $\mathbb{E}[R]$, $\mathbb{E}[R^2]$ are
    polynomials, against $e^{\mu h}$, $e^{(2\mu+\sigma^2)h}$.

    Euler: $1 + \mu h$, $(1 + \mu h)^2 + \sigma^2h$; Milstein adds $\sigma^4h^2/2$. SRIW1:
    $\mathbb{E}[R] = 1 + \mu h + (\mu h)^2/2$. SRIW2 adds $(\mu h)^3/6$, but its second moment misses
    $-\mu\sigma^3h^{5/2}/6$: a weak order of $3/2$ only.
    """
    euler_, milstein_ = moments(euler_factor()), moments(milstein())
    sriw1, sriw2 = moments(sri_factor(first)[0]), moments(sri_factor(second)[0])
    quadratic = 1 + m * h + (m * h) ** 2 / 2
    exact = sum(((2 * m + s**2) * h) ** k / math.factorial(k) for k in range(3))
    powers = [h ** sp.Rational(k, 2) for k in range(6)]
    low = sum(sp.collect(sriw2[1], h, evaluate=False).get(power, 0) * power for power in powers)
    gaps = [
        euler_[0] - (1 + m * h),
        euler_[1] - (1 + m * h) ** 2 - s**2 * h,
        milstein_[1] - euler_[1] - s**4 * h**2 / 2,
        sriw1[0] - quadratic,
        sriw2[0] - quadratic - (m * h) ** 3 / 6,
        low - exact - defect(),
    ]
    check.proves(sp.And(*(sp.Eq(sp.expand(gap), 0) for gap in gaps)), says="moments of one step")
    check.table("weak_errors", **weak_errors())


@functools.cache
def weak_errors(drift=1.5, noise=1.0):
    """|E[X_1] − e^μ| and |E[X_1²] − e^{2μ+σ²}| after n steps from X_0 = 1, from the moments of one step."""
    factors = {"Euler": euler_factor(), "Milstein": milstein_factor()}
    factors |= {each.name: sri_factor(each)[0] for each in METHODS}
    n = 2.0 ** np.arange(2, 10)
    table = {"steps": n}
    for name, factor in factors.items():
        for which, moment, rate in zip(("mean", "square"), moments(factor), (drift, 2 * drift + noise**2), strict=True):
            one = sp.lambdify(h, moment.subs({m: drift, s: noise}), "numpy")
            table[f"{name} {which}"] = np.abs(one(1 / n) ** n - math.exp(rate))
    return table


@paper.claim(
    "Section 3 (error estimates of SDE solvers)",
    tags=("ours", "identity"),
    mutants={
        "an estimate of order h²": {"powers": (4, 4, 4)},
        "the drift part of order h^{3/2}": {"powers": (3, 3, 4)},
        "a true error of order h^{3/2}": {"powers": (2, 3, 3)},
        "SRIW1 with β³ off by a millionth": {"first": changed(SRIW1, "beta3", 0, MILLIONTH)},
        "SRIW2 with β⁴ off by a millionth": {"second": changed(SRIW2, "beta4", 0, MILLIONTH)},
        "four drift stages in SRIW1": {"stages": (4, 3)},
    },
)
def error_estimate_is_dominated_by_the_drift(check, first=SRIW1, second=SRIW2, powers=(2, 3, 4), stages=(2, 3)):
    r"""$\text{err} = \delta E_1 + E_2$, where $E_1 = h \cdot s \cdot f + O(h^{3/2})$ with $s$ evaluations of $f$,
    $E_2 = O(h^{3/2})$; the true error is $O(h^2)$.

    So the estimate exceeds the error by a factor that grows like $1/h$, and its sum is mostly a penalty on $|f|$. On
    geometric Brownian motion, from the lowest powers of $\sqrt{h}$ in polynomials in $\sqrt{h}$, $\mu$, $\sigma$,
    $\Delta W$ and $I_{(1,0)}$.
    """
    found, leading = [], []
    for tableau in (first, second):
        factor, e1, e2 = sri_factor(tableau)
        found.append(tuple(lowest_power(x) for x in (e1, e2, factor - exact_factor(5))))
        leading.append(e1.coeff(epsilon**2 * mu))
    same = sp.And(sp.Eq(sp.Matrix(found), sp.Matrix([powers, powers])), sp.Eq(sp.Matrix(leading), sp.Matrix(stages)))
    check.proves(same, says="lowest powers of √h in E1, E2 and the error")


STARTS = {"bounded": 1.0, "reverting": 2.0}


def drift_and_diffusion(problem):
    """Bounded: dX = ½ sin X cos X dt + sin X dW; reverting: dX = (3 − X) dt + X dW, which depends on areas of W too."""
    if problem == "bounded":
        return lambda t, x: torch.sin(2 * x) / 4, lambda t, x: torch.sin(x)
    return lambda t, x: 3 - x, lambda t, x: x


def solution(problem, path, cells=512):
    """X_1 in closed form: 2 arctan(e^{W_1} tan(X_0/2)), and Φ_1(X_0 + 3∫Φ_s⁻¹ ds) with Φ_s = exp(W_s − 3s/2).

    The integral is taken over cells, each with the mean of W there and the mean square of the rest: its error is
    (128/512)^{3/2} = 1/8, and a small factor, of that of a method with 128 steps.
    """
    if problem == "bounded":
        return 2 * torch.atan(path.increment(0.0, 1.0).dw.exp() * math.tan(STARTS[problem] / 2))
    w0, integral, h = torch.zeros(path.shape, dtype=torch.float64), 0.0, 1 / cells
    for k in range(cells):
        dw, area = path.increment(k * h, (k + 1) * h)
        integral = integral + h * torch.exp(1.5 * (k + 0.5) * h - w0 - area / h) * (1 + h / 12)
        w0 = w0 + dw
    return torch.exp(w0 - 1.5) * (STARTS[problem] + 3 * integral)


def exact_noise(noise, h):
    return noise


def area_forgotten(noise, h):
    return Increment(noise.dw, noise.dw * h / 2)


def area_of_the_reversed_path(noise, h):
    """The right law on every step, but the area of the path that runs backwards."""
    return Increment(noise.dw, noise.dw * h - noise.integral)


def sri(tableau):
    return lambda f, g, t, x, h, noise: sri_step(f, g, t, x, h, noise, method=tableau).y


def euler(f, g, t, x, h, noise):
    return x + h * f(t, x) + g(t, x) * noise.dw


def milstein(f, g, t, x, h, noise):
    with torch.enable_grad():
        y = x.detach().requires_grad_()
        value = g(t, y)
        (slope,) = torch.autograd.grad(value.sum(), y)
    return euler(f, g, t, x, h, noise) + (value * slope).detach() * (noise.dw**2 - h) / 2


@functools.cache
def sample(shape, seed):
    """A path, and both solutions on it."""
    path = BrownianPath(shape, 0.0, 1.0, seed=seed)
    return path, {problem: solution(problem, path) for problem in STARTS}


@functools.cache
def increments(shape, seed, n):
    path, _ = sample(shape, seed)
    return [path.increment(k / n, (k + 1) / n) for k in range(n)]


def errors(step, problem, shape, seed, n, noise=exact_noise):
    """|X_1 − solution| of each path after n equal steps."""
    f, g = drift_and_diffusion(problem)
    x = torch.full(shape, STARTS[problem], dtype=torch.float64)
    for k, piece in enumerate(increments(shape, seed, n)):
        x = step(f, g, k / n, x, 1 / n, noise(piece, 1 / n))
    return (x - sample(shape, seed)[1][problem]).abs()


@functools.cache
def strong_errors(paths=2000):
    """Mean errors for the figure, of all methods on the same paths."""
    n = [4, 8, 16, 32, 64, 128]
    steps = {"Euler": euler, "Milstein": milstein} | {each.name: sri(each) for each in METHODS}
    table = {"steps": [float(k) for k in n]}
    for (label, step), problem in itertools.product(steps.items(), STARTS):
        table[f"{label} {problem}"] = [errors(step, problem, (paths,), 0, k).mean().item() for k in n]
    return table


@paper.claim(
    "Section 4 (SOSRI and the class SRI)",
    tags=("ours",),
    mutants={
        "strong order 1": {"order": 1.0},
        "strong order 2": {"order": 2.0},
        "the area forgotten": {"noise": area_forgotten},
        "the area of the reversed path": {"noise": area_of_the_reversed_path},
        "SOSRI with the weights β⁴ of SOSRI2": {"methods": (dataclasses.replace(SOSRI, beta4=SOSRI2.beta4),)},
        "Milstein's method": {"methods": (), "others": (milstein,)},
    },
)
def strong_order_is_three_halves(check, order=1.5, methods=METHODS, noise=exact_noise, others=()):
    r"""$\mathbb{E}|X_T - X(T)| \propto h^{3/2}$ for SRIW1, SRIW2, SOSRI and SOSRI2: nearer to $3/2$ than to any other
    multiple of $1/2$.

    Two equations with known solutions, $dX = \frac{1}{2} \sin X \cos X\,dt + \sin X\,dW$ and
    $dX = (3 - X)\,dt + X\,dW$, with 8 and 64 steps on the same paths. In a block of paths the slope of the mean error
    is taken for every method and equation; in most blocks all lie within $1/4$ of the order. Where the solution is a
    function of $W_T$ alone, as for the first equation and for geometric Brownian motion, a wrong area goes unnoticed;
    it is the second that notices.
    """
    steps = [sri(tableau) for tableau in methods] + list(others)
    size = check.at(quick=200, full=800)

    def near(rng, blocks):
        shape, seed = (blocks, size), int(rng.integers(2**63))
        good = torch.ones(blocks, dtype=torch.bool)
        for step, problem in itertools.product(steps, STARTS):
            coarse, fine = (errors(step, problem, shape, seed, n, noise).mean(dim=1) for n in (8, 64))
            good &= ((coarse / fine).log() / math.log(8) - order).abs() < 0.25
        return good.double().numpy()

    check.estimates(near, band=(0.5, 1.0), draws=100, says="blocks in which all slopes are nearest to the order")
    check.table("strong_errors", **strong_errors())
