"""Lower bounds on ρ* that use the logits as well (ours; they sharpen Theorem 4.6)."""

import math
from collections.abc import Callable

import hypothesis.strategies as st
import numpy as np
import z3
from flint import arb
from scipy.optimize import minimize
from scipy.special import logsumexp

from theory.softmax_zeros.bounds import dominance_interval, lower_bound
from theory.softmax_zeros.claims.oracles import columns, is_empty_disc, samples
from theory.softmax_zeros.claims.paper import paper
from theory.softmax_zeros.radius import radius
from verify import certified

SAMPLE = samples(2, 8)
LAW = st.lists(st.tuples(st.floats(1e-3, 1), st.floats(-1, 1, width=32)), min_size=2, max_size=5)


def lead(z: np.ndarray) -> float:
    """L = log(p₁/(1 − p₁)) of the likeliest class."""
    return float(z.max() - logsumexp(np.delete(z, z.argmax())))


def variance(z: np.ndarray, a: np.ndarray) -> float:
    """σ² = Var_p(a), to a relative rounding error even where one class has nearly all the weight."""
    p = np.exp(z - logsumexp(z))
    offset = a - a[z.argmax()]
    return float(p @ (offset - p @ offset) ** 2)


def excess(spread: float, squared_deviation: float) -> float:
    """δ_e = 2 arccosh(Δ/2σ): the logit gap of the two-class sample with this spread and variance."""
    return 2 * math.acosh(max(1.0, spread / (2 * math.sqrt(squared_deviation))))


def per_spread(modulus: float, a: np.ndarray) -> float:
    """A modulus in units of 1/Δ as a radius."""
    return modulus / float(np.ptp(a)) if np.ptp(a) > 0 else math.inf


@paper.claim(
    "beyond Theorem 4.6",
    tags=("ours", "inequality"),
    mutants={
        "gap to the runner-up": {"formula": lambda z, a: per_spread(math.hypot(np.ptp(np.sort(z)[-2:]), math.pi), a)},
        "L not cut off at 0": {"formula": lambda z, a: per_spread(math.hypot(lead(z), math.pi), a)},
        "−log(1 − p₁) for L": {
            "formula": lambda z, a: per_spread(math.hypot(logsumexp(z) - z.max() + lead(z), math.pi), a)
        },
        "0.1 % too long": {"formula": lambda z, a: 1.001 * lower_bound(z, a, "dominance")},
    },
)
def a_dominant_class_keeps_the_zeros_away(check, formula=lambda z, a: lower_bound(z, a, "dominance")):
    r"""$\rho^* \ge \sqrt{\max(L, 0)^2 + \pi^2}/\Delta$ with $L = \log(p_1/(1 - p_1))$, $p_1$ the largest probability.

    Where the likeliest class outweighs the others together, $F \ne 0$; that is so while
    $e^{\Delta|\operatorname{Re} t|} (1 - p_1) < p_1$. No slack: the bound is rounded down, the zeros are counted in the
    very disc it names.
    """
    check.forall(
        lambda sample: is_empty_disc(*columns(sample), float(formula(*columns(sample))), slack=0),
        examples=check.at(quick=120, full=5000),
        sample=SAMPLE,
    )


@paper.claim(
    "beyond Theorem 4.6",
    tags=("ours", "identity"),
    mutants={
        "sides exchanged": {"formula": lambda z, a: dominance_interval(z, a)[::-1]},
        "lead over spread": {"formula": lambda z, a: (per_spread(max(0, lead(z)), a),) * 2},
        "runner-up only": {"formula": lambda z, a: dominance_interval(np.sort(z)[-2:], a[np.argsort(z)[-2:]])},
    },
)
def the_dominance_interval_ends_where_the_others_weigh_as_much(check, formula=dominance_interval):
    r"""On $-u_- < u < u_+$, and no further, the likeliest class outweighs all others:
    $\sum_{j \ne 1} p_j e^{(a_j - a_1)u} < p_1$.

    An end is infinite if no slope exceeds that of the likeliest class on its side; both are 0 if $p_1 \le \frac{1}{2}$.
    In ball arithmetic: the sum is below $p_1$ at the end, above it $10^{-9}$ (relative, and of $1/\Delta$) beyond.
    Leads below $10^{-9}$ that rounding may take for ties are left out.
    """

    def at_the_edge(sample):
        z, a = columns(sample)
        top = z.argmax()
        others = [(arb(z[j]) - arb(z[top]), arb(a[j]) - arb(a[top])) for j in range(len(z)) if j != top]

        def others_outweigh(u):
            return sum((gap + slope * arb(u)).exp() for gap, slope in others) >= 1

        if np.ptp(a) == 0:
            return True
        if others_outweigh(0):
            return max(formula(z, a)) == 0
        if lead(z) < 1e-9:
            return True
        for side, end in zip((-1, 1), map(float, formula(z, a)), strict=True):
            if not any(side * slope > 0 for _, slope in others):
                exact = end == math.inf
            else:
                beyond = end * (1 + 1e-9) + 1e-9 / np.ptp(a)
                exact = end < math.inf and not others_outweigh(side * end) and others_outweigh(side * beyond)
            if not exact:
                return False
        return True

    with certified.precision(300):
        check.forall(at_the_edge, examples=check.at(quick=300, full=5000), sample=SAMPLE)


def exact_dominance(z: np.ndarray, a: np.ndarray, choose: Callable[[tuple[float, float]], float]) -> float:
    """√(u² + (π/Δ)²) with u chosen from the two ends of the dominance interval."""
    return math.hypot(float(choose(dominance_interval(z, a))), per_spread(math.pi, a))


@paper.claim(
    "beyond Theorem 4.6",
    tags=("ours", "inequality"),
    mutants={
        "the farther side": {"formula": lambda z, a: exact_dominance(z, a, max)},
        "the right side": {"formula": lambda z, a: exact_dominance(z, a, lambda ends: ends[1])},
        "both lengths added": {"formula": lambda z, a: min(dominance_interval(z, a)) + per_spread(math.pi, a)},
        "0.1 % too long": {"formula": lambda z, a: 1.001 * lower_bound(z, a, "dominance_exact")},
    },
)
def zeros_lie_beyond_the_exact_dominance_interval(check, formula=lambda z, a: lower_bound(z, a, "dominance_exact")):
    r"""$\rho^* \ge \sqrt{\min(u_-, u_+)^2 + (\pi/\Delta)^2}$ with $(-u_-, u_+)$ where the likeliest class outweighs all
    others. No slack.
    """
    check.forall(
        lambda sample: is_empty_disc(*columns(sample), float(formula(*columns(sample))), slack=0),
        examples=check.at(quick=120, full=5000),
        sample=SAMPLE,
    )


def centred(law: list[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities and values of mean 0."""
    p, x = np.array(law).T
    p = p / p.sum()
    return p, x - p @ x


@paper.claim(
    "beyond Theorem 4.6",
    tags=("ours", "inequality"),
    mutants={
        "π/1.9σ": {"reach": lambda p, x: math.pi / (1.9 * math.sqrt(p @ x**2))},
        "mean absolute deviation for σ": {"reach": lambda p, x: math.pi / (2 * (p @ abs(x)))},
    },
)
def a_characteristic_function_has_no_zero_before_pi_over_two_deviations(
    check, reach=lambda p, x: math.pi / (2 * math.sqrt(p @ x**2))
):
    r"""$\mathbb{E}\,e^{iyX} \ne 0$ for $|y| < \pi/(2\sigma)$: around the mean, the real part is at least
    $\cos(y\sigma) > 0$.

    $\cos \sqrt{x}$ is convex on $[0, \pi^2]$ and its tangents at $x \le \pi^2/4$ stay below it from there on, so
    $\mathbb{E}\cos(yX) \ge \cos(y\sigma)$ by Jensen's inequality. The second derivative is ${}_0F_1(; 5/2; -x/4)/12$.
    """
    check.certifies(
        lambda x: (-x / 4).hypgeom_0f1(arb(5) / 2) / 12,
        over={"x": (0.0, math.pi**2)},
        says="cos √x is convex on [0, π²]",
    )

    def keeps_its_sign(law, part):
        p, x = centred(law)
        return np.ptp(x) < 1e-6 or p @ np.cos(part * reach(p, x) * x) > 0

    check.forall(keeps_its_sign, examples=1000, law=LAW, part=st.floats(0, 0.999) | st.just(0.999), says="any law")


@paper.claim(
    "beyond Lemma A4.1",
    tags=("ours", "inequality"),
    mutants={
        "4.2 σ² for 4 σ²": {"squared": lambda width, variance: width**2 - 4.2 * variance},
        "Δ 2 % short": {"squared": lambda width, variance: (0.98 * width) ** 2 - 4 * variance},
    },
)
def the_third_moment_is_at_most_that_of_a_two_point_law(check, squared=lambda width, variance: width**2 - 4 * variance):
    r"""A law of variance $\sigma^2$ on an interval of width $\Delta$ has
    $|\mathbb{E}(X - \mathbb{E}X)^3| \le \sigma^2 \sqrt{\Delta^2 - 4\sigma^2}$.

    Put the mean at 0 and the interval at $[-\alpha, \beta]$. $\mathbb{E}(\alpha + X)(\beta - X) \ge 0$ gives
    $\sigma^2 \le \alpha\beta$, and $\mathbb{E}(\beta - X)(X + \sigma^2/\beta)^2 \ge 0$ gives
    $m_3 \le \beta\sigma^2 - \sigma^4/\beta$; the rest is algebra, by z3. The mirrored law gives the other sign.
    """
    alpha, beta, variance, third = z3.Reals("alpha beta variance third")
    law = z3.And(
        alpha > 0,
        beta > 0,
        variance > 0,
        variance <= alpha * beta,
        beta * third <= beta**2 * variance - variance**2,
    )
    within = z3.Implies(third > 0, third**2 <= variance**2 * squared(alpha + beta, variance))
    check.proves(z3.Implies(law, within), says="every law")

    def bounded(law):
        p, x = centred(law)
        width, spread = np.ptp(x), p @ x**2
        return width < 1e-3 or (p @ x**3) ** 2 <= spread**2 * squared(width, spread) + 1e-12 * width**6

    check.forall(bounded, examples=1000, law=LAW, says="no law on few points exceeds it")


def decay(spread: float, squared_deviation: float, u: float) -> float:
    """Δ²/4 sech²((δ_e − Δ|u|)₊/2)."""
    return spread**2 / 4 / math.cosh(max(excess(spread, squared_deviation) - spread * abs(u), 0) / 2) ** 2


@paper.claim(
    "beyond Eq. 25",
    tags=("ours", "inequality"),
    mutants={
        "Δ/σ for Δ/2σ": {"formula": lambda spread, square, u: decay(spread, square / 4, u)},
        "half the rate": {"formula": lambda spread, square, u: decay(spread, square, u / 2)},
        "falls again beyond the flip": {
            "formula": lambda spread, square, u: (
                spread**2 / 4 / math.cosh((excess(spread, square) - spread * abs(u)) / 2) ** 2
            )
        },
    },
)
def the_variance_of_the_slopes_grows_no_faster_than_for_two_classes(check, formula=decay):
    r"""$K''(u) = \mathrm{Var}_{q(u)}(a) \le \Delta^2/4\,\operatorname{sech}^2((\delta_e - \Delta|u|)_+/2)$ with
    $\delta_e = 2 \operatorname{arccosh}(\Delta/2\sigma)$, $\sigma^2 = K''(0)$.

    From the third-moment bound: with $K'' = \Delta^2/4\,\operatorname{sech}^2(\theta/2)$ it says
    $|\theta'| \le \Delta$. The tilted variance is enclosed in ball arithmetic; $10^{-9}$ covers float64 rounding of
    exponents up to 100.
    """

    def dominated(sample, steps):
        z, a = columns(sample)
        if np.ptp(a) == 0:
            return True
        u = steps / np.ptp(a)
        weights = [(arb(zk) + arb(ak) * arb(u)).exp() for zk, ak in zip(z, a, strict=True)]
        mean = sum(w * arb(ak) for w, ak in zip(weights, a, strict=True)) / sum(weights)
        offsets = [arb(ak) - mean for ak in a]
        tilted = sum(w * offset * offset for w, offset in zip(weights, offsets, strict=True)) / sum(weights)
        return tilted <= formula(np.ptp(a), variance(z, a), u) * (1 + 1e-9)

    with certified.precision(300):
        check.forall(dominated, examples=check.at(quick=600, full=20_000), sample=SAMPLE, steps=st.floats(-30, 30))


def variance_radius(z: np.ndarray, a: np.ndarray, share: float = 1.0, height: float = math.pi) -> float:
    """The bound by a plain search over w, with the variance and the height scaled at will."""
    if np.ptp(a) == 0:
        return math.inf
    bent = excess(float(np.ptp(a)), share * variance(z, a))
    w = np.linspace(0, bent, 4001)
    with np.errstate(over="ignore"):
        return per_spread(float(np.hypot(bent - w, height * np.cosh(w / 2)).min()), a)


@paper.claim(
    "beyond Theorem 4.6",
    tags=("ours", "inequality"),
    mutants={
        "variance 10 % low": {"formula": lambda z, a: variance_radius(z, a, share=0.9)},
        "height 10 % too large": {"formula": lambda z, a: variance_radius(z, a, height=1.1 * math.pi)},
        "variance held fixed, π/2σ": {"formula": lambda z, a: per_spread(math.pi, a) * cosh_half_excess(z, a)},
    },
)
def a_small_variance_keeps_the_zeros_away(check, formula=lambda z, a: lower_bound(z, a, "variance")):
    r"""$\rho^* \ge (1/\Delta) \min_{0 \le w \le \delta_e} \sqrt{(\delta_e - w)^2 + \pi^2 \cosh^2(w/2)}$,
    $\delta_e = 2 \operatorname{arccosh}(\Delta/2\sigma)$. No slack.

    A zero $x + iy$ has $|y| \ge \pi/(2\sigma(x))$ by the characteristic function and
    $\sigma(x) \le \Delta/2\,\operatorname{sech}((\delta_e - \Delta|x|)_+/2)$. The bound is not sharp: with
    $\cosh^2 w$ for $\cosh^2(w/2)$ a search finds no counterexample either.
    """
    check.forall(
        lambda sample: is_empty_disc(*columns(sample), float(formula(*columns(sample))), slack=0),
        examples=check.at(quick=120, full=5000),
        sample=SAMPLE,
    )


def cosh_half_excess(z: np.ndarray, a: np.ndarray) -> float:
    """cosh(δ_e/2) = Δ/2σ."""
    return float(np.ptp(a)) / (2 * math.sqrt(variance(z, a))) if np.ptp(a) > 0 else 1.0


@paper.claim(
    "beyond Theorem 4.6",
    tags=("ours", "inequality"),
    mutants={
        "variance held fixed": {
            "formula": lambda z, a: math.hypot(
                min(dominance_interval(z, a)), per_spread(math.pi, a) * cosh_half_excess(z, a)
            )
        },
        "one bound as a multiple of the other": {
            "formula": lambda z, a: (
                np.ptp(a) / math.pi * lower_bound(z, a, "dominance_exact") * lower_bound(z, a, "variance")
                if np.ptp(a) > 0
                else math.inf
            )
        },
        "0.1 % too long": {"formula": lambda z, a: 1.001 * lower_bound(z, a, "best")},
    },
)
def both_reasons_together_keep_the_zeros_away(check, formula=lambda z, a: lower_bound(z, a, "best")):
    r"""No zero is nearer than the smallest $|x + iy|$ with $|x| \ge \min(u_-, u_+)$ and
    $|y| \ge \pi \cosh((\delta_e - \Delta|x|)_+/2)/\Delta$.

    This is never below any of the other bounds.
    """

    def best_and_true(sample):
        z, a = columns(sample)
        bound = float(formula(z, a))
        others = [lower_bound(z, a, method) for method in ("support", "dominance", "dominance_exact", "variance")]
        return bound >= max(others) * (1 - 1e-12) and is_empty_disc(z, a, bound, slack=0)

    check.forall(best_and_true, examples=check.at(quick=120, full=5000), sample=SAMPLE)


def extremal_radius(z: np.ndarray, a: np.ndarray, share: float = 1.0) -> float:
    """√(δ_e² + π²)/Δ."""
    if np.ptp(a) == 0:
        return math.inf
    return per_spread(math.hypot(excess(float(np.ptp(a)), share * variance(z, a)), math.pi), a)


@paper.conjecture(
    "beyond Theorem 4.6",
    tags=("ours", "inequality"),
    mutants={
        "0.1 % more": {"formula": lambda z, a: 1.001 * extremal_radius(z, a)},
        "variance 5 % low": {"formula": lambda z, a: extremal_radius(z, a, share=0.95)},
        "odds for δ_e": {"formula": lambda z, a: per_spread(math.hypot(z.max() - np.sort(z)[-2], math.pi), a)},
    },
)
def two_classes_are_extremal_for_given_variance(check, formula=extremal_radius):
    r"""$\rho^* \ge \sqrt{\delta_e^2 + \pi^2}/\Delta$: among all samples with a given spread and variance, two classes
    have the nearest zero.

    Open; nothing here relies on it. The note holds the largest $\sqrt{\delta_e^2 + \pi^2}/(\Delta\rho^*)$ that a search
    over three classes finds, where the middle slope keeps a tenth of the spread from the ends and every class a
    probability of 1 %.
    """
    check.forall(
        lambda sample: is_empty_disc(*columns(sample), formula(*columns(sample))),
        examples=check.at(quick=150, full=20_000),
        sample=SAMPLE,
    )

    def shortfall(point):
        z, a = np.array([0.0, point[0], point[1]]), np.array([0.0, 1.0, point[2]])
        p = np.exp(z - logsumexp(z))
        if not (0.1 <= point[2] <= 0.9 and p.min() >= 0.01):
            return 0.0
        return -formula(z, a) / float(radius(z, a).rho)

    rng = check.rng("start of the search")
    starts = rng.uniform([-4, -4, 0.1], [4, 4, 0.9], size=(check.at(quick=40, full=2000), 3))
    best = min(starts, key=shortfall)
    found = minimize(shortfall, best, method="Nelder-Mead", options={"maxfev": check.at(quick=60, full=1000)})
    check.note(largest_ratio=-float(found.fun), at=found.x)
