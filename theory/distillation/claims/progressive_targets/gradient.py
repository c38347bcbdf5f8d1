"""The gradient of the progressive loss and what it is beside that of cross-entropy (Section 3).

p is the present prediction, p' that of one epoch ago, y the label GT as a one-hot vector; γ = 1 − p_GT, γ' = 1 − p'_GT.
"""

from collections.abc import Callable, Sequence
from functools import partial
from math import log10
from typing import Any

import hypothesis.strategies as st
import numpy as np
import sympy as sp
import torch
import z3
from flint import arb

from theory.distillation.claims.progressive_targets.paper import paper
from theory.distillation.progressive_targets import PSKDLoss, progressive_targets, rescaling_factor
from verify import Check

Formula = Callable[..., Any]

LOGITS = st.lists(st.integers(-40, 40), min_size=4, max_size=4)
"""Logits of four classes, in eighths."""
ALPHA = st.integers(0, 20).map(lambda k: k / 20)


def law(logits: list[int]) -> torch.Tensor:
    """softmax of one row."""
    return torch.softmax(torch.tensor([logits]).double() / 8, dim=1)


@paper.claim(
    "Section 3, the gradient by the logits",
    tags=("identity",),
    mutants={
        "α and 1 − α exchanged": {"gradient": lambda p, q, y, a: p - a * y - (1 - a) * q},
        "previous prediction left out": {"gradient": lambda p, q, y, a: p - (1 - a) * y},
        "sign of p′": {"gradient": lambda p, q, y, a: p - (1 - a) * y + a * q},
    },
)
def loss_has_the_gradient_of_a_softened_label(
    check: Check, gradient: Formula = lambda p, q, y, a: p - (1 - a) * y - a * q
) -> None:
    r"""$\partial L/\partial z_i = p_i - (1 - \alpha)y_i - \alpha p'_i$. Proved for three classes; the code is
    differentiated in a search.
    """
    e, alpha = sp.symbols("e1:4", positive=True), sp.Symbol("alpha", real=True)
    q1, q2 = sp.symbols("q1:3", real=True)
    p, previous = [x / sum(e) for x in e], [q1, q2, 1 - q1 - q2]
    soft = [(1 - alpha) * y + alpha * q for y, q in zip((1, 0, 0), previous, strict=True)]
    loss = -sum(s * sp.log(x) for s, x in zip(soft, p, strict=True))
    for i, y in ((0, 1), (1, 0)):
        by_logit = e[i] * sp.diff(loss, e[i])
        check.proves(sp.Eq(by_logit, gradient(p[i], previous[i], y, alpha)), says=f"y_i = {y}")

    def code_agrees(logits: list[int], before: list[int], epoch: int, label: int) -> bool:
        loss, y = PSKDLoss(1, 4, epochs=8).double(), torch.tensor([label])
        loss(law(before).log(), y, torch.tensor([0]), 1)
        z = law(logits).log().requires_grad_()
        loss(z, y, torch.tensor([0]), epoch).backward()
        one_hot = torch.nn.functional.one_hot(y, 4).double()
        expected = gradient(law(logits), law(before), one_hot, 0.8 * epoch / 8)
        return bool((z.grad - expected).abs().max() <= 1e-14)

    epochs, labels = st.integers(2, 8), st.integers(0, 3)
    check.forall(code_agrees, logits=LOGITS, before=LOGITS, epoch=epochs, label=labels, says="the code")


def z3_problem() -> tuple[list[Any], list[Any], Any, Any]:
    """p > 0 and p' ≥ 0 of three classes, the first of which is the label, α in [0, 1], and the conjunction of these."""
    p, q, alpha = z3.Reals("p1 p2 p3"), z3.Reals("q1 q2 q3"), z3.Real("alpha")
    domain = [sum(p) == 1, sum(q) == 1, alpha >= 0, alpha <= 1, *(x > 0 for x in p), *(x >= 0 for x in q)]
    return p, q, alpha, z3.And(*domain)


def one_norm(p: Sequence[Any], q: Sequence[Any], alpha: Any) -> Any:
    """Σ_i |p_i − (1 − α)y_i − αp'_i|."""
    entries = [x - (1 - alpha) * y - alpha * previous for x, y, previous in zip(p, (1, 0, 0), q, strict=True)]
    return sum(z3.If(x >= 0, x, -x) for x in entries)


@paper.claim(
    "Section 3, the rescaling of the gradient",
    tags=("identity",),
    mutants={
        "γ/γ′ in the place of γ′/γ": {"norm": lambda g, h, a: 2 * (h - a * g)},
        "hypothesis dropped": {"hypothesis": lambda p, q, a: True},
        "hypothesis for one class only": {"hypothesis": lambda p, q, a: a * q[1] <= p[1]},
    },
)
def gradient_is_rescaled_by_one_minus_alpha_gamma_ratio(
    check: Check,
    norm: Formula = lambda g, h, a: 2 * (g - a * h),
    hypothesis: Formula = lambda p, q, a: z3.And(a * q[1] <= p[1], a * q[2] <= p[2]),
) -> None:
    r"""If $\alpha \le p_i/p'_i$ for all $i \ne \text{GT}$,
    $\sum_i |\partial L/\partial z_i| = 2(\gamma - \alpha\gamma')$: that of cross-entropy times
    $1 - \alpha\gamma'/\gamma$.

    Proved for three classes. The code gives the ratio, the closed form and whether the hypothesis holds.
    """
    p, q, alpha, domain = z3_problem()
    statement = one_norm(p, q, alpha) == norm(1 - p[0], 1 - q[0], alpha)
    check.proves(z3.Implies(z3.And(domain, hypothesis(p, q, alpha)), statement), says="three classes")

    def code_agrees(logits: list[int], before: list[int], alpha: float, label: int) -> bool:
        y = torch.tensor([label])
        factor = rescaling_factor(law(logits), law(before), alpha, y)
        soft = (law(logits) - progressive_targets(y, law(before), alpha)).abs().sum()
        plain = (law(logits) - torch.nn.functional.one_hot(y, 4)).abs().sum()
        exact = bool(np.isclose(float(factor.ratio), float(soft / plain), rtol=1e-9, atol=1e-12))
        return exact and (not factor.applies or abs(float(factor.ratio - factor.closed_form)) <= 1e-12)

    check.forall(code_agrees, logits=LOGITS, before=LOGITS, alpha=ALPHA, label=st.integers(0, 3), says="the code")


@paper.claim(
    "Section 3, without the hypothesis",
    tags=("inequality", "ours"),
    mutants={
        "equality": {"relation": lambda norm, bound: norm == bound},
        "4 in the place of 2": {"relation": lambda norm, bound: norm >= 2 * bound},
        "upper bound": {"relation": lambda norm, bound: norm <= bound},
    },
)
def rescaling_formula_is_a_lower_bound_in_general(
    check: Check, relation: Formula = lambda norm, bound: norm >= bound
) -> None:
    r"""For all $p$, $p'$ and $\alpha$, $\sum_i |\partial L/\partial z_i| \ge 2|\gamma - \alpha\gamma'|$; the formula
    may be negative where its hypothesis fails.

    Proved for three classes.
    """
    p, q, alpha, domain = z3_problem()
    gap = (1 - p[0]) - alpha * (1 - q[0])
    bound = 2 * z3.If(gap >= 0, gap, -gap)
    check.proves(z3.Implies(domain, relation(one_norm(p, q, alpha), bound)))


@paper.refuted(
    "Section 3, the argument for hard examples",
    tags=("erratum",),
    controls={"two classes": {"classes": 2}},
)
def other_classes_fall_together_when_the_label_rises(check: Check, classes: int = 3) -> None:
    r"""Where $p_{\text{GT}} \ge p'_{\text{GT}}$, "without loss of generality" $p_i \le p'_i$ for every other class.

    It is an assumption: with three classes one of the others may rise.
    """
    p, q = (z3.Reals(" ".join(f"{name}{i}" for i in range(classes))) for name in "pq")
    domain = z3.And(sum(p) == 1, sum(q) == 1, *(x > 0 for x in [*p, *q]), p[0] >= q[0])
    others_fall = z3.And(*(a <= b for a, b in zip(p[1:], q[1:], strict=True)))
    check.proves(z3.Implies(domain, others_fall))


def remaining(epochs: int, alpha: float = 0.8) -> arb:
    """log₁₀ of α_T^{T−1} T!/T^{T−1}."""
    total = arb(epochs)
    return ((epochs - 1) * (arb(alpha) / total).log() + (total + 1).lgamma()) / arb(10).log()


def exact_fit(epochs: int, alpha: Callable[[int, int], float]) -> float:
    """log₁₀ γ_T/γ_1 when a network without error fits the target of each epoch, γ_t being the target's 1 − t_GT."""
    exponent, previous = 0.0, torch.tensor([[0.5, 0.5]]).double()
    for epoch in range(2, epochs + 1):
        target = progressive_targets(torch.tensor([0]), previous, alpha(epoch, epochs))
        exponent += log10(target[0, 1] / previous[0, 1])
    return exponent


@paper.claim(
    "Section 3, the limit of a perfect fit",
    tags=("identity", "ours"),
    mutants={
        "α not growing": {"alpha": lambda t, epochs: 0.8},
        "α_t = α_T (t − 1)/T": {"alpha": lambda t, epochs: 0.8 * (t - 1) / epochs},
    },
)
def targets_of_a_perfect_fit_collapse_to_the_label(
    check: Check, alpha: Callable[[int, int], float] = lambda t, epochs: PSKDLoss(1, 2, epochs).alpha(t)
) -> None:
    r"""If every target is met exactly, $\gamma_t = \alpha_t \gamma_{t-1}$, so
    $\gamma_T/\gamma_1 = \alpha_T^{T-1}\,T!/T^{T-1}$: $10^{-28.7}$ in 60 epochs.

    It is $10^{-3.3}$ in 10 epochs and $10^{-155}$ in 300: the targets soften only because fitting is imperfect.
    """
    for epochs, printed in ((10, "-3.3"), (60, "-28.7"), (300, "-155")):
        measured = exact_fit(epochs, alpha)
        check.certifies_value(partial(remaining, epochs), measured, within=1e-9, says=f"T = {epochs}")
        check.certifies_value(partial(remaining, epochs), printed, says=f"10^{printed}")
