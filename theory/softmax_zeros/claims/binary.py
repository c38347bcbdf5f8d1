"""Two classes: the zeros are known in closed form (Section 4, Theorem 4.3)."""

import hypothesis.strategies as st
import numpy as np
import sympy as sp
from flint import acb, arb

from theory.softmax_zeros.bounds import binary_radius
from theory.softmax_zeros.claims.paper import paper

REAL_GAP = st.floats(-1e4, 1e4)
SPREAD = st.floats(1e-6, 1e6)


def zero(gap, spread, k=0):
    """The k-th zero t = (δ + iπ(2k+1))/Δ of w₁ + w₂ e^{Δt}, δ = log(w₁/w₂)."""
    return (gap + sp.I * sp.pi * (2 * k + 1)) / spread


@paper.claim(
    "Theorem 4.3, Eq. 10",
    tags=("identity",),
    mutants={
        "even multiples of π": {"zeros": lambda gap, spread, k: (gap + 2 * sp.I * sp.pi * k) / spread},
        "half the gap": {"zeros": lambda gap, spread, k: zero(gap / 2, spread, k)},
    },
)
def zeros_are_log_odds_plus_odd_multiples_of_i_pi(check, zeros=zero):
    r"""Two classes with $\Delta \ne 0$: $F$ vanishes exactly at $t = (\delta + i\pi(2k+1))/\Delta$, $k$ an integer."""
    gap, spread = sp.symbols("delta Delta", real=True, nonzero=True)
    k = sp.Symbol("k", integer=True)
    t = zeros(gap, spread, k)
    check.proves(sp.Eq(sp.exp(gap) + sp.exp(spread * t), 0), says="each is a zero")


@paper.claim(
    "Theorem 4.3, Eq. 10",
    tags=("identity",),
    mutants={
        "square root lost": {"formula": lambda gap, spread: (gap**2 + np.pi**2) / abs(spread)},
        "π 5 % too long": {"formula": lambda gap, spread: np.hypot(gap, 1.05 * np.pi) / abs(spread)},
        "half the gap": {"formula": lambda gap, spread: binary_radius(gap / 2, spread)},
    },
)
def binary_radius_is_the_nearest_zero(check, formula=binary_radius):
    r"""Two classes with $\Delta \ne 0$: the zero nearest the origin has modulus
    $\rho^* = \sqrt{\delta^2 + \pi^2}/|\Delta|$.
    """

    def is_distance_to_nearest_zero(gap, spread, sign):
        nearest = abs(acb(gap, arb.pi()) / acb(sign * spread))
        return abs(float(formula(gap, sign * spread)) / float(nearest.mid()) - 1) <= 1e-12

    check.forall(is_distance_to_nearest_zero, gap=REAL_GAP, spread=SPREAD, sign=st.sampled_from([-1, 1]))
    for gap, spread in [(0.0, 1.0), (2.0, 1.0), (-3.0, 0.7), (10.0, 2.0)]:
        rho = float(formula(gap, spread))
        f = lambda t, gap=gap, spread=spread: acb(gap).exp() + (acb(spread) * t).exp()  # noqa: E731
        check.certifies_zero_count(f, inside=0.999 * rho, count=0, says=f"none inside (δ={gap}, Δ={spread})")
        check.certifies_zero_count(f, inside=1.001 * rho, count=2, says=f"a pair outside (δ={gap}, Δ={spread})")
    gaps, spreads = (x.ravel() for x in np.meshgrid(np.linspace(-12, 12, 49), np.geomspace(0.1, 30, 40)))
    check.table("surface", gap=gaps, spread=spreads, radius=formula(gaps, spreads))


@paper.refuted(
    "listing pages of the abstract",
    tags=("erratum",),
    controls={"with the root": {"formula": lambda gap, spread: sp.sqrt(gap**2 + sp.pi**2) / spread}},
)
def radius_without_the_root_scales_like_a_radius(check, formula=lambda gap, spread: gap**2 + sp.pi**2 / spread):
    r"""As some listing pages print it, $\rho^* = \delta^2 + \pi^2/\Delta$: a step twice as fast reaches the zero in
    half the length.
    """
    gap = sp.Symbol("delta", real=True)
    spread = sp.Symbol("Delta", positive=True)
    check.proves(sp.Eq(formula(gap, 2 * spread), formula(gap, spread) / 2), says="ρ(δ, 2Δ) = ρ(δ, Δ)/2")
    check.proves(sp.Eq(formula(gap, spread), sp.Abs(zero(gap, spread))), says="ρ is the modulus of the zero")
