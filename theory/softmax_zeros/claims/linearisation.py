"""Logits that are not linear in the step (Appendix 1): the printed proposition is false; a bound that holds."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import hypothesis.strategies as st
import numpy as np
import sympy as sp
from flint import acb, arb

from theory.softmax_zeros.claims.paper import paper
from theory.softmax_zeros.nonlinear import nonlinear_radius_bound
from verify import Check
from verify.certified import count_zeros

Formula = Callable[..., Any]
Quadratics = Sequence[tuple[int, int, int]]
"""Logits z + at + qt²/2 of the classes as (z, a, q), in tenths."""

TENTHS = st.integers(-30, 30)
ZERO_OR_TENTHS = st.just(0) | TENTHS
QUADRATICS = st.lists(st.tuples(ZERO_OR_TENTHS, ZERO_OR_TENTHS, TENTHS), min_size=2, max_size=4)
LEADS = st.builds(
    lambda z, a, n: [(z, 0, 0), *[(0, a, 0)] * n], st.integers(0, 80), st.integers(1, 30), st.integers(1, 3)
)
CONFIDENT = LEADS | st.builds(lambda z, rest: [(z, 0, 0), *rest], st.integers(0, 80), QUADRATICS)


def width(values: Sequence[float]) -> float:
    """Largest minus smallest."""
    return max(values) - min(values)


def zero_free(classes: Quadratics, radius: float) -> bool:
    """Whether Σ exp(z_k + a_k t + q_k t²/2) is certified to have no zero in |t| < 0.9999 radius."""
    offset = max(z for z, _, _ in classes)

    def partition(t: acb) -> acb:
        return sum(((((q * t / 2 + a) * t + (z - offset)) / 10).exp() for z, a, q in classes), start=acb(0))

    return count_zeros(partition, 0.9999 * radius) == 0


def half_plane_bound(spread: float, curvature: float, **options: Any) -> float:
    """The bound, with the infinite radius of constant logits cut to 10."""
    return min(float(nonlinear_radius_bound(spread, curvature, **options)), 10.0)


def root(spread: float, curvature: float, constant: float) -> float:
    """2π/(Δ + √(Δ² + constant·C)), cut to 10 likewise."""
    return 2 * math.pi / max(spread + math.sqrt(spread**2 + constant * curvature), math.pi / 5)


@paper.claim(
    "Appendix 1 (replaces Proposition A1.1)",
    tags=("ours", "inequality"),
    mutants={
        "3π for 4π": {"bound": lambda spread, curvature: root(spread, curvature, 3 * np.pi)},
        "bound for pairs taken for single logits": {
            "bound": lambda spread, curvature: root(spread, curvature, 2 * np.pi)
        },
        "curvature ignored": {"bound": lambda spread, curvature: root(spread, curvature, 0.0)},
    },
)
def curved_logits_keep_a_zero_free_disc(check: Check, bound: Formula = half_plane_bound) -> None:
    r"""If every $z_k$ is analytic with $|z_k''| \le C$ in $|t| < R_0$, the radius is at least
    $\min(R_0, 2\pi/(\Delta + \sqrt{\Delta^2 + 4\pi C}))$.

    There the phases of the terms of $F$ lie in an arc shorter than $\Delta|t| + C|t|^2 < \pi$, so that they cannot
    cancel. A common shift of the logits changes nothing, and $\pi/\Delta$ is recovered as $C \to 0$.
    """
    spread, curvature = sp.symbols("Delta C", positive=True)
    reach = 2 * sp.pi / (spread + sp.sqrt(spread**2 + 4 * sp.pi * curvature))
    check.proves(sp.Eq(spread * reach + curvature * reach**2, sp.pi), says="2π/(Δ + √(Δ² + 4πC)) solves ΔR + CR² = π")

    def no_zero_inside(classes: Quadratics) -> bool:
        _, slopes, curvatures = zip(*classes, strict=True)
        return zero_free(classes, float(bound(width(slopes) / 10, max(map(abs, curvatures)) / 10)))

    check.forall(no_zero_inside, says="quadratic logits", classes=QUADRATICS)
    check.forall(
        lambda R0: float(nonlinear_radius_bound(1.0, 0.1, R0)) <= R0,
        examples=20,
        says="never past R₀",
        R0=st.floats(1e-6, 10),
    )


@paper.claim(
    "Appendix 1 (replaces Proposition A1.1)",
    tags=("ours", "inequality"),
    mutants={
        "1.75π for 2π": {"bound": lambda spread, curvature: root(spread, curvature, 1.75 * np.pi)},
        "curvature ignored": {"bound": lambda spread, curvature: root(spread, curvature, 0.0)},
    },
)
def only_differences_of_curvature_count(
    check: Check, bound: Formula = lambda spread, curvature: half_plane_bound(spread, curvature, kind="pairwise")
) -> None:
    r"""With $|z_j'' - z_k''| \le C_d$ for all pairs instead, the radius is at least
    $\min(R_0, 2\pi/(\Delta + \sqrt{\Delta^2 + 2\pi C_d}))$.
    """

    def no_zero_inside(classes: Quadratics) -> bool:
        _, slopes, curvatures = zip(*classes, strict=True)
        return zero_free(classes, float(bound(width(slopes) / 10, width(curvatures) / 10)))

    check.forall(no_zero_inside, says="quadratic logits", classes=QUADRATICS)


def log_odds_of_the_top(logits: Sequence[float]) -> float:
    """log(p₁/(1 − p₁)) of the likeliest class, or 0 if that is negative."""
    first, *others = sorted(logits, reverse=True)
    return float(max(first - np.logaddexp.reduce(others), 0))


@paper.claim(
    "Appendix 1 (replaces Proposition A1.1)",
    tags=("ours", "inequality"),
    mutants={
        "margin over the runner-up alone": {"lead": lambda logits: float(np.diff(sorted(logits)[-2:])[0])},
        "lead 10 % larger": {"lead": lambda logits: 1.1 * log_odds_of_the_top(logits)},
        "curvature ignored": {
            "bound": lambda spread, curvature, lead: min(np.hypot(lead, np.pi) / max(spread, np.pi / 10), 10.0)
        },
    },
)
def a_confident_class_keeps_the_zeros_of_curved_logits_farther_away(
    check: Check, lead: Formula = log_odds_of_the_top, bound: Formula = half_plane_bound
) -> None:
    r"""With $L = \log(p_1/(1 - p_1)) \ge 0$ a zero at $|t| = R < R_0$ needs
    $(\Delta R)^2 \ge (L - CR^2)_+^2 + (\pi - CR^2)_+^2$.

    On top of the phases, no term may exceed the sum of all others, hence $\Delta|\operatorname{Re} t| + C|t|^2 \ge L$.
    """

    def no_zero_inside(classes: Quadratics) -> bool:
        logits, slopes, curvatures = zip(*classes, strict=True)
        largest = max(map(abs, curvatures)) / 10
        return zero_free(classes, float(bound(width(slopes) / 10, largest, lead=lead([z / 10 for z in logits]))))

    check.forall(no_zero_inside, says="quadratic logits", classes=CONFIDENT)


@dataclass(frozen=True)
class Problem:
    """Two logits ±g(t)/2 + shift with g'(0) = Δ, and what is known of them.

    ``vanishes`` is a function that vanishes where the loss is singular.
    """

    spread: float
    smallest_weight: float
    real_curvature: float
    disc_curvature: float
    analytic_radius: float
    vanishes: Callable[[acb], acb]


def parabola(shift: float) -> Problem:
    """g = t + t²/10: |z''| = 1/10 everywhere, singular where 1 + e^g = 0."""
    curved = lambda t: 1 + (t + t * t / 10).exp()  # noqa: E731
    return Problem(1.0, math.exp(shift), 0.1, 0.1, math.inf, curved)


def hyperbola(scale: float) -> Problem:
    """g = t + s²√(1 + t²/s²)/5: |z''| ≤ 1/10 on the real line, but 1 + t²/s² vanishes at ±is, where g branches.

    On |t| < 9s/10 the analytic g has |z''| ≤ (1/10)(1 − 0.81)^{−3/2}.
    """
    return Problem(
        1.0, math.exp(10 - scale**2 / 10), 0.1, 0.1 * 0.19**-1.5, 0.9 * scale, lambda t: 1 + t * t / arb(scale) ** 2
    )


def printed_bound(problem: Problem) -> float:
    """ρ_a(1 − ε), ε = Cπ²/(2Δ² min w)."""
    loss = problem.real_curvature * np.pi**2 / (2 * problem.spread**2 * problem.smallest_weight)
    return float(np.pi / problem.spread * (1 - loss))


@paper.refuted(
    "Proposition A1.1",
    tags=("erratum",),
    controls={
        "phases in a half plane": {
            "bound": lambda problem: nonlinear_radius_bound(
                problem.spread, problem.disc_curvature, problem.analytic_radius
            )
        }
    },
)
def curvature_costs_the_radius_a_share_that_shrinks_with_the_weights(
    check: Check, bound: Formula = printed_bound
) -> None:
    r"""As printed, with $|z_k''| \le C$ on the line, $R_{\text{true}} \ge \rho_a(1 - \varepsilon)$,
    $\varepsilon = C\pi^2/(2\Delta^2 \min_k w_k)$.

    Adding 10 to both logits leaves the loss as it is, but makes the weights $w = e^z$ so large that the bound passes
    the true radius, 2.8417. And a second derivative bounded on the real line says nothing of branch points beside it.
    """
    cases = {"logits ±(t + t²/10)/2": parabola(0), "the same plus 10": parabola(10)}
    cases["branch points at ±i/10"] = hyperbola(0.1)
    for says, problem in cases.items():
        inside = 0.999 * float(bound(problem))
        check.certifies_zero_count(problem.vanishes, inside=inside, count=0, says=says)
