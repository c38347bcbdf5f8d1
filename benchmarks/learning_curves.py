"""The closed learning curve beside simulation of the linear model at n = 1500; prints Markdown.

Run with ``OMP_NUM_THREADS=1 python benchmarks/learning_curves.py``. Nine times from 0.3 to 300, p = 0.9 n. Simulated is
one sample: its features, and either exact gradient flow by one eigendecomposition of ``XXᵀ/n`` or descent with step 0.2
up to the last time. The methods run in turn within each repetition, in CPU time of the thread; times are medians, and
the ratio is the median over repetitions, so a busy machine affects them alike. The deviation is the largest one of the
closed form from the last sample, at its wrongly labelled examples, beside the standard error of as many coin flips; the
sample's own share of wrong labels adds to it.
"""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from theory.early_learning import GaussianMixtureNoisyLabels, separability_threshold, squared_loss_learning_curve

TIMES = np.geomspace(0.3, 300, 9)
N, RATIO, REPETITIONS = 1500, 0.9, 3
SETTINGS = ((0.2, 0.4), (0.5, 0.4), (0.2, 0.8))


def exact_flow(sigma: float, Delta: float, seed: int) -> tuple[np.ndarray[Any, Any], float]:
    data = GaussianMixtureNoisyLabels(N, round(RATIO * N), sigma, Delta, seed)
    values, vectors = np.linalg.eigh(data.features @ data.features.T / N)
    outputs = -np.expm1(-np.outer(TIMES, np.maximum(values, 0.0))) * (vectors.T @ data.labels) @ vectors.T
    return wrong_accuracy(data, outputs)


def descent(sigma: float, Delta: float, seed: int, eta: float = 0.2) -> tuple[np.ndarray[Any, Any], float]:
    data = GaussianMixtureNoisyLabels(N, round(RATIO * N), sigma, Delta, seed)
    theta, outputs = np.zeros(data.p), []
    steps = np.round(TIMES / eta).astype(int)
    for step in range(steps[-1] + 1):
        scores = data.features @ theta
        outputs += [scores] * int((steps == step).sum())
        theta -= eta / N * ((scores - data.labels) @ data.features)
    return wrong_accuracy(data, np.array(outputs))


def wrong_accuracy(
    data: GaussianMixtureNoisyLabels, outputs: np.ndarray[Any, Any]
) -> tuple[np.ndarray[Any, Any], float]:
    correct = (np.sign(outputs) == data.true_labels)[:, data.wrong]
    return correct.mean(axis=1), 0.5 / float(np.sqrt(data.wrong.sum()))


def cpu_time(call: Callable[[], Any]) -> tuple[float, Any]:
    start = time.thread_time()
    result = call()
    return time.thread_time() - start, result


def closed_form(sigma: float, Delta: float) -> tuple[float, np.ndarray[Any, Any]]:
    calls = 200
    spent, curve = cpu_time(lambda: [squared_loss_learning_curve(RATIO, sigma, Delta, TIMES) for _ in range(calls)][-1])
    return spent / calls, curve.wrong


def main() -> None:
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, one thread, n = {N}, p = {round(RATIO * N)}\n")
    print("| σ | Δ | simulation | its time (s) | closed form (ms) | ratio | deviation | standard error |")
    print("|---|---|---|---|---|---|---|---|")
    for sigma, Delta in SETTINGS:
        for name, simulate in (("exact flow", exact_flow), ("descent, step 0.2", descent)):
            ours, theirs = [], []
            for repetition in range(REPETITIONS):
                spent, curve = closed_form(sigma, Delta)
                slow, (measured, error) = cpu_time(partial(simulate, sigma, Delta, repetition))
                ours.append(spent)
                theirs.append(slow)
            ratio = statistics.median(slow / fast for slow, fast in zip(theirs, ours, strict=True))
            deviation = np.abs(measured - curve).max()
            print(
                f"| {sigma} | {Delta} | {name} | {statistics.median(theirs):.2f} | {1e3 * statistics.median(ours):.3f} "
                f"| {ratio:.0f} | {deviation:.3f} | {error:.3f} |"
            )
    separability_threshold.cache_clear()
    spent, _ = cpu_time(lambda: [separability_threshold(k / 100, 0.2) for k in range(1, 100)])
    print(f"\n`separability_threshold`, enclosed to two units in the last place: {1e3 * spent / 99:.1f} ms a value.")


if __name__ == "__main__":
    main()
