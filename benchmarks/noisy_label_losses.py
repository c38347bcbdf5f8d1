"""`ELRLoss` beside plain cross-entropy and the authors' loss, and wrong labels found beside cleanlab; prints Markdown.

Run with ``OMP_NUM_THREADS=1 python benchmarks/noisy_label_losses.py``. A step is a forward and a backward pass from the
logits, with the targets of 50,000 samples kept. "early" is the first step on standard normal logits; "late" has logits
with a margin of 8 at the label, whose targets have caught up, where the difference from 1 takes more work. The
authors' loss is written down here from its formula and the order of operations of their code. All methods run in turn
within each repetition, in CPU time of the thread, and the ratio is the median over repetitions, so a busy machine
affects them alike.

The second table trains an MLP 64-256-256-10 on the digits of scikit-learn with 40 % of the training labels replaced by
another class, and calls a label wrong if it differs from the class that the target of the loss ends up with. cleanlab,
if installed (``pip install --no-deps cleanlab``), gets out-of-sample probabilities of the same network trained by
cross-entropy in 5 folds, its recommended input.
"""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

from theory.early_learning import ELRLoss, symmetric_noise

SAMPLES, REPETITIONS, EPOCHS, SEEDS = 50_000, 25, 60, (0, 1, 2)
SIZES = ((128, 10), (128, 100), (256, 1000))


class Published(nn.Module):
    """The authors' loss from its formula, with the order of operations of their code."""

    def __init__(self, num_samples: int, num_classes: int, lam: float, beta: float) -> None:
        super().__init__()
        self.target, self.lam, self.beta = torch.zeros(num_samples, num_classes), lam, beta

    def forward(self, logits: torch.Tensor, labels: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        p = F.softmax(logits, dim=1).clamp(1e-4, 1 - 1e-4)
        fixed = p.detach()
        share = fixed / fixed.sum(dim=1, keepdim=True)
        self.target[index] = self.beta * self.target[index] + (1 - self.beta) * share
        regularizer = (1 - (self.target[index] * p).sum(dim=1)).log().mean()
        return F.cross_entropy(logits, labels) + self.lam * regularizer


def cpu_time(step: Callable[[], None], steps: int) -> float:
    start = time.thread_time()
    for _ in range(steps):
        step()
    return (time.thread_time() - start) / steps


def ratios(batch: int, classes: int, *, late: bool) -> tuple[float, list[float]]:
    """Median time of cross-entropy, and of each loss the median ratio to it."""
    draw = torch.Generator().manual_seed(0)
    labels = torch.randint(classes, (batch,), generator=draw)
    logits = torch.randn(batch, classes, generator=draw) + 8 * late * F.one_hot(labels, classes)
    logits.requires_grad_()
    index = torch.randperm(SAMPLES, generator=draw)[:batch]
    losses: list[Callable[..., torch.Tensor]] = [
        ELRLoss(SAMPLES, classes),
        ELRLoss(SAMPLES, classes, clamp=1e-4),
        Published(SAMPLES, classes, 3.0, 0.7),
    ]

    def timed(loss: Callable[[], torch.Tensor]) -> Callable[[], None]:
        def step() -> None:
            logits.grad = None
            loss().backward()  # type: ignore[no-untyped-call]

        return step

    steps = [timed(lambda: F.cross_entropy(logits, labels))]
    steps += [timed(lambda loss=loss: loss(logits, labels, index)) for loss in losses]  # type: ignore[misc]
    count = max(10, 25_600 // (batch * classes) * 10)
    for step in steps:
        cpu_time(step, 30)
    rows = [[cpu_time(step, count) for step in steps] for _ in range(REPETITIONS)]
    plain = statistics.median(row[0] for row in rows)
    return plain, [statistics.median(row[k] / row[0] for row in rows) for k in range(1, len(steps))]


def differences(batch: int, classes: int) -> tuple[bool, float]:
    """Whether 50 losses and all targets equal the authors' bit for bit in float32, and the most a gradient differs."""
    ours, theirs = ELRLoss(1000, classes, clamp=1e-4), Published(1000, classes, 3.0, 0.7)
    equal, largest = True, 0.0
    for step in range(50):
        torch.manual_seed(step)
        logits, labels = (1 + step / 5) * torch.randn(batch, classes), torch.randint(classes, (batch,))
        index = torch.randperm(1000)[:batch]
        first, second = logits.requires_grad_(), logits.detach().clone().requires_grad_()
        a, b = ours(first, labels, index), theirs(second, labels, index)
        (g,), (h,) = torch.autograd.grad(a, first), torch.autograd.grad(b, second)
        equal &= a.item() == b.item() and torch.equal(ours.target, theirs.target)
        largest = max(largest, float((g - h).abs().max() / h.abs().max()))
    return equal, largest


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10))


def train(inputs: torch.Tensor, labels: torch.Tensor, loss: Callable[..., torch.Tensor]) -> nn.Module:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    for _ in range(EPOCHS):
        for index in torch.randperm(len(inputs)).split(64):
            optimizer.zero_grad()
            loss(model(inputs[index]), labels[index], index).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        schedule.step()
    return model


def elr_issues(inputs: torch.Tensor, labels: torch.Tensor) -> Any:
    loss = ELRLoss(len(inputs), 10, lam=7.0, beta=0.9)
    train(inputs, labels, loss)
    return (loss.target.argmax(dim=1) != labels).numpy()


def cleanlab_issues(inputs: torch.Tensor, labels: torch.Tensor) -> Any:
    from cleanlab.filter import find_label_issues

    out_of_sample = np.empty((len(inputs), 10))
    plain = lambda logits, y, index: F.cross_entropy(logits, y)  # noqa: E731
    for fold in torch.randperm(len(inputs)).chunk(5):
        inside = torch.ones(len(inputs), dtype=torch.bool).index_fill(0, fold, False)
        model = train(inputs[inside], labels[inside], plain)
        with torch.no_grad():
            out_of_sample[fold] = torch.softmax(model(inputs[fold]), dim=1).double().numpy()
    return find_label_issues(labels.numpy(), out_of_sample / out_of_sample.sum(axis=1, keepdims=True), n_jobs=1)


def found(method: Callable[[torch.Tensor, torch.Tensor], Any], seed: int) -> tuple[float, float, float]:
    """Precision and recall of the labels called wrong, and CPU seconds."""
    data = load_digits()
    noisy = symmetric_noise(data.target, 0.4, 10, exclude_true=True, seed=seed, exact=True)
    torch.manual_seed(seed)
    start = time.thread_time()
    issues = method(torch.tensor(data.data / 16, dtype=torch.float32), torch.from_numpy(noisy.labels))
    seconds = time.thread_time() - start
    hits = float((issues & noisy.wrong).sum())
    return hits / max(float(issues.sum()), 1.0), hits / float(noisy.wrong.sum()), seconds


def main() -> None:
    torch.set_num_threads(1)
    print("| batch, classes | phase | cross-entropy, µs | `ELRLoss` | with `clamp=1e-4` | authors' |")
    print("|---|---|---|---|---|---|")
    for batch, classes in SIZES:
        for late in (False, True):
            plain, factors = ratios(batch, classes, late=late)
            cells = " | ".join(f"{factor:.1f}×" for factor in factors)
            print(f"| {batch}, {classes} | {'late' if late else 'early'} | {plain * 1e6:.0f} | {cells} |")
    print("\n| batch, classes | loss and targets with `clamp=1e-4` | largest difference of a gradient, relative |")
    print("|---|---|---|")
    for batch, classes in SIZES:
        equal, largest = differences(batch, classes)
        print(f"| {batch}, {classes} | {'equal bit for bit' if equal else 'differ'} | {largest:.0e} |")
    methods: dict[str, Callable[[torch.Tensor, torch.Tensor], Any]] = {"`ELRLoss(lam=7, beta=0.9)`": elr_issues}
    try:
        import cleanlab
    except ImportError:
        print("\ncleanlab is not installed and left out.")
    else:
        methods[f"cleanlab {cleanlab.__version__}"] = cleanlab_issues
    print("\n| wrong labels of digits at 40 % | precision | recall | CPU s |\n|---|---|---|---|")
    for name, method in methods.items():
        runs = np.array([found(method, seed) for seed in SEEDS])
        precision, recall, seconds = np.median(runs, axis=0)
        print(f"| {name} | {precision:.3f} | {recall:.3f} | {seconds:.1f} |")
    print(
        f"\nMedians of {REPETITIONS} repetitions and {len(SEEDS)} seeds, one thread. "
        f"{platform.processor() or platform.machine()}, {platform.system()}, "
        f"Python {platform.python_version()}, torch {torch.__version__}."
    )


if __name__ == "__main__":
    main()
