"""Figures of the neural SDEs: progress and steps of the classifiers, and the cost of the spiral itself."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sciml.neural_de.claims.experiments import sde_classification, sde_spiral  # noqa: F401  (registers the claims)
from sciml.neural_de.claims.paper import paper
from verify.paper import Tables

METHODS = {
    "vanilla": ("no penalty", "#222222", "o"),
    "ER": ("error (ER)", "#0072B2", "s"),
    "SR": ("stiffness (SR)", "#D55E00", "^"),
}
SOURCE = "error_regularization_of_a_neural_sde_saves_a_third_of_the_evaluations"


@paper.figure(source=SOURCE)
def progress_of_the_neural_sde(tables: Tables) -> Figure:
    """Evaluations of the drift and accuracy on the validation part after each epoch.

    A thin line for each seed, a thick one for their mean; dotted: the evaluations of a solve without drift and
    diffusion from the first step of the network with the error in its loss.
    """
    figure, panels = plt.subplots(1, 2, figsize=(9.6, 4.2), layout="constrained")
    for axes, quantity in zip(panels, ("evaluations", "accuracy"), strict=True):
        for kind, (label, colour, marker) in METHODS.items():
            table = tables[f"{quantity}, {kind}"]
            runs = np.array([values for name, values in table.items() if name != "epoch"])
            axes.plot(table["epoch"], runs.T, color=colour, lw=0.6, alpha=0.5)
            axes.plot(table["epoch"], runs.mean(0), color=colour, marker=marker, ms=4, lw=1.6, label=label)
        axes.set_xlabel("epoch")
    floor = float(np.mean(tables["results, ER"]["floor"]))
    panels[0].axhline(floor, color="#0072B2", ls=":", lw=1.2, label="no dynamics")
    panels[0].set(ylabel="evaluations in a solve", ylim=(0, None))
    panels[1].set(ylabel="right on the validation part, %")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=4, fontsize=9)
    plt.close(figure)
    return figure


@paper.figure(source=SOURCE)
def steps_of_a_neural_sde(tables: Tables) -> Figure:
    """Step sizes along a solve of the whole test part, without and with the error in the loss.

    Dotted: steps that grow by 9/8 each, as fast as the controller lets them. The last step ends at t = 1.
    """
    figure, axes = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
    for kind in ("vanilla", "ER"):
        label, colour, marker = METHODS[kind]
        t, h = (np.array(tables[f"steps, {kind}"][column]) for column in ("t", "h"))
        axes.plot(t, h, marker, color=colour, ms=4, label=label)
    axes.plot(t[:-1], h[0] + t[:-1] / 8, ":", color=colour, lw=1.2)
    axes.set(xlabel="time t", ylabel="step size h", yscale="log")
    axes.legend(loc="lower right", fontsize=9)
    plt.close(figure)
    return figure


@paper.figure(source=SOURCE)
def accuracy_against_evaluations_of_a_neural_sde(tables: Tables) -> Figure:
    """Accuracy on the validation part against the evaluations in a solve, for every λ that was tried.

    Means over the seeds with which λ is chosen; the ring is the choice.
    """
    figure, axes = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
    for kind in ("vanilla", "ER"):
        label, colour, marker = METHODS[kind]
        table = {column: np.array(values) for column, values in tables[f"trials, {kind}"].items()}
        axes.plot(table["evaluations"], table["accuracy"], marker, ls="-", color=colour, ms=6, lw=1, label=label)
        for x, y, coefficient in zip(table["evaluations"], table["accuracy"], table["coefficient"], strict=True):
            if coefficient:
                axes.annotate(f"λ = {coefficient:g}", (x, y), xytext=(4, 7), textcoords="offset points", fontsize=8)
        ring = table["chosen"] > 0
        axes.plot(table["evaluations"][ring], table["accuracy"][ring], "o", ms=13, mfc="none", mec=colour)
    axes.set(xlabel="evaluations in a solve", ylabel="right on the validation part, %")
    axes.margins(x=0.15, y=0.2)
    axes.set_xlim(left=0)
    axes.legend(loc="upper left", fontsize=9)
    plt.close(figure)
    return figure


PRINTED = (("no penalty", 528.67, 6.11, "#222222"), ("error or stiffness", 502.0, 4.0, "#0072B2"))
"""Evaluations of the networks of Table 3, means and standard deviations."""


@paper.figure(source="the_spiral_itself_takes_the_evaluations_that_are_printed_with_a_penalty")
def evaluations_of_the_spiral_sde(tables: Tables) -> Figure:
    """Evaluations of the drift for the spiral itself, one dot for each Brownian path of 100 trajectories.

    Lines and bands: printed for networks fitted to it, mean and standard deviation of three.
    """
    evaluations = np.sort(tables["evaluations of the spiral"]["evaluations"])
    values, counts = np.unique(evaluations, return_counts=True)
    figure, axes = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
    for value, count in zip(values, counts, strict=True):
        axes.plot([value] * count, range(1, count + 1), "o", color="#009E73", ms=7)
    axes.plot([], [], "o", color="#009E73", label="the spiral itself")
    axes.axvline(float(np.median(evaluations)), color="#009E73", ls=":", label="its median")
    for label, mean, deviation, colour in PRINTED:
        axes.axvline(mean, color=colour, lw=1.2, label=f"printed, {label}")
        axes.axvspan(mean - deviation, mean + deviation, color=colour, alpha=0.15, lw=0)
    axes.set(xlabel="evaluations in a solve", ylabel="Brownian paths", ylim=(0, counts.max() + 1))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(fontsize=9, loc="outside upper center", ncols=2)
    plt.close(figure)
    return figure
