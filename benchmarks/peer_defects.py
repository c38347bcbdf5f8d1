"""Inputs on which WeightWatcher 0.7.7 or powerlaw 2.0.0 gives a wrong answer, beside ours and the exact one; Markdown.

Run with ``OMP_NUM_THREADS=1 python benchmarks/peer_defects.py``; it needs ``pip install --no-deps weightwatcher==0.7.7
powerlaw==2.0.0 pandas tqdm matplotlib-inline``. The right answers of the last column follow from the input: sums of
logarithms in ball arithmetic, a loop over all cutoffs by the definition, the law that was drawn from, or a transpose.
`tests/setol/test_peer_defects.py` holds us to them.
"""

from __future__ import annotations

import contextlib
import io
import logging
import math
import warnings
from typing import Any

import numpy as np
import torch
from flint import arb
from torch import nn

from theory.setol import analyze, erg_cut, fit_power_law

Floats = np.ndarray[Any, np.dtype[np.float64]]


def module_of(W: Floats) -> nn.Module:
    """A model of one layer."""
    rows, columns, *kernel = W.shape
    layer = nn.Conv2d(columns, rows, tuple(kernel), bias=False) if kernel else nn.Linear(columns, rows, bias=False)
    layer.weight = nn.Parameter(torch.as_tensor(W, dtype=torch.float32))
    return nn.Sequential(layer)


def weightwatcher(model: nn.Module, *columns: str, **options: Any) -> str:
    """WeightWatcher's columns for the first layer, its exception, or that the layer has no row."""
    from weightwatcher import WeightWatcher

    printed = io.StringIO()
    with (
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        try:
            details = WeightWatcher(model=model).analyze(**options)
        except Exception as error:
            return f"raises {type(error).__name__}"
    if len(details) == 0:
        return "no row"
    values = ", ".join(f"{column} = {shown(details[column].iloc[0])}" for column in columns)
    return values + (f"; prints {printed.getvalue().strip()!r}" if printed.getvalue().strip() else "")


def ours(model: nn.Module, *columns: str, traps: bool = False) -> str:
    """The same columns of ours, or the reason why there are none."""
    layer = next(layer for layer in analyze(model, traps=traps) if "bias" not in layer.longname)
    values = ", ".join(f"{column} = {shown(getattr(layer, column))}" for column in columns)
    return values if layer.status == "success" else f"{layer.status}: {layer.reason}"


def shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value) or "none"


def power_law_fit(x: Floats, **options: Any) -> str:
    import powerlaw

    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = powerlaw.Fit(x, verbose=0, **options)
        return f"alpha = {shown(float(fit.power_law.alpha))}, xmin = {shown(float(fit.xmin))}"


def own_fit(x: Floats) -> str:
    fit = fit_power_law(x)
    return f"alpha = {shown(fit.alpha)}, xmin = {shown(fit.xmin)}"


def by_definition(W: Floats) -> str:
    """α of the cutoff of least distance, all of them tried."""
    x = np.sort(np.linalg.svd(W, compute_uv=False) ** 2)
    best = (math.inf, math.nan)
    for i in range(len(x) - 1):
        n = len(x) - i
        alpha = 1.0 + n / np.log(x[i:] / x[i]).sum()
        distance = np.abs(1.0 - (x[i:] / x[i]) ** (1.0 - alpha) - np.arange(n) / n).max()
        best = min(best, (float(distance), float(alpha)))
    return f"alpha = {shown(best[1])}"


def determinants(size: int) -> list[str]:
    """The number of eigenvalues down to determinant 1, for quantiles of a power law with α = 2.5."""
    from weightwatcher.RMT_Util import detX_constraint

    spectrum = (1.0 - (np.arange(size) + 0.5) / size) ** (-1.0 / 1.5)
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = detX_constraint(spectrum.copy(), rescale=True)[0]
    mean, total, exact = arb(math.fsum(spectrum)) / size, arb(0), 0
    while exact == 0 or total > 0:
        exact += 1
        total += (arb(float(spectrum[-exact])) / mean).log()
    return [f"{size} eigenvalues, α = 2.5: cut at determinant 1", f"{peer}", "–", f"{erg_cut(spectrum).k}", f"{exact}"]


def rows() -> list[list[str]]:
    rng = np.random.default_rng(0)
    left, right = (np.linalg.qr(rng.standard_normal(shape))[0] for shape in ((300, 200), (200, 200)))
    W = left / np.arange(1.0, 201.0) @ right
    narrow = rng.standard_normal((32, 64, 4, 4))
    shifted, small = rng.standard_normal((200, 40)) + 0.5, rng.standard_normal((12, 12))
    orthogonal = np.linalg.qr(rng.standard_normal((100, 100)))[0]
    whole = by_definition(W)
    fits = ("alpha", "status", "warning")

    def compared(text: str, W: Floats, columns: tuple[str, ...], right: str, **options: Any) -> list[str]:
        model, traps = module_of(W), bool(options.get("randomize"))
        own = tuple({"rand_num_spikes": "num_traps"}.get(column, column) for column in columns)
        return [text, weightwatcher(model, *columns, **options), "–", ours(model, *own, traps=traps), right]

    found = [determinants(size) for size in (1000, 8192)]
    found += [
        compared("singular values 1/i, 300 × 200", W, fits, whole),
        compared("the same, W/10", W / 10, fits, whole),
        compared("the same, W/1000", W / 1000, fits, whole),
        compared("identity, 100 × 100", np.eye(100), fits, "no power law"),
        compared("orthogonal, 100 × 100", orthogonal, fits, "no power law"),
        compared("zeros, 100 × 100", np.zeros((100, 100)), (*fits, "alpha_weighted"), "no power law"),
        compared("NaN, 100 × 100", np.full((100, 100), math.nan), fits, "a row that says so"),
        compared("Gaussian, 12 × 12", small, fits, by_definition(small)),
        compared("Gaussian, 60,000 × 20", rng.standard_normal((60_000, 20)), ("num_evals",), "20"),
        compared("Gaussian + 0.5, 200 × 40", shifted, ("rand_num_spikes",), "1", randomize=True),
        compared("Gaussian kernel 64 → 32, 4 × 4", narrow, ("N", "M", "rand_num_spikes"), "64, 32, 0", randomize=True),
        compared("its transpose", narrow.swapaxes(0, 1), ("N", "M", "rand_num_spikes"), "64, 32, 0", randomize=True),
        compared('``pl_package="powerlaw"``', W, fits, whole, pl_package="powerlaw"),
        compared('``fix_fingers="xmin_peak"``', W, fits, whole, fix_fingers="xmin_peak"),
    ]
    for name, layer in (("Conv1d(32, 64, 3)", nn.Conv1d(32, 64, 3)), ("LSTM(32, 64)", nn.LSTM(32, 64))):
        model = nn.Sequential(layer)
        found.append([name, weightwatcher(model, "num_evals"), "–", ours(model, "num_evals"), "a row"])
    for alpha in (2.5, 4.0, 6.0):
        x = np.random.default_rng(0).pareto(alpha - 1.0, 2000) + 1.0
        right = f"alpha = {alpha:g}, xmin = 1"
        found.append([f"2000 values of a power law, α = {alpha:g}", "–", power_law_fit(x), own_fit(x), right])
    return found


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    logging.disable(logging.CRITICAL)
    print("| input | WeightWatcher 0.7.7 | powerlaw 2.0.0 | ours | right |")
    print("|---|---|---|---|---|")
    for cells in rows():
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
