"""The error estimate of a step: its leading term for a nonlinear field, and its rounding (Section 3)."""

import functools
import itertools
from fractions import Fraction

import hypothesis.strategies as st
import numpy as np
import sympy as sp
import torch

from sciml.neural_de.claims.paper import paper
from sciml.neural_de.claims.tableaus import rational
from sciml.neural_de.rooted_trees import residuals, symmetry
from sciml.neural_de.solve import rk_step
from sciml.neural_de.tableaus import DOPRI5, TSIT5

EPS = np.finfo(float).eps


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
