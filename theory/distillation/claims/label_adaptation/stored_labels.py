"""Mixing within an image (SelfMix) and soft labels recovered from their stored largest entries."""

from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import sympy as sp
import torch

from theory.distillation.claims.label_adaptation.paper import paper
from theory.distillation.label_adaptation import recover_soft_labels, self_mix
from verify import Check

Formula = Callable[..., Any]

LABEL = st.lists(st.integers(0, 20), min_size=3, max_size=3).filter(any)


@paper.claim(
    "Section 3, SelfMix",
    tags=("identity", "ours"),
    mutants={
        "1 − λ": {"factor": lambda lam: 1 - lam},
        "λ²": {"factor": lambda lam: lam * lam},
        "1 − λ²": {"factor": lambda lam: 1 - lam * lam},
    },
)
def mixing_moves_a_label_by_the_distance_of_the_two(
    check: Check, factor: Formula = lambda lam: (1 - lam) * (1 - lam)
) -> None:
    r"""$|\lambda a + (1 - \lambda)b - a|^2 = (1 - \lambda)^2|a - b|^2$: mixing crops of one image, whose labels are
    close, moves them less.

    Proved for three classes; the code agrees in a search.
    """
    lam, a, b = sp.Symbol("lambda", real=True), sp.symbols("a1:4", real=True), sp.symbols("b1:4", real=True)
    moved = sum((lam * x + (1 - lam) * y - x) ** 2 for x, y in zip(a, b, strict=True))
    distance = sum((x - y) ** 2 for x, y in zip(a, b, strict=True))
    check.proves(sp.Eq(moved, factor(lam) * distance))

    def code_agrees(first: list[int], second: list[int], lam: float) -> bool:
        labels = torch.tensor([[first, second]]).double()
        labels /= labels.sum(dim=2, keepdim=True)
        _, mixed = self_mix(labels, labels, lam)
        moved, distance = ((x - labels[0, 0]).square().sum() for x in (mixed[0, 0], labels[0, 1]))
        return bool(abs(moved - factor(lam) * distance) <= 1e-14)

    check.forall(code_agrees, first=LABEL, second=LABEL, lam=st.floats(0, 1), says="the code")


def published_recovery(indices: torch.Tensor, values: torch.Tensor, num_classes: int) -> torch.Tensor:
    """The rest of the mass spread evenly over the other classes, whatever its sign."""
    values = values.float()
    others = (1 - values.sum(dim=1, keepdim=True)) / (num_classes - values.shape[1])
    return others.repeat(1, num_classes).scatter(1, indices, values)


@paper.refuted(
    "FKD's marginal smoothing, which the paper's labels are stored by",
    tags=("erratum",),
    controls={"rest below zero taken as zero": {"recover": recover_soft_labels}},
)
def recovered_soft_labels_are_distributions(check: Check, recover: Formula = published_recovery) -> None:
    r"""Five largest entries in half precision, and $1 - \sum$ spread over the other classes, are a distribution again.

    Rounding may leave more than 1 in the five entries, and every other class then gets a negative probability.
    """

    def is_a_distribution(logits: list[int]) -> bool:
        soft = torch.softmax(torch.tensor([logits]).double() / 2, dim=1)
        values, indices = soft.topk(5, dim=1)
        label = recover(indices, values.half(), len(logits))
        return bool((label >= 0).all() and abs(float(label.sum()) - 1) <= 1e-6)

    check.forall(is_a_distribution, logits=st.lists(st.integers(0, 60), min_size=12, max_size=12), examples=1000)
