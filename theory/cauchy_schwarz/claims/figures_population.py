"""Figures of the closed forms: where the divergence exceeds Kullback–Leibler, and what a bandwidth leaves of it."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from theory.cauchy_schwarz.claims import gaussians, kl_comparison  # noqa: F401  (the claims must be registered first)
from theory.cauchy_schwarz.claims.paper import paper
from verify.paper import Tables

ABOVE, BELOW, INK = "#D55E00", "#0072B2", "#222222"
DIMENSIONS = ("#0072B2", "#009E73", "#E69F00", "#D55E00")


@paper.figure(source="full_divergence_of_gaussians_is_at_most_both_kullback_leiblers")
def divergence_against_kl(tables: Tables) -> Figure:
    """Full Cauchy–Schwarz divergence of random Gaussian pairs against the smaller of their two KL divergences.

    250 pairs each in 1, 2 and 4 dimensions. The half convention lies below the diagonal, proved for all Gaussians;
    hence the full one below twice the KL, and many pairs lie above the KL itself.
    """
    pairs = {name: np.array(values) for name, values in tables["pairs"].items()}
    figure, axes = plt.subplots(figsize=(5.6, 4.6), layout="constrained")
    above = pairs["divergence"] > pairs["kl"]
    for is_above, color, label in ((True, ABOVE, "above KL"), (False, BELOW, "at most KL")):
        for size, marker in ((1, "o"), (2, "s"), (4, "^")):
            chosen = (above == is_above) & (pairs["dimension"] == size)
            axes.plot(
                pairs["kl"][chosen],
                pairs["divergence"][chosen],
                marker,
                color=color,
                ms=3.5,
                alpha=0.6,
                mew=0,
                label=f"d = {size}, {label} ({chosen.sum()})",
            )
    ends = np.array([pairs["kl"].min() / 2, pairs["kl"].max() * 2])
    axes.plot(ends, ends, color=INK, lw=1.2, label="KL")
    axes.plot(ends, 2 * ends, color=INK, lw=1.2, ls="--", label="2 KL, proved bound")
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="min{KL(p‖q), KL(q‖p)} (nats)",
        ylabel="divergence, full convention (nats)",
        xlim=ends,
        ylim=(pairs["divergence"].min() / 2, pairs["divergence"].max() * 3),
    )
    axes.legend(loc="lower right", fontsize=8)
    plt.close(figure)
    return figure


@paper.figure(source="full_divergence_exceeds_kl_where_p_is_narrow_and_far")
def where_the_divergence_exceeds_kl(tables: Tables) -> Figure:
    """In one dimension: the full divergence exceeds KL(p‖q) iff p is narrower than q and beyond a critical distance.

    The curve is the closed form m*(r); the cross is N(0, 1) against N(3, 4).
    """
    critical = {name: np.array(values) for name, values in tables["critical"].items()}
    figure, axes = plt.subplots(figsize=(5.6, 4.2), layout="constrained")
    axes.fill_between(critical["ratio"], critical["distance"], 1e2, color=ABOVE, alpha=0.2, lw=0)
    axes.plot(critical["ratio"], critical["distance"], color=ABOVE, lw=2)
    axes.text(0.1, 0.4, "m*(r)", color=ABOVE)
    axes.plot(0.25, 9 / 4, "x", color=INK, ms=8, mew=2)
    axes.text(0.25, 3, "N(0, 1) against N(3, 4)", color=INK, ha="center")
    axes.axvline(1, color=INK, lw=0.8, ls=":")
    axes.text(0.02, 12, "$D_{\\mathrm{full}}$ > KL(p‖q)", color=ABOVE)
    axes.text(1.3, 12, "$D_{\\mathrm{full}}$ ≤ KL(p‖q)", color=BELOW)
    axes.text(0.012, 0.05, "$D_{\\mathrm{full}}$ ≤ KL(p‖q)", color=BELOW)
    axes.set(
        xscale="log",
        yscale="log",
        xlim=(1e-2, 10),
        ylim=(1e-2, 1e2),
        xlabel="ratio of variances r = σ$_p^2$/σ$_q^2$",
        ylabel="squared distance m = δ²/σ$_q^2$",
    )
    plt.close(figure)
    return figure


@paper.figure(source="bandwidth_attenuates_the_correlation_that_an_estimator_sees")
def attenuation_by_bandwidth(tables: Tables) -> Figure:
    """What is left of the Cauchy–Schwarz mutual information in the limit of many samples, by bandwidth and dimension.

    d independent Gaussian pairs of correlation 0.9 and unit variance, isotropic Gaussian kernels. Dots mark the median
    distance between two samples, the usual bandwidth; the legend gives the share that it keeps.
    """
    curves = {name: np.array(values) for name, values in tables["attenuation"].items()}
    median = {name: np.array(values) for name, values in tables["median"].items()}
    widths = curves.pop("bandwidth")
    figure, axes = plt.subplots(figsize=(5.8, 4.4), layout="constrained")
    for k, (color, (label, values)) in enumerate(zip(DIMENSIONS, curves.items(), strict=True)):
        share = median["seen"][k] / median["truth"][k]
        axes.plot(widths, values, color=color, lw=1.8, label=f"{label}: {100 * share:.2g} % at the dot")
        axes.axhline(median["truth"][k], color=color, lw=0.8, ls=":")
        axes.plot(median["bandwidth"][k], median["seen"][k], "o", color=color, ms=7)
    axes.plot([], [], "o", color=INK, label="median distance")
    axes.plot([], [], color=INK, lw=0.8, ls=":", label="bandwidth 0")
    axes.set(
        xscale="log",
        yscale="log",
        xlim=(widths[0], 60),
        ylim=(1e-5, 60),
        xlabel="bandwidth σ (standard deviations of one coordinate)",
        ylabel="CS mutual information, full (nats)",
    )
    axes.legend(loc="lower left")
    plt.close(figure)
    return figure
