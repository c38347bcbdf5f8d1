"""`fit_power_law` beside the fits of WeightWatcher and `powerlaw`; prints Markdown.

Run with ``OMP_NUM_THREADS=1 python benchmarks/power_law.py``. Peers that are missing are left out; their fits need
``pip install --no-deps powerlaw weightwatcher pandas tqdm``. All fits scan every cutoff. `powerlaw` is given the range
of exponents that it needs, its default stops at 3. "textbook" is a NumPy loop over the cutoffs from the definition, the
form of WeightWatcher's fit. The methods run in turn within each repetition, in CPU time of the thread, and the ratio is
the median over repetitions, so a busy machine affects them alike. "agrees" says that α, the cutoff and ``D`` are those
of the textbook scan to 1e−9; then follows a comparison with it over a thousand random spectra, half of them with ties.
"""

from __future__ import annotations

import contextlib
import io
import logging
import platform
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from theory.setol import bootstrap_interval, erg_cut, fit_power_law, goodness_of_fit

Floats = np.ndarray[Any, np.dtype[np.float64]]
Fit = Callable[[Floats], tuple[float, float, float]]

BUDGET, REPETITIONS = 20.0, 15
SIZES = (64, 256, 1000, 5000, 20_000)


def ours(x: Floats) -> tuple[float, float, float]:
    fit = fit_power_law(x)
    return fit.alpha, fit.xmin, fit.D


def textbook(x: Floats) -> tuple[float, float, float]:
    x = np.sort(x)
    logs, best = np.log(x), (np.nan, np.nan, np.inf)
    for i in np.flatnonzero(np.diff(x, prepend=0.0) > 0):
        n = len(x) - i
        if x[i] == x[-1]:
            break
        alpha = 1.0 + n / (logs[i:] - logs[i]).sum()
        distance = np.abs(1.0 - (x[i:] / x[i]) ** (1.0 - alpha) - np.arange(n) / n).max()
        if distance < best[2]:
            best = (float(alpha), float(x[i]), float(distance))
    return best


def peers() -> dict[str, Fit]:
    found: dict[str, Fit] = {"textbook": textbook}
    logging.disable(logging.CRITICAL)
    with contextlib.suppress(ImportError):
        from weightwatcher.WW_powerlaw import WWFit

        def weightwatcher(x: Floats) -> tuple[float, float, float]:
            fit = WWFit(x)
            return float(fit.alpha), float(fit.xmin), float(fit.D)

        found["WeightWatcher"] = weightwatcher
    with contextlib.suppress(ImportError):
        import powerlaw

        def powerlaw_fit(x: Floats) -> tuple[float, float, float]:
            fit = powerlaw.Fit(x, verbose=0, parameter_ranges={"alpha": [1, None]})
            return float(fit.power_law.alpha), float(fit.xmin), float(fit.power_law.D)

        found["powerlaw"] = powerlaw_fit
    return found


def cpu_time(fit: Callable[[Floats], Any], x: Floats) -> tuple[float, Any]:
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        start = time.thread_time()
        result = fit(x)
        return time.thread_time() - start, result


def compare(methods: dict[str, Fit], x: Floats) -> list[str]:
    """Median time of ours, and of each method the ratio to it and whether it agrees with the textbook scan."""
    once = {name: cpu_time(method, x) for name, method in methods.items()}
    repetitions = int(min(REPETITIONS, max(1, BUDGET / sum(duration for duration, _ in once.values()))))
    for _ in range(5):
        cpu_time(ours, x)
    own: list[float] = []
    ratios: dict[str, list[float]] = {name: [] for name in methods}
    for _ in range(repetitions):
        own.append(statistics.median(cpu_time(ours, x)[0] for _ in range(3)))
        for name, method in methods.items():
            ratios[name].append(cpu_time(method, x)[0] / own[-1])
    reference = once["textbook"][1]
    cells = [f"{1e3 * statistics.median(own):.2f} ({mark(ours(x), reference)})"]
    return cells + [f"{statistics.median(ratios[name]):.0f} ({mark(once[name][1], reference)})" for name in methods]


def mark(result: tuple[float, float, float], reference: tuple[float, float, float]) -> str:
    return "agrees" if np.allclose(result, reference, rtol=1e-9, atol=0.0) else f"α = {result[0]:.3f}"


def spectra(n: int) -> dict[str, Floats]:
    rng = np.random.default_rng(n)
    return {
        "power law": rng.pareto(1.5, n) + 1.0,
        "log-normal": rng.lognormal(0.0, 1.0, n),
        "two decimals": np.round(rng.lognormal(0.0, 1.0, n), 2) + 0.01,
    }


def largest_difference(count: int) -> tuple[int, float]:
    """How often the cutoff differs from the textbook's over random spectra, and the most that α or ``D`` do."""
    rng, cutoffs, largest = np.random.default_rng(0), 0, 0.0
    for index in range(count):
        n = int(rng.integers(3, 400))
        x = rng.pareto(rng.uniform(0.5, 4.0), n) + 1.0 if index % 2 else np.round(rng.lognormal(0.0, 1.0, n), 1) + 0.1
        mine, reference = ours(x), textbook(x)
        if np.isnan(reference[0]):
            continue
        cutoffs += mine[1] != reference[1]
        largest = max(largest, abs(mine[0] / reference[0] - 1.0), abs(mine[2] - reference[2]))
    return cutoffs, largest


def main() -> None:
    methods = peers()
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, {platform.machine()}, one thread\n")
    print("| spectrum | M | ours, ms | " + " | ".join(f"{name} / ours" for name in methods) + " |")
    print("|---" * (3 + len(methods)) + "|")
    for n in SIZES:
        for name, x in spectra(n).items():
            print(f"| {name} | {n} | " + " | ".join(compare(methods, x)) + " |", flush=True)
    cutoffs, largest = largest_difference(1000)
    print(
        f"\n1000 random spectra: {cutoffs} cutoffs differ from the textbook scan, α (relative) or D by {largest:.1e}.\n"
    )
    for n in (100_000, 1_000_000):
        x = np.random.default_rng(0).pareto(1.5, n) + 1.0
        fit, cut = (statistics.median(cpu_time(method, x)[0] for _ in range(5)) for method in (ours, erg_cut))
        print(f"M = {n}: fit {1e3 * fit:.0f} ms, cut at determinant 1 {1e3 * cut:.0f} ms.")
    x = np.random.default_rng(0).pareto(1.5, 256) + 1.0
    fitted = fit_power_law(x)
    for label, bootstrap in (("p-value", goodness_of_fit), ("interval", bootstrap_interval)):
        duration, _ = cpu_time(lambda x, bootstrap=bootstrap: bootstrap(x, fitted, n_boot=1000), x)  # type: ignore[misc]
        print(f"M = 256: {label} from 1000 refits {duration:.2f} s.")


if __name__ == "__main__":
    main()
