"""Figures of the training runs."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from theory.cauchy_schwarz.claims.paper import paper
from theory.cauchy_schwarz.claims.training import (  # noqa: F401  (the claims must be registered first)
    comparison,
    generalization,
    information_plane,
    outliers,
)
from verify.paper import Tables

LOOKS = {
    "MSE": ("#222222", "o"),
    "Huber": ("#999999", "v"),
    "Welsch": ("#56B4E9", "D"),
    "VIB": ("#E69F00", "s"),
    "NIB": ("#CC79A7", "^"),
    "HSIC": ("#009E73", "P"),
    "CS-IB": ("#D55E00", "X"),
}
"""Color and marker of each method."""


def draw_errors(axes: Axes, tables: Tables, condition: str, spread: float) -> None:
    """One line a method with bars of one standard deviation over seeds, set off sideways from one another."""
    for place, name in enumerate(LOOKS):
        columns = {key: np.array(values) for key, values in tables[name].items()}
        color, marker = LOOKS[name]
        at = columns[condition] + spread * (place - 3)
        axes.errorbar(
            at, columns["mean"], columns["sd"], color=color, marker=marker, ms=4.5, lw=1.2, capsize=2, label=name
        )


@paper.figure(source="outliers_hurt_the_written_loss_less_than_half_as_much_as_squared_error")
def robustness_to_outliers(tables: Tables) -> Figure:
    """Error on clean test targets of Bike Sharing against the share of training labels with one-sided outliers.

    Mean and standard deviation over seeds. The bounded losses, CS-IB as written and Welsch's, coincide; the bottlenecks
    that minimize squared errors fare like squared error.
    """
    figure, axes = plt.subplots(figsize=(5.8, 4.2), layout="constrained")
    draw_errors(axes, tables, "share", 0.0015)
    axes.set(
        xlabel="share of training labels spoilt by + |N(0, 10²)|",
        ylabel="RMSE on clean test targets (standard deviations)",
        yscale="log",
    )
    axes.set_yticks([0.25, 0.5, 1, 2, 4], ["0.25", "0.5", "1", "2", "4"])
    axes.minorticks_off()
    axes.legend(ncols=2)
    plt.close(figure)
    return figure


@paper.figure(source="written_loss_is_the_most_robust_to_attacks")
def robustness_to_fgsm(tables: Tables) -> Figure:
    """Error on Bike Sharing under the fast gradient sign method, by the size of the attack.

    Mean and standard deviation over seeds.
    """
    figure, axes = plt.subplots(figsize=(5.8, 4.2), layout="constrained")
    draw_errors(axes, tables, "epsilon", 0)
    axes.set(
        xlabel="attack ε on each input (standard deviations)",
        ylabel="RMSE on test targets (standard deviations)",
        ylim=(0, None),
    )
    axes.legend(ncols=2, loc="lower right")
    plt.close(figure)
    return figure


@paper.figure(source="uncompressed_written_loss_tells_more_of_the_target_than_any_other")
def information_plane_of_all_methods(tables: Tables) -> Figure:
    """Relevance against compression on Bike Sharing as β grows along each line; bars: standard deviation over seeds.

    Left as in the paper, each method in its own measure of I(x; t), which are no common currency: bounds on I (VIB,
    NIB), normalized HSIC, normalized I_CS. Right all in normalized I_CS(x; t) of representations scaled to unit
    variance, at the same bandwidths. Compression is relative to the same method at β = 0.
    """
    figure, panels = plt.subplots(1, 2, figsize=(9.2, 4.2), sharey=True, layout="constrained")
    for axes, measure, title in zip(
        panels, ("own", "common"), ("own measure of each method", "common measure"), strict=True
    ):
        for name, columns in tables.items():
            color, marker = LOOKS[name]
            axes.errorbar(
                columns[measure],
                columns["relevance"],
                columns["relevance_sd"],
                color=color,
                marker=marker,
                ms=5,
                lw=1.2,
                capsize=2,
                label=name,
            )
        axes.set(xlabel="compression 1 − I$_β$(x; t)/I$_0$(x; t)", title=title)
    panels[0].set(ylabel="relevance I(t; y) (bits)")
    panels[0].legend(loc="lower left")
    plt.close(figure)
    return figure


@paper.figure(source="networks_that_keep_less_information_generalize_better_at_equal_shape")
def information_and_generalization(tables: Tables) -> Figure:
    """Generalization gap against normalized I_CS(x; t) of networks of 1 to 4 layers, trained by squared error.

    Width goes with both, and so does the split of the data, here not taken off.
    """
    nets = {name: np.array(values) for name, values in tables["networks"].items()}
    figure, axes = plt.subplots(figsize=(5.4, 4.0), layout="constrained")
    for width, color in zip((16, 32, 64, 128), ("#E69F00", "#56B4E9", "#0072B2", "#222222"), strict=True):
        chosen = nets["width"] == width
        if chosen.any():
            axes.plot(nets["information"][chosen], nets["gap"][chosen], "o", color=color, ms=5, label=f"width {width}")
    axes.set(xlabel="normalized I$_{CS}$(x; t), bandwidths 1", ylabel="test less training RMSE (standard deviations)")
    axes.legend()
    plt.close(figure)
    return figure
