"""Steps measured against the radius: clipping, temperature, truncation, certified descent (Sections 5 and 6)."""

import dataclasses
import functools
import math
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any

import hypothesis.strategies as st
import mpmath
import numpy as np
import torch
import z3
from flint import acb, arb

from theory.softmax_zeros.bounds import binary_radius, rho_a
from theory.softmax_zeros.claims.paper import paper
from theory.softmax_zeros.controller import RadiusClip
from theory.softmax_zeros.descent import DescentCertificate, descent_certificate
from theory.softmax_zeros.radius import radius
from theory.softmax_zeros.slopes import logit_slopes
from verify import Check

Formula = Callable[..., Any]


def partition(logits: Iterable[float], slopes: Iterable[float]) -> Callable[[acb], acb]:
    """F(t) = Σ e^{z_k + a_k t}."""
    classes = [(arb(z), arb(a)) for z, a in zip(logits, slopes, strict=True)]
    return lambda t: sum(((z + a * t).exp() for z, a in classes), start=acb(0))


def clip(update: torch.Tensor, gradient: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
    """The step that is taken when an optimiser proposes ``update`` for a linear model with weights 0."""
    model = torch.nn.Linear(2, 3, bias=False, dtype=torch.float64)
    torch.nn.init.zeros_(model.weight)
    optimizer = RadiusClip(torch.optim.SGD(model.parameters(), lr=1.0), model)
    optimizer.observe(features)
    model.weight.grad = -update
    optimizer.step()
    return model.weight.detach()


def scaled_by(spread: Formula) -> Formula:
    """Clipping by min(1, π/Δ) with Δ computed from the slopes along the update, of shape (samples, classes)."""
    return lambda update, gradient, features: (
        update * min(1.0, math.pi / max(float(spread(features @ update.T)), 1e-300))
    )


def clip_along_gradient(update: torch.Tensor, gradient: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
    """Radius along the gradient, used for another optimiser's update of the same length."""
    slopes = features @ gradient.T / torch.linalg.norm(gradient)
    return update * min(1.0, float(rho_a(slopes).min() / torch.linalg.norm(update)))


WEIGHTS = st.lists(st.integers(-9, 9), min_size=6, max_size=6).filter(any)
FEATURES = st.lists(st.lists(st.integers(-9, 9), min_size=2, max_size=2), min_size=1, max_size=3)


@paper.claim(
    "Proposition 5.2",
    tags=("inequality",),
    mutants={
        "radius along the gradient, step along the update": {"take": clip_along_gradient},
        "mean spread over the batch": {"take": scaled_by(lambda a: (a.amax(1) - a.amin(1)).mean())},
        "largest slope instead of spread": {"take": scaled_by(lambda a: a.abs().max())},
        "1 % above the radius": {"take": scaled_by(lambda a: (a.amax(1) - a.amin(1)).max() / 1.01)},
        "half the radius": {"take": scaled_by(lambda a: (a.amax(1) - a.amin(1)).max() * 2)},
    },
)
def clipped_step_stays_within_the_support_radius(check: Check, take: Formula = clip) -> None:
    r"""Scaling an update $p$ by $s = \min(1, \rho_a/\|p\|)$ gives $r = \|sp\|/\rho_a \le 1$ on every sample.

    $r$ is computed in exact fractions from the step as stored. Rounding the slopes to $2^{-53}$ of their size may cost
    a few $2^{-52}$ of their size over their spread. An update with $r \le 1$, as with no spread at all, is left alone;
    a longer one is shortened to $r = 1$ and not much below ($2^{-5}$); NaN is refused.
    """

    def ratio_and_size(step: list[Fraction], features: list[list[int]]) -> tuple[Fraction, Fraction]:
        slopes = [[step[k] * h[0] + step[k + 1] * h[1] for k in (0, 2, 4)] for h in features]
        spread = max(max(a) - min(a) for a in slopes)
        return spread / Fraction(math.pi), max(abs(x) for a in slopes for x in a)

    def within(update: list[int], gradient: list[int], features: list[list[int]], scale: int) -> bool:
        p, g = (torch.tensor(x, dtype=torch.float64).reshape(3, 2) for x in (update, gradient))
        p = p * 10.0**scale
        taken = take(p, g, torch.tensor(features, dtype=torch.float64))
        before, _ = ratio_and_size([Fraction(x) for x in p.flatten().tolist()], features)
        after, size = ratio_and_size([Fraction(x) for x in taken.flatten().tolist()], features)
        if before <= 1:
            return bool((taken == p).all())
        return 1 - Fraction(1, 32) <= after <= 1 + 4 * Fraction(2) ** -52 * (1 + size / after)

    check.forall(within, examples=300, update=WEIGHTS, gradient=WEIGHTS, features=FEATURES, scale=st.integers(-3, 6))

    def refuses(value: float) -> bool:
        try:
            take(
                torch.full((3, 2), value, dtype=torch.float64),
                torch.ones((3, 2), dtype=torch.float64),
                torch.ones((1, 2), dtype=torch.float64),
            )
        except ValueError:
            return True
        return False

    check.forall(refuses, examples=3, says="not finite", value=st.sampled_from([math.nan, math.inf, -math.inf]))


@paper.claim(
    "Eq. 17–18, Section 8.4",
    tags=("identity",),
    mutants={
        "2π for π": {"radius_of": lambda spread: 2 * np.pi / spread},
        "π/Δ²": {"radius_of": lambda spread: np.pi / spread**2},
        "half the spread": {"radius_of": lambda spread: rho_a(np.array([0.0, spread]) / 2)},
    },
)
def normalised_step_has_the_printed_values(
    check: Check, radius_of: Formula = lambda spread: rho_a(np.array([0.0, spread]))
) -> None:
    r"""$\rho_a = \pi/\Delta$ is 3.14, 0.314, 0.105 at $\Delta = 1, 10, 30$, and a step $\tau = 0.1$ has
    $r = \tau/\rho_a$ from 0.03 to 1.0.
    """
    steepest = lambda: arb("0.1") / float(radius_of(30.0))  # noqa: E731
    check.certifies_value(steepest, "1.0", says="r at Δ = 30")
    check.certifies_value(lambda: arb("0.1") / float(radius_of(1.0)), "0.03", says="r at Δ = 1")
    for spread, printed in ((30.0, "0.105"), (10.0, "0.314"), (1.0, "3.14")):
        found = float(radius_of(spread))
        check.certifies_value(functools.partial(arb, found), printed, says=f"ρ_a at Δ = {spread:g}")


def log_series(logits: Sequence[float], slopes: Sequence[float], order: int) -> list[mpmath.mpf]:
    """Taylor coefficients at 0 of log F, from F' = F (log F)'."""
    powers = [[mpmath.exp(z) * mpmath.mpf(a) ** n for z, a in zip(logits, slopes, strict=True)] for n in range(order)]
    f = [mpmath.fsum(terms) / mpmath.factorial(n) for n, terms in enumerate(powers)]
    log = [mpmath.log(f[0])]
    for n in range(1, order):
        log.append((f[n] - mpmath.fsum(k * log[k] * f[n - k] for k in range(1, n)) / n) / f[0])
    return log


def largest_on_circle(logits: np.ndarray, slopes: np.ndarray, reach: float) -> float:
    """max |log F| on |t| = reach, of the branch that is real at 0, from 4096 points."""
    t = reach * np.exp(2j * np.pi * np.arange(4096) / 4096)
    values = np.exp(logits + t[:, None] * slopes).sum(1)
    return float(np.abs(np.log(np.abs(values)) + 1j * np.unwrap(np.angle(values))).max())


PROBLEMS = {
    "two equal classes": ([0.0, 0.0], [0.0, 1.0]),
    "three classes, two of them alike": ([0.0, -math.log(2), -math.log(2)], [0.0, 1.0, 1.0]),
    "three classes": ([0.0, -0.5, -1.0], [0.0, 0.2, -2.0]),
}


def check_tail(check: Check, logits: list[float], slopes: list[float], reach: float, says: str) -> None:
    """Search for an order N and a step τ at which the truncated series is off by more than the geometric tail.

    The series has 100 digits; 1e-60 allows for their rounding.
    """
    with mpmath.workdps(100):
        series, most = log_series(logits, slopes, 121), largest_on_circle(np.array(logits), np.array(slopes), reach)

    def within_tail(order: int, percent: int, sign: int) -> bool:
        with mpmath.workdps(100):
            tau, q = mpmath.mpf(sign * reach) * percent / 100, mpmath.mpf(percent) / 100
            exact = mpmath.log(mpmath.fsum(mpmath.exp(z + a * tau) for z, a in zip(logits, slopes, strict=True)))
            error = abs(exact - mpmath.polyval(series[order::-1], tau))
            return bool(error <= most * q ** (order + 1) / (1 - q) + mpmath.mpf(10) ** -60)

    orders, percents, signs = st.integers(0, 120), st.integers(1, 99), st.sampled_from([-1, 1])
    check.forall(within_tail, examples=100, says=says, order=orders, percent=percents, sign=signs)


def top_two(logits: np.ndarray, slopes: np.ndarray) -> float:
    """The two-class radius of the two likeliest classes."""
    first, second = np.argsort(-logits)[:2]
    return float(binary_radius(float(logits[first] - logits[second]), float(slopes[first] - slopes[second])))


@paper.corrected(
    "Section 5.1",
    tags=("inequality", "erratum"),
    printed={"reach": lambda z, a: float(rho_a(a))},
    mutants={
        "5 % beyond the nearest zero": {"reach": lambda z, a: 1.05 * float(radius(z, a).rho)},
        "the radius of the two likeliest classes": {"reach": top_two},
    },
)
def truncated_series_is_off_by_a_geometric_tail(
    check: Check, reach: Formula = lambda z, a: 0.95 * float(radius(z, a).rho)
) -> None:
    r"""For $R < \rho^*$ the series cut after $t^N$ is off by at most $M(R) (\tau/R)^{N+1}/(1 - \tau/R)$,
    $M(R) = \max_{|t|=R} |\log F|$.

    The printed $R = \rho_a$ will not do: a zero may lie on that circle (two equal weights), and $M$ is infinite there.
    """
    for name, (logits, slopes) in PROBLEMS.items():
        z, a = np.array(logits), np.array(slopes)
        R = float(reach(z, a))
        check.certifies_zero_count(partition(z, a), inside=R * (1 + 1e-9), count=0, says=f"M(R) is finite, {name}")
        check_tail(check, logits, slopes, R, f"tail, {name}")


@paper.claim(
    "Section 6.4",
    tags=("identity",),
    mutants={
        "temperature ignored": {"formula": lambda slopes, T: rho_a(slopes)},
        "divided by T": {"formula": lambda slopes, T: rho_a(slopes) / T},
        "√T": {"formula": lambda slopes, T: rho_a(slopes) * np.sqrt(T)},
    },
)
def temperature_multiplies_the_support_radius(check: Check, formula: Formula = rho_a) -> None:
    r"""For the loss at temperature $T$, with logits $z/T$, $\rho_a(T) = T\rho_a(1) = \pi T/\Delta$; two equal classes
    have a zero there.
    """
    slopes = np.array([1.0, -2.0])
    for T in (0.25, 4.0):
        tempered, rho = partition([0, 0], slopes / T), float(formula(slopes, T))
        check.certifies_zero_count(tempered, inside=0.999 * rho, count=0, says=f"none inside, T={T}")
        check.certifies_zero_count(tempered, inside=1.001 * rho, count=2, says=f"a pair at ρ_a, T={T}")


@paper.claim(
    "Section 6.4 (exact radius)",
    tags=("ours", "identity"),
    mutants={
        "T times the radius at T = 1": {"formula": lambda gap, spread, T: T * binary_radius(gap, spread)},
        "temperature ignored": {"formula": lambda gap, spread, T: binary_radius(gap, spread)},
        "only the gap tempered": {"formula": lambda gap, spread, T: binary_radius(gap / T, spread)},
    },
)
def temperature_does_not_multiply_the_exact_radius(check: Check, formula: Formula = binary_radius) -> None:
    r"""Two classes at temperature $T$ have $\rho^*(T) = \sqrt{\delta^2 + \pi^2T^2}/|\Delta|$, not $T\rho^*(1)$.

    As $T \to 0$ it tends to $|\delta/\Delta|$, the real step at which the decision flips, and not to 0.
    """
    gap, spread = 2.0, 1.0
    for T in (0.25, 1.0, 4.0):
        tempered, rho = partition([gap / T, 0], [0, spread / T]), float(formula(gap, spread, T))
        check.certifies_zero_count(tempered, inside=0.999 * rho, count=0, says=f"none inside, T={T}")
        check.certifies_zero_count(tempered, inside=1.001 * rho, count=2, says=f"a pair at ρ*, T={T}")
    check.certifies_value(lambda: arb(float(formula(gap, spread, 1e-9))), abs(gap / spread), within=1e-15, says="T → 0")


class Head(torch.nn.Module):
    """A model whose only parameter is the weight W of ``network(W, h)``."""

    def __init__(self, network: Formula, weight: torch.Tensor) -> None:
        super().__init__()
        self.network, self.weight = network, torch.nn.Parameter(weight)

    def forward(self, h: torch.Tensor) -> Any:
        return self.network(self.weight, h)


SMALL = st.integers(-9, 9)


@paper.claim(
    "Appendix 1.1.1",
    tags=("identity",),
    mutants={
        "two layers move": {"network": lambda W, h: W @ (W @ h)},
        "the head's own scale moves": {"network": lambda W, h: (W @ h) * W[0, 0]},
        "an activation after the head": {"network": lambda W, h: (W @ h) ** 3},
    },
)
def moving_only_a_linear_output_layer_keeps_the_logits_linear(
    check: Check, network: Formula = lambda W, h: W @ h
) -> None:
    r"""If only the weights $W$ of a linear output layer move, $z(t) = (W + tV)h$ is linear in $t$, and
    $R_{\text{true}} = \rho^*$.

    The slopes $a = Vh$ that automatic differentiation returns then give all logits exactly, for steps of any length.
    """
    entries = np.array(z3.Reals("W11 W12 W21 W22 V11 V12 V21 V22 h1 h2"), dtype=object)
    W, V, h, t = entries[:4].reshape(2, 2), entries[4:8].reshape(2, 2), entries[8:], z3.Real("t")
    start, unit, there = network(W, h), network(W + V, h), network(W + V * t, h)
    linear = z3.And([z == x + t * (y - x) for x, y, z in zip(start, unit, there, strict=True)])
    check.proves(linear, says="z(t) = z(0) + t (z(1) − z(0))")

    def slopes_give_the_logits(weights: list[int], step: list[int], features: list[int], length: int) -> bool:
        W, V = (torch.tensor(x, dtype=torch.float64).reshape(2, 2) for x in (weights, step))
        h = torch.tensor(features, dtype=torch.float64)
        z, a = logit_slopes(Head(network, W), None, h, {"weight": V})
        return bool((network(W + length * V, h) == z + length * a).all())

    four, two = (st.lists(SMALL, min_size=k, max_size=k) for k in (4, 2))
    check.forall(
        slopes_give_the_logits,
        says="the slopes of a Jacobian-vector product, in integers",
        weights=four,
        step=four,
        features=two,
        length=SMALL,
    )


Batch = tuple[list[list[int]], list[list[int]], list[int]]


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    """Logits and slopes in tenths, and labels, of one to three samples."""
    n, B = draw(st.integers(2, 4)), draw(st.integers(1, 3))
    rows = st.lists(st.lists(st.integers(-40, 40), min_size=n, max_size=n), min_size=B, max_size=B)
    return draw(rows), draw(rows), draw(st.lists(st.integers(0, n - 1), min_size=B, max_size=B))


def biased(gap: int, wrong: int, right: int) -> Batch:
    """A model with one bias, moved toward the flip: ``wrong`` samples of class 1 among ``right`` of class 0."""
    count = wrong + right
    return [[gap, 0]] * count, [[0, 10]] * count, [1] * wrong + [0] * right


BATCHES = batches() | st.builds(biased, st.integers(0, 40), st.integers(1, 2), st.integers(0, 4))


def loss(batch: Batch, tau: float) -> mpmath.mpf:
    """Mean cross-entropy after a step, in 40 digits."""
    with mpmath.workdps(40):
        total = mpmath.mpf(0)
        for z, a, y in zip(*batch, strict=True):
            logits = [(zk + ak * mpmath.mpf(tau)) / 10 for zk, ak in zip(z, a, strict=True)]
            total += mpmath.log(mpmath.fsum(mpmath.exp(x) for x in logits)) - logits[y]
        return total / len(batch[2])


def certify(batch: Batch) -> DescentCertificate:
    """The certificate of a batch given in tenths."""
    logits, slopes, labels = batch
    return descent_certificate(np.array(logits) / 10, np.array(slopes) / 10, np.array(labels))


def with_less_variance(certificate: DescentCertificate) -> DescentCertificate:
    """δ = 2 arccosh(Δ/2σ) with 0.9σ² for σ²."""
    excess = 2 * torch.arccosh(torch.cosh(certificate._excess / 2) / math.sqrt(0.9))
    return dataclasses.replace(certificate, _excess=excess)


@paper.claim(
    "Section 5 (not in the paper)",
    tags=("ours", "inequality"),
    mutants={
        "variance 10 % smaller": {"certificate": lambda batch: with_less_variance(certify(batch))},
        "slope 1 % steeper": {"certificate": lambda b: dataclasses.replace(certify(b), slope=certify(b).slope * 1.01)},
        "spread 5 % smaller": {
            "certificate": lambda b: dataclasses.replace(certify(b), _spread=certify(b)._spread * 0.95)
        },
    },
)
def one_product_with_the_jacobian_bounds_the_loss_along_the_line(check: Check, certificate: Formula = certify) -> None:
    r"""For linear logits $\ell(\tau) \le \ell(0) - g\tau + \mathrm{mean}_i\,G_i(\tau)$, with
    $g = \mathrm{mean}(a_y - \mathbb{E}_p a)$.

    $G'' = (\Delta^2/4)\,\operatorname{sech}^2((\delta - \Delta|\tau|)_+/2)$ bounds the curvature of a sample,
    $\delta = 2 \operatorname{arccosh}(\Delta/2\sigma)$, $\sigma^2 = \mathrm{Var}_p(a)$. The bound is exact for two
    classes on the way to the flip. Its rounding is allowed $10^{-12}$ of $\ell(0) + |g\tau| + 1$.
    """

    def dominates(batch: Batch, tau: int) -> bool:
        bound = certificate(batch)
        allowed = 1e-12 * (bound.loss + abs(bound.slope * tau / 10) + 1)
        return bool(loss(batch, tau / 10) <= float(bound.majorant(tau / 10)) + allowed)

    check.forall(dominates, examples=250, batch=BATCHES, tau=st.integers(-60, 60))


def newton_step(batch: Batch) -> float:
    """2g/κ, up to which the quadratic model descends."""
    bound = certify(batch)
    p = np.exp(np.array(batch[0]) / 10)
    p /= p.sum(1, keepdims=True)
    slopes = np.array(batch[1]) / 10
    curvature = (p * (slopes - (p * slopes).sum(1, keepdims=True)) ** 2).sum(1).mean()
    return float(2 * bound.slope / curvature) if bound.slope > 0 else 0.0


def support_step(batch: Batch) -> float:
    """r = 1."""
    smallest = float(rho_a(np.array(batch[1]) / 10).min())
    return min(smallest, 100.0) if certify(batch).slope > 0 else 0.0


@paper.claim(
    "Section 5 (not in the paper)",
    tags=("ours", "inequality"),
    mutants={
        "the paper's r = 1": {"step": support_step},
        "2g/κ of the quadratic model": {"step": newton_step},
        "5 % longer": {"step": lambda batch: 1.05 * certify(batch).max_step},
    },
)
def certified_step_never_raises_the_loss(check: Check, step: Formula = lambda batch: certify(batch).max_step) -> None:
    r"""Up to the step where the bound returns to $\ell(0)$, the loss does not exceed $\ell(0)$, rounding included.

    $r < 1$ is no such promise, nor is the step of the quadratic model.
    """

    def does_not_rise(batch: Batch, percent: int) -> bool:
        return bool(loss(batch, float(step(batch)) * percent / 100) <= loss(batch, 0.0))

    check.forall(does_not_rise, examples=250, batch=BATCHES, percent=st.just(100) | st.integers(0, 100))
