"""Figures of training runs."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from theory.softmax_zeros.claims.paper import paper
from theory.softmax_zeros.claims.training import calibration, spikes, temperature  # noqa: F401  (registers the claims)
from theory.softmax_zeros.claims.training.spiked import SPIKE
from verify.paper import Tables

RULES = {
    "plain": ("plain Adam", "#D55E00"),
    "gradient clip": ("gradient clipped to 1", "#E69F00"),
    "cap 0.1": ("step at most 0.1", "#999999"),
    "rho_a": (r"$\rho_a$ along the step", "#009E73"),
    "exact": (r"exact radius $\rho^*$", "#0072B2"),
    "descent": ("descent certificate", "#CC79A7"),
}
SUPPORT, EXACT, INK = "#009E73", "#0072B2", "#222222"


@paper.figure(source="every_cap_on_the_step_itself_survives")
def learning_rate_spike(tables: Tables) -> Figure:
    """Adam at 0.01, multiplied by 10,000 from step 50 on, under six rules for the step; MLP 64-128-10 on digits.

    Gaps are steps of length 0, which the descent certificate takes where Adam's step would not lower the training loss.
    Last panel: the length of every step after the spike against ρ_a along it; above the line, r > 1.
    """
    figure, grid = plt.subplots(2, 2, figsize=(9.6, 6.8), layout="constrained")
    loss, accuracy, ratio, plane = grid.flat
    for rule, (label, colour) in RULES.items():
        columns = {name: np.array(values) for name, values in tables[rule].items()}
        step = columns["step"]
        loss.plot(step, columns["loss"], color=colour, lw=1.3)
        accuracy.plot(step, 100 * columns["accuracy"], color=colour, lw=1.3, label=label)
        ratio.plot(step, np.where(columns["r"] > 0, columns["r"], np.nan), ".-", color=colour, lw=1, ms=3)
        moved = (columns["r"] > 0) & (step >= SPIKE)
        tau = columns["tau"][moved]
        plane.plot(tau / columns["r"][moved], tau, ".", color=colour, ms=4, alpha=0.6)
    for axes in (loss, accuracy, ratio):
        axes.axvline(SPIKE, color=INK, lw=0.8, ls=":")
        axes.set(xlabel="step", xlim=(0, 200))
    ratio.axhline(1, color=INK, lw=1)
    plane.set(xscale="log", yscale="log", xlabel=r"$\rho_a$ along the step", ylabel=r"length $\tau$ of the step")
    plane.axline((0.1, 0.1), (1, 1), color=INK, lw=1, zorder=1)
    plane.annotate("r = 1", (0.75, 0.75), xytext=(6, -12), textcoords="offset points", fontsize=9)
    loss.set(yscale="log", ylabel="training loss of the batch (nats)")
    accuracy.set(ylabel="test accuracy (%)", ylim=(0, 101))
    ratio.set(yscale="log", ylabel=r"$r = \tau/\rho_a$ of the step taken")
    figure.legend(*accuracy.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    plt.close(figure)
    return figure


@paper.figure(source="dividing_by_the_radius_collapses_the_onsets_over_temperatures")
def temperature_fingerprint(tables: Tables) -> Figure:
    """Loss after one step along −∇ over the loss before, at eight temperatures; median over five seeds.

    Left against the length of the step, right against that length over ρ_a(T) = πT/Δ_a. Dots: where the median doubles.
    """
    figure, (raw, scaled) = plt.subplots(1, 2, figsize=(9.6, 4.2), sharey=True, layout="constrained")
    colours = plt.get_cmap("viridis")(np.linspace(0, 0.92, len(tables)))
    for (name, columns), colour in zip(tables.items(), colours, strict=True):
        ratios = np.median([values for column, values in columns.items() if column.startswith("loss_")], axis=0)
        lengths = np.median([values for column, values in columns.items() if column.startswith("tau_")], axis=0)
        for axes, steps in ((raw, lengths), (scaled, np.array(columns["r"]))):
            axes.plot(steps, ratios, color=colour, lw=1.5, label=name.replace("=", " = "))
            first = int(np.argmax(ratios >= 2))
            axes.plot(np.interp(2, ratios[first - 1 : first + 1], steps[first - 1 : first + 1]), 2, "o", color=colour)
    for axes in (raw, scaled):
        axes.axhline(2, color=INK, lw=0.8, ls=":")
        axes.set(xscale="log", yscale="log", ylim=(0.3, 300))
    scaled.axvline(1, color=INK, lw=1)
    raw.set(xlabel=r"step length $\tau$", ylabel="loss after the step / loss before")
    scaled.set(xlabel=r"$\tau/\rho_a(T) = \tau\Delta_a/(\pi T)$")
    figure.legend(*raw.get_legend_handles_labels(), loc="outside right center")
    plt.close(figure)
    return figure


@paper.figure(source="an_ordinary_run_works_at_the_edge_of_the_radius")
def radii_over_training(tables: Tables) -> Figure:
    """Radii of the batch along each step of AdamW at 0.003, the step over them, and the loss; MLP on digits."""
    run = {name: np.array(values) for name, values in tables["run"].items()}
    figure, (lengths, steps, loss) = plt.subplots(
        3, 1, figsize=(7.6, 7.2), sharex=True, height_ratios=(3, 3, 2), layout="constrained"
    )
    for name, label, colour in (("rho", r"$\rho^*$", EXACT), ("rho_a", r"$\rho_a$", SUPPORT), ("tau", r"$\tau$", INK)):
        lengths.plot(run["step"], run[name], color=colour, lw=1, label=label)
    steps.plot(run["step"], run["r"], color=SUPPORT, lw=1, label=r"$r = \tau/\rho_a$")
    steps.plot(run["step"], run["r_exact"], color=EXACT, lw=1, label=r"$\tau/\rho^*$")
    steps.axhline(1, color=INK, lw=1)
    loss.plot(run["step"], run["loss"], color=INK, lw=1)
    lengths.set(yscale="log", ylabel="length (parameter norm)")
    steps.set(ylabel="step / radius", ylim=(0, 1.4))
    loss.set(yscale="log", ylabel="batch loss (nats)", xlabel="step", xlim=(0, len(run["step"]) - 1))
    for axes in (lengths, steps):
        axes.legend(loc="upper right", ncols=3)
    plt.close(figure)
    return figure
