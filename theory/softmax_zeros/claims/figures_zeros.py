"""Figures of the zeros, of their nearest modulus and of its lower bounds."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from theory.softmax_zeros.claims import binary, networks, zeros  # noqa: F401  (the claims must be registered first)
from theory.softmax_zeros.claims.paper import paper
from verify.paper import Tables

EXACT, SUPPORT, TOP_TWO, INK = "#0072B2", "#009E73", "#D55E00", "#222222"


@paper.figure(source="no_zero_within_pi_over_the_slope_spread")
def zeros_in_the_plane(tables: Tables) -> Figure:
    """Zeros of F(t) = 5 + 3e^t + 2e^{3t}, the free strip and disc of Theorem 4.6, and the exact radius."""
    radii = {name: values[0] for name, values in tables["radii"].items()}
    figure, axes = plt.subplots(figsize=(6.4, 5.2), layout="constrained")
    axes.axhspan(-radii["support"], radii["support"], color=SUPPORT, alpha=0.15, lw=0, label="strip |Im t| < π/Δ")
    turn = np.linspace(0, 2 * np.pi, 400)
    axes.add_patch(Circle((0, 0), radii["exact"], fc=EXACT, alpha=0.15, lw=0))
    for name, colour, style, label in (
        ("support", SUPPORT, "-", f"$|t| = ρ_a = π/Δ = {radii['support']:.3f}$"),
        ("exact", EXACT, "-", f"$|t| = ρ^* = {radii['exact']:.3f}$"),
        ("top_two", TOP_TWO, "--", f"top-two formula, {radii['top_two']:.3f}"),
    ):
        axes.plot(radii[name] * np.cos(turn), radii[name] * np.sin(turn), style, color=colour, lw=1.6, label=label)
    axes.plot(tables["zeros"]["re"], tables["zeros"]["im"], "x", color=INK, ms=7, mew=1.8, label="zeros of F")
    axes.plot(0, 0, "+", color=INK, ms=9)
    axes.set(xlim=(-4, 4), ylim=(-5.6, 5.6), aspect="equal", xlabel="Re t  (step length)", ylabel="Im t  (step length)")
    axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
    plt.close(figure)
    return figure


METHODS = {
    "support": ("π/Δ (Theorem 4.6)", SUPPORT, 4),
    "dominance": ("dominance", "#CC79A7", 2.8),
    "dominance_exact": ("exact dominance", EXACT, 1.8),
    "variance": ("variance", "#E69F00", 2.8),
    "best": ("both together", INK, 1),
}


@paper.figure(source="exact_dominance_is_nearly_tight_on_trained_networks")
def bounds_on_networks(tables: Tables) -> Figure:
    """Share of training samples whose lower bound is at most a given fraction of the exact radius, along −∇.

    Early in the linear model no class has a majority: both dominance bounds are then π/Δ, and the lines coincide.
    """
    figure, grid = plt.subplots(2, 2, figsize=(8, 6), sharex=True, sharey=True, layout="constrained")
    titles = {"linear": "linear model", "mlp": "MLP 64-128-128-10"}
    for axes, (network, stage) in zip(grid.flat, ((n, s) for n in titles for s in ("early", "late")), strict=True):
        columns = tables[f"{network}_{stage}_descent"]
        for method, (label, colour, width) in METHODS.items():
            share = np.arange(1, len(columns[method]) + 1) / len(columns[method])
            axes.plot(np.sort(columns[method]), share, color=colour, lw=width, label=label)
        axes.set_title(f"{titles[network]}, {stage} in training", fontsize=10)
        axes.set(xlim=(0, 1.01), ylim=(0, 1.01), xticks=[0, 0.2, 0.4, 0.6, 0.8, 1])
    figure.supxlabel("lower bound / ρ*", fontsize=10)
    figure.supylabel("share of samples at or below", fontsize=10)
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside right center")
    plt.close(figure)
    return figure


@paper.figure(source="binary_radius_is_the_nearest_zero")
def binary_radius_surface(tables: Tables) -> Figure:
    """The two-class radius ρ* = √(δ² + π²)/|Δ| over logit gap and slope spread."""
    columns = {name: np.array(values) for name, values in tables["surface"].items()}
    gaps, spreads = np.unique(columns["gap"]), np.unique(columns["spread"])
    radii = columns["radius"].reshape(len(spreads), len(gaps))
    figure, axes = plt.subplots(figsize=(6.4, 4.4), layout="constrained")
    mesh = axes.pcolormesh(gaps, spreads, radii, norm="log", cmap="viridis", shading="gouraud", rasterized=True)
    lines = axes.contour(gaps, spreads, radii, levels=[0.2, 0.5, 1, 2, 5, 10, 20, 50], colors="white", linewidths=1)
    axes.clabel(lines, fmt="%g", fontsize=9)
    axes.set_yscale("log")
    axes.set(xlabel="logit gap δ", ylabel="slope spread |Δ|  (per step length)")
    axes.grid(False)
    figure.colorbar(mesh, label="radius ρ*  (step length)")
    plt.close(figure)
    return figure
