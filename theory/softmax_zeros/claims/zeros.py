"""Any number of classes: where the zeros lie, and what they say about the loss (Sections 4 and 5)."""

import math
from collections.abc import Sequence
from typing import Any

import hypothesis.strategies as st
import numpy as np
import sympy as sp
import z3
from flint import acb, acb_series, arb, arb_series, ctx, fmpz_poly

from theory.softmax_zeros.batch import batch_radius
from theory.softmax_zeros.bounds import binary_radius, rho_a
from theory.softmax_zeros.claims.oracles import (
    columns,
    is_empty_disc,
    is_nearest_zero_distance,
    partition,
    samples,
    zeros_within,
)
from theory.softmax_zeros.claims.paper import paper
from theory.softmax_zeros.counting import jensen_sum
from theory.softmax_zeros.cumulants import cumulants
from theory.softmax_zeros.radius import radius
from verify import certified


def log_series(z: np.ndarray, a: np.ndarray, terms: int, unit: float) -> arb_series:
    """Enclosures of the Taylor coefficients of log F at 0 in t/unit, with the slopes shifted to ±Δ/2."""
    ctx.cap = terms
    middle = (arb(max(a)) + arb(min(a))) / 2
    total = arb_series([0])
    for zk, ak in zip(z, a, strict=True):
        total += arb_series([arb(zk), (arb(ak) - middle) * arb(unit)]).exp()
    return total.log()


@paper.claim(
    "Proposition 4.2",
    tags=("identity",),
    mutants={
        "the prediction is smoothed, not the target": {"loss": lambda q, p: -sp.log(q * p[0] + (1 - q) * p[1])},
        "focal loss": {"loss": lambda q, p: -q * (1 - p[0]) * sp.log(p[0]) - (1 - q) * (1 - p[1]) * sp.log(p[1])},
    },
)
def targets_change_only_the_linear_term(check, loss=lambda q, p: -q * sp.log(p[0]) - (1 - q) * sp.log(p[1])):
    r"""For any target distribution the cross-entropy on the line is $\log F$ plus a linear function of $t$.

    So no target, one-hot or smoothed, moves a singularity. Shown for two classes.
    """
    w = sp.symbols("w1 w2", positive=True)
    a = sp.symbols("a1 a2", real=True)
    q, t = sp.symbols("q t", real=True)
    terms = [wk * sp.exp(ak * t) for wk, ak in zip(w, a, strict=True)]
    log_f = sp.log(sum(terms))
    line = q * (sp.log(w[0]) + a[0] * t) + (1 - q) * (sp.log(w[1]) + a[1] * t)
    statement = sp.Eq(loss(q, [term / sum(terms) for term in terms]), log_f - line)
    check.proves(sp.expand_log(statement, force=False))


@paper.claim(
    "Proposition 4.2",
    tags=("identity",),
    mutants={
        "10 % too long": {"formula": lambda z, a: 1.1 * radius(z, a).rho},
        "the bound π/Δ": {"formula": lambda z, a: rho_a(a)},
        "the two likeliest classes": {"formula": lambda z, a: top_two_radius(z, a)},
    },
)
def taylor_series_converges_up_to_the_nearest_zero(check, formula=lambda z, a: radius(z, a).rho):
    r"""The Taylor radius of the loss at $t = 0$ is $\rho^*$, the smallest modulus of a zero of $F$.

    With $c_n$ the coefficients of $\log F$, enclosed by power series in ball arithmetic, $n |c_n| r^n$ must stay below
    1 for $r = 0.96 \rho^*$ and rise above it for $r = 1.04 \rho^*$ at some $n$ in $270 \ldots 300$, where 4 % make a
    factor of $4 \cdot 10^4$.
    """

    def separates(sample):
        z, a = columns(sample)
        rho = float(formula(z, a))
        if np.ptp(a) == 0 or np.isinf(rho):
            return np.ptp(a) == 0 and np.isinf(rho)
        series = log_series(z, a, 301, rho)
        return diverges(series, 1.04) and not diverges(series, 0.96)

    with certified.precision(1500):
        check.forall(separates, examples=check.at(quick=60, full=1000), sample=samples(2, 6))


def diverges(series: arb_series, r: float) -> bool:
    """Whether n |c_n| r^n certainly exceeds 1 for some n in 270 … 300."""
    return any(n * abs(series[n]) * arb(r) ** n > 1 for n in range(270, 301))


@paper.claim(
    "Proposition 4.2",
    tags=("ours", "identity"),
    mutants={
        "one zero, not the pair": {"asymptote": lambda n, t: -((1 / t) ** n).real / n},
        "no division by n": {"asymptote": lambda n, t: -2 * ((1 / t) ** n).real},
        "zero 1 % too far": {"asymptote": lambda n, t: -2 * ((1 / (1.01 * t)) ** n).real / n},
    },
)
def taylor_coefficients_follow_the_nearest_pair(check, asymptote=lambda n, t: -2 * ((1 / t) ** n).real / n):
    r"""With $t_0 = \rho e^{\pm i\theta}$ the nearest pair of zeros, simple:
    $c_n = -(2/n) \rho^{-n} \cos(n\theta) (1 + o(1))$.

    Samples are those with no further zero in $|t| < 1.25 \rho$, where others contribute to $n c_n \rho^n$ at most about
    $1.25^{-150} = 3 \cdot 10^{-15}$ each at $n = 150$; agreement is asked to $10^{-6}$ of $2\rho^{-n}/n$.
    """

    def agrees(sample):
        z, a = columns(sample)
        if np.ptp(a) == 0:
            return True
        t = complex(radius(z, a).zero)
        if zeros_within(z, a, 1.25 * abs(t)) != 2:
            return True
        series = log_series(z, a, 152, abs(t))
        return all(abs(series[n] - asymptote(n, acb(t / abs(t)))) * n / 2 < arb("1e-6") for n in (150, 151))

    with certified.precision(1000):
        check.forall(agrees, examples=check.at(quick=60, full=1000), sample=samples(2, 6))


@paper.claim(
    "Lemma 4.5",
    tags=("inequality",),
    mutants={
        "an arc of length π": {"in_arc": lambda x, y: z3.And(x >= 0, z3.Or(x != 0, y != 0))},
        "weights of either sign": {"allowed": lambda c: c != 0},
    },
)
def vectors_in_an_open_half_turn_do_not_cancel(check, in_arc=lambda x, y: x > 0, allowed=lambda c: c > 0):
    r"""If the arguments of $u_1, \ldots, u_n$ lie in an open arc of length below $\pi$ and all $c_k > 0$, then
    $\sum c_k u_k \ne 0$.

    With the $x$ axis along the bisector of the arc, each $u_k = x_k + i y_k$ has $x_k > 0$. Two vectors make the
    induction step: their combination is in the open half plane again.
    """
    x, y, c = (z3.Reals(f"{name}1 {name}2") for name in "xyc")
    given = [in_arc(x[k], y[k]) for k in (0, 1)] + [allowed(ck) for ck in c]
    combined = [c[0] * v[0] + c[1] * v[1] for v in (x, y)]
    check.proves(z3.Implies(z3.And(given), z3.Or(combined[0] != 0, combined[1] != 0)), says="two do not cancel")
    check.proves(z3.Implies(z3.And(given), in_arc(*combined)), says="two combine to one in the arc")


@paper.claim(
    "Theorem 4.6",
    tags=("inequality",),
    mutants={
        "π 5 % too long": {"formula": lambda z, a: 1.05 * rho_a(a)},
        "spread of the logits": {"formula": lambda z, a: rho_a(z)},
        "largest slope instead of the spread": {"formula": lambda z, a: math.pi / max(np.abs(a).max(), 1e-300)},
        "standard deviation instead of the spread": {"formula": lambda z, a: math.pi / max(2 * a.std(), 1e-300)},
    },
)
def no_zero_within_pi_over_the_slope_spread(check, formula=lambda z, a: rho_a(a)):
    r"""$F$ has no zero in the strip $|\operatorname{Im} t| < \pi/\Delta$, hence $\rho^* \ge \rho_a = \pi/\Delta$.

    Scaled to slopes in $[-\frac{1}{2}, \frac{1}{2}]$ ($\Delta = 1$) and divided by $e^{s\operatorname{Re} t} > 0$, the
    terms of $F$ have real parts $\cos(s \operatorname{Im} t)$: positive for all slopes $s$ and all weights, in any
    number. Certified up to 0.1 % of the edge of the strip.
    """
    reach = float(formula(np.array([0.0, 0.5, 0.25]), np.array([-0.5, 0.5, 0.0])))
    check.certifies(
        lambda s, height: (s * height).cos(),
        over={"s": (-0.5, 0.5), "height": (0.0, 0.999 * reach)},
        says="every term has a positive real part",
    )

    def empty_disc(sample):
        z, a = columns(sample)
        return is_empty_disc(z, a, float(formula(z, a)))

    check.forall(empty_disc, examples=check.at(quick=200, full=5000), sample=samples(2, 8), says="no zero in |t| < π/Δ")

    z, a = np.log([5.0, 3.0, 2.0]), np.array([0.0, 1.0, 3.0])
    drawn = [complex(s) + 2j * math.pi * k for s in log_roots([5, 3, 0, 2]) for k in range(-3, 4)]
    check.table("zeros", re=np.real(drawn), im=np.imag(drawn))
    check.table("radii", exact=[radius(z, a).rho], support=[rho_a(a)], top_two=[top_two_radius(z, a)])


@paper.claim(
    "Theorem 4.6",
    tags=("ours", "identity"),
    mutants={
        "any two slopes": {"equality": lambda weights: len(weights) == 2},
        "any equal weights": {"equality": lambda weights: len(set(weights.values())) == 1},
        "equal outer weights": {"equality": lambda weights: weights[min(weights)] == weights[max(weights)]},
    },
)
def the_bound_is_attained_by_two_equal_weights_only(
    check, equality=lambda weights: len(weights) == 2 and len(set(weights.values())) == 1
):
    r"""$\rho^* = \pi/\Delta$ if and only if, after merging equal slopes, there are two slopes and they carry equal
    weight.

    A zero of modulus $\pi/\Delta$ must be $\pm i\pi/\Delta$ by the strip; there the outer phases are opposite and every
    inner one adds an imaginary part of the same sign. Weights and slopes here are small integers.
    """

    def vanishes_at_the_edge_as_told(classes):
        weights: dict[int, int] = {}
        for weight, slope in classes:
            weights[slope] = weights.get(slope, 0) + weight
        spread = max(weights) - min(weights)
        if spread == 0:
            return True
        value = sum((w * acb(0, arb.pi() * (a - min(weights)) / spread).exp() for a, w in weights.items()), acb(0))
        return value.contains(0) == equality(weights)

    classes = st.lists(st.tuples(st.integers(1, 4), st.integers(0, 4)), min_size=2, max_size=6)
    check.forall(vanishes_at_the_edge_as_told, examples=1000, classes=classes)


@paper.claim(
    "Theorem 4.6",
    tags=("ours", "identity"),
    mutants={
        "factor √m": {"factor": sp.sqrt},
        "factor m − 1": {"factor": lambda m: m - 1},
        "no loss": {"factor": lambda m: 1},
    },
)
def binomial_weights_lose_a_factor_m(check, factor=lambda m: m):
    r"""For weights $C(m, k)$ and slopes $k$, $F = (1 + e^t)^m$: the nearest zeros are $\pm i\pi$, $m$-fold, and
    $\rho^* = m \rho_a$.

    The bound of Theorem 4.6 can thus be short by any factor. Proved for $m = 2, 4, 7$.
    """
    for m in (2, 4, 7):
        weights = [math.comb(m, k) for k in range(m + 1)]
        edge = sp.I * factor(m) * sp.pi / m
        check.proves(sp.Eq(sum(w * sp.exp(k * edge) for k, w in enumerate(weights)), 0), says=f"a zero, m = {m}")
    for m in (2, 4):
        z, a = np.log([math.comb(m, k) for k in range(m + 1)]), np.arange(m + 1.0)
        reach = float(factor(m) * rho_a(a))
        check.certifies_zero_count(partition(z, a), inside=0.9 * reach, count=0, says=f"none nearer, m = {m}")
        check.certifies_zero_count(partition(z, a), inside=1.1 * reach, count=2 * m, says=f"m-fold, m = {m}")


BATCH = st.lists(samples(2, 4), min_size=1, max_size=3)


@paper.claim(
    "Eq. 15",
    tags=("inequality",),
    mutants={
        "mean spread": {"formula": lambda batch: math.pi / max(np.mean([np.ptp(a) for _, a in batch]), 1e-300)},
        "largest sample bound": {"formula": lambda batch: max(float(rho_a(a)) for _, a in batch)},
        "first sample": {"formula": lambda batch: float(rho_a(batch[0][1]))},
    },
)
def the_batch_bound_is_safe_for_every_sample(check, formula=lambda batch: min(float(rho_a(a)) for _, a in batch)):
    r"""No sample of $S$ has a zero in $|t| < \rho_a(S) = \pi / \max \Delta_a(x)$, and $\rho_a(S') \ge \rho_a(S)$ for
    $S' \subset S$.
    """

    def safe(batch):
        batch = [columns(sample) for sample in batch]
        reach = formula(batch)
        clear = all(is_empty_disc(z, a, reach) for z, a in batch)
        return clear and all(formula(batch[:k]) >= reach for k in range(1, len(batch)))

    check.forall(safe, examples=check.at(quick=200, full=3000), batch=BATCH)


def in_arrays(batch: list[list[tuple[float, float]]]) -> tuple[np.ndarray, np.ndarray]:
    """Logits and slopes of shape (samples, classes)."""
    z, a = zip(*map(columns, batch), strict=True)
    return np.stack(z), np.stack(a)


@paper.claim(
    "Eq. 15",
    tags=("ours", "identity"),
    mutants={
        "mean of the radii": {"formula": lambda z, a: np.mean(radius(z, a).rho)},
        "of the largest sample": {"formula": lambda z, a: np.max(radius(z, a).rho)},
        "batch bound ρ_a(S)": {"formula": lambda z, a: np.min(rho_a(a))},
        "losses may be subtracted": {"weights": lambda count: [1] * count + [-1]},
    },
)
def the_mean_loss_has_the_smallest_radius_of_its_samples(
    check, formula=lambda z, a: batch_radius(z, a).rho, weights=lambda count: [1] * count + [1]
):
    r"""The Taylor radius of the mean loss over a batch is exactly $\min_x \rho^*(x)$.

    $\exp \sum c_x \log F_x$ with all $c_x > 0$ has no pole, so the singularities of the samples cannot cancel. The
    coefficients of the sum are tested as in Proposition 4.2; the first sample enters twice.
    """

    def separates(batch):
        z, a = in_arrays(batch)
        rho = float(formula(z, a))
        if not np.isfinite(rho):
            return np.ptp(a, axis=1).max() == 0
        losses = [log_series(zx, ax, 301, rho) for zx, ax in zip(z, a, strict=True)]
        losses.append(losses[0])
        total = sum((c * loss for c, loss in zip(weights(len(batch)), losses, strict=True)), arb_series([0]))
        return diverges(total, 1.04) and not diverges(total, 0.96)

    with certified.precision(1500):
        check.forall(
            separates,
            examples=check.at(quick=40, full=1000),
            batch=st.lists(samples(3, 3), min_size=1, max_size=3),
        )


WEIGHTS = st.lists(st.integers(0, 9), min_size=2, max_size=6).filter(lambda w: w[0] > 0 and w[-1] > 0)


def log_roots(weights: Sequence[int]) -> list[acb]:
    """For weights w_k at slopes k = 0, 1, …: all zeros of F are these plus 2πi times any integer."""
    roots: Any = fmpz_poly(list(weights)).complex_roots()
    return [acb(root).log() for root, multiplicity in roots for _ in range(multiplicity)]


def central_moments(z: np.ndarray, a: np.ndarray, order: int) -> np.ndarray:
    """E(a − Ea)^k under the softmax, k = 1, …, order."""
    p = np.exp(z - z.max())
    p /= p.sum()
    return np.array([p @ (a - p @ a) ** k for k in range(1, order + 1)])


@paper.claim(
    "Section 4",
    tags=("ours", "identity"),
    mutants={
        "sign lost": {"rule": lambda n, power_sum: math.factorial(n - 1) * power_sum},
        "factorial lost": {"rule": lambda n, power_sum: -power_sum},
        "n! for (n − 1)!": {"rule": lambda n, power_sum: -math.factorial(n) * power_sum},
        "central moments": {"formula": central_moments},
    },
)
def cumulants_are_power_sums_of_the_zeros(
    check, formula=cumulants, rule=lambda n, power_sum: -math.factorial(n - 1) * power_sum
):
    r"""The cumulants of the slopes under the softmax are $\kappa_n = -(n-1)! \sum t_k^{-n}$ over all zeros, $n \ge 2$.

    In particular the variance is $-\sum t_k^{-2}$. For slopes $0, 1, \ldots, m$ the zeros are logarithms of polynomial
    roots plus $2\pi i j$, over which $\sum_j (s + 2\pi ij)^{-n}$ is, up to sign, a Taylor coefficient of $1/(e^s - 1)$
    at $s$. The tolerance is 500 roundings of $n! \Delta^n$, the size of what the moments cancel.
    """

    def agree(weights):
        present = [k for k, w in enumerate(weights) if w > 0]
        logits = np.log([float(weights[k]) for k in present])
        measured = formula(logits, np.array(present, dtype=float), 6)
        ctx.cap = 6
        series = [1 / (acb_series([s, 1]).exp() - 1) for s in log_roots(weights)]
        return all(
            abs(rule(n, (-1) ** (n - 1) * sum(one[n - 1] for one in series).real) - arb(measured[n - 1]))
            < math.factorial(n) * arb(len(weights) - 1) ** n * 1e-13
            for n in range(2, 7)
        )

    check.forall(agree, examples=check.at(quick=300, full=3000), weights=WEIGHTS)


@paper.claim(
    "Section 4",
    tags=("ours", "identity"),
    mutants={
        "one zero, not the pair": {"formula": lambda z, a, R: jensen_sum(z, a, R) / 2},
        "log |F|, not log |F/F(0)|": {"formula": lambda z, a, R: jensen_sum(z, a, R) + np.log(np.exp(z).sum())},
        "radius 1 % off": {"formula": lambda z, a, R: jensen_sum(z, a, 1.01 * R)},
    },
)
def jensens_formula_sees_the_zeros_in_a_disc(check, formula=jensen_sum):
    r"""The mean of $\log |F(Re^{i\theta})/F(0)|$ over the circle is $\sum \log(R/|t_k|)$ over the zeros in $|t| < R$.

    The zeros are logarithms of polynomial roots, as above. Circles that pass within 5 % of a zero are left out: on the
    others 4096 points leave an error of about $0.95^{4096} < 10^{-90}$, and $10^{-10}$ is far above float64 rounding.
    """

    def agrees(weights, size):
        present = [w > 0 for w in weights]
        z, a = np.log(np.array(weights, dtype=float)[present]), np.flatnonzero(present).astype(float)
        lattice = [complex(s) + 2j * math.pi * j for s in log_roots(weights) for j in range(-3, 4)]
        ratios = np.array([size / abs(t) for t in lattice])
        if np.any(abs(ratios - 1) < 0.05):
            return True
        return abs(formula(z, a, size) - np.log(ratios[ratios > 1]).sum()) < 1e-10

    check.forall(agrees, examples=check.at(quick=300, full=3000), weights=WEIGHTS, size=st.floats(0.5, 12))


@paper.claim(
    "Section 4",
    tags=("ours", "identity"),
    mutants={
        "half as many": {"formula": lambda a, R: np.ptp(a) * R / (2 * math.pi)},
        "one for each class": {"formula": lambda a, R: (len(a) - 1) * R / math.pi},
        "mean distance of the slopes": {"formula": lambda a, R: 2 * a.std() * R / math.pi},
    },
)
def zeros_have_density_spread_over_pi(check, formula=lambda a, R: np.ptp(a) * R / math.pi):
    r"""The disc $|t| < R$ holds $\Delta R/\pi$ zeros, up to a number that does not grow with $R$.

    Counted at $R = 200/\Delta$. A strip of height $h$ holds $\Delta h/2\pi$ zeros up to $n - 1$ (Langer); one more is
    allowed because the disc is not a rectangle.
    """

    def counted(sample):
        z, a = columns(sample)
        if np.ptp(a) == 0:
            return True
        size = 200 / np.ptp(a)
        return abs(zeros_within(z, a, size) - formula(a, size)) <= len(a)

    logits, slopes = st.floats(-3, 3), st.integers(0, 4)
    check.forall(
        counted,
        examples=check.at(quick=25, full=300),
        sample=st.lists(st.tuples(logits, slopes), min_size=2, max_size=5),
    )


MANY = samples(3, 8)


def top_two_radius(z: np.ndarray, a: np.ndarray) -> float:
    """√(δ² + π²)/|Δ| of the two likeliest classes."""
    first, second = np.argsort(-z, kind="stable")[:2]
    return float(binary_radius(z[first] - z[second], a[first] - a[second]))


@paper.refuted(
    "Eq. 13, Eq. 38",
    tags=("erratum",),
    controls={
        "two classes": {"classes": samples(2, 2)},
        "the exact radius": {"formula": lambda z, a: float(radius(z, a).rho)},
    },
)
def the_nearest_zero_is_that_of_the_top_two_classes(check, formula=top_two_radius, classes=MANY):
    r"""For three and more classes, $\rho^*$ is $\sqrt{\delta^2 + \pi^2}/|\Delta|$ with $\delta$ and $\Delta$ of the
    likeliest class and its runner-up.
    """
    check.forall(
        lambda sample: is_nearest_zero_distance(*columns(sample), formula(*columns(sample))),
        examples=check.at(quick=50, full=2000),
        sample=classes,
    )


@paper.refuted(
    "Eq. 13, Eq. 38",
    tags=("erratum",),
    controls={
        "two classes": {"classes": samples(2, 2)},
        "π/Δ of all classes": {"formula": lambda z, a: float(rho_a(a))},
    },
)
def the_top_two_formula_is_at_least_a_safe_bound(check, formula=top_two_radius, classes=MANY):
    r"""For three and more classes, $F$ has no zero nearer than $\sqrt{\delta^2 + \pi^2}/|\Delta|$ of the two likeliest
    classes.
    """

    def safe(sample):
        z, a = columns(sample)
        return is_empty_disc(z, a, formula(z, a))

    check.forall(safe, examples=check.at(quick=100, full=2000), sample=classes)


@paper.claim(
    "Eq. 13, Eq. 38",
    tags=("ours", "empirical"),
    mutants={
        "π/Δ of all classes": {"formula": lambda z, a: rho_a(a)},
        "two classes": {"classes": 2},
        "the exact radius": {"formula": lambda z, a: radius(z, a).rho},
    },
)
def the_top_two_formula_is_too_long_for_most_random_samples(
    check, formula=lambda z, a: np.array([top_two_radius(*x) for x in zip(z, a, strict=True)]), classes=10
):
    r"""Ten classes, standard normal logits and slopes: the top-two formula exceeds $\rho^*$ on over two thirds of
    samples.
    """

    def too_long(rng, draws):
        z, a = rng.standard_normal((2, draws, classes))
        return formula(z, a) > radius(z, a).rho * (1 + 1e-9)

    check.estimates(too_long, band=(2 / 3, 0.85), draws=check.at(quick=3000, full=20_000))
