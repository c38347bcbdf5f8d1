"""The divergence of two densities: sign, zero, symmetry, scale, change of variable, and the metric it comes from.

Full convention: D_CS(p; q) = log(∫p² ∫q² / (∫pq)²) = −2 log cos ∠(p, q). Densities that are constant on equal bins are
probability vectors, for which integrals are sums of rational numbers.
"""

import math
from fractions import Fraction

import hypothesis.strategies as st
import mpmath
import numpy as np
import sympy as sp
import z3
from flint import acb, arb

from theory.cauchy_schwarz.claims.paper import paper
from theory.cauchy_schwarz.discrete import angle, discrete_divergence
from theory.cauchy_schwarz.gaussian import gaussian_divergence

ROUNDING = 1e-12
"""Allows for float64 in 30 terms; the oracle is exact or has 50 digits."""


@st.composite
def vectors(draw, count):
    """Vectors of 2 to 30 integers from 0 to 1000, the first of which is positive, so that supports overlap."""
    size = draw(st.integers(2, 30))
    entries = st.lists(st.integers(0, 1000), min_size=size - 1, max_size=size - 1)
    return [[draw(st.integers(1, 1000)), *draw(entries)] for _ in range(count)]


def inner(p, q):
    """Σ pq, exactly."""
    return Fraction(sum(x * y for x, y in zip(p, q, strict=True)))


def squared_secant(pp, qq, pq):
    """exp D_CS in terms of ∫p², ∫q² and ∫pq."""
    return pp * qq / (pq * pq)


@paper.claim(
    "Cauchy–Schwarz divergence, definition",
    tags=("inequality",),
    mutants={
        "the 2 before the cross term lost": {"ratio": lambda pp, qq, pq: pp * qq / pq},
        "one norm lost": {"ratio": lambda pp, qq, pq: pp / pq},
        "norms added": {"ratio": lambda pp, qq, pq: (pp + qq) / (4 * pq)},
    },
)
def divergence_is_nonnegative_and_zero_only_for_proportional_densities(check, ratio=squared_secant):
    r"""$D_{\text{CS}}(p; q) \ge 0$, and $D_{\text{CS}} = 0$ iff $p \propto q$ almost everywhere.

    $\|p - tq\|^2 = \int p^2 - 2t\int pq + t^2\int q^2 \ge 0$ in any $L^2$, at $t = \int pq/\int q^2$. That square is
    what is left if $D_{\text{CS}} = 0$.
    """
    pp, qq, pq = z3.Reals("pp qq pq")
    residue = pp - 2 * (pq / qq) * pq + (pq / qq) * (pq / qq) * qq
    overlap = z3.And(pp > 0, qq > 0, pq > 0, residue >= 0)
    value = ratio(pp, qq, pq)
    check.proves(z3.Implies(overlap, z3.And(value >= 1, (value == 1) == (residue == 0))), says="in every L²")

    def is_log_of_ratio(pair):
        exact = ratio(inner(pair[0], pair[0]), inner(pair[1], pair[1]), inner(*pair))
        found = float(discrete_divergence(*np.array(pair, dtype=float)))
        return found >= 0 and abs(found - math.log(exact)) <= ROUNDING

    check.forall(is_log_of_ratio, says="vectors, against rational arithmetic", pair=vectors(2))


@paper.claim(
    "Cauchy–Schwarz divergence, properties",
    tags=("identity",),
    mutants={
        "one norm lost": {"ratio": lambda pp, qq, pq: (pp / pq) ** 2},
        "p not normalised": {"ratio": lambda pp, qq, pq: qq / pq**2},
        "cross term not squared": {"ratio": lambda pp, qq, pq: pp * qq / pq},
    },
)
def divergence_is_symmetric_and_blind_to_the_scale_of_each_argument(check, ratio=squared_secant):
    r"""$D_{\text{CS}}(q; p) = D_{\text{CS}}(p; q) = D_{\text{CS}}(c p; c' q)$: densities need not be normalised.

    $\int p^2$, $\int q^2$ and $\int pq$ become $c^2\int p^2$, $c'^2\int q^2$ and $cc'\int pq$.
    """
    pp, qq, pq, c, other = sp.symbols("pp qq pq c c'", positive=True)
    scaled = ratio(other**2 * qq, c**2 * pp, c * other * pq)
    check.proves(sp.Eq(ratio(pp, qq, pq), scaled), says="in every L²")

    def agree(pair, scale, other):
        p, q = np.array(pair, dtype=float)
        exact = math.log(ratio(inner(pair[0], pair[0]), inner(pair[1], pair[1]), inner(*pair)))
        return abs(discrete_divergence(other * q, scale * p) - exact) <= ROUNDING

    scales = st.floats(1e-6, 1e6)
    check.forall(agree, says="vectors, against rational arithmetic", pair=vectors(2), scale=scales, other=scales)


def normal(x, mean, deviation):
    """Density of N(mean, deviation²)."""
    z = (x - mean) / deviation
    return (-z * z / 2).exp() / (deviation * (2 * acb.pi()).sqrt())


def integral(function, reach=60):
    """∫ over [−reach, reach]; what products of the densities used here have outside is below 1e-90."""
    return acb.integral(lambda x, _: function(x), -reach, reach).real


def divergence_after(jacobian):
    """D_CS of N(0, 1) and N(3, 4) after a change of variable y = T(x) with T' = jacobian; ∫p̃q̃ dy = ∫pq/T' dx."""
    p, q = (lambda x: normal(x, 0, 1)), (lambda x: normal(x, 3, 2))
    inner_products = (integral(lambda x, f=f, g=g: f(x) * g(x) / jacobian(x)) for f, g in ((p, p), (q, q), (p, q)))
    return squared_secant(*inner_products).log()


@paper.claim(
    "Cauchy–Schwarz divergence, properties",
    tags=("identity",),
    mutants={
        "every bijection, e.g. x + x³/3": {"jacobian": lambda x: 1 + x * x},
        "every bijection, e.g. sinh": {"jacobian": lambda x: x.cosh()},
    },
)
def divergence_is_unchanged_by_joint_affine_maps(check, jacobian=lambda x: acb(-2.5)):
    r"""$x \to Ax + b$ with invertible $A$, applied to both densities, leaves $D_{\text{CS}}$ as it was; other
    bijections change it.

    $\int \tilde{p}\tilde{q}\,dy = \int pq/|\det T'|\,dx$, and a constant cancels. In this, $D_{\text{CS}}$ differs from
    KL. The certificate allows ten units in the last place of float64, the search the digits lost by a condition number
    of $A$ up to $10^4$.
    """
    p_and_q = (np.zeros(1), np.eye(1), np.full(1, 3.0), 4 * np.eye(1))
    target = float(gaussian_divergence(*p_and_q))
    check.certifies_value(lambda: divergence_after(jacobian), target, within=4e-15, says="quadrature, x → b − 2.5x")

    def is_invariant(seed, size):
        rng = np.random.default_rng(seed)
        mu1, mu2, shift = rng.normal(size=(3, size))
        root1, root2, turn = (rng.normal(size=(3, size, size)) + np.eye(size)) / np.sqrt(size)
        cov1, cov2 = root1 @ root1.T + 0.1 * np.eye(size), root2 @ root2.T + 0.1 * np.eye(size)
        left, stretch, right = np.linalg.svd(turn)
        a = left * np.clip(stretch, 1e-2, 1e2) @ right
        before = gaussian_divergence(mu1, cov1, mu2, cov2)
        after = gaussian_divergence(a @ mu1 + shift, a @ cov1 @ a.T, a @ mu2 + shift, a @ cov2 @ a.T)
        return abs(before - after) <= 1e-10 * (1 + before)

    check.forall(
        is_invariant, says="Gaussians in up to 5 dimensions", seed=st.integers(0, 10**6), size=st.integers(1, 5)
    )


@paper.claim(
    "comparison with Kullback–Leibler: disjoint and nested supports",
    tags=("identity",),
    mutants={
        "half convention": {"formula": lambda p, q: discrete_divergence(p, q, convention="half")},
        "cut off at 50 nats": {"formula": lambda p, q: min(float(discrete_divergence(p, q)), 50.0)},
    },
)
def divergence_is_finite_wherever_supports_overlap(check, formula=discrete_divergence):
    r"""$U[0, 1]$ against $U[\frac{1}{2}, 3/2]$: $D_{\text{CS}} = 2 \log 2$, though $\mathrm{KL} = \infty$ both ways;
    $U[0, 1]$ against $U[0, L]$: $D_{\text{CS}} = \log L = \mathrm{KL}$.

    It is infinite iff the supports are disjoint. Uniform densities are constant on bins of width $\frac{1}{2}$ and 1.
    """
    value = arb(formula(np.array([1.0, 1, 0]), np.array([0.0, 1, 1])))
    check.certifies_value(lambda: value, lambda: 2 * arb(2).log(), within=ROUNDING, says="overlapping by half")
    for length in (2, 7, 50):
        value = arb(formula(np.eye(length)[0], np.ones(length)))
        check.certifies_value(
            lambda value=value: value, lambda n=length: arb(n).log(), within=ROUNDING, says=f"L = {length}"
        )

    barely = arb(formula(np.array([1.0, 0]), np.array([1.0, 1e40])))
    check.certifies_value(lambda: barely, lambda: (1 + arb(10) ** 80).log(), within=1e-10, says="overlapping by 1e-40")

    def is_infinite_iff_disjoint(p, q):
        p, q = np.array([*p, 1.0, 0.0]), np.array([*q, 0.0, 1.0])
        return math.isinf(formula(p, q)) == (not (p * q).any())

    bits = st.lists(st.sampled_from([0.0, 1.0]), min_size=3, max_size=3)
    check.forall(is_infinite_iff_disjoint, says="infinite iff disjoint", p=bits, q=bits)


@paper.claim(
    "Cauchy–Schwarz divergence as an angle",
    tags=("inequality", "ours"),
    mutants={
        "the divergence itself": {"least_cosine": lambda a, b, sine_a, sine_b: a * b},
        "one minus the cosine": {"least_cosine": lambda a, b, sine_a, sine_b: a + b - 1},
        "a sum of angles a little shorter": {
            "least_cosine": lambda a, b, sine_a, sine_b: 1.01 * a * b - 0.99 * sine_a * sine_b
        },
    },
)
def angle_obeys_the_triangle_inequality(check, least_cosine=lambda a, b, sine_a, sine_b: a * b - sine_a * sine_b):
    r"""$\theta = \arccos e^{-D_{\text{CS}}/2}$ is a metric: $\theta(p, r) \le \theta(p, q) + \theta(q, r)$, i.e.
    $\cos \theta(p, r) \ge \cos(\theta(p, q) + \theta(q, r))$.

    The Gram determinant $1 + 2abc - a^2 - b^2 - c^2$ of three unit vectors is nonnegative. $D_{\text{CS}}$ itself has
    no triangle inequality: that would be $c \ge ab$.
    """
    a, b, c, sine_a, sine_b = z3.Reals("a b c sine_a sine_b")
    unit = z3.And(a >= 0, b >= 0, c >= 0, sine_a >= 0, sine_b >= 0, a * a + sine_a**2 == 1, b * b + sine_b**2 == 1)
    gram = 1 + 2 * a * b * c - a * a - b * b - c * c >= 0
    check.proves(z3.Implies(z3.And(unit, gram), c >= least_cosine(a, b, sine_a, sine_b)), says="in every L²")

    def is_angle(pair):
        with mpmath.workdps(50):
            ratio = inner(*pair) ** 2 / (inner(pair[0], pair[0]) * inner(pair[1], pair[1]))
            exact = mpmath.acos(mpmath.sqrt(mpmath.mpf(ratio.numerator) / ratio.denominator))
        return abs(float(angle(discrete_divergence(*np.array(pair, dtype=float)))) - exact) <= ROUNDING

    check.forall(is_angle, says="the function `angle`, against 50 digits", pair=vectors(2))
