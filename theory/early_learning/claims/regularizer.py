"""The regularizer R = log(1 − ⟨p, t⟩), its gradient and its targets (Section 4, Lemma 2, Appendices E and H).

p = softmax(z), t is the target of a sample, y its observed label as a one-hot vector, λ the weight of R.
"""

from collections.abc import Callable, Sequence
from typing import Any

import hypothesis.strategies as st
import mpmath
import numpy as np
import sympy as sp
import torch
import z3
from flint import arb
from torch.nn import functional as F

from theory.early_learning.claims.paper import paper
from theory.early_learning.loss import ELRLoss
from theory.early_learning.regularizer import clamped_regularizer_floor, elr_regularizer, elr_regularizer_gradient
from verify import Check

Formula = Callable[..., Any]

LOGITS = st.lists(st.integers(-60, 60), min_size=3, max_size=3)
"""Three logits, in quarters."""
TARGET = st.lists(st.integers(0, 99), min_size=3, max_size=3)
"""Three entries of a target, in hundredths: any fixed numbers below 1."""


def dot(a: Sequence[Any], b: Sequence[Any]) -> Any:
    """⟨a, b⟩."""
    return sum(x * y for x, y in zip(a, b, strict=True))


def symbolic_softmax() -> tuple[list[sp.Symbol], list[sp.Expr], Callable[[sp.Expr, int], sp.Expr]]:
    """The exponentials e_c = e^{z_c} of three logits, p = e/Σe, and the derivative by z_c = log e_c."""
    exponentials = list(sp.symbols("e1:4", positive=True))
    p = [e / sum(exponentials) for e in exponentials]
    return exponentials, p, lambda f, c: exponentials[c] * sp.diff(f, exponentials[c])


def in_digits(logits: Sequence[int]) -> list[mpmath.mpf]:
    """Probabilities in the working precision of mpmath."""
    exponentials = [mpmath.exp(mpmath.mpf(z) / 4) for z in logits]
    return [e / mpmath.fsum(exponentials) for e in exponentials]


def lemma_2(p: Sequence[Any], t: Sequence[Any], c: int) -> Any:
    """p_c/(1 − ⟨p, t⟩) Σ_k (t_k − t_c) p_k."""
    return p[c] / (1 - dot(p, t)) * sum((t_k - t[c]) * p_k for t_k, p_k in zip(t, p, strict=True))


@paper.claim(
    "Lemma 2",
    tags=("identity",),
    mutants={
        "t_k − t_c reversed": {"gradient": lambda p, t, c: -lemma_2(p, t, c)},
        "p_c missing": {"gradient": lambda p, t, c: lemma_2(p, t, c) / p[c]},
        "1 + ⟨p, t⟩": {"gradient": lambda p, t, c: lemma_2(p, t, c) * (1 - dot(p, t)) / (1 + dot(p, t))},
    },
)
def regularizer_has_the_gradient_of_lemma_2(check: Check, gradient: Formula = lemma_2) -> None:
    r"""$\partial R/\partial z_c = p_c/(1 - \langle p, t\rangle) \sum_k (t_k - t_c) p_k$, for any fixed $t$, whether or
    not it sums to one.

    Proved for three classes; by symmetry it is enough to look at one of them.
    """
    _, p, by_logit = symbolic_softmax()
    t = sp.symbols("t1:4", real=True)
    check.proves(sp.Eq(by_logit(sp.log(1 - dot(p, t)), 0), gradient(p, t, 0)), says="∂ log(1 − ⟨p, t⟩)/∂z₁")

    def code_agrees(logits: list[int], target: list[int]) -> bool:
        z, t = torch.tensor([logits]).double() / 4, torch.tensor([target]).double() / 100
        computed = elr_regularizer_gradient(z, t)[0]
        with mpmath.workdps(40):
            exact = [float(gradient(in_digits(logits), [mpmath.mpf(x.item()) for x in t[0]], c)) for c in range(3)]
        return bool(np.allclose(computed, exact, rtol=0, atol=1e-14))

    check.forall(code_agrees, logits=LOGITS, target=TARGET, says="the code, to 1e−14 of an entry of a distribution")


def difference_form(p: Sequence[Any], t: Sequence[Any], c: int) -> Any:
    """q_c − p_c with q_c = p_c(1 − t_c)/(1 − ⟨p, t⟩)."""
    return p[c] * (1 - t[c]) / (1 - dot(p, t)) - p[c]


@paper.claim(
    "after Lemma 2",
    tags=("identity", "ours"),
    mutants={
        "q is not normalised": {"difference": lambda p, t, c: p[c] * (1 - t[c]) - p[c]},
        "t in the place of 1 − t": {"difference": lambda p, t, c: p[c] * t[c] / dot(p, t) - p[c]},
        "p − q": {"difference": lambda p, t, c: -difference_form(p, t, c)},
    },
)
def regularizer_gradient_is_a_difference_of_two_distributions(
    check: Check, difference: Formula = difference_form
) -> None:
    r"""$\partial R/\partial z = q - p$ with $q_c = p_c(1 - t_c)/(1 - \langle p, t\rangle)$, and
    $R = \mathrm{logsumexp}(z + \log(1 - t)) - \mathrm{logsumexp}(z)$.

    The gradient of cross-entropy plus $\lambda R$ is therefore $(1 - \lambda)p + \lambda q - y$. Proved for three
    classes.
    """
    exponentials, p, by_logit = symbolic_softmax()
    t = sp.symbols("t1:4", real=True)
    logsumexp = sp.log(dot(exponentials, [1 - x for x in t])) - sp.log(sum(exponentials))
    check.proves(sp.Eq(by_logit(logsumexp, 0), difference(p, t, 0)), says="∂(logsumexp form)/∂z₁")

    def code_agrees(logits: list[int], target: list[int], margin: int) -> bool:
        z, t = torch.tensor([logits]).double() / 4, torch.tensor([target]).double() / 100
        z[0, 0] += margin
        with mpmath.workdps(60 + margin):
            p = in_digits([4 * mpmath.mpf(x.item()) for x in z[0]])
            exact = mpmath.log(1 - dot(p, [mpmath.mpf(x.item()) for x in t[0]]))
        return bool(abs(elr_regularizer(z, t).item() - float(exact)) <= 1e-13 * (1 + margin))

    check.forall(
        code_agrees,
        logits=LOGITS,
        target=st.just([100, 0, 0]) | TARGET,
        margin=st.sampled_from([0, 40, 700]),
        says="the code against log(1 − ⟨p, t⟩), also where 1 − ⟨p, t⟩ is 1e−300",
    )


def z3_distributions() -> tuple[list[Any], list[Any], Any, Any]:
    """p > 0 with sum 1, a target with entries in [0, 1], and 1 − ⟨p, t⟩ > 0 with the conjunction of these."""
    p, t = z3.Reals("p1 p2 p3"), z3.Reals("t1 t2 t3")
    rest = 1 - dot(p, t)
    domain = z3.And(*(x > 0 for x in p), sum(p) == 1, *(z3.And(x >= 0, x <= 1) for x in t), rest > 0)
    return p, t, rest, domain


def one_norm(entries: Sequence[Any]) -> Any:
    """Σ|x| for z3."""
    return sum(z3.If(x >= 0, x, -x) for x in entries)


@paper.claim(
    "after Lemma 2",
    tags=("inequality", "ours"),
    mutants={
        "1.9 in the place of 2": {"bound": z3.Q(19, 10)},
        "one distribution's worth": {"bound": z3.RealVal(1)},
    },
)
def regularizer_gradient_has_one_norm_below_two(check: Check, bound: z3.ArithRef = z3.RealVal(2)) -> None:  # noqa: B008
    r"""$\sum_c |\partial R/\partial z_c| < 2$, however close $\langle p, t\rangle$ is to one: $R$ has no lower bound,
    its gradient never blows up.

    Proved for three classes, entries of the target in $[0, 1]$. The code is searched at margins up to $10^4$.
    """
    p, t, rest, domain = z3_distributions()
    scaled = [p_c * (1 - t_c) - p_c * rest for p_c, t_c in zip(p, t, strict=True)]
    check.proves(z3.Implies(domain, one_norm(scaled) < bound * rest), says="(1 − ⟨p, t⟩)‖q − p‖₁ < 2(1 − ⟨p, t⟩)")
    limit = bound.numerator_as_long() / bound.denominator_as_long()

    def code_is_bounded(logits: list[int], target: list[int], scale: int) -> bool:
        z, t = scale * torch.tensor([logits]).double(), torch.tensor([target]).double() / 100
        gradient = elr_regularizer_gradient(z, t)[0]
        return bool(gradient.abs().sum() <= limit and abs(gradient.sum()) <= 1e-15)

    targets = st.sampled_from([[100, 0, 0], [0, 100, 0]]) | TARGET
    check.forall(code_is_bounded, logits=LOGITS, target=targets, scale=st.sampled_from([1, 170]), says="the code")


def twice_the_larger_of_1_and(lam: float) -> float:
    """2 max(1, λ)."""
    return 2 * max(1.0, lam)


@paper.claim(
    "after Lemma 2",
    tags=("inequality", "ours"),
    mutants={
        "λ alone": {"bound": lambda lam: lam},
        "2λ below 1": {"bound": lambda lam: 2 * lam},
        "1 + λ": {"bound": lambda lam: 1 + lam},
    },
)
def loss_gradient_has_one_norm_at_most_twice_lambda(
    check: Check, bound: Callable[[float], float] = twice_the_larger_of_1_and
) -> None:
    r"""$\|\partial(\mathrm{CE} + \lambda R)/\partial z\|_1 \le 2 \max(1, \lambda)$: $(1 - \lambda)p + \lambda q - y$ is
    a sum of signed distributions.

    Proved for two classes and any distribution $q$ at $\lambda = 1/2$, 1, 3 and 7. The largest gradients of the code
    are found in a search over logits and labels.
    """
    p, q = z3.Reals("p q")
    domain = z3.And(p >= 0, p <= 1, q >= 0, q <= 1)
    for lam in (0.5, 1.0, 3.0, 7.0):
        weight = z3.RealVal(str(lam))
        first = (1 - weight) * p + weight * q - 1  # the entry of the labelled class; the other is its negative
        norm = one_norm([first, first])
        check.proves(z3.Implies(domain, norm <= z3.RealVal(str(bound(lam)))), says=f"λ = {lam:g}")

    def code_is_bounded(margin: float, before: float, lam: float, label: int) -> bool:
        loss = ELRLoss(1, 2, lam=lam, beta=0.9).double()
        loss(torch.tensor([[before, 0.0]]).double(), torch.tensor([label]), torch.tensor([0]))
        z = torch.tensor([[margin, 0.0]]).double().requires_grad_()
        (gradient,) = torch.autograd.grad(loss(z, torch.tensor([label]), torch.tensor([0])), z)
        return bool(gradient.abs().sum() <= bound(lam) * (1 + 1e-14))

    real = st.floats(-1e4, 1e4)
    lams = st.sampled_from([0.5, 1.0, 3.0, 7.0])
    check.forall(code_is_bounded, margin=real, before=real, lam=lams, label=st.integers(0, 1), says="the code")


@paper.claim(
    "after Lemma 2",
    tags=("inequality",),
    mutants={
        "sign of the gradient reversed": {"gradient": lambda p, t, c: -lemma_2(p, t, c)},
        "largest but one": {"dominates": lambda t: [t[0] >= t[1]]},
    },
)
def dominant_entry_of_the_target_is_pushed_up(
    check: Check,
    gradient: Formula = lemma_2,
    dominates: Formula = lambda t: [t[0] >= t[1], t[0] >= t[2]],
) -> None:
    r"""The class with the largest $t_c$ has $\partial R/\partial z_c \le 0$: descent on $R$ raises its logit. Proved
    for three classes.
    """
    p, t, _, domain = z3_distributions()
    largest = z3.And(domain, *dominates(t))
    check.proves(z3.Implies(largest, gradient(p, t, 0) <= 0), says="t₁ largest ⇒ ∂R/∂z₁ ≤ 0")


@paper.corrected(
    "Appendix H, the Kullback–Leibler regularizer",
    tags=("identity", "erratum"),
    printed={"gradient": lambda p, t, c: p[c] - t[c]},
    mutants={
        "both scaled by Σt": {"gradient": lambda p, t, c: sum(t) * (p[c] - t[c])},
        "sign reversed": {"gradient": lambda p, t, c: t[c] - sum(t) * p[c]},
    },
)
def kullback_leibler_gradient_needs_the_sum_of_the_target(
    check: Check, gradient: Formula = lambda p, t, c: sum(t) * p[c] - t[c]
) -> None:
    r"""$-\sum_k t_k \log p_k$ has the gradient $(\sum t)p - t$ by the logits; the printed $p - t$ holds only if
    $\sum t = 1$.

    With $t(0) = 0$ that sum is $1 - \beta^k$ after $k$ epochs. Proved for three classes.
    """
    _, p, by_logit = symbolic_softmax()
    t = sp.symbols("t1:4", real=True)
    check.proves(sp.Eq(by_logit(-dot(t, [sp.log(x) for x in p]), 0), gradient(p, t, 0)), says="∂/∂z₁")


@paper.claim(
    "Section 4, the targets with t(0) = 0",
    tags=("identity", "ours"),
    mutants={
        "β^k": {"mass": lambda beta, k: beta**k},
        "one update behind": {"mass": lambda beta, k: 1 - beta ** (k - 1)},
        "1 − kβ": {"mass": lambda beta, k: 1 - k * beta},
    },
)
def target_sums_to_one_minus_beta_to_the_k(check: Check, mass: Formula = lambda beta, k: 1 - beta**k) -> None:
    r"""After $k$ updates $t \leftarrow \beta t + (1 - \beta)p$ from $t(0) = 0$, the target sums to $1 - \beta^k$: .3,
    .51, .657 at $\beta = .7$.

    The regularizer is weak in the first epochs. Proved by induction over $k$.
    """
    beta, k = sp.Symbol("beta", positive=True), sp.Symbol("k", integer=True, positive=True)
    first = mass(beta, 1) - (1 - beta)
    further = beta * mass(beta, k) + (1 - beta) - mass(beta, k + 1)
    check.proves(sp.Eq(first * sp.Symbol("s") + further, 0), says="first·s + further = 0 for every s: both vanish")

    def code_agrees(beta: float, k: int, logits: list[int]) -> bool:
        loss = ELRLoss(1, 3, beta=beta).double()
        for shift in range(k):
            loss(torch.tensor([logits]).double() / 4 + shift, torch.tensor([0]), torch.tensor([0]))
        off = abs(loss.target.sum().item() - mass(beta, k)) + abs(1 - loss.deficit.item() - mass(beta, k))
        return bool(off <= 1e-13)

    check.forall(
        code_agrees, beta=st.sampled_from([0.3, 0.7, 0.9]), k=st.integers(1, 12), logits=LOGITS, says="the code"
    )


@paper.claim(
    "Appendix E",
    tags=("identity", "ours"),
    mutants={
        "the gradient of Lemma 2": {"weight": lambda p, t, beta: t},
        "β in the place of 1 − β": {"weight": lambda p, t, beta: [a + beta * b for a, b in zip(t, p, strict=True)]},
    },
)
def target_that_is_not_held_constant_adds_one_minus_beta_times_p(
    check: Check, weight: Formula = lambda p, t, beta: [a + (1 - beta) * b for a, b in zip(t, p, strict=True)]
) -> None:
    r"""Were $t = \beta t(0) + (1 - \beta)p$ differentiated too, $\partial R/\partial z_c = p_c(\langle w, p\rangle -
    w_c)/(1 - \langle p, t\rangle)$ with $w = t + (1 - \beta)p$.

    It is not a matter of degree: at $z = (.3, -1, .7)$, $t(0) = (.2, .3, .1)$, $\beta = .7$ the first entry is
    $+.0053$, where Lemma 2 has $-.0047$. Proved for three classes.
    """
    _, p, by_logit = symbolic_softmax()
    start, beta = sp.symbols("t1:4", real=True), sp.Symbol("beta", real=True)
    t = [beta * a + (1 - beta) * b for a, b in zip(start, p, strict=True)]
    w = weight(p, t, beta)
    gradient = p[0] * (dot(w, p) - w[0]) / (1 - dot(p, t))
    check.proves(sp.Eq(by_logit(sp.log(1 - dot(p, t)), 0), gradient), says="∂R/∂z₁ with t = βt(0) + (1 − β)p(z)")
    tenths = [arb(x) / 10 for x in (3, -10, 7)]
    at = [x.exp() / sum(y.exp() for y in tenths) for x in tenths]
    target = [(7 * arb(a) / 10 + 3 * b) / 10 for a, b in zip((2, 3, 1), at, strict=True)]
    v = weight(at, target, arb(7) / 10)
    entry = at[0] * (dot(v, at) - v[0]) / (1 - dot(at, target))
    check.certifies_value(lambda: entry, "0.0053", says="first entry of the example")
    check.certifies_value(lambda: lemma_2(at, target, 0), "-0.0047", says="Lemma 2 there")


PUBLISHED_CLAMP = 1e-4
"""The authors' code keeps p in [1e−4, 1 − 1e−4] inside R."""


@paper.claim(
    "the published code",
    tags=("inequality", "ours"),
    mutants={
        "the two-class floor for all": {"floor": lambda classes: clamped_regularizer_floor(2)},
        "small probabilities forgotten": {"floor": lambda classes: float(np.log1p(-((1 - PUBLISHED_CLAMP) ** 2)))},
        "target not renormalised": {
            "floor": lambda classes: float(np.log1p(-((1 - PUBLISHED_CLAMP) ** 2) - (classes - 1) * PUBLISHED_CLAMP**2))
        },
    },
)
def clamped_regularizer_has_a_floor(check: Check, floor: Callable[[int], float] = clamped_regularizer_floor) -> None:
    r"""With $p$ clamped to $[\varepsilon, 1 - \varepsilon]$, $\varepsilon = 10^{-4}$,
    $R \ge \log(C\varepsilon(1 - \varepsilon)/(1 + (C - 2)\varepsilon))$: $-6.91$ for ten classes, $-4.62$ for 100.

    The floor is attained, so that training losses near $-15$ at $\lambda = 3$ are in order. Certified against
    $\log(1 - \langle p, t\rangle)$ at $p = (1 - \varepsilon, \varepsilon, \ldots, \varepsilon)$ and its renormalised
    target; the loss is searched for lower values.
    """
    for classes in (10, 100, 1000):
        eps = arb(1) / 10**4
        overlap = ((1 - eps) * (1 - eps) + (classes - 1) * eps * eps) / (1 + (classes - 2) * eps)
        attained = lambda overlap=overlap: (1 - overlap).log()  # noqa: E731
        check.certifies_value(attained, floor(classes), within=1e-11, says=f"attained with {classes} classes")

    def not_below(logits: list[int], other: list[int], beta: float) -> bool:
        loss, z = ELRLoss(1, 3, lam=1.0, beta=beta, clamp=PUBLISHED_CLAMP).double(), torch.tensor([logits]).double()
        for visited in (torch.tensor([other]).double(), z):
            value = loss(visited, torch.tensor([0]), torch.tensor([0]))
        regularizer = value.item() - F.cross_entropy(z, torch.tensor([0])).item()
        return bool(regularizer >= clamped_regularizer_floor(3) - 1e-11)

    check.forall(not_below, logits=LOGITS, other=LOGITS, beta=st.sampled_from([0.0, 0.7]), says="never below, C = 3")


@paper.claim(
    "the published code",
    tags=("identity", "ours"),
    mutants={
        "without the clamp": {"clamp": None},
        "clamp at 1e−9": {"clamp": 1e-9},
    },
)
def clamped_regularizer_has_no_gradient_once_an_example_is_certain(
    check: Check, clamp: float | None = PUBLISHED_CLAMP
) -> None:
    r"""Where one $p$ exceeds $1 - \varepsilon$ and the others are below $\varepsilon$, the published loss has the
    gradient of cross-entropy.

    The clamp is not a detail of rounding: it switches the regularizer off for confident examples, right or wrong.
    """

    def is_plain_cross_entropy(margin: float, label: int) -> bool:
        z = torch.tensor([[margin, 0.0, -1.0]]).double().requires_grad_()
        loss = ELRLoss(1, 3, lam=3.0, beta=0.7, clamp=clamp).double()
        (gradient,) = torch.autograd.grad(loss(z, torch.tensor([label]), torch.tensor([0])), z)
        plain = torch.softmax(z, 1) - F.one_hot(torch.tensor([label]), 3)
        return bool((gradient - plain).abs().max() <= 1e-15)

    check.forall(is_plain_cross_entropy, margin=st.floats(10, 14), label=st.integers(0, 2))


RAMP_LENGTH = 40_000


def ramp(step: arb) -> arb:
    """exp(−5(1 − i/40000)²), the printed ramp-up of the weight average."""
    left = 1 - step / RAMP_LENGTH
    return (-5 * left * left).exp()


@paper.refuted(
    "Appendix F, the ramp-up of ELR+",
    tags=("erratum",),
    controls={"held at step 40000": {"formula": lambda step: ramp(step.min(arb(RAMP_LENGTH)))}},
)
def ramp_up_stays_up(check: Check, formula: Callable[[arb], arb] = ramp) -> None:
    r"""As printed, $\exp(-5(1 - i/40000)^2)$ is the ramp of the weight average at every step $i$: up to 1 and there to
    stay.

    It falls again after 40 000 steps, to .0067 at 80 000; it must be held at its top.
    """
    over = {"step": (float(RAMP_LENGTH), 2.0 * RAMP_LENGTH)}
    check.certifies(lambda step: formula(step) - arb(0.99), over=over, says="above .99 from step 40 000 on")


@paper.claim(
    "Appendix F, label refinement of ELR+ on CIFAR-100",
    tags=("identity", "ours"),
    mutants={
        "average of label and target": {"refine": lambda y, t, c: (y[c] + t[c]) / 2},
        "not renormalised": {"refine": lambda y, t, c: y[c] * t[c]},
    },
)
def label_refinement_only_acts_on_mixed_labels(
    check: Check, refine: Formula = lambda y, t, c: y[c] * t[c] / dot(y, t)
) -> None:
    r"""$y_c t_c/\sum y_k t_k$ leaves a one-hot label as it is, whatever the target; it acts on labels mixed
    by mixup.
    """
    t = sp.symbols("t1:4", positive=True)
    check.proves(sp.Eq(refine([1, 0, 0], t, 0), 1), says="the labelled class keeps all the mass")
