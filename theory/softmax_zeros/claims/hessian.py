"""The step that the Hessian suggests against the radius (Section 8.5, Appendix 5).

Two classes with margin δ and slope difference Δ: the curvature along the line is κ = Δ²σ(δ)(1 − σ(δ)), the Hessian's
step is τ_H = 2/κ, ρ* = √(δ² + π²)/|Δ| and ρ_a = π/|Δ|.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp
from flint import arb

from theory.softmax_zeros.bounds import binary_radius, rho_a
from theory.softmax_zeros.claims.paper import paper
from verify import Check

Formula = Callable[..., Any]


def sigmoid(x: sp.Expr) -> sp.Expr:
    """σ(x) = 1/(1 + e^{−x})."""
    return 1 / (1 + sp.exp(-x))


@paper.claim(
    "Section 8.5, Appendix 5",
    tags=("identity",),
    mutants={
        "σ²": {"curvature": lambda x: sigmoid(x) ** 2},
        "e^{−x} at every margin": {"curvature": lambda x: sp.exp(-x)},
        "half": {"curvature": lambda x: sigmoid(x) * (1 - sigmoid(x)) / 2},
    },
)
def curvature_of_the_logistic_loss_is_a_bernoulli_variance(
    check: Check, curvature: Formula = lambda x: sigmoid(x) * (1 - sigmoid(x))
) -> None:
    r"""$f(x) = \log(1 + e^{-x})$ has $f'' = \sigma(1 - \sigma)$, at most $1/4$ and about $e^{-x}$ for large $x$."""
    x = sp.Symbol("x", real=True)
    check.proves(sp.Eq(sp.diff(sp.log(1 + sp.exp(-x)), x, 2), curvature(x)), says="f''")
    check.proves(
        sp.Eq(sp.Rational(1, 4) - curvature(x), (sp.Rational(1, 2) - sigmoid(x)) ** 2), says="1/4 − f'' is a square"
    )
    check.proves(sp.Eq(sp.limit(curvature(x) * sp.exp(x), x, sp.oo), 1), says="f'' ~ e^{−x}")


def hessian_step(margin: float) -> arb:
    """2/f''(δ) = 4(1 + cosh δ)."""
    return 4 * (1 + arb(margin).cosh())


@paper.claim(
    "Section 8.5, Fig. 13",
    tags=("identity",),
    mutants={
        "against ρ_a = π": {"radius": lambda margin: rho_a(np.array([0.0, 1.0]))},
        "1/f'' for 2/f''": {"radius": lambda margin: 2 * binary_radius(margin, 1.0)},
        "radius without the root": {"radius": lambda margin: binary_radius(margin, 1.0) ** 2},
        "as in the caption, π/√(δ² + π²)": {"radius": lambda margin: np.pi / binary_radius(margin, 1.0)},
    },
)
def hessian_step_is_over_4000_times_the_radius_at_margin_10(
    check: Check, radius: Formula = lambda margin: binary_radius(margin, 1.0)
) -> None:
    r"""At $\delta = 10$, $\Delta = 1$ the Hessian's step $2/f''$ is 4203 times the radius $\sqrt{\delta^2 + \pi^2}$,
    the paper's "$>4000\times$".

    The other readings of the figure give 14024 (against $\rho_a$) and 2102 ($1/f''$).
    """
    rho = float(radius(10.0))
    loss_argument = lambda t: 1 + (-(10 + t)).exp()  # noqa: E731
    check.certifies_value(lambda: hessian_step(10) / rho, "4203", says="2/f'' over the radius")
    check.certifies_zero_count(loss_argument, inside=0.999 * rho, count=0, says="log is analytic inside the radius")
    check.certifies_zero_count(loss_argument, inside=1.001 * rho, count=2, says="but not outside")
    margins = np.linspace(0, 12, 121)
    steps = [float(hessian_step(margin)) for margin in margins]
    radii = [float(radius(margin)) for margin in margins]
    check.table("margin", margin=margins, hessian_step=steps, radius=radii, support_radius=np.full(121, np.pi))


@paper.refuted(
    "Fig. 13, caption",
    tags=("erratum",),
    controls={"√(δ² + π²)": {"radius": lambda margin: binary_radius(margin, 1.0)}},
)
def radius_decays_with_the_margin(
    check: Check, radius: Formula = lambda margin: np.pi / binary_radius(margin, 1.0)
) -> None:
    r"""As the caption prints it, the radius at margin $\delta$ is $\pi/\sqrt{\delta^2 + \pi^2}$ and decays with
    $\delta$; in fact it grows like $\delta$.
    """
    for margin in (1.0, 10.0):
        rho = float(radius(margin))
        loss_argument = lambda t, margin=margin: 1 + (-(margin + t)).exp()  # noqa: E731
        check.certifies_zero_count(loss_argument, inside=1.001 * rho, count=2, says=f"zeros at the radius, δ={margin}")


def exact_crossover(spread: Any) -> Any:
    """Margin at which τ_H = ρ_a."""
    return sp.acosh(sp.pi * spread / 4 - 1)


def printed_crossover(spread: Any) -> Any:
    """The paper's approximation of it."""
    return sp.log(sp.pi * spread / 2)


@paper.claim(
    "Appendix 5, Eq. 47–48",
    tags=("identity", "ours"),
    mutants={
        "ln(π|Δ|)": {"approximation": lambda spread: sp.log(sp.pi * spread)},
        "ln(|Δ|/2)": {"approximation": lambda spread: sp.log(spread / 2)},
        "1/κ for 2/κ": {"exact": lambda spread: sp.acosh(sp.pi * spread / 2 - 1)},
        "e^δ for the whole curvature": {"exact": printed_crossover},
    },
)
def hessian_step_passes_the_support_radius_at_a_known_margin(
    check: Check, exact: Formula = exact_crossover, approximation: Formula = printed_crossover
) -> None:
    r"""$\tau_H = \rho_a$ at the margin $\delta^* = \operatorname{arccosh}(\pi|\Delta|/4 - 1)$, for
    $|\Delta| \ge 8/\pi$; for smaller $|\Delta|$, $\tau_H$ is longer at every margin.

    The paper's $\delta^* \approx \ln(\pi|\Delta|/2)$ is too large by exactly $2 \log(1 + e^{-\delta^*})$, hence right
    for large $|\Delta|$.
    """
    margin = sp.Symbol("delta", positive=True)
    spread = 4 * (1 + sp.cosh(margin)) / sp.pi
    curvature = spread**2 * sigmoid(margin) * (1 - sigmoid(margin))
    check.proves(sp.Eq(2 / curvature, sp.pi / spread), says="τ_H = ρ_a at the margin δ if π|Δ|/4 = 1 + cosh δ")
    check.proves(sp.Eq(sp.cosh(exact(spread)), sp.cosh(margin)), says="so δ* = arccosh(π|Δ|/4 − 1)")
    excess = sp.exp(approximation(spread)) / sp.exp(margin)
    check.proves(sp.Eq(excess, (1 + sp.exp(-margin)) ** 2), says="ln(π|Δ|/2) − δ* = 2 log(1 + e^{−δ*})")
    check.note(**{f"δ* at |Δ|={width}": float(exact(sp.Integer(width))) for width in (10, 30, 100)})
