"""Sensitivity of a regression to its inputs, and measures of dependence."""

import numpy as np
import sympy as sp
from flint import arb
from scipy.stats import norm

from theory.cauchy_schwarz.claims.paper import paper
from theory.cauchy_schwarz.mutual_information import hsic, mutual_information


def mean_squared_slope(k):
    """E h'(x)² of h = sin kx, x ~ N(0, 1)."""
    return k * k * (1 + (-2 * k * k).exp()) / 2


def mean_slope(k):
    """|E h'(x)|."""
    return k * (-k * k / 2).exp()


def mean_absolute_slope(k):
    """At least this much is E|h'(x)|, as h'² ≤ k|h'|."""
    return mean_squared_slope(k) / k


def deviation(k):
    """√Var h(x)."""
    return ((1 - (-2 * k * k).exp()) / 2).sqrt()


STEIN = {"sensitivity": mean_slope, "bound": deviation}
POINCARE = {"sensitivity": lambda k: deviation(k) * deviation(k), "bound": mean_squared_slope}


@paper.refuted(
    "robustness, corollary on a bound by the mutual information",
    tags=("inequality", "erratum"),
    controls={"Stein: |E h'| ≤ √Var h": STEIN, "Poincaré: Var h ≤ E h'²": POINCARE},
    mutants={
        "any other constant, e.g. 10⁶": {"bound": lambda k: arb(10**6), "reach": 1e7},
        "Stein with the absolute value inside": {"bound": deviation},
    },
)
def sensitivity_is_at_most_a_multiple_of_the_dependence(
    check, sensitivity=mean_absolute_slope, bound=lambda k: arb(1000), reach=1e4
):
    r"""$\mathbb{E}|h(x + \delta) - h(x)| \le C r\,\mathrm{HSIC}(x; h) + o(r)$ for $|\delta| \le r$, $x \sim N(0, 1)$,
    with $C = 1000$ independent of $h$.

    False for any $C$: $h = \sin kx$ has $\mathbb{E}|h'| \ge k/2$, while $\mathrm{HSIC} \le 1$ for kernels in $[0, 1]$;
    and as its values spread over all phases, HSIC and $I_{\text{CS}}$ fall with $k$. What is true: Stein's
    $|\mathbb{E}\,h(x + \delta) - \mathbb{E}\,h(x)| \le r \sqrt{\mathrm{Var}\,h} + o(r)$, with the absolute value
    outside, and Poincaré's inequality, which bounds the variance by the slope. Certified for $1 \le k \le 10^4$; the
    numbers are of 2,000 quantiles.
    """
    k, x = sp.Symbol("k", positive=True), sp.Symbol("x", real=True)
    weight = sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi)
    square = sp.integrate(sp.cos(2 * k * x) * weight, (x, -sp.oo, sp.oo))
    check.proves(sp.Eq(sp.simplify(square - sp.exp(-2 * k**2)), 0), says="E cos 2kx, for the moments of sin kx")
    check.certifies(lambda k: bound(k) - sensitivity(k), over={"k": (1, reach)}, says="h = sin kx, r → 0")

    points = norm.ppf((np.arange(2000) + 0.5) / 2000)
    for name, dependence in (("hsic", hsic), ("information", mutual_information)):
        found = {str(k): float(dependence(points, np.sin(k * points), 1.0, 1.0)) for k in (1, 4, 16, 64)}
        check.note(**{name: found})
    check.note(mean_absolute_slope={str(k): float(np.abs(k * np.cos(k * points)).mean()) for k in (1, 4, 16, 64)})
