"""Figures of the Burgers wave on its characteristics: collapse of the labels, the wave, and the released equation."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from sciml.lagrangian_pinn.claims import jacobian, released_code  # noqa: F401  (the claims must be registered first)
from sciml.lagrangian_pinn.claims.paper import paper
from verify.paper import Tables

BLUE, ORANGE, GREEN, INK, GREY = "#0072B2", "#D55E00", "#009E73", "#222222", "#888888"
COLOURS = {"0.1": BLUE, "0.03": ORANGE, "0.01": GREEN, "0.003": "#CC79A7"}


@paper.figure(source="labels_at_the_shock_are_compressed_as_computed")
def collapse_of_labels_at_the_shock(tables: Tables) -> Figure:
    r"""Distance of neighbouring characteristics where the Burgers wave from $c+\sin x$ steepens, for any speed $c$.

    Without viscosity the distance falls to 0 at the shock time $t^*=1$, the released final time. With viscosity it
    stays positive and then falls like $e^{-a^2t/2\nu}$, $a$ being half the jump of the shock. Diffusion in labels is
    divided by its square.
    """
    table = {name: np.asarray(column) for name, column in tables["floor"].items()}
    figure, axes = plt.subplots(figsize=(6.4, 4.4), layout="constrained")
    for nu in ("0.1", "0.03", "0.01"):
        axes.semilogy(table["time"], table[f"nu_{nu}"], color=COLOURS[nu], label=f"viscosity $ν = {nu}$")
    before = np.linspace(0, 1 - 1e-12, 400)
    axes.semilogy(before, 1 - before, color=INK, ls=":", label="no viscosity, $1 − t$")
    axes.axvline(1, color=GREY, lw=0.8)
    axes.text(1.02, 2e-12, "shock time $t^*$", color=GREY, va="bottom")
    axes.axhspan(1e-12, 0.02, color=GREY, alpha=0.12, lw=0)
    axes.text(0.04, 6e-3, "below 1/50", color=GREY, va="top")
    axes.set(xlabel="time $t$ (units of $1/A$)", ylabel="Jacobian $J(π, t) = ∂X/∂ξ$", xlim=(0, 2), ylim=(1e-12, 2))
    axes.legend(loc="lower left", frameon=False, bbox_to_anchor=(0.0, 0.12))
    return figure


@paper.figure(source="horizon_of_labels_is_a_fifth_beyond_the_shock_time")
def burgers_wave_with_its_characteristics(tables: Tables) -> Figure:
    r"""The viscous Burgers wave from $5+\sin x$, $\nu=0.01$, and 24 of its characteristics, wrapped into one period.

    The characteristics run into the moving shock, which forms at $t^*=1$. There the labels crowd, while those on either
    side spread.
    """
    shape = (len(set(tables["wave"]["y"])), len(set(tables["wave"]["t"])))
    x, t, u = (np.asarray(tables["wave"][name]).reshape(shape) for name in "xtu")
    paths = {name: np.asarray(column) for name, column in tables["characteristics"].items()}
    time = paths.pop("time")
    figure, axes = plt.subplots(figsize=(6.4, 4.8), layout="constrained")
    for turn in 2 * np.pi * np.arange(3):
        image = axes.pcolormesh(x - turn, t, u, cmap="RdBu_r", shading="gouraud", rasterized=True)
        for path in paths.values():
            axes.plot(path - turn, time, INK, lw=0.6)
    figure.colorbar(image, ax=axes, label="solution $u$")
    axes.axhline(1, color=INK, lw=1, ls="--")
    label = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 2}
    axes.text(6.15, 1.025, "shock time $t^*$", ha="right", va="bottom", bbox=label)
    axes.set(xlabel="position $x$", ylabel="time $t$", xlim=(0, 2 * np.pi), ylim=(0, 1.5))
    axes.set_xticks([0, np.pi / 2, np.pi, 3 * np.pi / 2, 2 * np.pi], ["0", "π/2", "π", "3π/2", "2π"])
    return figure


@paper.figure(source="released_pair_solves_viscous_burgers")
def released_equation_against_burgers(tables: Tables) -> Figure:
    r"""What the released residuals describe, diffusion in labels, against viscous Burgers from $\sin x$.

    Left: both at $t=1$. Right: their distance, the error of a network that solves the released equation perfectly.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 4.2), layout="constrained")
    for nu in ("0.1", "0.01"):
        table = {name: np.asarray(column) for name, column in tables[f"waves_{nu}"].items()}
        left.plot(table["x"], table["true"], color=COLOURS[nu], label=f"Burgers, $ν = {nu}$")
        left.plot(table["x"], table["released"], color=COLOURS[nu], ls="--", label=f"released, $ν = {nu}$")
    left.set(xlabel="position $x − ct$", ylabel="wave $u − c$ at $t = 1$", xlim=(1.5, 4.8))
    left.legend(frameon=False, loc="lower left")
    distance = {name: np.asarray(column) for name, column in tables["distance"].items()}
    for nu in ("0.1", "0.03", "0.01", "0.003"):
        right.semilogy(distance["time"], 100 * distance[f"nu_{nu}"], color=COLOURS[nu], label=f"$ν = {nu}$")
    right.set(xlabel="time $t$ (units of $1/A$)", ylabel="distance, % of $‖u − c‖$", xlim=(0, 1), ylim=(1e-3, 30))
    right.legend(frameon=False, loc="lower right")
    return figure
