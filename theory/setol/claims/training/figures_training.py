"""Figures of our training runs."""

import numpy as np
from matplotlib.figure import Figure

from theory.setol.claims.paper import paper
from theory.setol.claims.training import aspect_ratios, rates_and_batches  # noqa: F401  (registers the claims)
from theory.setol.erg import crossing_alpha
from verify.paper import Tables

COLOURS = {"H=80": "#D55E00", "H=300": "#0072B2", "H=784": "#009E73"}
SERIES = {"rate": ("rate doubled, batch 32", "#0072B2", "o-"), "batch": ("batch halved", "#D55E00", "s--")}


@paper.figure(source="the_gap_vanishes_in_training_where_lambda_erg_says")
def alpha_and_gap_over_training(tables: Tables) -> Figure:
    """α and Δλ_min of a first layer of shape 784 × H after every epoch, and where Δλ_min should vanish.

    Stars and dotted lines: α_c = 1 − 1/ln λ_ERG, on the line through the three epochs nearest to it. The paper has one
    point for all shapes, (2, 0).
    """
    figure = Figure(figsize=(9.2, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, colour in COLOURS.items():
        run = {column: np.array(values, dtype=float) for column, values in tables[name].items()}
        law = aspect_ratios.at_zero(run["gap"], crossing_alpha(run["erg"]))
        label = f"{name.replace('=', ' = ')}: $\\alpha_c$ = {law:.2f}"
        left.plot(run["epoch"], run["alpha"], ".-", color=colour, lw=1.4)
        left.axhline(law, color=colour, lw=1, ls=":")
        right.plot(run["alpha"], run["gap"], ".-", color=colour, lw=1.4, label=label)
        right.plot(law, 0, "*", color=colour, ms=13, mec="white", zorder=4)
    left.set(yscale="log", ylim=(1.5, 16), xlabel="epoch (0: as drawn)", ylabel="exponent α of the first layer")
    left.set_yticks([1.5, 2, 3, 4, 6, 8, 12], ["1.5", "2", "3", "4", "6", "8", "12"])
    left.minorticks_off()
    right.axhline(0, color="0.3", lw=1)
    right.axvline(2, color="0.3", lw=1, ls=":")
    right.annotate("α = 2", (2, 0.52), (3, 0), textcoords="offset points", fontsize=9, color="0.3")
    right.set(xlim=(1.5, 3.6), ylim=(-0.25, 0.6), xlabel="exponent α of the first layer")
    right.set(ylabel=r"gap $\Delta\lambda_{\min}$ (units of the mean eigenvalue)")
    figure.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


@paper.figure(source="alpha_falls_with_every_doubling_of_the_rate_and_halving_of_the_batch")
def alpha_and_errors_against_rate_over_batch(tables: Tables) -> Figure:
    """α of the first two layers after training, and test error with and without truncation of both, on 4,000 digits.

    One seed; the rate doubled at batch 32, and the batch halved at one rate, against their ratio. Rings: a correlation
    trap in the first layer (p < 1e-6). Bars: ± one standard error of the error of 1,000 test digits.
    """
    figure = Figure(figsize=(9.2, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, (label, colour, style) in SERIES.items():
        run = {column: np.array(values, dtype=float) for column, values in tables[name].items()}
        trapped = run["trap"] > 0
        left.plot(run["ratio"], run["alpha"], style, color=colour, lw=1.4, ms=5, label=f"first layer, {label}")
        left.plot(run["ratio"], run["alpha_2"], style, color=colour, lw=1, ms=4, alpha=0.4, label=f"second, {label}")
        left.plot(run["ratio"][trapped], run["alpha"][trapped], "o", mfc="none", mec="#222222", ms=11)
        error = np.sqrt(run["test"] * (100 - run["test"]) / 1000)
        right.errorbar(run["ratio"], run["test"], error, fmt=style, color=colour, lw=1.4, ms=5, capsize=3, label=label)
        right.plot(run["ratio"][trapped], run["test"][trapped], "o", mfc="none", mec="#222222", ms=11)
    batch = {column: np.array(values, dtype=float) for column, values in tables["batch"].items()}
    right.plot(batch["ratio"], batch["test_power_law_tail"], "v:", color="#CC79A7", ms=5, label="power-law tails only")
    right.plot(batch["ratio"], batch["test_erg_tail"], "^:", color="#009E73", ms=5, label="ERG tails only")
    left.axhline(2, color="0.3", lw=1, ls=":")
    left.set(ylabel="exponent α", ylim=(1.5, 5.5))
    right.set(ylabel="test error (%)")
    ratios = sorted({*tables["rate"]["ratio"], *tables["batch"]["ratio"]})
    for axes in (left, right):
        axes.set(xscale="log", xlabel="rate / batch (in thousandths)")
        axes.set_xticks(ratios, [f"{1000 * ratio:.2g}" for ratio in ratios])
        axes.minorticks_off()
        axes.legend(fontsize=8)
    return figure
