"""Figures of the HCIZ integral and of correlation traps."""

import numpy as np
from matplotlib.figure import Figure

from theory.setol.claims import free_probability, random_matrices  # noqa: F401  (register the claims behind the figures)
from theory.setol.claims.paper import paper
from verify.paper import Tables


@paper.figure(source="hciz_integral_tends_to_the_integrated_r_transform_up_to_a_threshold")
def hciz_integral_against_the_integrated_r_transform(tables: Tables) -> Figure:
    r"""The rank-one HCIZ integral of a Marchenko–Pastur spectrum (q = ¼, N = 800) against its limits.

    Above: the exact contour integral, the limit with its threshold, and ½ ∫ R over [0, 2θ]. Below: what each is off.
    Beyond 2θ = G(λ₊) = 4/3 (dashed) the integrated R-transform leaves the integral; R itself has its pole at 2θ = 4.
    The limit is off by θ times the gap between λ₊ and the largest of the 800 quantiles.
    """
    table = {name: np.asarray(column) for name, column in tables["hciz"].items()}
    figure = Figure(figsize=(6, 5.5))
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1.3))
    above.plot(table["theta"], table["exact"], "k", linewidth=3, alpha=0.3, label="exact, $N = 800$")
    for axes, reference in ((above, 0 * table["theta"]), (below, table["exact"])):
        axes.plot(table["theta"], table["limit"] - reference, "C0", label="limit with its threshold")
        axes.plot(table["theta"], table["printed"] - reference, "C3--", label="½ ∫ R over [0, 2θ], as printed")
        axes.axvline(table["threshold"][0], color="0.4", linestyle="--", linewidth=1)
    above.text(table["threshold"][0] + 0.02, 0.05, "$2θ = G(λ_+)$", color="0.3")
    above.set(ylabel=r"$I_N(θ) = \frac{1}{N} \ln E\, e^{Nθ u^T A u}$")
    above.legend(loc="upper left", frameon=True, framealpha=1, edgecolor="none")
    below.axhline(0, color="k", linewidth=3, alpha=0.3)
    below.set(xlabel="θ (inverse units of the eigenvalues)", ylabel="minus exact", ylim=(-0.05, 0.4))
    return figure


@paper.figure(source="trap_rule_sees_a_single_huge_entry")
def power_of_trap_rules(tables: Tables) -> Figure:
    r"""How often a mean m added to normal entries of variance 1 (100 × 60) counts as a correlation trap.

    Our rule at level 1 % (false alarms at m = 0 included) and WeightWatcher's λ₊ + √Δ, on the same matrices. The mean
    is a spike of size m√M, which leaves the bulk of a large matrix beyond q^{1/4} (dashed).
    """
    table = {name: np.asarray(column) for name, column in tables["power"].items()}
    figure = Figure(figsize=(6, 4))
    axes = figure.subplots()
    axes.axvline(table["threshold"][0], color="0.4", linestyle="--", linewidth=1)
    axes.text(table["threshold"][0] - 0.03, 0.6, "$q^{1/4}$", ha="right", color="0.3")
    axes.plot(table["spike"], table["ours"], "o-", label="Tracy–Widom, level 1 %")
    axes.plot(table["spike"], table["weightwatcher"], "s--", label="WeightWatcher's $λ_+ + \\sqrt{Δ}$")
    axes.set(
        xlabel="spike $m\\sqrt{M}$ (standard deviations of an entry)",
        ylabel=f"share of {table['matrices'][0]} matrices with a trap",
    )
    axes.legend(loc="lower right")
    return figure
