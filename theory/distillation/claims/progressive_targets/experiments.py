"""PS-KD on 1,000 digits of MNIST: calibration, and what becomes of the argument about hard examples (Sections 3, 4)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from theory.distillation.calibration import aurc, expected_calibration_error
from theory.distillation.claims.progressive_targets.paper import paper
from theory.distillation.progressive_targets import PSKDLoss, rescaling_factor
from theory.early_learning.claims.training.data import CLASSES
from theory.early_learning.claims.training.methods import CROSS_ENTROPY, Loss, Method, self_distillation
from theory.early_learning.claims.training.runs import DIGITS, MNIST, Seeds, Study, by_seed, run, test_logits
from verify import Check

Tensor = torch.Tensor

SMALL = MNIST._replace(train=1000, noise=0.0, epochs=60)
SMALL_DIGITS = DIGITS._replace(train=300, noise=0.0, epochs=60)
WATCHED = (2, 16, 31, 46, 60)
BINS = 10


def seeds_of(check: Check) -> Seeds:
    """Those from the claim's on."""
    return tuple(range(check.seed, check.seed + check.at(quick=1, full=3)))


def with_dropout(method: Method, rate: float = 0.5) -> Method:
    """Dropout on both hidden layers; none at rate 0."""
    mask = functools.partial(nn.Dropout, rate)
    return Method(f"{method.name}, dropout {rate:g}", method.loss, mask, mask) if rate else method


def smoothed_label(logits: Tensor, labels: Tensor, index: Tensor, epoch: int) -> Tensor:
    """Cross-entropy with 0.1 of the mass spread over all classes."""
    return F.cross_entropy(logits, labels, label_smoothing=0.1)


LABEL_SMOOTHING = Method("label smoothing 0.1", lambda n, epochs: smoothed_label)
PS_KD = self_distillation(0.8)


def metrics(study: Study, method: Method, seeds: Seeds) -> dict[str, np.ndarray]:
    """Test error, NLL [nats], ECE and AURC, fractions, (S,) each."""
    trained = run(study, method, seeds)
    rows = []
    for logits, labels in zip(test_logits(trained), trained.problem.true_test, strict=True):
        confidence, predicted = torch.softmax(logits, 1).max(dim=1)
        right = predicted == labels
        nll = float(F.cross_entropy(logits, labels))
        error = 1 - float(right.double().mean())
        rows.append((error, nll, expected_calibration_error(confidence, right, BINS), aurc(confidence, right)))
    return dict(zip(("error", "NLL", "ECE", "AURC"), np.array(rows).T, strict=True))


def reliability(study: Study, method: Method, seeds: Seeds) -> dict[str, Any]:
    """Mean confidence, accuracy and share of the test data in bins of confidence, all seeds together."""
    trained = run(study, method, seeds)
    confidence, predicted = torch.softmax(test_logits(trained), 2).max(dim=2)
    right = (predicted == trained.problem.true_test).double().flatten().numpy()
    score = confidence.double().flatten().numpy()
    number = np.searchsorted(np.arange(1, BINS + 1) / BINS, score)
    count = np.bincount(number, minlength=BINS)
    means = [np.bincount(number, x, BINS)[count > 0] / count[count > 0] for x in (score, right)]
    return {"confidence": means[0], "accuracy": means[1], "share": count[count > 0] / count.sum()}


@paper.claim(
    "tables of Section 4, NLL and ECE",
    tags=("empirical",),
    mutants={
        "label smoothing in its place": {"method": LABEL_SMOOTHING},
        "α_T = 0, cross-entropy": {"method": CROSS_ENTROPY},
        "without dropout": {"rate": 0.0},
    },
)
def self_distillation_calibrates_a_network_with_dropout(
    check: Check, method: Method = PS_KD, rate: float = 0.5
) -> None:
    r"""With dropout 0.5 and $\alpha_T = 0.8$, the calibration error is at most half that of cross-entropy, and the NLL
    lower.

    The paper's ResNet-18 on CIFAR-100 goes from 11.84 % to 1.77 %, from 1.10 to 0.76 nats. Half is a weak form of that.
    """
    seeds = seeds_of(check)
    plain, ours = (metrics(SMALL, with_dropout(each, rate), seeds) for each in (CROSS_ENTROPY, method))
    check.reproduces(
        by_seed({"ECE ratio": ours["ECE"] / plain["ECE"], "NLL ratio": ours["NLL"] / plain["NLL"]}, seeds),
        bands={"ECE ratio": (0, 0.5), "NLL ratio": (0, 1)},
        seeds=len(seeds),
        setup=SMALL.setup(seeds, CROSS_ENTROPY, method, dropout=rate, bins=BINS),
        printed={"ECE ratio": 1.77 / 11.84, "NLL ratio": 0.76 / 1.10},
    )
    check.note(cross_entropy=plain, distilled=ours)
    for name, each in {"cross-entropy": CROSS_ENTROPY, "PS-KD": method}.items():
        check.table(name, **reliability(SMALL, with_dropout(each, rate), seeds))


@paper.refuted(
    "Section 4, ECE",
    tags=("empirical",),
    controls={"1,000 digits of MNIST, dropout 0.5": {"study": SMALL, "rate": 0.5}},
)
def self_distillation_always_calibrates(check: Check, study: Study = SMALL_DIGITS, rate: float = 0.7) -> None:
    r"""$\alpha_T = 0.8$ lowers the calibration error: not on 300 of scikit-learn's digits with dropout 0.7, where it
    rises.

    The network is then less confident than right by 13 points. With dropout 0.5 it depends on the seed. Nor in the
    paper's own tables always: ResNeXt-29 goes from 4.17 to 9.18 %.
    """
    seeds = seeds_of(check)
    plain, ours = (metrics(study, with_dropout(each, rate), seeds) for each in (CROSS_ENTROPY, PS_KD))
    check.reproduces(
        by_seed({"ECE ratio": ours["ECE"] / plain["ECE"]}, seeds),
        bands={"ECE ratio": (0, 1)},
        seeds=len(seeds),
        setup=study.setup(seeds, CROSS_ENTROPY, PS_KD, dropout=rate, bins=BINS),
        printed={"ECE ratio": 9.18 / 4.17},
    )


@paper.refuted(
    "tables of Section 4, top-1 error",
    tags=("empirical",),
    level="full",
    controls={"dropout itself": {"method": CROSS_ENTROPY, "rate": 0.5, "plain_rate": 0.0}},
)
def self_distillation_lowers_the_error(
    check: Check, method: Method = PS_KD, rate: float = 0.5, plain_rate: float = 0.5
) -> None:
    r"""Self-distillation lowers the test error by 5 % of itself or more: not at this size, where none is seen.

    The paper prints 24.18 to 20.82 %, which is 14 % of itself. The control, dropout against none, does lower it.
    """
    seeds = seeds_of(check)
    plain = metrics(SMALL, with_dropout(CROSS_ENTROPY, plain_rate), seeds)
    ours = metrics(SMALL, with_dropout(method, rate), seeds)
    check.reproduces(
        by_seed({"reduction": 1 - ours["error"] / plain["error"]}, seeds),
        bands={"reduction": (0.05, 1)},
        seeds=len(seeds),
        setup=SMALL.setup(seeds, CROSS_ENTROPY, method, dropout=[plain_rate, rate]),
        printed={"reduction": 1 - 20.82 / 24.18},
    )


class Watched:
    """A loss that keeps the rescaling of its gradient in some epochs.

    Attributes
    ----------
    kept
        By epoch, for the examples in the order in which they came: position, 1 − p at the label, ratio of gradient
        norms, and whether the theorem's hypothesis holds.
    """

    def __init__(self, n: int, epochs: int) -> None:
        self.loss = PSKDLoss(n, CLASSES, epochs)
        self.kept: dict[int, list[Tensor]] = {epoch: [] for epoch in WATCHED}

    def __call__(self, logits: Tensor, labels: Tensor, index: Tensor, epoch: int) -> Tensor:
        if epoch in self.kept:
            p = torch.softmax(logits.detach().double(), 1)
            before = self.loss.bank.read(labels, index).double()
            factor = rescaling_factor(p, before / before.sum(1, keepdim=True), self.loss.alpha(epoch), labels)
            gamma = 1 - p.gather(1, labels[:, None])[:, 0]
            self.kept[epoch].append(torch.stack([index.double(), gamma, factor.ratio, factor.applies.double()]))
        value: Tensor = self.loss(logits, labels, index, epoch)
        return value


def watched(n: int, epochs: int) -> Loss:
    """See :class:`Watched`."""
    return Watched(n, epochs)


def rescaling(study: Study, rate: float, seeds: Seeds) -> dict[str, np.ndarray]:
    """By epoch and seed, (5, S): share where the hypothesis holds, median ratio of the hardest tenth and of the rest.

    Hard are those with the largest γ = 1 − p at the label, which the paper's formula 1 − αγ'/γ favours.
    """
    trained = run(study, with_dropout(Method("PS-KD 0.8, watched", watched), rate), seeds)
    assert isinstance(trained.loss, Watched)
    rows = []
    for parts in trained.loss.kept.values():
        position, gamma, ratio, applies = torch.cat(parts, dim=1).numpy()
        order = np.argsort(position)
        gamma, ratio, applies = (x[order].reshape(len(seeds), -1) for x in (gamma, ratio, applies))
        hard = gamma >= np.quantile(gamma, 0.9, axis=1, keepdims=True)
        medians = [
            [np.median(values[which]) for values, which in zip(ratio, part, strict=True)] for part in (hard, ~hard)
        ]
        rows.append((applies.mean(axis=1), *medians))
    return dict(zip(("share", "hard", "rest"), np.array(rows).transpose(1, 0, 2), strict=True))


def watched_study(check: Check) -> Study:
    """MNIST at the full level."""
    return check.at(quick=SMALL_DIGITS, full=SMALL)


@paper.refuted(
    "Section 3, hypothesis of the theorem on rescaling",
    tags=("empirical",),
    controls={"without dropout": {"rate": 0.0}},
)
def rescaling_formula_applies_to_most_examples(check: Check, rate: float = 0.5) -> None:
    r"""Past half of the training, $\alpha \le \min p_i/p'_i$ for most examples, so that the ratio is
    $1 - \alpha\gamma'/\gamma$: not so.

    With dropout it holds for a quarter of them, and for a fifth at the end. Without dropout it holds for most, but then
    the targets collapse to the labels.
    """
    seeds, study = seeds_of(check), watched_study(check)
    share = rescaling(study, rate, seeds)["share"]
    found = {f"epoch {epoch}": values for epoch, values in zip(WATCHED, share, strict=True)}
    check.reproduces(
        by_seed(found, seeds),
        bands={f"epoch {epoch}": (0.5, 1) for epoch in WATCHED[2:]},
        seeds=len(seeds),
        setup=study.setup(seeds, PS_KD, dropout=rate),
        says="share of the training examples",
    )


@paper.refuted(
    "Section 3, hard examples are weighted up",
    tags=("empirical",),
    controls={"weighted down": {"advantage": lambda hard, rest: rest - hard}},
)
def hard_examples_keep_more_of_their_gradient(
    check: Check, advantage: Callable[[np.ndarray, np.ndarray], np.ndarray] = lambda hard, rest: hard - rest
) -> None:
    r"""Relative to cross-entropy, the gradients of hard examples are reduced less than those of others: they are more.

    In the last quarter of the training, with dropout 0.5: medians of the ratio of 1-norms, over the tenth with the
    largest $\gamma$ and over the rest. Before that it is less, and depends on the seed.
    """
    seeds, study = seeds_of(check), watched_study(check)
    found = rescaling(study, 0.5, seeds)
    gaps = {f"epoch {epoch}": row for epoch, row in zip(WATCHED, advantage(found["hard"], found["rest"]), strict=True)}
    check.reproduces(
        by_seed(gaps, seeds),
        bands={f"epoch {epoch}": (0, 1) for epoch in WATCHED[3:]},
        seeds=len(seeds),
        setup=study.setup(seeds, PS_KD, dropout=0.5),
        says="median ratio of the hard minus that of the rest",
    )
    check.note(hard=found["hard"].mean(axis=1), rest=found["rest"].mean(axis=1))
    check.table("ratio", epoch=WATCHED, **{name: values.mean(axis=1) for name, values in found.items()})
