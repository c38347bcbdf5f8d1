"""Figures of the solver: stability regions, steps and stiffness along a trajectory, sums against cost."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sciml.neural_de.claims import heuristics, stiffness_estimate, tableaus  # noqa: F401  (registers the claims)
from sciml.neural_de.claims.paper import paper
from verify.paper import Tables

BLUE, ORANGE, GREEN, INK, GREY = "#0072B2", "#D55E00", "#009E73", "#222222", "#888888"


@paper.figure(source="stability_estimates_are_divided_by_the_ends_of_damping")
def stability_regions(tables: Tables) -> Figure:
    """Where |R(z)| ≤ 1: z = hλ for which a step does not amplify a solution of z' = λz. Dots: the ends x_stab."""
    table = {name: np.array(values) for name, values in tables["amplification"].items()}
    x, y = np.unique(table["real"]), np.unique(table["imaginary"])
    figure, axes = plt.subplots(figsize=(5.6, 6.4), layout="constrained")
    pairs = {
        "tsit5": ("Tsitouras 5(4)", BLUE, -3.5068),
        "dopri5": ("Dormand–Prince 5(4)", ORANGE, -3.3066),
        "bogacki_shampine": ("Bogacki–Shampine 3(2)", GREEN, -2.5127),
    }
    for name, (_, colour, end) in pairs.items():
        axes.contour(x, y, table[name].reshape(len(y), len(x)), levels=[1.0], colors=colour, linewidths=1.8)
        axes.plot(end, 0, "o", color=colour, ms=6)
    axes.axhline(0, color=GREY, lw=0.6)
    axes.axvline(0, color=GREY, lw=0.6)
    labels = [
        Line2D([], [], color=colour, lw=1.8, label=f"{name}, x_stab = {-end:.4f}")
        for name, colour, end in pairs.values()
    ]
    figure.legend(handles=labels, loc="outside lower center", fontsize=9)
    axes.set(xlabel="Re hλ", ylabel="Im hλ", aspect="equal", xlim=(-4.0, 2.0), ylim=(-4.5, 4.5))
    plt.close(figure)
    return figure


@paper.figure(source="stiffness_estimate_is_at_most_the_lipschitz_constant")
def steps_and_stiffness_along_a_trajectory(tables: Tables) -> Figure:
    """Van der Pol's equation, μ = 5: the solution, the step sizes at tolerance 1e-6, and the stiffness estimate S.

    S follows ‖J‖₂ in the slow phases, where one eigenvalue dominates, and falls below it in the jumps. The dotted line
    is x_stab/S, beyond which a step would be unstable.
    """
    track = {name: np.array(values) for name, values in tables["track"].items()}
    figure, (above, middle, below) = plt.subplots(3, 1, figsize=(7.0, 6.6), sharex=True, layout="constrained")
    above.plot(track["t"], track["x"], color=INK, lw=1.4)
    middle.plot(track["t"], track["h"], ".-", color=BLUE, ms=4, lw=0.8, label="step size h")
    middle.plot(track["t"], 3.3066 / track["stiffness"], ":", color=ORANGE, lw=1.6, label="x_stab / S")
    below.plot(track["t"], track["norm"], color=GREY, lw=1.4, label="‖J‖₂ at the start of the step")
    below.plot(track["t"], track["stiffness"], ".-", color=ORANGE, ms=4, lw=0.8, label="estimate S")
    above.set(ylabel="position x")
    middle.set(yscale="log", ylabel="time", ylim=(0.004, 5))
    below.set(yscale="log", ylabel="1 / time", xlabel="time t", ylim=(0.3, 150))
    for axes in (middle, below):
        axes.legend(loc="lower left", fontsize=8, ncols=2)
    plt.close(figure)
    return figure


@paper.figure(source="value_of_the_error_sum_does_not_measure_cost")
def sums_against_cost(tables: Tables) -> Figure:
    """The same pendulum run 1 to 16 times as fast. R_E and Σ q h stay where they are while the cost grows 15-fold.

    All are divided by their value at ω = 1. The grey line is the number of evaluations of f.
    """
    costs = {name: np.array(values) for name, values in tables["costs"].items()}
    figure, axes = plt.subplots(figsize=(6.2, 4.4), layout="constrained")
    axes.plot(costs["omega"], costs["NFE"] / costs["NFE"][0], color=GREY, lw=5, alpha=0.5, label="evaluations of f")
    styles = {
        "RE2": ("Σ E²  (R_E²)", GREEN, "s--"),
        "RS": ("Σ S h  (R_S)", ORANGE, "^:"),
        "RE": ("Σ E h  (R_E)", BLUE, "o-"),
        "REn": ("Σ q h  (scaled)", INK, "x--"),
    }
    for name, (label, colour, style) in styles.items():
        axes.plot(costs["omega"], costs[name] / costs[name][0], style, color=colour, ms=6, lw=1.4, label=label)
    axes.set(xscale="log", yscale="log", xlabel="speed ω of the dynamics", ylabel="value relative to ω = 1")
    axes.set_xticks(costs["omega"], [f"{omega:g}" for omega in costs["omega"]])
    axes.set_yticks([1, 2, 4, 8, 16], ["1", "2", "4", "8", "16"])
    axes.minorticks_off()
    axes.legend(loc="upper left", fontsize=9)
    plt.close(figure)
    return figure
