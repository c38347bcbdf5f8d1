"""Two outcomes: the half convention is at most Kullback–Leibler, by calculus in one variable.

p = ((1 + s)/2, (1 − s)/2), q = ((1 + t)/2, (1 − t)/2), and F(s, t) = KL(p‖q) − D_½. For s > 0 the derivative in t has
the signs −, +, −, + on the intervals that end at t₀ = −u, 0 and s, where s = 2u/(1 + u²). The minima are F(s, s) = 0
and G(u) = F(s, −u); the case s < 0 is its mirror image and s = 0 a limit. Along the curve dG/du = ∂F/∂s ds/du, with
∂F/∂s = H(u) > 0 for small and < 0 for larger u. So G rises and then falls, from 0 at u = 0 to 0 at u = 1.
"""

import hypothesis.strategies as st
import numpy as np
import sympy as sp
import z3

from theory.cauchy_schwarz.claims.divergence import ROUNDING
from theory.cauchy_schwarz.claims.paper import paper
from theory.cauchy_schwarz.discrete import discrete_divergence

S, T, U = sp.Symbol("s", real=True), sp.Symbol("t", real=True), sp.Symbol("u", positive=True)
CURVE = 2 * U / (1 + U**2)
SHARE = sp.Integer(0)


def difference(common, factor):
    """F for two outcomes beside a third one of probability ``common`` under both laws, D_½ taken ``factor`` times."""
    kl = sum((1 + e * S) * (sp.log(1 + e * S) - sp.log(1 + e * T)) for e in (1, -1)) * (1 - common) / 2
    log_inner_product = lambda product: sp.log((1 - common) ** 2 * (1 + product) / 2 + common**2)  # noqa: E731
    half = (log_inner_product(S * S) + log_inner_product(T * T)) / 2 - log_inner_product(S * T)
    return kl - factor * half


def artanh(x):
    """½ log((1 + x)/(1 − x))."""
    return (sp.log(1 + x) - sp.log(1 - x)) / 2


@paper.claim(
    "comparison with Kullback–Leibler, two outcomes",
    tags=("inequality", "ours"),
    mutants={
        "a third outcome of the same probability": {"common": sp.Rational(1, 5)},
        "5 % more": {"factor": sp.Rational(21, 20)},
        "full convention": {"factor": 2},
    },
)
def half_divergence_of_two_outcomes_is_at_most_kl(check, common=SHARE, factor=1):
    r"""$p = (a, 1 - a)$, $q = (b, 1 - b)$: $D_{1/2} \le \mathrm{KL}(p\|q)$. Of three outcomes it is false.

    The steps are those of the head of this file. $H'$ has the sign of $3 - 10u^2 - u^4$, and what diverges in $G$ at
    $u = 1$ is $(1 - u)^2 \log(1 - u)$, which tends to 0.
    """
    f = difference(common, factor)
    slope = (T - S) * T * (S + 2 * T + S * T**2) / ((1 - T**4) * (1 + S * T))
    check.proves(sp.Eq(sp.cancel(sp.together(sp.diff(f, T) - slope)), 0), says="∂F/∂t")
    s, t, u = z3.Reals("s t u")
    sign = (t - s) * t * (s + 2 * t + s * t * t)
    curve = z3.And(u > 0, u < 1, s * (1 + u * u) == 2 * u, t > -1, t < 1)
    falls, rises = z3.Or(t <= -u, z3.And(t >= 0, t <= s)), z3.Or(z3.And(t >= -u, t <= 0), t >= s)
    pattern = z3.And(z3.Implies(falls, sign <= 0), z3.Implies(rises, sign >= 0), 3 + 6 * u * u > u**4)
    check.proves(z3.Implies(curve, pattern), says="its signs; 3 + 6u² − u⁴ > 0")

    on_curve = {S: CURVE, T: -U}
    in_s = artanh(S) - artanh(T) - (S - T) / ((1 + S * T) * (1 + S**2))
    check.proves(sp.Eq(sp.together(sp.expand(sp.diff(f, S) - in_s)), 0), says="∂F/∂s")
    check.proves(sp.Eq(((1 + S) / (1 - S)).subs(on_curve), ((1 + U) / (1 - U)) ** 2), says="artanh s = 2 artanh u")
    h = 3 * artanh(U) - ((S - T) / ((1 + S * T) * (1 + S**2))).subs(on_curve)
    turning = 3 - 10 * U**2 - U**4
    positive = U**2 * (U**2 + 3) * (3 + 6 * U**2 - U**4) / ((1 - U**2) ** 2 * (1 + 6 * U**2 + U**4) ** 2)
    check.proves(
        sp.Eq(sp.cancel(sp.together(sp.diff(h, U) - positive * turning)), 0),
        says="H'(u), which changes its sign once, from H(0) = 0",
    )

    diverging = sp.Symbol("log(1 - u)", real=True)
    logs = {sp.log(1 + CURVE): sp.log((1 + U) ** 2 / (1 + U**2)), sp.log(1 - U): diverging}
    logs |= {sp.log(1 - CURVE): 2 * diverging - sp.log(1 + U**2)}
    logs |= {sp.log(sp.Rational(1, 2) - U * CURVE / 2): diverging + sp.log((1 + U) / (1 + U**2) / 2)}
    g = sp.expand(f).subs(on_curve).subs(logs)
    check.proves(sp.Eq(sp.diff(g, diverging), 3 * (1 - U) ** 2 / (2 * (1 + U**2))), says="what diverges in G(u)")
    check.proves(sp.Eq(g.subs(diverging, 0).subs(U, 1), 0), says="G → 0 as u → 1")
    check.proves(sp.Eq(f.subs(T, S), 0), says="F = 0 where p = q")

    def holds(a, b):
        share = float(common)
        p, q = (np.array([(1 - share) * x, (1 - share) * (1 - x), share]) for x in (a, b))
        kl = (p[:2] * np.log(p[:2] / q[:2])).sum()
        return float(factor) * discrete_divergence(p, q, convention="half") <= kl + ROUNDING

    inside = st.floats(1e-6, 1 - 1e-6)
    check.forall(holds, says="the function", a=inside, b=inside)
