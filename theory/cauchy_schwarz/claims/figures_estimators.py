"""Figures of the estimators: what bandwidths do to the loss, normalized information above 1, and lost particles."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from theory.cauchy_schwarz.claims import (  # noqa: F401  (the claims must be registered first)
    conditional,
    mutual_information,
    particles,
)
from theory.cauchy_schwarz.claims.paper import paper
from theory.cauchy_schwarz.claims.particles import FAR, MODE
from verify.paper import Tables

INK, GREY = "#222222", "#BBBBBB"
WIDTHS = {"0.0001": "#0072B2", "0.01": "#009E73", "0.1": "#D55E00"}


@paper.figure(source="wide_output_kernel_leaves_a_smoothed_squared_error")
def limits_of_the_bandwidths(tables: Tables) -> Figure:
    """The conditional divergence in units of 1/σ_y², for residuals ±0.5 that alternate or are constant.

    200 inputs in [0, 1]. To the right the loss is a squared error, 0.25 for both if σ_x is below the distance of
    neighbours, 0.005; with wider kernels of the inputs residuals that alternate between neighbours cost nothing. To the
    left it is bounded by the kernel of the outputs.
    """
    columns = {name: np.array(values) for name, values in tables["bandwidths"].items()}
    figure, axes = plt.subplots(figsize=(6.2, 4.2), layout="constrained")
    for name, values in columns.items():
        shape, _, width = name.partition(", σ_x = ")
        if width:
            style = "-" if shape == "alternating" else "--"
            axes.plot(
                columns["bandwidth_y"], values, style, color=WIDTHS[width], lw=1.8, label=f"{shape}, σ$_x$ = {width}"
            )
    axes.axhline(0.25, color=INK, lw=0.8, ls=":", label="mean squared error")
    axes.set(
        xscale="log",
        xlim=(0.05, 20),
        xlabel="bandwidth of the outputs σ$_y$",
        ylabel="σ$_y^2$ · conditional divergence",
    )
    axes.legend(loc="center right", fontsize=8)
    plt.close(figure)
    return figure


@paper.figure(source="normalized_information_is_at_most_one")
def normalized_information_above_one(tables: Tables) -> Figure:
    """Normalized mutual information of x = (0, 0, x₃) and t = (0, 0, t₃) with bandwidths 1: above 1 off the diagonal.

    The largest value is that of a point near the others in x and far from them in t, though x and t are functions of
    each other.
    """
    surface = {name: np.array(values) for name, values in tables["surface"].items()}
    places = np.unique(surface["x"])
    values = surface["value"].reshape(len(places), len(places))
    figure, axes = plt.subplots(figsize=(5.4, 4.4), layout="constrained")
    shown = axes.contourf(places, places, values, levels=np.linspace(0.99, 1.24, 11), cmap="viridis")
    axes.plot(0.05, 6, "x", color="white", ms=9, mew=2)
    axes.text(0.06, 5.6, "1.214", color="white", va="top")
    axes.plot([places[0], places[-1]], [places[0], places[-1]], color="white", lw=0.8, ls=":")
    axes.set(xscale="log", yscale="log", xlabel="x₃ (bandwidths)", ylabel="t₃ (bandwidths)")
    axes.grid(visible=False)
    figure.colorbar(shown, label="normalized information")
    plt.close(figure)
    return figure


@paper.figure(source="less_than_a_hundredth_is_seen_at_the_median_distance_in_eight_dimensions")
def share_seen_at_the_median_bandwidth(tables: Tables) -> Figure:
    """Share of the Cauchy–Schwarz mutual information that the estimator sees at the median distance, by dimension.

    Independent Gaussian pairs of correlation 0.9; medians of three samples.
    """
    share = {name: np.array(values) for name, values in tables["share"].items()}
    figure, axes = plt.subplots(figsize=(5.0, 3.8), layout="constrained")
    axes.plot(share["dimension"], 100 * share["share"], "o-", color=WIDTHS["0.0001"], lw=1.8)
    axes.set(xscale="log", yscale="log", xlabel="dimension of x and of t", ylabel="estimate / information (%)")
    axes.set_xticks(share["dimension"], [f"{d:g}" for d in share["dimension"]])
    axes.minorticks_off()
    plt.close(figure)
    return figure


@paper.figure(source="nineteen_of_twenty_particles_reach_a_mode_at_bandwidth_one")
def lost_particles(tables: Tables) -> Figure:
    """Particles from N(0, I) after 300 steps down the divergence from two Gaussians, and the divergence on the way.

    Left: bandwidth 1 throughout. Middle: bandwidth from 4 to 1 in 250 steps. Crosses are particles farther than 4 from
    both modes.
    """
    figure, panels = plt.subplots(1, 3, figsize=(11.0, 3.7), layout="constrained")
    targets = {name: np.array(values) for name, values in tables["targets"].items()}
    for axes, kind, title in zip(panels, ("fixed", "narrowed"), ("bandwidth 1", "bandwidth 4 to 1"), strict=False):
        x, y = (np.array(tables[kind][name]) for name in "xy")
        lost = np.minimum(np.hypot(x - MODE, y - MODE), np.hypot(x + MODE, y + MODE)) > FAR
        axes.plot(targets["x"], targets["y"], "o", color=GREY, ms=3, mew=0, label="targets")
        axes.plot(x[~lost], y[~lost], "o", color=WIDTHS["0.0001"], ms=3, mew=0, alpha=0.7, label="particles")
        axes.plot(x[lost], y[lost], "x", color=WIDTHS["0.1"], ms=5, label=f"lost ({100 * lost.mean():.1f} %)")
        axes.set(xlim=(-27, 27), ylim=(-27, 27), xlabel="first coordinate", ylabel="second coordinate", title=title)
        axes.set_aspect("equal")
        axes.legend(loc="upper left", fontsize=8)
    for kind, color, label in (("fixed", WIDTHS["0.1"], "bandwidth 1"), ("narrowed", WIDTHS["0.0001"], "4 to 1")):
        panels[2].plot(tables["path"]["step"], tables["path"][kind], color=color, lw=1.8, label=label)
    panels[2].set(yscale="log", xlabel="step", ylabel="divergence at bandwidth 1 (nats)")
    panels[2].legend()
    plt.close(figure)
    return figure
