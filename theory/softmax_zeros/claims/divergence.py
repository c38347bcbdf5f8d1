"""How far a step moves the softmax in Kullback–Leibler divergence (Appendix 4).

P_0 = softmax(z), P_τ = softmax(z + τa), K(τ) = log Σ_k e^{z_k + a_k τ}; the divergence
KL(P_τ‖P_0) is called forward, KL(P_0‖P_τ) reverse.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, Literal

import hypothesis.strategies as st
import mpmath
import numpy as np
import sympy as sp
import z3
from flint import arb

from theory.softmax_zeros.claims.paper import paper
from theory.softmax_zeros.kl import kl_remainder_bound, kl_shift, third_moment_bound
from verify import Check

Formula = Callable[..., Any]
Direction = Literal["forward", "reverse"]

DIRECTIONS: tuple[Direction, Direction] = ("forward", "reverse")
CLASSES = st.lists(st.tuples(st.integers(-80, 80), st.integers(-30, 30)), min_size=2, max_size=6)
"""Logits and slopes of the classes, in tenths."""

EXTREMAL = st.just([(0, 0), (13, 10)])
"""Two classes with nearly the probabilities (3 ± √3)/6, whose log odds are ±1.317."""


def above(value: float) -> Fraction:
    """The float as a fraction, raised by the 2⁻⁵⁰ that its rounding may have cost."""
    return Fraction(float(value)) * (1 + Fraction(1, 2**50))


@paper.claim(
    "Lemma A4.1",
    tags=("inequality",),
    mutants={
        "2 % smaller": {"bound": lambda spread: 0.98 * third_moment_bound(spread)},
        "Δ³/12": {"bound": lambda spread: spread**3 / 12},
        "width squared": {"bound": lambda spread: spread**2 / (6 * np.sqrt(3))},
    },
)
def third_central_moment_is_at_most_the_width_cubed_over_6_root_3(
    check: Check, bound: Formula = third_moment_bound
) -> None:
    r"""A variable on an interval of width $\Delta$ has $|\mathbb{E}(X - \mathbb{E}X)^3| \le \Delta^3/(6\sqrt{3})$,
    attained by its ends with $p = (3 \pm \sqrt{3})/6$.

    Let $\mathbb{E}X = 0$ on $[m, M]$. If $3M \ge 2\Delta$, $x^3$ stays on the interval below its chord; else below its
    tangent at $-M/2$ through $(M, M^3)$. The expectation of a line is its value at 0, $-mM(m + M)$ or $M^3/4$.
    """
    for width in (1.0, 3.0):
        x, top = z3.Reals("x M")
        bottom, limit = top - z3.Q(int(width), 1), z3.RealVal(str(above(bound(width))))
        chord, chord_at_0 = (bottom**2 + bottom * top + top**2) * x, -bottom * top * (bottom + top)
        tangent, tangent_at_0 = 3 * top**2 * x / 4, top**3 / 4
        below_a_line = z3.If(
            3 * top >= 2 * int(width),
            z3.And(x**3 <= chord + chord_at_0, chord_at_0 <= limit),
            z3.And(x**3 <= tangent + tangent_at_0, tangent_at_0 <= limit),
        )
        inside = z3.And(bottom <= 0, top >= 0, bottom <= x, x <= top)
        check.proves(z3.Implies(inside, below_a_line), says=f"every law on an interval of width {width:g}")
    p = (3 + sp.sqrt(3)) / 6
    check.proves(sp.Eq(p * (1 - p) * (2 * p - 1), 1 / (6 * sp.sqrt(3))), says="attained by two points")


def moments(classes: Sequence[tuple[int, int]], tau: float, direction: str) -> tuple[mpmath.mpf, mpmath.mpf, float]:
    """KL by its definition and τ²Var/2, in 60 digits, and the spread."""
    with mpmath.workdps(60):
        logits, slopes = zip(*[(mpmath.mpf(z) / 10, mpmath.mpf(a) / 10) for z, a in classes], strict=True)
        before = [mpmath.exp(z) for z in logits]
        after = [w * mpmath.exp(tau * a) for w, a in zip(before, slopes, strict=True)]
        p, q = ([w / mpmath.fsum(weights) for w in weights] for weights in (before, after))
        if direction == "forward":
            divergence = mpmath.fsum(y * mpmath.log(y / x) for x, y in zip(p, q, strict=True))
        else:
            divergence = mpmath.fsum(x * mpmath.log(x / y) for x, y in zip(p, q, strict=True))
        mean = mpmath.fsum(x * a for x, a in zip(p, slopes, strict=True))
        variance = mpmath.fsum(x * (a - mean) ** 2 for x, a in zip(p, slopes, strict=True))
        return divergence, mpmath.mpf(tau) ** 2 * variance / 2, float(max(slopes) - min(slopes))


def check_remainder(check: Check, bound: Formula, direction: Direction, weight: sp.Expr, s: sp.Symbol) -> None:
    """Prove the bound from KL − τ²Var/2 = ∫₀^τ weight(s) (K''(s) − K''(0)) ds, and search for a law that breaks it.

    1e-12 allows for the bound's own rounding, 1e-50 for that of 60 digits.
    """
    slopes_spread, length = 3, 2
    sharpest = sp.integrate(weight * s * sp.Rational(slopes_spread) ** 3 / (6 * sp.sqrt(3)), (s, 0, length))
    enough = sp.Rational(above(bound(float(length), float(slopes_spread))))
    check.proves(sp.Le(sharpest, enough), says="the integral, with |K''(s) − K''(0)| ≤ sΔ³/(6√3), at τ = 2, Δ = 3")

    def within(classes: list[tuple[int, int]], exponent: int, sign: int) -> bool:
        tau = sign * 10.0 ** (exponent / 4)
        divergence, quadratic, spread = moments(classes, tau, direction)
        return bool(abs(divergence - quadratic) <= float(bound(tau, spread)) * (1 + 1e-12) + 1e-50)

    signs = st.sampled_from([-1, 1])
    check.forall(within, says="any law and step", classes=EXTREMAL | CLASSES, exponent=st.integers(-24, 6), sign=signs)


@paper.claim(
    "Theorem A4.2",
    tags=("inequality",),
    mutants={
        "2 % smaller": {"bound": lambda tau, spread: 0.98 * kl_remainder_bound(tau, spread)},
        "constant of the reverse divergence": {
            "bound": lambda tau, spread: kl_remainder_bound(tau, spread, direction="reverse")
        },
        "spread squared": {"bound": lambda tau, spread: kl_remainder_bound(tau, spread) / spread if spread else 0.0},
    },
)
def forward_divergence_is_quadratic_up_to_a_cubic_remainder(check: Check, bound: Formula = kl_remainder_bound) -> None:
    r"""$|\mathrm{KL}(P_\tau\|P_0) - (\tau^2/2)\,\mathrm{Var}_{P_0}(a)| \le |\tau|^3\Delta^3/(18\sqrt{3})$ for every
    $\tau$.

    The divergence is $\int_0^\tau s K''(s)\,ds$ and $|K'''| \le \Delta^3/(6\sqrt{3})$ by Lemma A4.1. The printed proof
    is that of the reverse divergence, but the printed statement is right, and rigorous at every $\tau$.
    """
    s, tau, cumulants = sp.Symbol("s", real=True), sp.Symbol("tau", real=True), sp.Function("K")
    forward = tau * sp.diff(cumulants(tau), tau) - cumulants(tau) + cumulants(0)
    check.proves(sp.Eq(sp.diff(forward, tau), tau * sp.diff(cumulants(tau), tau, 2)), says="d/dτ KL = τK''(τ)")
    check_remainder(check, bound, "forward", weight=s, s=s)


@paper.claim(
    "Theorem A4.2, Eq. 26–28 read as the reverse divergence",
    tags=("inequality", "ours"),
    mutants={
        "2 % smaller": {"bound": lambda tau, spread: 0.98 * kl_remainder_bound(tau, spread, "reverse")},
        "one more factor τ in Taylor's remainder": {"bound": lambda tau, spread: (tau * spread) ** 3 / 144 / 3**0.5},
        "spread squared": {"bound": lambda tau, spread: tau**3 * spread**2 / (36 * np.sqrt(3))},
    },
)
def reverse_divergence_is_quadratic_up_to_half_that_remainder(
    check: Check, bound: Formula = lambda tau, spread: kl_remainder_bound(tau, spread, direction="reverse")
) -> None:
    r"""$|\mathrm{KL}(P_0\|P_\tau) - (\tau^2/2)\,\mathrm{Var}_{P_0}(a)| \le |\tau|^3\Delta^3/(36\sqrt{3})$ for every
    $\tau$: Lagrange's remainder of $K$.
    """
    s, tau, cumulants = sp.Symbol("s", real=True), sp.Symbol("tau", real=True), sp.Function("K")
    reverse = cumulants(tau) - cumulants(0) - tau * sp.Symbol("K'(0)")
    check.proves(sp.Eq(sp.diff(reverse, tau, 2), sp.diff(cumulants(tau), tau, 2)), says="d²/dτ² KL = K''(τ)")
    check_remainder(check, bound, "reverse", weight=2 - s, s=s)


def extremal_remainder(tau: float, direction: str) -> arb:
    """KL − τ²Var/2 of two classes with a = (0, 1) and p = (3 + √3)/6, where the third cumulant is −1/(6√3)."""
    p = (3 + arb(3).sqrt()) / 6
    log_growth = (1 + p * (arb(tau).exp() - 1)).log()
    if direction == "forward":
        divergence = tau * p * arb(tau).exp() / (1 + p * (arb(tau).exp() - 1)) - log_growth
    else:
        divergence = log_growth - tau * p
    return divergence - arb(tau) ** 2 * p * (1 - p) / 2


def scaled(factor: float) -> Formula:
    """The bound times a factor."""
    return lambda tau, spread, direction: factor * kl_remainder_bound(tau, spread, direction)


@paper.claim(
    "Theorem A4.2 (sharpness)",
    tags=("inequality",),
    mutants={
        "2 % smaller": {"bound": scaled(0.98)},
        "2 % larger": {"bound": scaled(1.02)},
        "directions swapped": {
            "bound": lambda tau, spread, direction: kl_remainder_bound(
                tau, spread, "forward" if direction == "reverse" else "reverse"
            )
        },
    },
)
def divergence_constants_are_approached_by_two_classes(check: Check, bound: Formula = kl_remainder_bound) -> None:
    r"""Two classes with $p = (3 \pm \sqrt{3})/6$ use up both bounds as $\tau \to 0$: remainder/bound $= -1 + \tau^2/10$
    (forward), $-1 + \tau^2/20$.

    The fourth cumulant vanishes there and the fifth is minus the third, hence the next term. What is left is certified
    to be below $\tau^3$ at $\tau\Delta = 1/100$.
    """
    for direction, slope in zip(DIRECTIONS, (arb(1) / 10, arb(1) / 20), strict=True):
        ratio = lambda d=direction: extremal_remainder(0.01, d) / float(bound(0.01, 1.0, d))  # noqa: E731
        check.certifies_value(ratio, slope / 10**4 - 1, within=1e-6, says=direction)
    steps = np.geomspace(1e-2, 1e2, 81)
    used = {d: [abs(float(extremal_remainder(t, d))) / float(bound(t, 1.0, d)) for t in steps] for d in DIRECTIONS}
    check.table("divergence", step=steps, **used, forward_by_reverse=2 * np.array(used["forward"]))


@paper.refuted(
    "Appendix 4, Eq. 26–28 as labelled",
    tags=("erratum",),
    controls={"forward constant 1/(18√3)": {"bound": kl_remainder_bound}},
)
def forward_divergence_has_the_lagrange_remainder_of_the_printed_proof(
    check: Check, bound: Formula = lambda tau, spread: kl_remainder_bound(tau, spread, direction="reverse")
) -> None:
    r"""As the printed proof is labelled, the remainder of $\mathrm{KL}(P_\tau\|P_0)$ is at most
    $|\tau|^3\Delta^3/(36\sqrt{3})$, Lagrange's for $K$.
    """
    for tau in (0.01, 1.0):
        used = lambda tau=tau: abs(extremal_remainder(tau, "forward")) / float(bound(tau, 1.0))  # noqa: E731
        check.certifies_value(used, 0.5, within=0.5, says=f"remainder/bound in [0, 1] at τ={tau}, p = (3+√3)/6")


def definition(first: Sequence[sp.Expr], second: Sequence[sp.Expr]) -> sp.Expr:
    """Σ p log(p/q)."""
    return sum(p * sp.log(p / q) for p, q in zip(first, second, strict=True))


@paper.corrected(
    "Appendix 4, Eq. 26",
    tags=("identity", "erratum"),
    printed={"forward": lambda K, tau: K(tau) - K(0) - tau * K(0, 1)},
    mutants={"K(0) forgotten": {"forward": lambda K, tau: tau * K(tau, 1) - K(tau)}},
)
def divergences_are_bregman_distances_of_the_log_partition_function(
    check: Check, forward: Formula = lambda K, tau: tau * K(tau, 1) - K(tau) + K(0)
) -> None:
    r"""$\mathrm{KL}(P_\tau\|P_0) = \tau K'(\tau) - K(\tau) + K(0)$, and
    $\mathrm{KL}(P_0\|P_\tau) = K(\tau) - K(0) - \tau K'(0)$.

    The paper prints the second expression under the name of the first divergence. Proved for three classes.
    """
    tau, s = sp.Symbol("tau", real=True), sp.Symbol("s", real=True)
    weights, slopes = sp.symbols("w1:4", positive=True), sp.symbols("a1:4", real=True)
    terms = [w * sp.exp(a * s) for w, a in zip(weights, slopes, strict=True)]

    def law(t: sp.Expr) -> list[sp.Expr]:
        return [term.subs(s, t) / sum(terms).subs(s, t) for term in terms]

    def log_partition(t: sp.Expr, derivative: int = 0) -> sp.Expr:
        return sp.diff(sp.log(sum(terms)), s, derivative).subs(s, t)

    check.proves(sp.Eq(definition(law(tau), law(0)), forward(log_partition, tau)), says="forward")
    check.proves(
        sp.Eq(definition(law(0), law(tau)), log_partition(tau) - log_partition(0) - tau * log_partition(0, 1)),
        says="reverse",
    )


def plain_difference(logits: np.ndarray, slopes: np.ndarray, tau: float, direction: str) -> float:
    """The Bregman forms as written, in float64."""
    at = tau if direction == "forward" else 0.0
    mean = (np.exp(logits + slopes * at) * slopes).sum() / np.exp(logits + slopes * at).sum()
    growth = np.log(np.exp(logits + slopes * tau).sum()) - np.log(np.exp(logits).sum())
    return float(tau * mean - growth if direction == "forward" else growth - tau * mean)


def guarded_logarithm(logits: np.ndarray, slopes: np.ndarray, tau: float, direction: str) -> float:
    """Σ p log((p + 1e-12)/(q + 1e-12)), as in the released code."""
    p, q = (np.exp(logits + slopes * t) / np.exp(logits + slopes * t).sum() for t in (0.0, tau))
    p, q = (q, p) if direction == "forward" else (p, q)
    return float((p * np.log((p + 1e-12) / (q + 1e-12))).sum())


@paper.claim(
    "Appendix 4",
    tags=("ours",),
    mutants={
        "difference taken in float64": {"formula": plain_difference},
        "1e-12 inside the logarithms": {"formula": guarded_logarithm},
        "directions swapped": {
            "formula": lambda z, a, tau, d: kl_shift(z, a, tau, "reverse" if d == "forward" else "forward")
        },
    },
)
def divergence_of_a_short_step_keeps_its_digits(check: Check, formula: Formula = kl_shift) -> None:
    r"""The divergences can be had in float64 to nearly full relative accuracy, however short the step.

    Allowed: $16 \cdot 2^{-52} (n + |\log \mathrm{KL}| + \max|z + \tau a|)$, the last being what rounding the exponents
    costs anyway.
    """

    def keeps_digits(classes: list[tuple[int, int]], exponent: int, direction: Direction) -> bool:
        tau = 10.0 ** (exponent / 4)
        exact, _, spread = moments(classes, tau, direction)
        logits, slopes = np.array(classes, dtype=float).T / 10
        found = float(formula(logits, slopes, tau, direction))
        if spread == 0:
            return found == 0
        size = len(classes) + abs(float(mpmath.log(exact))) + np.abs(logits).max() + tau * np.abs(slopes).max()
        return bool(abs(found / exact - 1) <= 16 * 2**-52 * size)

    check.forall(keeps_digits, classes=CLASSES, exponent=st.integers(-32, 6), direction=st.sampled_from(DIRECTIONS))


@paper.claim(
    "Appendix 4 (crossover)",
    tags=("inequality",),
    mutants={
        "2 % smaller": {"constant": Fraction(49, 200)},
        "variance of the uniform law": {"constant": Fraction(1, 12)},
    },
)
def variance_is_at_most_a_quarter_of_the_width_squared(check: Check, constant: Fraction = Fraction(1, 4)) -> None:
    r"""$K'' = \mathrm{Var}_q(a) \le \Delta^2/4$. The quadratic is trusted up to
    $\tau \sim \mathrm{Var}/\Delta^3 \le 1/(4\Delta)$, which is $4\pi \approx 12.6$ below $\pi/\Delta$.
    """
    x, mean, low, high = z3.Reals("x mu m M")
    inside = z3.And(low <= mean, mean <= high, low <= x, x <= high)
    line = (low + high) * x - low * high
    variance = (low + high) * mean - low * high - mean**2
    below = z3.And(x**2 <= line, variance <= z3.RealVal(str(constant)) * (high - low) ** 2)
    check.proves(z3.Implies(inside, below), says="x² lies below its chord, whose mean less μ² is the largest variance")
    check.certifies_value(
        lambda: arb.pi() / (arb(constant.numerator) / constant.denominator), "12.6", says="π/Δ over 1/(4Δ)"
    )
