"""Figures of trained networks: error against speed, error maps, landscapes, optimizers, and losses that deceive."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from sciml.lagrangian_pinn.claims import landscape, training  # noqa: F401  (the claims must be registered first)
from sciml.lagrangian_pinn.claims.paper import paper
from verify.paper import Tables

BLUE, ORANGE, GREEN, PINK, INK, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#222222", "#888888"
PERIOD = ([0, np.pi, 2 * np.pi], ["0", "π", "2π"])


@paper.figure(source="a_fixed_frame_fails_at_speed_30_and_characteristics_do_not")
def error_against_speed(tables: Tables) -> Figure:
    r"""Relative error for convection of $\sin x$ at speed $c$: three networks trained alike, and the published errors.

    500 steps of L-BFGS on 512 points, one seed. Published: the authors' slides, digitised; the released defaults are a
    million steps of Adam on 25 600 points in single precision.
    """
    ours, published = tables["errors"], tables["published"]
    figure, axes = plt.subplots(figsize=(6.6, 4.4), layout="constrained")
    axes.semilogy(published["speed"], published["pinn"], "o:", color=ORANGE, mfc="none", label="PINN, published")
    axes.semilogy(ours["speed"], ours["soft"], "o-", color=ORANGE, label="PINN")
    axes.semilogy(published["speed"], published["lpinn"], "s:", color=BLUE, mfc="none", label="Lagrangian, published")
    axes.semilogy(ours["speed"], ours["paper"], "s-", color=BLUE, label="Lagrangian, transport learned")
    axes.semilogy(ours["speed"], ours["moving"], "^-", color=GREEN, label="moving frame (control)")
    axes.set(xlabel="speed $c$", ylabel="relative error", xlim=(-1, 62), ylim=(1e-5, 10))
    figure.legend(loc="outside upper center", ncols=3, fontsize=9)
    plt.close(figure)
    return figure


@paper.figure(source="most_of_what_characteristics_gain_is_the_shift")
def burgers_solution_and_errors(tables: Tables) -> Figure:
    r"""Viscous Burgers from $50+\sin x$, $\nu=0.01$, in the frame $y=x-50t$: solution with learned characteristics, and
    the errors of two networks trained for 600 steps.

    The shock forms at $t=1$, $y=\pi$, where the characteristics crowd.
    """
    table = {name: np.asarray(column) for name, column in tables["maps"].items()}
    t, order = np.unique(table["t"]), np.lexsort((np.mod(table["x"] - 50 * table["t"], 2 * np.pi), table["t"]))
    shape = (len(t), -1)
    y = np.mod(table["x"] - 50 * table["t"], 2 * np.pi)[order].reshape(shape)
    time = table["t"][order].reshape(shape)
    figure, axes = plt.subplots(1, 3, figsize=(11.4, 3.6), sharey=True, layout="constrained")
    wave = table["exact"][order].reshape(shape) - 50
    image = axes[0].pcolormesh(y, time, wave, cmap="RdBu_r", shading="gouraud", rasterized=True)
    figure.colorbar(image, ax=axes[0], label="wave $u − c$")
    paths = {name: np.asarray(column) for name, column in tables["characteristics"].items()}
    moment = paths.pop("time")
    for path in paths.values():
        axes[0].plot(path - 50 * moment, moment, INK, lw=0.6)
    scale = LogNorm(1e-7, 1e-2)
    for panel, kind, title in zip(axes[1:], ("shifted", "moving"), ("characteristics", "moving frame"), strict=True):
        error = np.abs(table[kind][order].reshape(shape))
        image = panel.pcolormesh(y, time, np.maximum(error, 1e-7), norm=scale, cmap="magma", rasterized=True)
        panel.set(title=f"error, {title}")
    figure.colorbar(image, ax=axes[1:], label="$|û − u|$", extend="min")
    axes[0].set(ylabel="time $t$", title="solution and learned characteristics", ylim=(0, 1))
    for panel in axes:
        panel.grid(False)
        panel.set(xlabel="$y = x − 50\\,t$", xlim=(0, 2 * np.pi))
        panel.set_xticks(*PERIOD)
    plt.close(figure)
    return figure


@paper.figure(source="at_trained_weights_curvature_grows_with_the_speed_in_a_fixed_frame_only")
def slices_of_trained_losses(tables: Tables) -> Figure:
    r"""The loss around the trained weights along the two directions of largest curvature, with that curvature.

    Convection of $\sin x$ at three speeds; above a PINN in a fixed frame, below on characteristics, all trained alike
    and drawn on one scale. At $c=30$ and $50$ the PINN has not found the solution.
    """
    figure, axes = plt.subplots(2, 3, figsize=(9.6, 6.2), sharex=True, sharey=True, layout="constrained")
    for row, kind, name in zip(axes, ("fixed", "paper"), ("fixed frame", "characteristics"), strict=True):
        table = {column: np.asarray(values) for column, values in tables[f"slices, {kind}"].items()}
        size = len(np.unique(table["a"]))
        largest = tables[f"curvature, {kind}"]["largest"]
        for panel, speed, curvature in zip(row, (1, 30, 50), largest, strict=True):
            a, b, loss = (table[c].reshape(size, size) for c in ("a", "b", f"c = {speed}"))
            image = panel.pcolormesh(a, b, loss, norm=LogNorm(1e-3, 1e5), cmap="viridis", shading="gouraud")
            panel.set(title=f"{name}, $c = {speed}$\n$λ_1$ = {float(f'{curvature:.2g}'):,.0f}")
            panel.grid(False)
    figure.colorbar(image, ax=axes, label="loss", extend="both")
    figure.supxlabel("along the first direction, $α$")
    figure.supylabel("along the second direction, $β$")
    plt.close(figure)
    return figure


@paper.figure(source="on_characteristics_gauss_newton_is_blind_to_the_speed_and_the_hessian_is_affine")
def curvature_against_speed(tables: Tables) -> Figure:
    r"""Largest eigenvalues at the first weights, against the speed.

    In a fixed frame that of the Gauss-Newton matrix and of the Hessian both grow with its square. On characteristics
    the Gauss-Newton matrix does not see the speed; the Hessian grows in proportion to it.
    """
    figure, axes = plt.subplots(1, 2, figsize=(8.6, 3.8), sharey=True, layout="constrained")
    for panel, name in zip(axes, ("fixed frame", "on characteristics"), strict=True):
        table = tables[f"first weights, {name}"]
        panel.semilogy(table["speed"], table["gauss_newton"], "o-", color=BLUE, label="Gauss–Newton matrix")
        panel.semilogy(table["speed"], table["hessian"], "s--", color=ORANGE, label="Hessian")
        panel.set(xlabel="speed $c$", title=name)
    axes[0].set(ylabel="largest eigenvalue $λ_1$")
    axes[0].legend(loc="lower right")
    plt.close(figure)
    return figure


@paper.figure(source="the_optimizer_matters_more_than_the_budget")
def error_against_steps(tables: Tables) -> Figure:
    r"""Error on characteristics that have to be learned, convection of $\sin x$ at $c=50$, after a number of steps.

    Each mark is a run of its own on 512 fixed points. A step of Levenberg-Marquardt costs about ten gradients, one of
    the others one to one and a half.
    """
    figure, axes = plt.subplots(figsize=(6.2, 4.2), layout="constrained")
    names = {
        "adam": ("Adam, rate $10^{-3}$", GREY, "D"),
        "lbfgs": ("L-BFGS", ORANGE, "o"),
        "lm": ("Levenberg–Marquardt", GREEN, "^"),
        "ssbroyden": ("self-scaled Broyden", BLUE, "s"),
    }
    for kind, (label, colour, marker) in names.items():
        table = tables[f"steps, {kind}"]
        axes.loglog(table["steps"], table["error"], marker=marker, color=colour, label=label)
    axes.set(xlabel="steps", ylabel="relative error", xticks=(5, 10, 20, 50, 100, 200, 400))
    axes.set_xticklabels(["5", "10", "20", "50", "100", "200", "400"])
    axes.minorticks_off()
    axes.legend(fontsize=9)
    plt.close(figure)
    return figure


@paper.figure(source="a_small_loss_with_a_large_error_is_flagged_and_nothing_else")
def losses_that_deceive(tables: Tables) -> Figure:
    r"""Loss at the points of training and at fresh points, in units of what values at rest leave, for ten runs.

    The colour is the error, rings mark runs that the report flags: loss small at the points of training, large beside
    them. The shaded region is where that is so.
    """
    table = {name: np.asarray(column) for name, column in tables["losses"].items()}
    figure, axes = plt.subplots(figsize=(6.0, 4.4), layout="constrained")
    axes.set(xscale="log", yscale="log")
    low = min(table["train"].min(), table["fresh"].min()) / 10
    high = 10 * max(table["train"].max(), table["fresh"].max())
    axes.fill_between([low, 1e-3], 4e-3, high, color=ORANGE, alpha=0.12, lw=0)
    axes.plot([low, high], [low, high], color=GREY, lw=0.8, ls=":")
    image = axes.scatter(table["train"], table["fresh"], c=table["error"], norm=LogNorm(1e-5, 1), cmap="viridis", s=50)
    flagged = table["flagged"] > 0
    rings = table["train"][flagged], table["fresh"][flagged]
    axes.plot(*rings, "o", ms=13, mfc="none", mec=ORANGE, mew=1.5, label="flagged as spurious")
    figure.colorbar(image, ax=axes, label="relative error", extend="both")
    axes.set(xlabel="loss at the points of training", ylabel="loss at fresh points", xlim=(low, high), ylim=(low, high))
    axes.legend(loc="lower right")
    plt.close(figure)
    return figure
