"""Published fits of 1,194 layers of four language models (Section 6), against the theorems and against the reading.

The tables give α, xmin, n_tail, and the ERG cut with its Δλ_min on the scale of mean 1. They are not part of this
project: set PAPERCHECKS_SETOL_LAYERS to a CSV file of them, with the columns ``model, M, alpha, n_tail, erg_num,
erg_lam_norm, delta_lambda_norm``.
"""

import csv
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from theory._numbers import Floats
from theory.setol.claims.paper import paper
from theory.setol.claims.trace_log import log_determinant
from verify import Check

Layers = Mapping[str, Floats]

COLUMNS = ("M", "alpha", "n_tail", "erg_num", "erg_lam_norm", "delta_lambda_norm")
MODELS = ("falcon-7b", "falcon-40b", "llama-13b", "llama-65b")


def published(check: Check) -> dict[str, dict[str, Floats]]:
    """The columns of each model."""
    path = os.environ.get("PAPERCHECKS_SETOL_LAYERS")
    if not path:
        check.skip("set PAPERCHECKS_SETOL_LAYERS to the table of published layers (Falcon 7b, 40b; Llama 13b, 65b)")
    with Path(str(path)).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        model: {name: np.array([float(row[name]) for row in rows if row["model"] == model]) for name in COLUMNS}
        for model in MODELS
    }


def contradictions(layers: Layers) -> dict[str, float]:
    """Rows that no spectrum can have: by the sign theorem; by f(k) < 0 with f(k) ≥ f(n) + (k − n) ln λ_ERG, k > n."""
    n, k, erg, gap = (layers[name] for name in COLUMNS[2:])
    total = log_determinant(n, np.log(erg + gap), layers["alpha"])
    bound = total + (k - n) * np.log(erg)
    return {"sign": float(((gap > 0) != (total >= 0)).sum()), "bracket": float(((k > n) & (bound >= 0)).sum())}


@paper.refuted(
    "Section 6, tables of language models",
    tags=("ours", "empirical"),
    controls={"up to 5,120 eigenvalues a layer": {"largest": 5120}},
    mutants={"8,192 eigenvalues only": {"largest": 8192, "smallest": 8192}},
)
def every_published_cut_is_possible(check: Check, largest: int = 10**6, smallest: int = 0) -> None:
    r"""In all rows the sign of $\Delta\lambda_{\min}$ is that of $\ln \hat{x} + 1/(\hat{\alpha} - 1)$, and the ERG tail
    can have a determinant below 1.

    Both follow from the columns alone. Two of the 784 layers with 8,192 eigenvalues, where a product in double
    precision can leave its range, contradict them; none of the 410 smaller ones does.
    """
    found, rows = {"sign": 0.0, "bracket": 0.0}, 0
    for layers in published(check).values():
        chosen = (layers["M"] <= largest) & (layers["M"] >= smallest)
        rows += int(chosen.sum())
        for name, count in contradictions({key: column[chosen] for key, column in layers.items()}).items():
            found[name] += count
    setup = {"data": f"published tables of {', '.join(MODELS)}", "rows": rows, "M": (smallest, largest)}
    bands = dict.fromkeys(found, (0, 0))
    check.reproduces(lambda _: found, bands=bands, seeds=1, setup=setup, says="rows that contradict")


@paper.claim(
    "Section 6, Falcon and Llama",
    tags=("empirical",),
    mutants={
        "α < 2.5": {"below": 2.5},
        "α < 1.9": {"below": 1.9},
        "Δλ_min of the opposite sign": {"sign": -1},
    },
)
def layers_with_alpha_below_2_have_a_negative_gap(check: Check, below: float = 2.0, sign: int = 1) -> None:
    r"""Falcon and Llama-13b have no layer with $\alpha < 2$ and $\Delta\lambda_{\min} > 0$ throughout; Llama-65b has 8
    of 562, all $\Delta\lambda_{\min} < 0$.

    Exact counts in the published tables, where $\Delta\lambda_{\min}$ is negative for no other layer.
    """
    layers = published(check)

    def counts(_: int) -> dict[str, float]:
        found: dict[str, float] = {}
        for model, columns in layers.items():
            low, negative = columns["alpha"] < below, sign * columns["delta_lambda_norm"] < 0
            found |= {f"{model} α < 2": float(low.sum()), f"{model} α < 2 ≠ Δλ < 0": float((low != negative).sum())}
        return found

    bands = {f"{model} α < 2": (n, n) for model, n in zip(MODELS, (0, 0, 0, 8), strict=True)}
    bands |= {f"{model} α < 2 ≠ Δλ < 0": (0, 0) for model in MODELS}
    setup = {"data": "published tables", "layers": {model: len(columns["M"]) for model, columns in layers.items()}}
    check.reproduces(counts, bands=bands, seeds=1, setup=setup, says="layers in the published tables")


@paper.refuted(
    "Section 6, approach of (α, Δλ_min) to (2, 0)",
    tags=("empirical",),
    controls={"no such order either way: |ρ| below ½": {"band": (-0.5, 0.5)}},
    mutants={"α and Δλ_min opposed": {"band": (-1, -0.5)}},
)
def published_gaps_shrink_as_alpha_falls_to_2(check: Check, band: tuple[float, float] = (0.5, 1)) -> None:
    r"""Within $\alpha \ge 2$, $\Delta\lambda_{\min}$ falls as $\alpha$ falls to 2: a rank correlation of at least
    $\frac{1}{2}$ in each of the four models.
    """
    layers = published(check)

    def order(_: int) -> dict[str, float]:
        found: dict[str, float] = {}
        for model, columns in layers.items():
            good = columns["alpha"] >= 2
            found[model] = float(spearmanr(columns["alpha"][good], columns["delta_lambda_norm"][good]).statistic)
        return found

    setup = {"data": "published tables", "layers": {m: int((c["alpha"] >= 2).sum()) for m, c in layers.items()}}
    bands = dict.fromkeys(MODELS, band)
    check.reproduces(order, bands=bands, seeds=1, setup=setup, says="Spearman's ρ of α and Δλ_min")
    near = np.concatenate([c["delta_lambda_norm"][abs(c["alpha"] - 2) < 0.1] for c in layers.values()])
    check.note(layers_with_alpha_within_a_tenth_of_2=len(near), their_median_gap=float(np.median(near)))
