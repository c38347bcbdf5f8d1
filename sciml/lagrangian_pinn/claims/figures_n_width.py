"""Figures of the n-widths: decay of singular values, modes beside published errors, the step family."""

import numpy as np
from matplotlib.figure import Figure

from sciml.lagrangian_pinn.claims import lagrangian_collapse, n_width  # noqa: F401  (register the claims behind the figures)
from sciml.lagrangian_pinn.claims.paper import paper
from verify.paper import Tables

FLOOR = 1e-8
"""Least singular value drawn, relative to the largest."""


def draw_decay(axes, table, styles):
    """One curve a column of relative singular values."""
    for name, (style, label) in styles.items():
        values = np.asarray(table[name])
        kept = values > FLOOR
        axes.semilogy(np.asarray(table["mode"])[kept], values[kept], style, label=label, markersize=3.5)


@paper.figure(source="a_pulse_needs_no_more_modes_once_it_has_gone_round")
def singular_values_of_a_travelling_pulse(tables: Tables) -> Figure:
    r"""Left: singular values of a Gaussian pulse of width π/8 that travels the distance cT on a circle of length 2π.

    The decay slows down until the pulse has gone round, and then no more: c = 7 and c = 50 need the same modes. A sine
    has two at every speed. Right: the number of modes for all but one millionth of the energy, against the distance.
    """
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    colours = dict(zip(("c = 0.5", "c = 2", "c = 5", "c = 7", "c = 50"), ("C0", "C9", "C2", "C1", "C3"), strict=True))
    styles = {
        name: (f"{colour}{'x' if name == 'c = 50' else 'o'}-", f"pulse, ${name}$") for name, colour in colours.items()
    }
    draw_decay(left, tables["pulse"], {**styles, "sine": ("ks", "sine, $c = 50$")})
    left.set(xlabel="mode $j$", ylabel=r"$σ_j/σ_1$", ylim=(FLOOR, 2))
    left.legend(fontsize=8)
    table = tables["saturation"]
    right.semilogx(np.maximum(table["speed"], 0.05), table["modes"], "C0.-", label="Gaussian pulse")
    right.axhline(2, color="k", linestyle="--", linewidth=1, label="sine")
    right.axvline(2 * np.pi, color="0.5", linestyle=":")
    right.text(2 * np.pi * 1.08, 6, "once round, $cT = L$", rotation=90, color="0.4", va="bottom")
    right.set(xlabel="distance travelled, $cT$ (units of length)", ylabel="modes for $1 - 10^{-6}$ of the energy")
    right.set(ylim=(0, 20), yticks=range(0, 21, 3))
    right.legend(loc="upper left")
    return figure


@paper.figure(source="burgers_needs_three_modes_of_the_state_and_two_of_the_displacement")
def singular_values_at_places_and_in_labels(tables: Tables) -> Figure:
    r"""Viscous Burgers, ν = 0.03, T = 1: singular values at fixed places for three mean speeds c, and in labels.

    At c = 50 the solution at fixed places needs 39 modes for all but one millionth of the energy, in labels the state
    needs 3 and the displacement 2, whatever c. In the frame that moves with the mean (c = 0) an Eulerian description
    decays nearly as fast as the state in labels.
    """
    figure = Figure(figsize=(6.4, 4), layout="constrained")
    axes = figure.subplots()
    styles = {
        "c = 50": ("C3o-", "fixed places, $u - c$, $c = 50$"),
        "c = 10": ("C1o-", "fixed places, $u - c$, $c = 10$"),
        "c = 0": ("C2o-", "moving frame, $u - c$ ($c = 0$)"),
        "W - c": ("C0s-", "labels, state $W - c$, any $c$"),
        "X - xi - ct": ("k^-", r"labels, displacement $X - ξ - ct$, any $c$"),
    }
    draw_decay(axes, tables["burgers"], styles)
    axes.set(xlabel="mode $j$", ylabel=r"$σ_j/σ_1$", ylim=(FLOOR, 2))
    axes.legend(fontsize=8)
    return figure


@paper.figure(source="the_convection_benchmark_needs_more_modes_where_the_network_fails")
def modes_beside_published_errors(tables: Tables) -> Figure:
    r"""Left: published errors of the convection runs. Right: the modes that the very solution needs.

    The benchmark starts from sin x and needs two modes at every speed, where the error of the network rises a
    hundredfold. A pulse would need more modes, but their number stops growing where that of the failures begins to.
    """
    table = tables["published"]
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2, sharex=True)
    left.semilogy(table["speed"], table["pinn"], "C3o-", label="PINN, as published")
    left.semilogy(table["speed"], table["lpinn"], "C0s-", label="Lagrangian PINN, as published")
    left.set(xlabel="speed $c$", ylabel="relative error", ylim=(5e-3, 3))
    left.legend(loc="center right")
    right.plot(table["speed"], table["sine"], "C3o-", label="$\\sin(x - ct)$, the benchmark")
    right.plot(table["speed"], table["pulse"], "0.5", marker="^", linestyle="--", label="Gaussian pulse of width π/8")
    right.set(xlabel="speed $c$", ylabel="modes for $1 - 10^{-6}$ of the energy", ylim=(0, 20), yticks=range(0, 21, 3))
    right.legend(loc="center right")
    return figure


@paper.figure(source="the_width_of_unit_steps_is_at_least_half_the_root")
def widths_of_travelling_steps(tables: Tables) -> Figure:
    r"""The n-width of the steps on the unit interval, in units of n^{-1/2}: it lies in the shaded band.

    Lower bound √ψ'(n + ½)/π, upper bound ½ n^{-1/2}; at n = 1 the exact value, below the quoted ½. Singular values of
    1024 steps on a grid follow the lower bound until the grid is felt.
    """
    table = {name: np.asarray(column) for name, column in tables["steps"].items()}
    n = table["n"]
    root = np.sqrt(n)
    figure = Figure(figsize=(6.4, 4), layout="constrained")
    axes = figure.subplots()
    later = n > 1
    lower, upper = (table["lower"] * root)[later], (table["upper"] * root)[later]
    axes.fill_between(n[later], lower, upper, color="C0", alpha=0.15, linewidth=0)
    axes.semilogx(n[later], upper, "C0-", label=r"upper bound, $\frac{1}{2}\,n^{-1/2}$")
    axes.semilogx(n[later], lower, "C0--", label=r"lower bound, $\sqrt{ψ'(n + 1/2)}/π$")
    axes.semilogx(n, table["discrete"] * root, "C1.", label="average over 1024 steps on a grid")
    axes.semilogx(n[:1], table["upper"][:1], "kD", label="exact, $n = 1$: $(1 + e^2)^{-1/2}$")
    axes.set(xlabel="dimension $n$", ylabel=r"$\sqrt{n}\,d_n$", ylim=(0.28, 0.54))
    axes.legend(loc="center right", fontsize=9)
    return figure
