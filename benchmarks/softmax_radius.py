"""Time per sample of `radius` and `batch_radius` against mpmath and cxroots; prints a Markdown table.

Run ``python benchmarks/softmax_radius.py``. Random samples, logits and slopes standard normal; one thread; the median
of several runs. The rivals are timed on a few samples and asked for the same nearest zero; a sample on which one of
them does not find it counts as a miss, not as a longer time.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import contextlib
import io
import math
import platform
import statistics
import time
import warnings
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cxroots
import mpmath
import numpy as np
import torch

from theory.softmax_zeros.batch import batch_radius
from theory.softmax_zeros.radius import radius

RIVAL_SAMPLES = 5
BATCHES = {2: 1000, 10: 1000, 100: 300, 1000: 30}
ARB_SAMPLES = {2: 50, 10: 50, 100: 20, 1000: 3}


def samples(n: int, size: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(size, n)), rng.normal(size=(size, n))


def seconds(run: Callable[[], Any], repeats: int) -> float:
    """Return the median wall time of ``repeats`` runs after one that warms up."""
    run()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def mpmath_nearest(z: np.ndarray, a: np.ndarray) -> float:
    """Smallest modulus that `mpmath.findroot` finds from ties with the likeliest class and a polar grid."""
    weights, slopes = [mpmath.mpf(float(x)) for x in z], [mpmath.mpf(float(x)) for x in a]

    def function(t: Any) -> Any:
        return mpmath.fsum(mpmath.exp(w + s * t) for w, s in zip(weights, slopes, strict=True))

    top, spread = int(np.argmax(z)), float(np.ptp(a))
    starts = [(z[k] - z[top] + 1j * math.pi) / (a[top] - a[k]) for k in range(len(z)) if a[k] != a[top]]
    starts += [r * math.pi / spread * np.exp(1j * w) for r in (1.2, 1.8, 2.7) for w in np.linspace(0.25, 2.9, 8)]
    moduli = []
    for start in starts:
        with contextlib.suppress(ValueError, ZeroDivisionError):
            zero = mpmath.findroot(function, mpmath.mpc(start))
            if abs(zero) * spread < 100:
                moduli.append(float(abs(zero)))
    return min(moduli)


def cxroots_nearest(z: np.ndarray, a: np.ndarray, outer: float) -> float:
    """Smallest modulus among the zeros that cxroots isolates in ``|t| < outer``, a disc that it has to be told."""

    def function(t: Any) -> Any:
        return np.exp(z + np.multiply.outer(t, a)).sum(-1)

    def derivative(t: Any) -> Any:
        return (a * np.exp(z + np.multiply.outer(t, a))).sum(-1)

    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        found = cxroots.Circle(0, outer).roots(function, derivative)
    return float(min(abs(np.array(found.roots))))


def rival(name: str, nearest: Callable[[np.ndarray, np.ndarray, float], float], n: int, ours: float) -> str:
    z, a = samples(n, RIVAL_SAMPLES)
    exact = radius(z, a, certify="float").rho
    times, misses = [], 0
    for zi, ai, rho in zip(z, a, exact, strict=True):
        start = time.perf_counter()
        modulus = nearest(zi, ai, float(rho))
        times.append(time.perf_counter() - start)
        misses += not math.isclose(modulus, rho, rel_tol=1e-6)
    each = statistics.median(times)
    return (
        f"| {name} | {n} | {each * 1e6:,.0f} | {each / ours:,.0f}× | {RIVAL_SAMPLES - misses}/{RIVAL_SAMPLES} right |"
    )


def machine() -> str:
    processor = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), processor)
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "python-flint", "mpmath", "cxroots"))
    load = f"; load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores" if hasattr(os, "getloadavg") else ""
    return f"{processor}, one thread, {platform.system()}, Python {platform.python_version()}, {packages}{load}"


def main() -> None:
    torch.set_num_threads(1)
    print(machine(), end="\n\n")
    print('| method | classes | µs per sample | ratio to `radius(certify="float")` | |\n|---|---:|---:|---:|---|')
    for n, size in BATCHES.items():
        z, a = samples(n, size)
        floats = seconds(partial(radius, z, a, certify="float"), 7) / size
        plain = seconds(partial(radius, z, a), 7) / size
        share = radius(z, a, certify="float").certified.mean()
        few = ARB_SAMPLES[n]
        balls = seconds(partial(radius, z[:few], a[:few], certify="arb"), 1) / few
        print(f'| `radius(certify="none")` | {n} | {plain * 1e6:,.1f} | {plain / floats:.2f}× | batch of {size} |')
        print(f'| `radius(certify="float")` | {n} | {floats * 1e6:,.1f} | 1× | {share:.1%} certified |')
        print(f'| `radius(certify="arb")` | {n} | {balls * 1e6:,.0f} | {balls / floats:,.0f}× | |')
        if n == 10:
            print(rival("multi-start `mpmath.findroot`", lambda z, a, _: mpmath_nearest(z, a), n, floats))
            print(rival("`cxroots`", lambda z, a, rho: cxroots_nearest(z, a, 1.1 * rho), n, floats))
    print("\n| minimum over a 1000 × 10 batch, exact and certified | ms | samples solved |\n|---|---:|---:|")
    for scale in (0.3, 1.0, 4.0, 12.0):
        logits, slopes = (torch.from_numpy(x) for x in samples(10, 1000, seed=1))
        each = seconds(partial(batch_radius, scale * logits, slopes), 31)
        result = batch_radius(scale * logits, slopes)
        note = "" if result.certified else " (not certified)"
        print(f"| `batch_radius`, logits of scale {scale:g}{note} | {each * 1e3:.2f} | {int(result.solved)} |")


if __name__ == "__main__":
    main()
