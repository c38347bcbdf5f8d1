"""Figures of the stochastic methods: strong and weak orders, and the spiral's moments against its data."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from sciml.neural_de.claims import sde_orders, spiral_sde  # noqa: F401  (the claims must be registered first)
from sciml.neural_de.claims.paper import paper
from verify.paper import Tables

BLUE, ORANGE, GREEN, PURPLE, INK, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#222222", "#888888"

STYLES = {
    "Euler": ("Euler–Maruyama", GREY, "v-"),
    "Milstein": ("Milstein", INK, "^-"),
    "sriw1": ("SRIW1", GREEN, "s-"),
    "sriw2": ("SRIW2", PURPLE, "D-"),
    "sosri": ("SOSRI", BLUE, "o-"),
    "sosri2": ("SOSRI2", ORANGE, "x-"),
}


@paper.figure(source="strong_order_is_three_halves")
def strong_orders(tables: Tables) -> Figure:
    """Mean error E|X_1 − X(1)| on the same 2,000 paths against the number of steps, for two equations.

    Dotted: slopes 1/2, 1 and 3/2.
    """
    table = {name: np.array(values) for name, values in tables["strong_errors"].items()}
    n = table["steps"]
    figure, panels = plt.subplots(1, 2, figsize=(9.6, 4.6), sharey=True, layout="constrained")
    titles = {"bounded": "dX = ½ sin X cos X dt + sin X dW", "reverting": "dX = (3 − X) dt + X dW"}
    for axes, (problem, title) in zip(panels, titles.items(), strict=True):
        for name, (label, colour, style) in STYLES.items():
            axes.plot(n, table[f"{name} {problem}"], style, color=colour, ms=5, lw=1.3, label=label)
        for reference, order in (("Euler", 0.5), ("Milstein", 1.0), ("sosri", 1.5)):
            start = 1.6 * table[f"{reference} {problem}"][0]
            axes.plot(n, start * (n / n[0]) ** -order, ":", color=GREY, lw=1)
            axes.annotate(f"{order:g}", (n[-1] * 1.06, start * (n[-1] / n[0]) ** -order), color=GREY, va="center")
        axes.set(xscale="log", yscale="log", xlabel="steps on [0, 1]", title=title)
        axes.set_xticks(n, [f"{k:g}" for k in n])
        axes.minorticks_off()
    panels[0].set_ylabel("mean error of X(1)")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=6, fontsize=9)
    plt.close(figure)
    return figure


@paper.figure(source="weak_errors_on_geometric_brownian_motion_have_closed_forms")
def weak_orders(tables: Tables) -> Figure:
    """Errors of the mean and of the second moment on dX = 3/2 X dt + X dW, from closed forms, without sampling."""
    table = {name: np.array(values) for name, values in tables["weak_errors"].items()}
    n = table["steps"]
    figure, panels = plt.subplots(1, 2, figsize=(9.6, 4.6), layout="constrained")
    for axes, moment, title in zip(panels, ("mean", "square"), ("mean E[X(1)]", "second moment E[X(1)²]"), strict=True):
        for name, (label, colour, style) in STYLES.items():
            axes.plot(n, table[f"{name} {moment}"], style, color=colour, ms=5, lw=1.3, label=label)
        axes.set(xscale="log", yscale="log", xlabel="steps on [0, 1]", title=title)
        axes.set_xticks(n, [f"{k:g}" for k in n])
        axes.minorticks_off()
    panels[0].set_ylabel("absolute error")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=6, fontsize=9)
    plt.close(figure)
    return figure


@paper.figure(source="spiral_data_turn_the_other_way")
def spiral_moments(tables: Tables) -> Figure:
    """The authors' spiral data (dots) against the corrected equation (lines) and the printed one (dashed).

    Means of both entries, and their variances. The printed signs mirror u2.
    """
    table = {name: np.array(values) for name, values in tables["moments"].items()}
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 4.4), layout="constrained")
    for i, colour in ((1, BLUE), (2, ORANGE)):
        left.plot(table["t"], table[f"data mean {i}"], "o", color=colour, ms=4, label=f"u{i}, data")
        left.plot(table["t"], table[f"mean {i}"], "-", color=colour, lw=1.4, label=f"u{i}, corrected signs")
        left.plot(table["t"], table[f"printed mean {i}"], "--", color=colour, lw=1.2, label=f"u{i}, printed signs")
        right.plot(table["t"], table[f"data variance {i}"], "o", color=colour, ms=4, label=f"u{i}, data")
        right.plot(table["t"], table[f"variance {i}"], "-", color=colour, lw=1.4, label=f"u{i}, corrected signs")
    left.set(xlabel="time t", ylabel="mean")
    right.set(xlabel="time t", ylabel="variance")
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=6, fontsize=9)
    plt.close(figure)
    return figure
