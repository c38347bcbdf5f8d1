"""Figures of single steps: random directions, six architectures, and what r < 1 guarantees."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from theory.softmax_zeros.claims.paper import paper
from theory.softmax_zeros.claims.training import architectures, guarantees, random_directions  # noqa: F401  (register)
from verify.paper import Tables

STEP = "normalised step $r = τ/ρ_a$ (dimensionless)"


def mark_radius(axes: Axes) -> None:
    """A line at r = 1."""
    axes.axvline(1, color="0.4", linestyle=":", linewidth=1)


@paper.figure(source="figure_8_is_reproduced_to_the_printed_digit")
def steps_along_gradient_and_random_directions(tables: Tables) -> Figure:
    r"""Figure 8 reproduced, with the descent direction added: a linear digits model at three stages of training.

    The paper's "gradient" direction is +∇, uphill. Band: 10th to 90th percentile of 20 random directions.
    """
    figure = Figure(figsize=(11, 6), layout="constrained")
    panels = figure.subplots(2, 3, sharex=True, sharey="row")
    for (stage, table), (above, below) in zip(tables.items(), panels.T, strict=True):
        r = table["r"]
        for axes, name, scale in ((above, "loss", 1), (below, "flips", 100)):
            value = {key: scale * np.asarray(column) for key, column in table.items()}
            axes.fill_between(r, value[f"{name}_low"], value[f"{name}_high"], color="C0", alpha=0.2, linewidth=0)
            axes.semilogx(r, value[f"{name}_random"], "C0", label="random, median")
            axes.semilogx(r, value[f"{name}_ascent"], "C3", label="gradient, +∇ (as in the paper)")
            axes.semilogx(r, value[f"{name}_descent"], "C2--", label="descent, −∇")
            mark_radius(axes)
        above.set(title=f"{stage}: {random_directions.STAGES[stage]} steps", ylim=(0, 8))
        below.set(xlabel=STEP, ylim=(0, 100))
    panels[0, 0].set_ylabel("loss after / loss before")
    panels[1, 0].set_ylabel("predictions changed (%)")
    panels[0, 0].legend(loc="upper left", fontsize=8)
    return figure


@paper.figure(source="converged_networks_keep_their_accuracy_below_r_1")
def one_step_from_converged_networks(tables: Tables) -> Figure:
    r"""Figures 1 and 7: six converged networks after one step down (solid) or up (dashed) the gradient; test set.

    Accuracy is kept for r < 1 and lost between about 3 and 50; the loss moves well before.
    """
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for k, (name, table) in enumerate(tables.items()):
        for way, style in (("down", "-"), ("up", "--")):
            label = name if way == "down" else None
            left.semilogx(table["r"], 100 * np.asarray(table[f"kept_{way}"]), style, color=f"C{k}", label=label)
            right.loglog(table["r"], table[f"loss_{way}"], style, color=f"C{k}", label=label)
    for axes in (left, right):
        mark_radius(axes)
        axes.set_xlabel(STEP)
    left.set(ylabel="test accuracy kept (% of that before)", ylim=(0, 105))
    right.set(ylabel="test loss after / loss before", ylim=(0.3, 1e4))
    left.legend(loc="lower left", title="solid: −∇, dashed: +∇")
    return figure


def accuracy_panel(
    axes: Axes, title: str, table: Mapping[str, list[float]], columns: dict[str, tuple[str, str]]
) -> None:
    """Percentages against r; columns by name with style and label."""
    for column, (style, label) in columns.items():
        axes.plot(table["r"], 100 * np.asarray(table[column]), style, label=label)
    axes.set(title=title, ylim=(0, 104), xlim=(0, 1))
    axes.legend(loc="lower left", fontsize=8)


@paper.figure(source="confident_networks_keep_their_accuracy")
def what_r_below_1_guarantees(tables: Tables) -> Figure:
    r"""What r < 1 guarantees, on digits: predictions with margins above rπ, and nothing about the loss.

    Above: accuracy after one step (solid) against the guaranteed share, that of correct samples with margins above rπ
    (dashed): a theorem for linear models. Below: the training loss against the certified bound. The loss may be trusted
    up to the certified step, where the bound is back at 1. Right: a model with one bias that fails inside the radius.
    """
    figure = Figure(figsize=(12, 7), layout="constrained")
    (confident, early, unsure), (loss_late, loss_early, bias) = figure.subplots(2, 3)
    for k, name in enumerate(("linear", "MLP")):
        confident.plot(tables[name]["r"], 100 * np.asarray(tables[name]["accuracy"]), f"C{k}-", label=f"{name}, −∇")
        confident.plot(
            tables[name]["r"], 100 * np.asarray(tables[name]["saved"]), f"C{k}--", label=f"{name}, guaranteed"
        )
    confident.set(title="confident: converged networks", ylim=(0, 104), ylabel="training accuracy (%)")
    confident.legend(loc="lower left", fontsize=8)
    ways = {"descent": ("C2-", "−∇"), "random": ("C0-", "random, median"), "ascent": ("C3-", "+∇")}
    accuracy_panel(early, "early: linear model after 30 steps", tables["early"], ways)
    early.plot(
        tables["linear early"]["r"], 100 * np.asarray(tables["linear early"]["saved"]), "k--", label="guaranteed"
    )
    early.legend(loc="upper right", fontsize=8, ncols=2)
    settings = {name: (f"C{k}-", name) for k, name in enumerate(guarantees.UNSURE)}
    accuracy_panel(unsure, "unsure: smoothed or random labels, −∇", tables["unsure"], settings)
    unsure.set_ylabel("training accuracy kept (%)")
    early.set_ylabel("training accuracy (%)")
    for axes, name, title in (
        (loss_late, "linear", "loss, converged linear model, −∇"),
        (loss_early, "linear early", "loss, linear model after 30 steps, −∇"),
    ):
        table = tables[name]
        axes.plot(table["r"], table["loss"], "C0", label="loss")
        axes.plot(table["r"], table["bound"], "C1--", label="certified bound")
        axes.axhline(1, color="0.4", linewidth=1)
        certified = table["certified_r"][0]
        if certified < 1:
            axes.axvline(certified, color="C1", linestyle=":")
            axes.text(certified + 0.01, 0.53, f"certified step, r = {certified:.2f}", color="C1", fontsize=8)
        else:
            axes.text(0.02, 0.53, f"certified step, r = {certified:.2f}: beyond the radius", color="C1", fontsize=8)
        axes.set(title=title, ylim=(0.5, 1.6), ylabel="training loss after / before")
        axes.legend(loc="upper left", fontsize=8)
    table = tables["one bias"]
    bias.plot(table["r"], table["accuracy"], "C0", label="accuracy (share)")
    bias.plot(table["r"], table["loss"], "C3", label="loss (nats)")
    bias.set(title="fails: one bias, margin 3 < π, −∇", ylim=(0, 1.02), ylabel="accuracy (share), loss (nats)")
    bias.legend(loc="lower left", fontsize=8)
    for axes in figure.axes:
        axes.set(xlabel=STEP, xlim=(0, 1))
    return figure
