"""Which crops are discarded, hardened or kept as they are, and what the loss makes of them (Section 3).

s is the teacher's confidence in a crop, T_L ≤ T_M ≤ T_T are thresholds, y_a is the adapted label.
"""

from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import torch
import z3
from torch.nn import functional as F

from theory.distillation.claims.label_adaptation.paper import paper
from theory.distillation.label_adaptation import Confidence, Region, adapt_labels, adapted_cross_entropy
from verify import Check

Formula = Callable[..., Any]

SOFT = st.lists(st.integers(0, 16), min_size=4, max_size=4).filter(any)
"""Soft labels of four classes as proportions; sixteenths when their sum is 16, so that crops fall on thresholds."""
ON_GRID = st.permutations([10, 4, 2, 0]) | st.permutations([8, 4, 4, 0]) | st.permutations([16, 0, 0, 0]) | SOFT
THRESHOLDS = st.lists(st.integers(0, 16), min_size=3, max_size=3).map(lambda t: tuple(x / 16 for x in sorted(t)))


def soft_label(parts: list[int]) -> torch.Tensor:
    """One row of probabilities."""
    return torch.tensor([parts]).double() / sum(parts)


def discarded(s: Any, low: Any, middle: Any, top: Any, either: Formula) -> Any:
    """s < T_L or s > T_T."""
    return either(s < low, s > top)


def hard(s: Any, low: Any, middle: Any, top: Any, both: Formula) -> Any:
    """T_L < s < T_M."""
    return both(low < s, s < middle)


@paper.claim(
    "Section 3, the three regions",
    tags=("identity",),
    mutants={
        "discarded on the threshold too": {
            "discard": lambda s, low, middle, top, either: either(s <= low, s > top),
        },
        "hard on the thresholds too": {"harden": lambda s, low, middle, top, both: both(low <= s, s <= middle)},
        "hard below T_L": {"harden": lambda s, low, middle, top, both: s < middle},
    },
)
def regions_are_disjoint_and_thresholds_belong_to_the_soft_one(
    check: Check, discard: Formula = discarded, harden: Formula = hard
) -> None:
    r"""Every crop is discarded ($s < T_L$ or $s > T_T$), hard ($T_L < s < T_M$) or else soft; one on a threshold is
    soft.

    The inequalities are strict as printed. Proved for all $s$ and thresholds; the code agrees in a search on a grid.
    """
    s, low, middle, top = z3.Reals("s T_L T_M T_T")
    out, hardened = discard(s, low, middle, top, z3.Or), harden(s, low, middle, top, z3.And)
    domain = z3.And(low >= 0, low <= middle, middle <= top, top <= 1, s >= 0, s <= 1)
    on_threshold = z3.Or(s == low, s == middle, s == top)
    soft_there = z3.Implies(on_threshold, z3.Not(z3.Or(out, hardened)))
    strictly_inside = z3.Implies(z3.And(low < s, s < middle), hardened)
    outside = z3.Implies(z3.Or(s < low, s > top), out)
    statement = z3.And(z3.Not(z3.And(out, hardened)), soft_there, strictly_inside, outside)
    check.proves(z3.Implies(domain, statement))

    def code_agrees(
        parts: list[int], thresholds: tuple[float, float, float], label: int, confidence: Confidence
    ) -> bool:
        soft = soft_label(parts)
        adapted = adapt_labels(soft, torch.tensor([label]), thresholds, 0.1, confidence=confidence)
        s = float(soft.max() if confidence == "max" else soft[0, label])
        out = discard(s, *thresholds, lambda a, b: a or b)
        hardened = not out and harden(s, *thresholds, lambda a, b: a and b)
        region = Region.DISCARDED if out else Region.HARD if hardened else Region.IMPORTANT
        smoothed = 0.1 / 3 + (0.9 - 0.1 / 3) * F.one_hot(torch.tensor([label]), 4).double()
        expected = {Region.DISCARDED: 0 * soft, Region.HARD: smoothed, Region.IMPORTANT: soft}[region]
        return bool(adapted.region == region and torch.allclose(adapted.targets, expected, atol=1e-15))

    kinds, labels = st.sampled_from(["max", "truth"]), st.integers(0, 3)
    check.forall(code_agrees, parts=ON_GRID, thresholds=THRESHOLDS, label=labels, confidence=kinds, says="the code")


@paper.claim(
    "Section 3, the limits of the thresholds",
    tags=("identity", "ours"),
    mutants={
        "T_M raised": {"soft_limit": (0.0, 0.5, 1.0)},
        "T_L raised": {"soft_limit": (0.5, 0.5, 1.0)},
        "T_T lowered": {"smoothed_limit": (0.0, 0.5, 0.5)},
    },
)
def limits_are_plain_soft_labels_and_label_smoothing(
    check: Check,
    soft_limit: tuple[float, float, float] = (0.0, 0.0, 1.0),
    smoothed_limit: tuple[float, float, float] = (0.0, 1.0, 1.0),
) -> None:
    r"""$T_L = T_M = 0$, $T_T = 1$ leaves every soft label as it is; $T_L = 0$, $T_M = T_T = 1$ gives smoothed hard
    labels.

    The second for crops with $0 < s < 1$, since a crop on a threshold stays soft.
    """

    def are_limits(parts: list[int], label: int) -> bool:
        soft, y = soft_label(parts), torch.tensor([label])
        kept = adapt_labels(soft, y, soft_limit, 0.1, confidence="max").targets
        smoothed = adapt_labels(soft, y, smoothed_limit, 0.1, confidence="max").targets
        expected = torch.full((1, 4), 0.1 / 3).double()
        expected[0, label] = 0.9
        return torch.equal(kept, soft) and (float(soft.max()) == 1 or torch.allclose(smoothed, expected, atol=1e-15))

    check.forall(are_limits, parts=ON_GRID, label=st.integers(0, 3))


@paper.claim(
    "Section 3, the loss",
    tags=("identity",),
    mutants={
        "averaged over the batch": {"count": lambda adapted: len(adapted.kept)},
        "averaged over discarded crops too": {"count": lambda adapted: int(adapted.kept.sum()) + 1},
    },
)
def kept_crops_share_the_gradient_and_discarded_ones_have_none(
    check: Check, count: Formula = lambda adapted: max(int(adapted.kept.sum()), 1)
) -> None:
    r"""$\partial L/\partial z = (p - y_a)/(\text{number of kept crops})$ on kept crops, exactly 0 on discarded ones.

    The paper averages over $N$; here $N$ counts the crops that are kept, so that discarding does not shrink the step.
    """

    def autograd_agrees(first: list[int], second: list[int], logits: list[int]) -> bool:
        soft = torch.cat([soft_label(first), soft_label(second), torch.tensor([[0.25] * 4]).double()])
        adapted = adapt_labels(soft, torch.tensor([0, 1, 2]), (0.3, 0.5, 0.9), 0.1, confidence="max")
        z = (torch.tensor([logits] * 3).double() / 4).requires_grad_()
        (gradient,) = torch.autograd.grad(adapted_cross_entropy(z, adapted), z)
        expected = (torch.softmax(z.detach(), 1) - adapted.targets) / count(adapted) * adapted.kept[:, None]
        return bool((gradient - expected).abs().max() <= 1e-15 and (gradient[~adapted.kept] == 0).all())

    logits = st.lists(st.integers(-20, 20), min_size=4, max_size=4)
    check.forall(autograd_agrees, first=ON_GRID, second=ON_GRID, logits=logits)


@paper.refuted(
    "Section 3, the confidence",
    tags=("erratum",),
    controls={"labels the teacher agrees with": {"label_of": lambda soft, label: int(soft.argmax())}},
)
def largest_probability_and_that_of_the_truth_discard_the_same_crops(
    check: Check, label_of: Callable[[torch.Tensor, int], int] = lambda soft, label: label
) -> None:
    r"""The printed rule compares the vector $y_s$ with thresholds, as if it made no difference which entry is meant.

    Its maximum and its entry at the ground truth differ wherever the teacher is wrong. The code therefore asks which.
    """

    def same(parts: list[int], thresholds: tuple[float, float, float], label: int) -> bool:
        soft = soft_label(parts)
        y = torch.tensor([label_of(soft, label)])
        by_max, by_truth = (adapt_labels(soft, y, thresholds, 0.1, confidence=kind).region for kind in ("max", "truth"))
        return torch.equal(by_max, by_truth)

    check.forall(same, parts=ON_GRID, thresholds=THRESHOLDS, label=st.integers(0, 3))
