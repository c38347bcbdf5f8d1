r"""What a network on characteristics keeps whatever its weights, and what its residuals say about its error.

The networks enter as $X=\xi+vt+Vt\,N_x$, $W=w_0(\xi)+rt\,N_w$ with $N_x$, $N_w$ functions of
$\cos(2\pi k\xi/L)$, $\sin(2\pi k\xi/L)$ and $t$; $v$ is the frame shift, $V$ and $r$ are units.
"""

import math

import hypothesis.strategies as st
import numpy as np
import sympy as sp
import torch
import z3

from sciml.lagrangian_pinn import LagrangianPINN, Objective, Problem, burgers_bound, convection_bound
from sciml.lagrangian_pinn.claims.identities import VARIABLES, as_jet, c, nu, t, w, xi
from sciml.lagrangian_pinn.claims.paper import paper
from theory.characteristics import inviscid_burgers, lagrangian_residuals

L = sp.Symbol("L", positive=True)


def travelling_burgers(speed, viscosity=0.01):
    """Burgers from speed + sin x."""
    return Problem(lambda x, t, w: w, viscosity, lambda x: speed + torch.sin(x))


def residuals_and_jacobian(speed, shift, seed):
    """Of an untrained network at 64 points, without the unit of its first weights, which depends on the shift."""
    model = LagrangianPINN(travelling_burgers(speed), shift, width=6, seed=seed)
    resting = LagrangianPINN(travelling_burgers(0.0), 0.0, width=6, seed=seed)
    x, time = torch.rand(2, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return Objective(model, 6 * x, time).residuals_and_jacobian(resting.theta)


@paper.claim(
    "Lagrangian pair; viscous Burgers with a moving shock",
    tags=("ours", "identity"),
    mutants={
        "no shift, X = ξ + t N": {"shift": lambda speed: 0 * speed},
        "half the shift": {"shift": lambda speed: speed / 2},
        "shift against the wind": {"shift": lambda speed: -speed},
    },
)
def a_shift_by_the_mean_hides_the_speed_from_burgers_residuals(check, shift=lambda speed: speed):
    r"""With $v=c$ both Burgers residuals from $c+w_0$, and their derivatives by the weights, do not contain $c$.

    Proved for all $w_0$, $N_x$, $N_w$. As shipped they may differ by rounding: 64 units of $2^{-52}(1+|c|)$, the number
    of operations on a value of size $c$ being below ten and the Jacobian of so small a network below six.
    """
    start, path, value = sp.Function("u")(xi), sp.Function("N_x")(xi, t), sp.Function("N_w")(xi, t)
    pair = lagrangian_residuals(w, nu, xi + shift(c) * t + t * path, c + start + t * value, xi, VARIABLES)
    change = sp.diff(pair.R_x, c) ** 2 + sp.diff(pair.R_w, c) ** 2
    check.proves(sp.Eq(as_jet(as_jet(change.doit(), path), value), 0), says="∂/∂c of both residuals")

    def agrees(speed, seed):
        at_rest, moving = (residuals_and_jacobian(s, shift(s), seed) for s in (0.0, speed))
        allowed = 64 * 2.0**-52 * (1 + abs(speed))
        return all(float((a - b).abs().max()) <= allowed for a, b in zip(at_rest, moving, strict=True))

    speeds = st.floats(1, 1e6) | st.floats(-1e6, -1)
    check.forall(agrees, examples=40, speed=speeds, seed=st.integers(0, 9), says="as shipped")


def features(label, time, k):
    """The inputs of the networks, by one wave number, with free coefficients: equal only if every input is."""
    a, b, d = sp.symbols("a b d", real=True)
    angle = 2 * sp.pi * k * label / L
    return a * sp.cos(angle) + b * sp.sin(angle) + d * time


def shipped_form(label, time, network):
    """ξ + vt + V t N."""
    return label + c * time + sp.Symbol("V", positive=True) * time * network(label, time)


@paper.claim(
    "periodic layer; initial condition of the characteristics",
    tags=("identity",),
    mutants={
        "X a periodic function of ξ, as released": {"path": lambda s, time, N: N(s, time)},
        "X − ξ not multiplied by t": {"path": lambda s, time, N: s + N(s, time)},
        "waves of the period 2π on any L": {
            "inputs": lambda s, time, k: sp.Symbol("a", real=True) * sp.cos(k * s) + time
        },
        "the label itself as an input": {"inputs": lambda s, time, k: features(s, time, k) + s},
    },
)
def start_and_period_hold_for_any_weights(check, path=shipped_form, inputs=features):
    r"""$X(\xi,0)=\xi$ and $X(\xi+L,t)=X(\xi,t)+L$ for any weights; likewise $W(\xi,0)=w_0(\xi)$ and the period of $W$.

    Proved for a network that is linear in inputs with free coefficients, which are equal only if each input is. As
    shipped, weights drawn up to ten times their first size leave rounding: $2^{-52}$ times 256, a bound on the terms
    added, times the largest value.
    """
    k = sp.Symbol("k", integer=True)
    network = lambda label, time: sp.expand_trig(sp.expand(inputs(label, time, k)))  # noqa: E731
    around = path(xi + L, t, network) - path(xi, t, network) - L
    at_start = path(xi, sp.Integer(0), network) - xi
    check.proves(sp.Eq(sp.simplify(around) ** 2 + sp.simplify(at_start) ** 2, 0), says="start and period together")

    def holds(seed, size, period):
        problem = Problem(lambda x, t, w: w, 0.01, lambda x: torch.sin(2 * math.pi * x / period), L=period)
        model = LagrangianPINN(problem, harmonics=3, seed=seed)
        model.theta = size * model.theta
        labels, times = (n * torch.linspace(0, 1, 33, dtype=torch.float64) for n in (period, problem.T))
        here, there = (model.characteristics(s[:, None], times) for s in (labels, labels + period))
        first = model.characteristics(labels, torch.zeros(33, dtype=torch.float64))
        gaps = [there.X - here.X - period, there.W - here.W, there.J - here.J, first.X - labels]
        gaps.append(first.W - problem.value(labels))
        largest = max(float(v.abs().max()) for v in (*here, torch.tensor(model.speed)))
        return max(float(gap.abs().max()) for gap in gaps) <= 256 * 2.0**-52 * (1 + largest) * (1 + size**2)

    check.forall(holds, examples=25, seed=st.integers(0, 99), size=st.floats(0.1, 10), period=st.floats(0.5, 20))


def waves(seed):
    """A periodic wave of degree at most 4 with its slope, and the extremes of the slope on a fine grid."""
    a, phase = np.random.default_rng(seed).uniform(-1, 1, (2, 4))
    k = np.arange(1, 5)

    def value(x):
        return (a * np.sin(k * np.asarray(x)[..., None] + 3 * phase)).sum(-1)

    def slope(x):
        return (k * a * np.cos(k * np.asarray(x)[..., None] + 3 * phase)).sum(-1)

    fine = slope(np.linspace(0, 2 * math.pi, 20_001))
    rounding = 1e-6 * (k**3 * abs(a)).sum()  # the slope changes by less between two points of the grid
    return value, slope, abs(fine).max() + rounding, fine.min() - rounding


def disturbance(seed, label, time):
    """A function of size one, its time integral and the integral of that, from a random wave and frequency."""
    k, omega, phase = (f(seed) for f in (lambda s: s % 4 + 1, lambda s: 0.2 + s % 7, lambda s: 1.7 * s))
    shape = np.sign(np.cos(phase)) if seed % 3 == 0 else np.cos(k * label + phase)
    first = np.sin(omega * time) / omega
    return shape * first, shape * (1 - np.cos(omega * time)) / omega**2


LABELS = np.linspace(0, 2 * math.pi, 129)


@paper.claim(
    "Lagrangian pair: residuals and error, convection",
    tags=("ours", "inequality"),
    mutants={
        "paths forgotten": {"bound": lambda eps_x, eps_w, slope, t: eps_w * t},
        "a third smaller": {"bound": lambda eps_x, eps_w, slope, t: 2 * (slope * eps_x + eps_w) * t / 3},
        "a third larger": {"bound": lambda eps_x, eps_w, slope, t: 4 * (slope * eps_x + eps_w) * t / 3},
        "slope counted for the state": {"bound": lambda eps_x, eps_w, slope, t: slope * (eps_x + eps_w) * t},
    },
)
def residuals_bound_the_error_of_convection(check, bound=lambda eps_x, eps_w, slope, t: slope * eps_x * t + eps_w * t):
    r"""If $|X_t-c|\le\varepsilon_x$, $|W_t|\le\varepsilon_w$ and the start is exact, then
    $|\hat u-u|\le\|w_0'\|_\infty\varepsilon_xt+\varepsilon_wt$, and no smaller bound holds.

    In time the residuals integrate to $|X-\xi-ct|\le\varepsilon_xt$, $|W-w_0(\xi)|\le\varepsilon_wt$, and
    $|w_0(\xi)-w_0(X-ct)|\le\|w_0'\|_\infty|X-\xi-ct|$. z3 takes it from there, with the case of equality. The search
    disturbs paths and states of random waves; `convection_bound` must be this bound.
    """
    eps_x, eps_w, S, s, away, change, slope = z3.Reals("eps_x eps_w S t d e m")
    nonnegative = z3.And(eps_x >= 0, eps_w >= 0, S >= 0, s >= 0)
    ranges = z3.And(absolute(away) <= eps_x * s, absolute(change) <= eps_w * s, absolute(slope) <= S)
    within = z3.Implies(ranges, absolute(change - slope * away) <= bound(eps_x, eps_w, S, s))
    attained = eps_w * s + S * (eps_x * s) == bound(eps_x, eps_w, S, s)
    check.proves(z3.Implies(nonnegative, z3.And(within, attained)))

    def holds(seed, speed, eps_x, eps_w, time):
        value, _, steepest, _ = waves(seed)
        X = LABELS + speed * time + eps_x * disturbance(seed, LABELS, time)[0]
        W = value(LABELS) + eps_w * disturbance(seed + 1, LABELS, time)[0]
        allowed = float(bound(eps_x, eps_w, steepest, time))
        same = math.isclose(allowed, convection_bound(eps_x, eps_w, steepest, time), rel_tol=1e-12, abs_tol=1e-300)
        rounding = 2.0**-48 * (1 + steepest) * (1 + abs(speed))
        return bool(same and (abs(W - value(X - speed * time)) <= allowed + rounding).all())

    size, unit = st.floats(1e-6, 1), st.floats(0.01, 1)
    check.forall(
        holds, examples=300, seed=st.integers(0, 10**6), speed=st.floats(-100, 100), eps_x=size, eps_w=size, time=unit
    )


def burgers_formula(eps_x, eps_w, S, least, t):
    """The bound, for numbers and for z3."""
    return eps_w * t + S * (eps_x * t + eps_w * t * t / 2) / (1 + t * least)


def absolute(value):
    """|value| for z3."""
    return z3.If(value >= 0, value, -value)


@paper.claim(
    "Lagrangian pair: residuals and error, inviscid Burgers",
    tags=("ours", "inequality"),
    mutants={
        "without 1/J": {"bound": lambda eps_x, eps_w, S, least, t: eps_w * t + S * (eps_x * t + eps_w * t * t / 2)},
        "state does not move the path": {
            "bound": lambda eps_x, eps_w, S, least, t: eps_w * t + S * eps_x * t / (1 + t * least)
        },
        "a third larger": {"bound": lambda *given: 4 * burgers_formula(*given) / 3},
        "ε_w t² in full": {
            "bound": lambda eps_x, eps_w, S, least, t: eps_w * t + S * (eps_x * t + eps_w * t * t) / (1 + t * least)
        },
    },
)
def residuals_bound_the_error_of_inviscid_burgers(check, bound=burgers_formula):
    r"""If $|X_t-W|\le\varepsilon_x$, $|W_t|\le\varepsilon_w$, the start is exact and $J_{\min}=1+t\min w_0'>0$, then
    $|\hat u-u|\le\varepsilon_wt+\|w_0'\|_\infty(\varepsilon_xt+\varepsilon_wt^2/2)/J_{\min}$; equality occurs.

    Let $\eta$ be the label of the exact characteristic through $X(\xi,t)$. Integrated, the residuals say
    $|X-\xi-tw_0(\xi)|\le\varepsilon_xt+\varepsilon_wt^2/2$; by the mean value theorem the left side is
    $(1+tm)|\eta-\xi|$ with $m$ a slope of $w_0$ that $w_0(\eta)-w_0(\xi)=m(\eta-\xi)$ has too. z3 takes it from there.
    """
    eps_x, eps_w, S, least, s, apart, change, slope = z3.Reals("eps_x eps_w S least t d e m")
    moved = eps_x * s + eps_w * s * s / 2
    known = z3.And(eps_x >= 0, eps_w >= 0, s >= 0, 1 + s * least > 0, least <= slope, absolute(slope) <= S, least <= 0)
    ranges = z3.And(absolute((1 + s * slope) * apart) <= moved, absolute(change) <= eps_w * s)
    limit = bound(eps_x, eps_w, S, least, s)
    within = z3.Implies(z3.And(known, ranges), absolute(change - slope * apart) <= limit)
    check.proves(within, says="the bound holds")
    sharp = z3.Implies(z3.And(known, least == -S, slope == least), eps_w * s + S * moved / (1 + s * slope) == limit)
    check.proves(sharp, says="equality, all slopes being the least one")

    def holds(seed, eps_x, eps_w, share):
        value, slope, steepest, lowest = waves(seed)
        time = share * 0.95 / -lowest
        first, second = disturbance(seed + 1, LABELS, time)
        W = value(LABELS) + eps_w * first
        X = LABELS + time * value(LABELS) + eps_w * second + eps_x * disturbance(seed, LABELS, time)[0]
        allowed = float(bound(eps_x, eps_w, steepest, lowest, time))
        same = math.isclose(allowed, burgers_bound(eps_x, eps_w, steepest, lowest, time), rel_tol=1e-12)
        return bool(same and (abs(W - inviscid_burgers(X, time, value, slope)) <= allowed + 1e-12 / share).all())

    size = st.floats(1e-4, 1)
    check.forall(holds, examples=60, seed=st.integers(0, 10**6), eps_x=size, eps_w=size, share=st.floats(0.05, 1))
