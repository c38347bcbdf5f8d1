"""Cost of `RadiusClip` and `RadiusMonitor` for one training step, as a ratio to the plain step; prints Markdown.

Run with ``OMP_NUM_THREADS=1 python benchmarks/controller_overhead.py``. The model is an MLP 64-128-128-10 with GELU on
the digits of scikit-learn, batch 128, Adam. A plain step is zero_grad, forward, backward and step. All loops run in
turn within each repetition, in CPU time of the thread, and the ratio is the median over repetitions, so a busy machine
affects them alike. In the second column the learning rate is so large that nearly every step is shortened, which needs
a second Jacobian-vector product.
"""

from __future__ import annotations

import itertools
import platform
import statistics
import time
from collections.abc import Callable

import torch
from sklearn.datasets import load_digits
from torch import nn

from theory.softmax_zeros.controller import Radius, RadiusClip
from theory.softmax_zeros.monitor import RadiusMonitor
from theory.softmax_zeros.updates import update_direction

BATCH, WARM_UP, STEPS, REPETITIONS = 128, 60, 20, 25
GENTLE, HARSH = 1e-4, 1e-1


class Loop:
    """A training loop that keeps its model, data order and optimizer between timings."""

    def __init__(self, lr: float, radius: Radius | None = None, extra: str = "") -> None:
        torch.manual_seed(0)
        data = load_digits()
        inputs, labels = torch.tensor(data.data / 16, dtype=torch.float32), torch.tensor(data.target)
        order = torch.randperm(len(inputs))[: len(inputs) // BATCH * BATCH]
        self.batches = itertools.cycle(zip(inputs[order].split(BATCH), labels[order].split(BATCH), strict=True))
        self.model = nn.Sequential(nn.Linear(64, 128), nn.GELU(), nn.Linear(128, 128), nn.GELU(), nn.Linear(128, 10))
        inner = torch.optim.Adam(self.model.parameters(), lr=lr)
        self.optimizer = inner if radius is None else RadiusClip(inner, self.model, radius=radius)
        self.radius, self.extra = radius, extra
        self.monitor = RadiusMonitor(inner, self.model) if extra == "monitor" else None
        self.shortened = self.taken = 0

    def step(self) -> None:
        inputs, labels = next(self.batches)
        self.optimizer.zero_grad()
        nn.functional.cross_entropy(self.model(inputs), labels).backward()
        if self.extra == "query":
            update_direction(self.optimizer)
        if self.monitor is not None:
            self.monitor.observe(inputs)
        if isinstance(self.optimizer, RadiusClip):
            self.optimizer.observe(inputs, labels if self.radius == "descent" else None)
        self.optimizer.step()
        if isinstance(self.optimizer, RadiusClip) and self.optimizer.report is not None:
            self.taken += 1
            self.shortened += self.optimizer.report.scale < 1.0

    def time(self) -> float:
        start = time.thread_time()
        for _ in range(STEPS):
            self.step()
        return (time.thread_time() - start) / STEPS


def ratios(make: Callable[[float], dict[str, Loop]], lr: float) -> tuple[float, dict[str, tuple[float, float]]]:
    """Median time of a plain step, and for each loop the median ratio to it and the fraction of shortened steps."""
    plain, loops = Loop(lr), make(lr)
    for loop in (plain, *loops.values()):
        for _ in range(WARM_UP):
            loop.step()
        loop.shortened = loop.taken = 0
    times: list[float] = []
    measured: dict[str, list[float]] = {name: [] for name in loops}
    for _ in range(REPETITIONS):
        times.append(plain.time())
        for name, loop in loops.items():
            measured[name].append(loop.time() / times[-1])
    return statistics.median(times), {
        name: (statistics.median(measured[name]), loop.shortened / max(loop.taken, 1)) for name, loop in loops.items()
    }


def variants(lr: float) -> dict[str, Loop]:
    return {
        'RadiusClip, `"rho_a"`': Loop(lr, "rho_a"),
        'RadiusClip, `"exact"`': Loop(lr, "exact"),
        'RadiusClip, `"descent"`': Loop(lr, "descent"),
        "RadiusMonitor, every step": Loop(lr, extra="monitor"),
        "`update_direction`": Loop(lr, extra="query"),
    }


def main() -> None:
    torch.set_num_threads(1)
    (plain, gentle), (_, harsh) = ratios(variants, GENTLE), ratios(variants, HARSH)
    print(f"Plain step: {plain * 1e6:.0f} µs. Times are ratios to the plain step; shortened steps in brackets.\n")
    print(f"| | lr {GENTLE:g} | lr {HARSH:g} |\n|---|---|---|")
    for name in gentle:
        cells = [f"{ratio:.2f} ({share:.0%})" for ratio, share in (gentle[name], harsh[name])]
        print(f"| {name} | {' | '.join(cells)} |")
    print(
        f"\nMedian of {REPETITIONS} × {STEPS} steps, one thread. {platform.processor() or platform.machine()}, "
        f"{platform.system()}, Python {platform.python_version()}, torch {torch.__version__}."
    )


if __name__ == "__main__":
    main()
