"""Figures of the linear model: learning curves, the phase diagram, gradient alignment, the separatrix."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from theory.early_learning.claims import (  # noqa: F401  (the claims must be registered first)
    early_phase,
    learning_curves,
    logistic_limit,
    memorization,
    separatrix,
)
from theory.early_learning.claims.paper import paper
from verify.paper import Tables

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
INK = "#222222"


def columns(tables: Tables, name: str) -> dict[str, np.ndarray]:
    """One table as arrays."""
    return {key: np.array(values, dtype=float) for key, values in tables[name].items()}


@paper.figure(source="squared_loss_learning_curve_is_known_at_all_times")
def learning_curves_against_simulation(tables: Tables) -> Figure:
    """Training examples classified by their true class under gradient flow on the squared loss, in closed form.

    Lines: closed form for n, p → ∞. Points: exact flow on samples, mean and standard deviation over seeds. Wrong labels
    are first classified truly, then memorized at times of order 1/σ².
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.9), sharex=True, layout="constrained")
    theory, simulated = columns(tables, "theory"), columns(tables, "simulated")
    settings = sorted(set(zip(theory["gamma"], theory["sigma"], theory["Delta"], strict=True)))
    for color, (gamma, sigma, Delta) in zip(COLORS, settings, strict=False):
        line, points = (
            {k: v[(t["gamma"] == gamma) & (t["sigma"] == sigma)] for k, v in t.items()} for t in (theory, simulated)
        )
        for axes, part in ((left, "wrong"), (right, "right")):
            axes.plot(line["time"], line[part], color=color, lw=1.8, label=f"p/n = {gamma}, σ = {sigma}, Δ = {Delta}")
            axes.errorbar(points["time"], points[part], points[f"{part}_sd"], color=color, fmt="o", ms=4, lw=1)
    left.set(title="wrongly labelled", ylabel="share classified by the true class", xscale="log", ylim=(-0.03, 1.05))
    right.set(title="rightly labelled", ylim=(0.9, 1.005))
    right.legend(loc="lower right")
    for axes in (left, right):
        axes.set_xlabel("time τ = learning rate × steps")
    plt.close(figure)
    return figure


@paper.figure(source="separability_turns_at_the_sharp_threshold")
def phase_diagram_of_memorization(tables: Tables) -> Figure:
    """Above the line γ*(Δ, σ) wrong labels can be separated, so that early learning is followed by memorization.

    Lines: certified threshold. Points: share of separable samples by linear programming at σ = 0.2. Dashed: the paper's
    sufficient condition p/n > 1 − Δ/2.
    """
    figure, axes = plt.subplots(figsize=(6.6, 4.6), layout="constrained")
    points = columns(tables, "separable")
    shades = axes.scatter(
        points["Delta"],
        points["gamma"],
        c=points["share"],
        s=60,
        cmap="cividis",
        edgecolors=INK,
        linewidths=0.5,
        zorder=3,
    )
    threshold = columns(tables, "threshold")
    for style, sigma in zip((":", "-", "-.", (0, (5, 1))), np.unique(threshold["sigma"]), strict=True):
        line = threshold["sigma"] == sigma
        width = 2.2 if sigma == 0.2 else 1.2
        axes.plot(
            threshold["Delta"][line],
            threshold["gamma"][line],
            color=COLORS[1],
            ls=style,
            lw=width,
            label=f"γ*, σ = {sigma:g}",
        )
    replaced = np.linspace(0, 1, 2)
    axes.plot(replaced, 1 - replaced / 2, color=INK, ls="--", lw=1.2, label="1 − Δ/2 (Theorem 6)")
    axes.text(0.8, 0.8, "memorization follows", color=INK, ha="center")
    axes.text(0.62, 0.03, "wrong labels cannot all be fitted", color=INK, ha="center")
    axes.set(xlabel="share of replaced labels Δ", ylabel="aspect ratio p/n", xlim=(0, 1.03), ylim=(0, 1.02))
    figure.legend(loc="outside lower center", ncols=3)
    figure.colorbar(shades, label="share of separable samples, σ = 0.2")
    plt.close(figure)
    return figure


@paper.figure(source="logistic_regression_below_the_threshold_ends_as_three_equations_say")
def end_of_logistic_regression(tables: Tables) -> Figure:
    """Accuracy by true class at the end of logistic regression, σ = 0.2, Δ = 0.4, on both sides of γ*.

    Lines: scalar equations for n, p → ∞. Points: samples, mean and standard deviation. Beyond γ* all labels are fitted
    and the end is the max-margin classifier.
    """
    figure, axes = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
    below, above = columns(tables, "below"), columns(tables, "above")
    minimised, separated = columns(tables, "minimised"), columns(tables, "separated")
    edge = below["gamma"][-1] / 0.97
    parts = {"right": "rightly labelled", "fresh": "fresh examples", "wrong": "wrongly labelled"}
    ends = {"right": np.ones(len(above["gamma"])), "wrong": np.zeros(len(above["gamma"])), "fresh": above["fresh"]}
    for color, (part, told) in zip(COLORS, parts.items(), strict=False):
        axes.plot(below["gamma"], below[part], color=color, lw=1.8, label=told)
        axes.plot(above["gamma"], ends[part], color=color, lw=1.8)
        axes.errorbar(minimised["gamma"], minimised[part], minimised[f"{part}_sd"], color=color, fmt="o", ms=4, lw=1)
    axes.errorbar(separated["gamma"], separated["fresh"], separated["fresh_sd"], color=COLORS[1], fmt="o", ms=4, lw=1)
    axes.axvline(edge, color=INK, ls=":", lw=1.2, label=f"γ* = {edge:.3f}")
    axes.set(xlabel="aspect ratio p/n", ylabel="share classified by the true class", xlim=(0, 2.05), ylim=(-0.03, 1.03))
    axes.legend(loc="center right", bbox_to_anchor=(1, 0.35))
    plt.close(figure)
    return figure


@paper.figure(source="alignment_of_the_first_gradient_has_a_closed_form")
def gradient_alignment(tables: Tables) -> Figure:
    """Cosine between the first descent direction and v against the noise, at p/n = 0.9 and three shares Δ.

    Lines: closed form. Points: mean and standard deviation over four samples. Dotted: the 1/6 of Proposition 3.
    """
    figure, axes = plt.subplots(figsize=(6.2, 4), layout="constrained")
    theory, points = columns(tables, "alignment_theory"), columns(tables, "alignment_simulated")
    for color, Delta in zip(COLORS, np.unique(theory["Delta"]), strict=False):
        line, some = theory["Delta"] == Delta, points["Delta"] == Delta
        axes.plot(theory["sigma"][line], theory["alignment"][line], color=color, lw=1.8, label=f"Δ = {Delta:g}")
        axes.errorbar(
            points["sigma"][some], points["mean"][some], points["deviation"][some], color=color, fmt="o", ms=4, lw=1
        )
    axes.axhline(1 / 6, color=INK, ls=":", lw=1.2, label="1/6")
    axes.set(xscale="log", xlabel="noise σ", ylabel="alignment −∇L·v / |∇L|", ylim=(0, 1.03))
    axes.legend(loc="upper right")
    plt.close(figure)
    return figure


@paper.figure(source="true_label_is_kept_above_the_separatrix")
def elr_separatrix_and_flow(tables: Tables) -> Figure:
    """The probability p of the true class of a wrongly labelled example under cross-entropy with strength λ of ELR.

    Arrows: direction of the flow of p for t = p. Line: separatrix p_c = λ/(2(λ − 1)), which exists for λ > 2.
    """
    figure, axes = plt.subplots(figsize=(6.2, 4.2), layout="constrained")
    line, flow = columns(tables, "separatrix"), columns(tables, "flow")
    exists = line["lam"] >= 2
    axes.fill_between(line["lam"][exists], line["p"][exists], 1, color=COLORS[2], alpha=0.18, lw=0)
    axes.plot(line["lam"][exists], line["p"][exists], color=COLORS[2], lw=2.2, label="separatrix λ/(2(λ − 1))")
    up = -np.sign(flow["gradient"])
    axes.quiver(
        flow["lam"], flow["p"], 0 * up, up, up, cmap="coolwarm_r", clim=(-1.3, 1.3), scale=38, width=0.003, pivot="mid"
    )
    axes.axvline(2, color=INK, ls=":", lw=1.2, label="λ* = 2")
    axes.text(8, 0.88, "true label kept", ha="center", bbox={"fc": "white", "ec": "none", "pad": 1.5})
    axes.text(6, 0.25, "wrong label memorized", ha="center", bbox={"fc": "white", "ec": "none", "pad": 1.5})
    axes.set(xlabel="strength λ", ylabel="probability p of the true class", xlim=(0, 12.2), ylim=(0, 1))
    axes.legend(loc="upper left", bbox_to_anchor=(0.0, -0.14), ncols=2)
    plt.close(figure)
    return figure


@paper.figure(source="regularizer_prevents_memorization_in_the_linear_model")
def regularizer_strength_in_the_linear_model(tables: Tables) -> Figure:
    """Accuracy at the end of descent on the linear model with 20 % wrong labels, against the strength λ (β = 0.7)."""
    figure, axes = plt.subplots(figsize=(5.6, 3.6), layout="constrained")
    table = columns(tables, "strength")
    axes.plot(table["lam"], table["wrong"], "o-", color=COLORS[0], label="wrongly labelled, by true class")
    axes.plot(table["lam"], table["fresh"], "s-", color=COLORS[1], label="fresh examples")
    axes.axvline(2, color=INK, ls=":", lw=1.2, label="λ* = 2 of one example")
    axes.set(xlabel="strength λ", ylabel="accuracy", ylim=(-0.03, 1.05))
    figure.legend(loc="outside lower center", ncols=2)
    plt.close(figure)
    return figure
