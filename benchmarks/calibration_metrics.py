"""Calibration metrics beside those of PS-KD's authors and of torchmetrics at 200,000 samples; prints Markdown.

Run with ``OMP_NUM_THREADS=1 python benchmarks/calibration_metrics.py``. The authors' metric is written down here from
its description: ten bins, each filled by a loop over tuples of prediction, label and confidence, and a curve over a
sort. torchmetrics has the calibration error only. The methods run in turn within each repetition, in CPU time of the
thread, and the ratio is the median over repetitions, so a busy machine affects them alike.
"""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from theory.distillation import aurc, e_aurc, expected_calibration_error

SAMPLES, REPETITIONS = 200_000, 5
Values = np.ndarray[Any, Any]


def looped_error(confidence: Values, correct: Values) -> float:
    total, right = 0.0, np.ones(len(confidence), dtype=int)
    for upper in np.arange(0.1, 1.1, 0.1):
        samples = zip(correct.astype(int), right, confidence, strict=True)
        inside = [sample for sample in samples if sample[2] > upper - 0.1 and sample[2] <= upper]
        if inside:
            hits = len([sample for sample in inside if sample[0] == sample[1]])
            mean = sum([sample[2] for sample in inside]) / len(inside)
            total += abs(hits / len(inside) - mean) * len(inside)
    return total / len(confidence)


def sorted_areas(confidence: Values, correct: Values) -> tuple[float, float]:
    n, wrong = len(confidence), ~correct[np.argsort(confidence)][::-1]
    area = float(np.mean(np.cumsum(wrong) / np.arange(1, n + 1)))
    ranks = np.arange(1, wrong.sum() + 1)
    return area, area - float(np.sum(ranks / (n - wrong.sum() + ranks)) / n)


def authors(confidence: Values, correct: Values) -> list[float]:
    return [looped_error(confidence, correct), *sorted_areas(confidence, correct)]


def ours(confidence: Values, correct: Values) -> list[float]:
    return [metric(confidence, correct) for metric in (expected_calibration_error, aurc, e_aurc)]


def peers() -> dict[str, Callable[[Values, Values], list[float]]]:
    found = {"ours": ours, "authors'": authors, "ours, error only": lambda c, h: [expected_calibration_error(c, h)]}
    try:
        from torchmetrics.functional.classification import binary_calibration_error
    except ImportError:
        return found

    def torchmetrics_error(confidence: Values, correct: Values) -> list[float]:
        scores, hits = torch.from_numpy(confidence), torch.from_numpy(correct.astype(np.int64))
        return [float(binary_calibration_error(scores, hits, n_bins=10))]

    return found | {"torchmetrics, error only": torchmetrics_error}


def main() -> None:
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    confidence = rng.beta(4, 1, SAMPLES)
    correct = rng.random(SAMPLES) < confidence
    times: dict[str, list[float]] = {name: [] for name in peers()}
    results: dict[str, list[float]] = {}
    for _ in range(REPETITIONS):
        for name, method in peers().items():
            start = time.thread_time()
            results[name] = method(confidence, correct)
            times[name].append(time.thread_time() - start)
    print("| metric | ms | ratio to ours | ECE | AURC | E-AURC |\n|---|---|---|---|---|---|")
    for name, values in results.items():
        base = times["ours, error only" if "only" in name else "ours"]
        ratio = statistics.median(t / b for t, b in zip(times[name], base, strict=True))
        cells = " | ".join([f"{value:.8f}" for value in values] + [""] * (3 - len(values)))
        print(f"| {name} | {1e3 * statistics.median(times[name]):.1f} | {ratio:.1f} | {cells} |")
    print(
        f"\n{SAMPLES:,} samples, median of {REPETITIONS}, one thread. {platform.processor() or platform.machine()}, "
        f"{platform.system()}, Python {platform.python_version()}, NumPy {np.__version__}, torch {torch.__version__}."
    )


if __name__ == "__main__":
    main()
