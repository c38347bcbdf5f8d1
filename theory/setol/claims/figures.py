"""Figures of one spectrum with its cuts, of the cut of random matrices, and of what α lets pass."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from theory.setol.claims import exponent_of_a_matrix, power_law, trace_log  # noqa: F401  (the claims must be registered first)
from theory.setol.claims.paper import paper
from verify.paper import Tables

FIT, ERG, DATA, INK = "#D55E00", "#009E73", "#0072B2", "#222222"
LAMBDA_ERG = r"$\lambda_{\mathrm{ERG}}$"


@paper.figure(source="the_sign_of_the_gap_is_that_of_the_log_determinant_of_the_tail")
def spectrum_with_both_cuts(tables: Tables) -> Figure:
    """Density of the eigenvalues of a synthetic layer on the scale of mean 1, its power-law fit, and both cuts.

    784 × 300 normal entries, columns of heavy-tailed lengths. Δλ_min is the distance between the cuts, here positive:
    the power-law tail has fewer values than that of determinant 1.
    """
    eigenvalues = np.array(tables["spectrum"]["eigenvalue"])
    fit = {name: values[0] for name, values in tables["fit"].items()}
    figure, axes = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
    edges = np.geomspace(eigenvalues[0], eigenvalues[-1] * (1 + 1e-9), 31)
    density = np.histogram(eigenvalues, edges)[0] / (np.diff(edges) * len(eigenvalues))
    axes.stairs(np.where(density > 0, density, np.nan), edges, color=DATA, lw=1.4, label="300 eigenvalues")
    x = np.geomspace(fit["xmin"], eigenvalues[-1], 100)
    law = fit["n_tail"] / len(eigenvalues) * (fit["alpha"] - 1) / fit["xmin"] * (x / fit["xmin"]) ** -fit["alpha"]
    axes.plot(x, law, color=FIT, lw=2, label=f"power law, α = {fit['alpha']:.2f}")
    axes.axvline(
        fit["xmin"], color=FIT, ls="--", lw=1.2, label=f"xmin = {fit['xmin']:.2f}, {fit['n_tail']} in the tail"
    )
    axes.axvline(
        fit["erg"], color=ERG, ls=":", lw=1.8, label=f"{LAMBDA_ERG} = {fit['erg']:.2f}, {fit['k']} in the tail"
    )
    axes.set(xscale="log", yscale="log", xlabel="eigenvalue λ̂ (units of the mean)", ylabel="density")
    axes.legend(loc="upper right")
    plt.close(figure)
    return figure


@paper.figure(source="the_sign_of_the_gap_is_that_of_the_log_determinant_of_the_tail")
def distance_against_cutoff(tables: Tables) -> Figure:
    """D and α for every cutoff of the same layer; the scan takes the least D. α is not flat around it."""
    cutoffs = {name: np.array(values) for name, values in tables["cutoffs"].items()}
    fit = {name: values[0] for name, values in tables["fit"].items()}
    figure, (above, below) = plt.subplots(2, 1, figsize=(6.4, 5), sharex=True, layout="constrained")
    above.plot(cutoffs["xmin"], cutoffs["D"], color=DATA, lw=1.2)
    above.plot(fit["xmin"], fit["D"], "o", color=FIT, ms=6, label=f"least D = {fit['D']:.3f}")
    below.plot(cutoffs["xmin"], cutoffs["alpha"], color=DATA, lw=1.2)
    below.plot(fit["xmin"], fit["alpha"], "o", color=FIT, ms=6, label=f"α = {fit['alpha']:.2f}")
    above.set(xscale="log", ylim=(0, 0.6), ylabel="distance D")
    below.set(ylim=(1, 8), xlabel="cutoff xmin (units of the mean)", ylabel="exponent α")
    for axes in (above, below):
        axes.axvline(fit["erg"], color=ERG, ls=":", lw=1.8, label=LAMBDA_ERG)
        axes.legend(loc="upper center")
    plt.close(figure)
    return figure


@paper.figure(source="a_random_matrix_is_cut_at_a_value_set_by_its_aspect_ratio")
def erg_cut_of_random_matrices(tables: Tables) -> Figure:
    """λ_ERG of the Marchenko–Pastur law, the share of the spectrum it keeps, and α_c = 1 − 1/ln λ_ERG.

    Enclosed to less than 1e-15. α_c = 2 where λ_ERG = 1/e, near the shape 784 × 300 of the paper's first layer.
    """
    cut = {name: np.array(values) for name, values in tables["cut"].items()}
    layer = int(np.abs(cut["q"] - 300 / 784).argmin())
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.8), layout="constrained")
    left.plot(cut["q"], cut["lam"], color=ERG, lw=2, label=LAMBDA_ERG)
    left.plot(cut["q"], cut["fraction"], color=DATA, lw=1.6, ls="--", label="share of the eigenvalues kept")
    left.plot(cut["q"][layer], cut["lam"][layer], "o", color=INK, ms=5)
    left.annotate(f"784 × 300: {cut['lam'][layer]:.4f}", (cut["q"][layer], cut["lam"][layer]), (0.4, 0.45), fontsize=9)
    left.axhline(np.exp(-1), color="0.5", lw=1, ls=":", label="1/e")
    left.set(ylim=(0, 1), ylabel=f"{LAMBDA_ERG} (units of the mean), share")
    right.plot(cut["q"], cut["alpha"], color=FIT, lw=2, label=r"$\alpha_c$")
    right.axhline(2, color="0.5", lw=1, ls=":", label="α = 2")
    right.plot(cut["q"][layer], cut["alpha"][layer], "o", color=INK, ms=5)
    right.annotate(
        f"784 × 300: {cut['alpha'][layer]:.3f}", (cut["q"][layer], cut["alpha"][layer]), (0.4, 2.4), fontsize=9
    )
    right.set(ylim=(1, 5), ylabel=r"exponent at $\Delta\lambda_{\min} = 0$")
    for axes, height in ((left, 0.62), (right, 0.9)):
        axes.set(xlim=(0, 1), xlabel="aspect ratio q = M/N")
        axes.legend(loc="center right", bbox_to_anchor=(1.0, height))
    plt.close(figure)
    return figure


@paper.figure(source="random_matrices_are_told_by_alpha_outside_2_to_6")
def random_matrices_with_a_good_alpha(tables: Tables) -> Figure:
    """Share of random Gaussian matrices with 2 ≤ α ≤ 6, and of those with an eigenvalue beyond the random edge too.

    Bars: 95 % Wilson intervals. The edge is the 1 % point of the Tracy–Widom law for the shape.
    """
    table = {name: np.array(values, dtype=float) for name, values in tables["false_alarms"].items()}
    figure, axes = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
    places = np.arange(len(table["N"]))
    for offset, name, colour, label in (
        (-0.12, "alpha", FIT, "2 ≤ α ≤ 6"),
        (0.12, "alpha_and_edge", DATA, "and an eigenvalue beyond the edge"),
    ):
        share, n, z = table[name], table["draws"], 1.96
        centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
        errors = np.clip([share - centre + half, centre + half - share], 0, None)
        axes.errorbar(places + offset, share, errors, fmt="o", color=colour, capsize=3, label=label)
    axes.set_xticks(places, [f"{int(n)} × {int(m)}" for n, m in zip(table["N"], table["M"], strict=True)])
    axes.set(ylim=(-0.02, 1), xlabel="shape of the random matrix", ylabel=f"share of {int(table['draws'][0])} matrices")
    axes.legend(loc="upper right")
    plt.close(figure)
    return figure
