"""`mutual_information` and `conditional_divergence` beside dense PyTorch, the released code's formula, and KeOps.

Run with ``OMP_NUM_THREADS=1 python benchmarks/cauchy_schwarz.py``; prints Markdown. KeOps is left out unless
``pykeops`` is installed, which needs a C++ compiler; its compilation is not counted. float32, forward and backward,
gradient with respect to the representation, or to the predictions. Inputs and representation have 16 features, ``t = x
+ noise``, both with the bandwidth of the median distance. Each row is a process of its own: a small call to warm up,
then the least CPU time of a few calls on one thread, and the largest resident memory above that before them. The last
row of the first table is wall-clock time on two threads that wait passively: on a busy machine OpenMP's spinning ones
would cost most of the time.

``formula of the release`` is written anew from the formula of arXiv 2404.17951, Propositions 1 and 2, in the way of
its released code: all Gram matrices dense, and the trace of a product of two of them by a matrix product. ``dense``
takes that trace by an elementwise product. The errors are those of the value, against sums over rows in float64.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import matplotlib.pyplot as plt
import torch

from theory.cauchy_schwarz import conditional_divergence, mutual_information

Tensor = torch.Tensor
Task = Callable[[], Tensor]

FEATURES, BANDWIDTH = 16, (5.5, 7.8)
SIZES = (1024, 2048, 4096, 8192, 16_384, 32_768, 65_536)
DENSE_UP_TO, CUBIC_UP_TO, CHECKED_UP_TO, KEOPS_UP_TO = 8192, 8192, 8192, 8192


def data(n: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(n)
    x, noise = (torch.randn(n, FEATURES, generator=generator) for _ in range(2))
    y, error = x[:, 0].sin(), torch.randn(n, generator=generator)
    return x, (x + noise).requires_grad_(), y[:, None], (y + 0.5 * error)[:, None].requires_grad_()


def gram(a: Tensor, b: Tensor, bandwidth: float) -> Tensor:
    squares = a.square().sum(1)[:, None] + b.square().sum(1) - 2 * a @ b.T
    return torch.exp(-squares / (2 * bandwidth**2))


def information(trace: Tensor, k: Tensor, q: Tensor) -> Tensor:
    n = len(k)
    return torch.log(trace / n**2) + torch.log(k.sum() * q.sum() / n**4) - 2 * torch.log((k * q).sum() / n**3)


def information_by_release(x: Tensor, t: Tensor) -> Tensor:
    k, q = gram(x, x, BANDWIDTH[0]), gram(t, t, BANDWIDTH[1])
    return information(torch.trace(k @ q.T), k.sum(1), q.sum(1))


def information_dense(x: Tensor, t: Tensor) -> Tensor:
    k, q = gram(x, x, BANDWIDTH[0]), gram(t, t, BANDWIDTH[1])
    return information((k * q).sum(), k.sum(1), q.sum(1))


def information_keops(x: Tensor, t: Tensor) -> Tensor:
    from pykeops.torch import LazyTensor

    def lazy(points: Tensor, bandwidth: float) -> LazyTensor:
        scaled = points / (math.sqrt(2) * bandwidth)
        return (-((LazyTensor(scaled[:, None, :]) - LazyTensor(scaled[None, :, :])) ** 2).sum(-1)).exp()

    k, q = lazy(x, BANDWIDTH[0]), lazy(t, BANDWIDTH[1])
    return information((k * q).sum(1).sum(), k.sum(1), q.sum(1))


def information_reference(x: Tensor, t: Tensor) -> float:
    x, t = x.double(), t.detach().double()
    k, q, trace = [], [], 0.0
    for rows in range(0, len(x), 1024):
        of_x = gram(x[rows : rows + 1024], x, BANDWIDTH[0])
        of_t = gram(t[rows : rows + 1024], t, BANDWIDTH[1])
        k.append(of_x.sum(1))
        q.append(of_t.sum(1))
        trace += float((of_x * of_t).sum())
    return float(information(torch.tensor(trace, dtype=torch.float64), torch.cat(k), torch.cat(q)))


def conditional_dense(x: Tensor, y: Tensor, y_hat: Tensor) -> Tensor:
    k = gram(x, x, BANDWIDTH[0])
    weights = k.sum(1) ** 2
    within_y, within_y_hat, across = (
        torch.log(((k * gram(a, b, 1.0)).sum(1) / weights).sum()) for a, b in ((y, y), (y_hat, y_hat), (y_hat, y))
    )
    return within_y + within_y_hat - 2 * across


def conditional_reference(x: Tensor, y: Tensor, y_hat: Tensor, variant: str) -> float:
    x, y, y_hat = x.double(), y.double(), y_hat.detach().double()
    blocks = range(0, len(x), 1024)
    k = torch.cat([gram(x[i : i + 1024], x, BANDWIDTH[0]).sum(1) for i in blocks])
    sums = [0.0, 0.0, 0.0]
    for i in blocks:
        rows = slice(i, i + 1024)
        weighted = gram(x[rows], x, BANDWIDTH[0]) / k[rows, None] / (k if variant == "psd" else k[rows, None])
        for pair, (a, b) in enumerate(((y, y), (y_hat, y_hat), (y_hat, y))):
            sums[pair] += float((weighted * gram(a[rows], b, 1.0)).sum())
    return math.log(sums[0]) + math.log(sums[1]) - 2 * math.log(sums[2])


def task(name: str, n: int) -> tuple[Task, Tensor, Callable[[], float]]:
    """The value to compute, what it is differentiated by, and its reference."""
    x, t, y, y_hat = data(n)
    informations = {
        "mutual_information": lambda: mutual_information(x, t, *BANDWIDTH),
        "dense": lambda: information_dense(x, t),
        "formula of the release": lambda: information_by_release(x, t),
        "KeOps": lambda: information_keops(x, t),
    }
    if name in informations:
        return informations[name], t, lambda: information_reference(x, t)
    if name == "dense, as printed":
        return lambda: conditional_dense(x, y, y_hat), y_hat, lambda: conditional_reference(x, y, y_hat, "paper")
    variant = "psd" if name.endswith("psd") else "paper"
    return (
        lambda: conditional_divergence(x, y, y_hat, BANDWIDTH[0], 1.0, variant),
        y_hat,
        lambda: conditional_reference(x, y, y_hat, variant),
    )


def resident(peak: bool = False) -> float:
    """MiB."""
    key = "VmHWM:" if peak else "VmRSS:"
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key)) / 1024


def measure(name: str, n: int, threads: int) -> None:
    """Print one row as JSON."""
    torch.set_num_threads(threads)
    small, variable, _ = task(name, 512)
    torch.autograd.grad(small(), variable)
    value, variable, reference = task(name, n)
    clock = time.process_time if threads == 1 else time.perf_counter
    before, seconds, started = resident(), [], time.perf_counter()
    Path("/proc/self/clear_refs").write_text("5")  # from here the peak counts anew
    while len(seconds) < 7 and (not seconds or time.perf_counter() - started < 6.0):
        start = clock()
        result = value()
        torch.autograd.grad(result, variable)
        seconds.append(clock() - start)
        result = result.detach()
    memory = resident(peak=True) - before
    error = abs(float(result) / reference() - 1) if n <= CHECKED_UP_TO else None
    print(json.dumps({"seconds": min(seconds), "memory": memory, "error": error}))


def row(name: str, n: int, threads: int = 1) -> dict[str, float | None]:
    command = [sys.executable, __file__, "--measure", name, "--size", str(n), "--threads", str(threads)]
    environment = os.environ | {"OMP_WAIT_POLICY": "PASSIVE"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    found: dict[str, float | None] = json.loads(done.stdout.splitlines()[-1])
    return found


def report(n: int, names: tuple[str, ...], limits: dict[str, int]) -> dict[str, tuple[float, float]]:
    """Print a row a method; their seconds and MiB by name."""
    measured: dict[str, tuple[float, float]] = {}
    ours = row(names[0], n)
    for name in names:
        if n > limits.get(name, n):
            continue
        found = ours if name == names[0] else row(name, n)
        seconds, memory, error = found["seconds"], found["memory"], found["error"]
        times, shares = seconds / ours["seconds"], memory / max(ours["memory"], 1.0)
        shown = "" if error is None else f"{error:.0e}"
        print(
            f"| {n:,} | `{name}` | {seconds:.3g} | {times:.3g}× | {memory:,.0f} | {shares:.3g}× | {shown} |", flush=True
        )
        measured[name] = seconds, memory
    return measured


def draw(curves: dict[int, dict[str, tuple[float, float]]], place: Path) -> None:
    """Time and memory of the mutual information against N."""
    figure, axes = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
    for name in curves[SIZES[0]]:
        sizes = [n for n, measured in curves.items() if name in measured]
        for axis, column in zip(axes, (0, 1), strict=True):
            axis.loglog(sizes, [curves[n][name][column] for n in sizes], "o-", ms=4, label=name)
    for axis, label in zip(axes, ("seconds, forward and backward", "peak memory, MiB"), strict=True):
        axis.set(xlabel="samples N", ylabel=label)
        axis.grid(alpha=0.25)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    figure.savefig(place, dpi=200)


def main(figure: Path | None) -> None:
    head = "| N | | seconds | ratio | MiB | ratio | relative error |\n|---:|---|---:|---:|---:|---:|---:|"
    keops = find_spec("pykeops") is not None
    limits = {"dense": DENSE_UP_TO, "formula of the release": CUBIC_UP_TO, "KeOps": KEOPS_UP_TO if keops else 0}
    print(f"Mutual information\n\n{head}")
    names: tuple[str, ...] = ("mutual_information", "dense", "formula of the release", "KeOps")
    curves = {n: report(n, names, limits) for n in SIZES}
    if figure is not None:
        draw(curves, figure)
    both = row("mutual_information", SIZES[-1], threads=2)
    print(f"| {SIZES[-1]:,} | the same, two threads | {both['seconds']:.3g} | | {both['memory']:,.0f} | | |")
    print(f"\nConditional divergence\n\n{head}")
    names = ("conditional_divergence, psd", "conditional_divergence, paper", "dense, as printed")
    for n in SIZES[:5]:
        report(n, names, {names[-1]: DENSE_UP_TO})
    note = "" if keops else " KeOps is not installed."
    processor = platform.processor() or platform.machine()
    print(f"\n{processor}, {platform.system()}, Python {platform.python_version()}, torch {torch.__version__}.{note}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--figure", type=Path, metavar="FILE", help="draw time and memory against N into this file")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--size", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, default=1, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure(arguments.measure, arguments.size, arguments.threads)
    else:
        main(arguments.figure)
