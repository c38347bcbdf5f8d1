"""Figures of the classifiers: progress, evaluations by digit, steps and stiffness, accuracy against evaluations."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from sciml.neural_de.claims.experiments import classification  # noqa: F401  (its claims must be registered first)
from sciml.neural_de.claims.paper import paper
from verify.paper import Tables

SHARES = (
    "evaluations in a solve / no penalty",
    "points of accuracy gained",
    "field evaluations in training / no penalty",
)
PRINTED = {
    "ER": (177 / 253, 97.32 - 97.94, 0.82 / 0.98),
    "SR": (259 / 253, 98.08 - 97.94, 1.24 / 0.98),
    "local": (182.849 / 303.559, 97.49 - 97.61, 1.12 / 0.54),
    "STEER": (265 / 253, 0.0, 1.31 / 0.98),
}
"""For MNIST, with hours for evaluations in training; "local" in arXiv 2303.02262."""
NAMES = {
    "vanilla": ("no penalty", "#222222", "o"),
    "ER": ("error (ER)", "#0072B2", "s"),
    "ER2": ("squared error (ER²)", "#56B4E9", "D"),
    "SR": ("stiffness (SR)", "#D55E00", "^"),
    "local": ("one local estimate", "#009E73", "v"),
    "TayNODE": ("Taylor, K = 3", "#CC79A7", "P"),
    "STEER": ("random end time (STEER)", "#888888", "X"),
}


@paper.figure(source="taylor_penalty_costs_more_in_training_than_it_saves")
def progress_of_all_methods(tables: Tables) -> Figure:
    """Evaluations of the field and accuracy on the validation part after each epoch, and field evaluations in training.

    One seed, on a part of the training images; one λ each. The right panel counts forward and backward evaluations of
    the whole training; Taylor's count tangents as one.
    """
    figure, (above, middle, right) = plt.subplots(1, 3, figsize=(12.0, 4.2), layout="constrained")
    for kind, (label, colour, marker) in NAMES.items():
        run = tables[f"progress, {kind}"]
        above.plot(run["epoch"], run["evaluations"], marker=marker, ms=4, lw=1.3, color=colour, label=label)
        middle.plot(run["epoch"], run["accuracy"], marker=marker, ms=4, lw=1.3, color=colour)
    kinds = list(NAMES)[::-1]
    costs = [tables[f"cost, {kind}"]["cost"][0] / tables["cost, vanilla"]["cost"][0] for kind in kinds]
    bars = right.barh([NAMES[kind][0] for kind in kinds], costs, color=[NAMES[kind][1] for kind in kinds])
    right.bar_label(bars, fmt="%.2f", padding=3, fontsize=8)
    right.axvline(1, color="#222222", lw=0.8, ls=":")
    right.set(xlabel="field evaluations in training / no penalty", xlim=(0, 1.15 * max(costs)))
    above.set(xlabel="epoch", ylabel="evaluations in a solve", ylim=(0, None))
    middle.set(xlabel="epoch", ylabel="right on the validation part, %")
    figure.legend(loc="outside upper center", ncols=4, fontsize=9)
    plt.close(figure)
    return figure


@paper.figure(source="error_regularization_chosen_on_a_validation_part_keeps_the_accuracy")
def every_method_beside_no_penalty(tables: Tables) -> Figure:
    """What each penalty leaves of the evaluations in a solve and in training, and the accuracy gained on the test part.

    A filled mark for each seed. Open diamonds are printed for MNIST, in the right panel for hours of training.
    """
    results = {
        kind: np.array([tables[name][column] for column in ("evaluations", "accuracy", "cost")])
        for kind in NAMES
        if (name := f"results, {kind}") in tables
    }
    plain = results.pop("vanilla")
    figure, axes = plt.subplots(1, 3, figsize=(12.0, 3.4), sharey=True, layout="constrained")
    for row, (kind, found) in enumerate(results.items()):
        _, colour, marker = NAMES[kind]
        shares = np.array([found[0] / plain[0], found[1] - plain[1], found[2] / plain[2]])
        for panel, values in zip(axes, shares, strict=True):
            panel.plot(values, row + np.linspace(-0.18, 0.18, len(values)), marker, ms=6, color=colour)
        for panel, value in zip(axes, PRINTED.get(kind, ()), strict=False):
            panel.plot(value, row, "D", ms=10, mfc="none", mec="#222222")
    for panel, share, level in zip(axes, SHARES, (1, 0, 1), strict=True):
        panel.axvline(level, color="#222222", lw=0.8, ls=":")
        panel.set(xlabel=share)
        panel.margins(x=0.12, y=0.18)
    axes[0].set(yticks=range(len(results)), yticklabels=[NAMES[kind][0] for kind in results])
    axes[0].set_xlim(left=0)
    axes[0].invert_yaxis()
    plt.close(figure)
    return figure


@paper.figure(source="error_regularization_needs_at_most_half_the_evaluations")
def evaluations_by_digit(tables: Tables) -> Figure:
    """Evaluations of the field for test images solved one at a time, by digit, without and with the error in the loss.

    Areas of the discs are shares of a digit's images.
    """
    figure, axes = plt.subplots(figsize=(7.2, 4.2), layout="constrained")
    for name, shift in (("vanilla", -0.15), ("ER", 0.15)):
        label, colour, _ = NAMES[name]
        table = tables[f"digits, {name}"]
        pairs, counts = np.unique(np.column_stack([table["digit"], table["evaluations"]]), axis=0, return_counts=True)
        each = len(table["digit"]) / 10
        axes.scatter(pairs[:, 0] + shift, pairs[:, 1], s=220 * counts / each, color=colour, alpha=0.8, lw=0)
        axes.scatter([], [], s=60, color=colour, label=label)
    axes.set(xlabel="digit", ylabel="evaluations in a solve", xticks=range(10), ylim=(0, None))
    axes.legend(loc="lower left", fontsize=9, ncols=2)
    plt.close(figure)
    return figure


@paper.figure(source="error_regularization_needs_at_most_half_the_evaluations")
def steps_and_stiffness_with_and_without_the_error_in_the_loss(tables: Tables) -> Figure:
    """Step sizes and stiffness estimates S along the solve of the whole test part."""
    figure, (above, below) = plt.subplots(2, 1, figsize=(6.4, 5.2), sharex=True, layout="constrained")
    for name in ("vanilla", "ER"):
        label, colour, marker = NAMES[name]
        steps = {column: np.array(values) for column, values in tables[f"track, {name}"].items()}
        edges = np.append(steps["t"], steps["t"][-1] + steps["h"][-1])
        above.stairs(steps["h"], edges, baseline=None, color=colour, lw=1.8, label=label)
        below.plot(steps["t"], steps["stiffness"], marker=marker, ms=4, color=colour, lw=1.2)
    above.set(ylabel="step size h", ylim=(0, None))
    below.set(ylabel="stiffness estimate S, 1/time", xlabel="time t", ylim=(0, None))
    above.legend(fontsize=9)
    plt.close(figure)
    return figure


@paper.figure(source="error_regularization_chosen_on_a_validation_part_keeps_the_accuracy")
def accuracy_against_evaluations(tables: Tables) -> Figure:
    """Accuracy and evaluations on the validation part for every λ, means over seeds; rings mark the chosen λ."""
    figure, axes = plt.subplots(figsize=(6.4, 4.6), layout="constrained")
    for kind, (label, colour, marker) in NAMES.items():
        if (front := tables.get(f"front, {kind}")) is None:
            continue
        points = {column: np.array(values) for column, values in front.items()}
        axes.plot(points["evaluations"], points["accuracy"], marker=marker, ms=6, lw=1, color=colour, label=label)
        ring = points["chosen"] > 0
        axes.plot(points["evaluations"][ring], points["accuracy"][ring], "o", ms=14, mfc="none", mec=colour, lw=1)
    axes.set(xlabel="evaluations in a solve", ylabel="right on the validation part, %")
    figure.legend(fontsize=8, loc="outside lower center", ncols=3)
    plt.close(figure)
    return figure
