"""Figures of the closed forms: divergence remainders against their bound, and the Hessian's step against the radius."""

import numpy as np
from matplotlib.figure import Figure

from theory.softmax_zeros.claims import divergence, hessian  # noqa: F401  (register the claims behind the figures)
from theory.softmax_zeros.claims.paper import paper
from verify.paper import Tables


@paper.figure(source="divergence_constants_are_approached_by_two_classes")
def divergence_remainder_against_its_bound(tables: Tables) -> Figure:
    r"""Share of the bounds of Theorem A4.2 that two classes with p = (3 + √3)/6 use up.

    |KL − τ²Var/2| divided by |τ|³Δ³/(18√3) (forward) and by half of that (reverse). Both bounds are approached as
    τ → 0 and never passed. The printed proof, as labelled, gives the forward divergence the reverse bound (dotted).
    """
    table = tables["divergence"]
    figure = Figure(figsize=(6, 4))
    axes = figure.subplots()
    axes.axhline(1, color="0.4", linestyle="--", linewidth=1)
    axes.text(90, 1.02, "bound", ha="right", va="bottom", color="0.3")
    axes.semilogx(table["step"], table["forward"], label="forward, KL($P_τ$ ‖ $P_0$)")
    axes.semilogx(table["step"], table["reverse"], label="reverse, KL($P_0$ ‖ $P_τ$)")
    axes.semilogx(table["step"], table["forward_by_reverse"], "C3:", label="forward remainder / reverse bound")
    axes.set(
        xlabel="step × slope spread, $τΔ$ (dimensionless)", ylabel="remainder / bound (dimensionless)", ylim=(0, 2.15)
    )
    axes.legend(loc="lower left")
    return figure


@paper.figure(source="hessian_step_is_over_4000_times_the_radius_at_margin_10")
def hessian_step_against_the_radius(tables: Tables) -> Figure:
    r"""Two classes with margin δ and slope difference Δ = 1: the step 2/κ that the Hessian suggests, and the radii.

    The curvature κ falls like e^{−δ}, so that 2/κ is 4203 times the exact radius √(δ² + π²) at δ = 10; the support
    radius π does not see the margin.
    """
    table = {name: np.asarray(column) for name, column in tables["margin"].items()}
    figure = Figure(figsize=(6, 4))
    axes = figure.subplots()
    axes.semilogy(table["margin"], table["hessian_step"], label="Hessian's step, $2/κ$")
    axes.semilogy(table["margin"], table["radius"], label="exact radius, $ρ^* = \\sqrt{δ^2 + π^2}$")
    axes.semilogy(table["margin"], table["support_radius"], "--", label="support radius, $ρ_a = π$")
    at = int(np.searchsorted(table["margin"], 10 - 1e-9))
    low, high = table["radius"][at], table["hessian_step"][at]
    axes.annotate(
        "", (10, high), (10, low), arrowprops={"arrowstyle": "<->", "color": "0.4", "shrinkA": 0, "shrinkB": 0}
    )
    axes.text(9.8, np.sqrt(low * high), f"×{high / low:.0f}", ha="right", va="center", color="0.3")
    axes.set(xlabel="margin $δ$ (logit units)", ylabel="step length $τ$ (units of $1/Δ$)", xlim=(0, 12))
    axes.legend(loc="upper left")
    return figure
