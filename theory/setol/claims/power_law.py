"""Power-law fits of a tail (Section 2): the estimator, its law, its distance, the scan.

The tail has density (α − 1) xmin^{α−1} x^{−α} on x ≥ xmin. α̂ = 1 + n/S with S = Σ ln(x_i/xmin) over its n values.
The method is that of A. Clauset, C. R. Shalizi, M. E. J. Newman, SIAM Review 51 (2009) 661, arXiv 0706.1062.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import hypothesis.strategies as st
import mpmath
import numpy as np
import sympy as sp
import z3
from scipy import stats

from theory._numbers import Floats
from theory.setol.claims.paper import paper
from theory.setol.power_law import PowerLawFit, fit_power_law, scan
from verify import Check

Formula = Callable[..., Any]

RATE = sp.Symbol("rate", positive=True)
"""α − 1."""

SAMPLE = st.lists(st.floats(1e-3, 1e3), min_size=2, max_size=40) | st.lists(
    st.integers(1, 9).map(float), min_size=2, max_size=40
)


def moment(k: int, rate: Any) -> Any:
    """E (x/xmin)^k by integration over the density."""
    x = sp.Symbol("x", positive=True)
    return sp.integrate(rate * x ** (k - 1 - rate), (x, 1, sp.oo))


@paper.claim(
    "Section 2, power-law tails",
    tags=("identity",),
    mutants={
        "α for α − 1": {"formula": lambda k, alpha: alpha / (alpha - k)},
        "α − k below": {"formula": lambda k, alpha: (alpha - 1) / (alpha - k)},
    },
)
def moments_of_a_power_law(check: Check, formula: Formula = lambda k, alpha: (alpha - 1) / (alpha - 1 - k)) -> None:
    r"""$\mathbb{E} (x/x_{\min})^k = (\alpha - 1)/(\alpha - 1 - k)$ where $\alpha > k + 1$."""
    for k in (1, 2, 3):
        check.proves(sp.Eq(moment(k, k + RATE), formula(k, 1 + k + RATE)), says=f"k = {k}")


@paper.corrected(
    "Section 2.2.2",
    tags=("erratum",),
    printed={"threshold": 2},
    mutants={"α = 4": {"threshold": 4}},
)
def the_variance_of_a_power_law_is_infinite_up_to_alpha_3(check: Check, threshold: int = 3) -> None:
    r"""$\mathbb{E} x^2$ is infinite up to $\alpha = 3$ and finite beyond. The paper has an infinite variance for
    $\alpha < 2$, where the mean is.

    (For $\alpha < 2$ it is the entries of a Pareto matrix with $\alpha = \mu/2 + 1$ whose variance is infinite.)
    """
    below, at, above = (moment(2, threshold - 1 + sp.Rational(step, 4)) for step in (-1, 0, 1))
    check.proves(sp.And(sp.Eq(below, sp.oo), sp.Eq(at, sp.oo), sp.Lt(above, sp.oo)), says="∞, ∞, finite")


@paper.claim(
    "Clauset, Shalizi, Newman 2009, Eq. 3.1",
    tags=("identity",),
    mutants={
        "n − 1 for n": {"estimate": lambda n, total: 1 + (n - 1) / total},
        "Pareto index for α": {"estimate": lambda n, total: n / total},
        "α/√n for (α − 1)/√n": {"error": lambda n, alpha: alpha / sp.sqrt(n)},
    },
)
def the_exponent_maximises_the_likelihood(
    check: Check,
    estimate: Formula = lambda n, total: 1 + n / total,
    error: Formula = lambda n, alpha: (alpha - 1) / sp.sqrt(n),
) -> None:
    r"""The log-likelihood $n \ln(\alpha - 1) - n \ln x_{\min} - \alpha S$ is stationary at $\hat{\alpha} = 1 + n/S$,
    where its curvature is $-1/\sigma^2$.

    $\sigma = (\hat{\alpha} - 1)/\sqrt{n}$; the curvature $-n/(\alpha - 1)^2$ is negative at every $\alpha$, so that
    this is the maximum.
    """
    n, total, cutoff = sp.symbols("n S xmin", positive=True)
    alpha = 1 + RATE
    likelihood = n * sp.log(RATE) - n * sp.log(cutoff) - alpha * total
    at_estimate = {RATE: estimate(n, total) - 1}
    stationary = sp.simplify(sp.diff(likelihood, RATE).subs(at_estimate))
    curvature = sp.diff(likelihood, RATE, 2) * error(n, alpha) ** 2
    check.proves(sp.Eq(stationary**2 + (sp.simplify(curvature) + 1) ** 2, 0), says="slope 0, and curvature −1/σ²")


def exact_exponent(tail: Sequence[float], cutoff: float) -> mpmath.mpf:
    """1 + n/Σ ln(x/xmin) in 60 digits."""
    with mpmath.workdps(60):
        logs = [mpmath.log(mpmath.mpf(value) / mpmath.mpf(cutoff)) for value in tail]
        return 1 + len(tail) / mpmath.fsum(logs)


@paper.claim(
    "Clauset, Shalizi, Newman 2009, Eq. 3.1",
    tags=("identity",),
    mutants={
        "n − 1 for n": {"rates": lambda s: (s.alpha - 1) * (s.n_tail - 1) / s.n_tail},
        "logarithms subtracted in sums": {
            "rates": lambda s: (
                s.n_tail / np.array([np.log(s.x[i:]).sum() - (len(s.x) - i) * np.log(s.x[i]) for i in s.index])
            )
        },
    },
)
def every_exponent_of_the_scan_is_right_to_12_digits(check: Check, rates: Formula = lambda s: s.alpha - 1) -> None:
    r"""$\hat{\alpha} - 1 = n/\sum \ln(x_i/x_{\min})$ for every candidate cutoff, even where all values are within a
    millionth of each other.

    Against 60 digits. $10^{-12}$ is some 5,000 roundings; a difference of two sums of logarithms loses more.
    """

    def agrees(steps: list[int], exponent: int) -> bool:
        x = sorted(7 * (1 + 10.0**-exponent * step) for step in steps)
        curve = Scanned(x)
        exact = [exact_exponent(x[i:], x[i]) - 1 for i in curve.index]
        return all(abs(found / rate - 1) <= 1e-12 for found, rate in zip(rates(curve), exact, strict=True))

    check.forall(
        agrees,
        examples=check.at(quick=150, full=3000),
        steps=st.lists(st.integers(0, 1000), min_size=2, max_size=30),
        exponent=st.integers(-3, 9),
    )


class Scanned:
    """A sample with its scan."""

    def __init__(self, x: Sequence[float]) -> None:
        self.x = np.array(x)
        curve = scan(self.x)
        self.alpha, self.n_tail, self.index = curve.alpha, curve.n_tail, curve.index


@paper.claim(
    "Clauset, Shalizi, Newman 2009, Eq. 3.1",
    tags=("identity", "ours"),
    mutants={
        "without its weight": {"step": lambda n, i, gap: gap},
        "one spacing too many": {"step": lambda n, i, gap: (n - i) * gap},
    },
)
def the_sums_of_all_tails_follow_from_one_pass(
    check: Check, step: Formula = lambda n, i, gap: (n - 1 - i) * gap
) -> None:
    r"""$S_i = S_{i+1} + (n - 1 - i)(l_{i+1} - l_i)$ for $S_i = \sum_{j \ge i} (l_j - l_i)$, terms that are never
    negative.
    """
    logs = sp.symbols("l0:6", real=True)
    sums = [sum(log - logs[i] for log in logs[i:]) for i in range(6)]
    worst = sum((sums[i] - sums[i + 1] - step(6, i, logs[i + 1] - logs[i])) ** 2 for i in range(5))
    check.proves(sp.Eq(worst, 0), says="five steps")


def moments_of_the_estimator(spacings: Any, n: Any) -> tuple[Any, Any]:
    """Mean and variance of n/S for S ~ Gamma(spacings, 1/rate), by integration."""
    s = sp.Symbol("s", positive=True)
    density = RATE**spacings * s ** (spacings - 1) * sp.exp(-RATE * s) / sp.gamma(spacings)
    first, second = (sp.integrate((n / s) ** p * density, (s, 0, sp.oo), conds="none") for p in (1, 2))
    return sp.gammasimp(first), sp.gammasimp(second - first**2)


def sampled_uniform(n: int, smallest: bool, shape: int) -> Callable[[np.random.Generator, int], Floats]:
    """Gamma(shape) distribution function of (α − 1) S over simulated tails; uniform if the law is right."""

    def draw(rng: np.random.Generator, draws: int) -> Floats:
        logs = rng.standard_exponential((draws, n))
        if smallest:
            logs -= logs.min(axis=1, keepdims=True)
        uniform: Floats = stats.gamma.cdf(logs.sum(axis=1), shape)
        return uniform

    return draw


@paper.claim(
    "Clauset, Shalizi, Newman 2009, Eq. 3.2",
    tags=("identity",),
    mutants={
        "asymptotic: (α − 1)/√n": {"deviation": lambda n, rate: rate / sp.sqrt(n)},
        "of a scanned cutoff": {"deviation": lambda n, rate: rate * n / ((n - 2) * sp.sqrt(n - 3))},
        "unbiased": {"mean": lambda n, rate: 1 + rate},
    },
)
def the_estimator_has_these_moments_for_a_given_cutoff(
    check: Check,
    mean: Formula = lambda n, rate: 1 + rate * n / (n - 1),
    deviation: Formula = lambda n, rate: rate * n / ((n - 1) * sp.sqrt(n - 2)),
) -> None:
    r"""$x_{\min}$ known: $S \sim \mathrm{Gamma}(n, 1/(\alpha - 1))$,
    $\mathbb{E}\,\hat{\alpha} = 1 + (\alpha - 1) n/(n - 1)$,
    $\mathrm{sd}\,\hat{\alpha} = (\alpha - 1) n/((n - 1)\sqrt{n - 2})$, $n \ge 3$.

    That a sum of $n$ exponential variables is $\mathrm{Gamma}(n)$ is sampled at $n = 5$; the fit reports this sd as
    ``sigma_exact``.
    """
    check_moments(check, mean, deviation, missing=0)


@paper.claim(
    "Clauset, Shalizi, Newman 2009, Eq. 3.2",
    tags=("identity", "ours"),
    mutants={
        "asymptotic: (α − 1)/√n": {"deviation": lambda n, rate: rate / sp.sqrt(n)},
        "of a given cutoff": {
            "mean": lambda n, rate: 1 + rate * n / (n - 1),
            "deviation": lambda n, rate: rate * n / ((n - 1) * sp.sqrt(n - 2)),
        },
    },
)
def the_estimator_has_these_moments_if_the_cutoff_is_the_least_value(
    check: Check,
    mean: Formula = lambda n, rate: 1 + rate * n / (n - 2),
    deviation: Formula = lambda n, rate: rate * n / ((n - 2) * sp.sqrt(n - 3)),
) -> None:
    r"""$x_{\min}$ the least value: $S \sim \mathrm{Gamma}(n - 1, 1/(\alpha - 1))$,
    $\mathbb{E}\,\hat{\alpha} = 1 + (\alpha - 1) n/(n - 2)$, sd with $(n - 2)\sqrt{n - 3}$.

    The convention of the peers, who count $x_{\min}$ in the tail: $1 + (n - 2)/S$ is without bias. The fit reports this
    sd as ``sigma_exact`` after a scan (which makes the spread larger still).
    """
    check_moments(check, mean, deviation, missing=1)


def check_moments(check: Check, mean: Formula, deviation: Formula, missing: int) -> None:
    """Prove the moments of n/Gamma(n − missing), sample the law at n = 5, and try the reported deviation."""
    more = sp.Symbol("m", positive=True)
    n = more + 2 + missing
    exact_mean, exact_variance = moments_of_the_estimator(n - missing, n)
    residual = (mean(n, RATE) - 1 - exact_mean) ** 2 + (deviation(n, RATE) ** 2 - exact_variance) ** 2
    check.proves(sp.Eq(sp.simplify(residual), 0), says="mean and standard deviation")
    drawn = sampled_uniform(5, smallest=missing == 1, shape=5 - missing)
    check.estimates(drawn, band=(0.48, 0.52), draws=30_000, says="S is Gamma distributed at n = 5")

    def reported(x: list[float]) -> bool:
        fit = fit_power_law(x, xmin=None if missing else min(x) / 2)
        if fit.status == "degenerate" or fit.n_tail <= 2 + missing:
            return True
        expected = deviation(sp.Integer(fit.n_tail), sp.Float(fit.alpha - 1, 30))
        return bool(expected.is_finite) and abs(fit.sigma_exact / float(expected) - 1) <= 1e-12

    check.forall(reported, examples=100, x=SAMPLE, says="sigma_exact of the fit")


@paper.claim(
    "Section 2, power-law fits",
    tags=("ours",),
    mutants={
        "α kept under squaring": {"power": lambda alpha, p: alpha},
        "α for α − 1": {"power": lambda alpha, p: alpha / p},
        "eigenvalues below 1e-5 dropped": {"fit": lambda x: fit_power_law([v for v in x if v > 1e-5] or [0.0])},
    },
)
def the_fit_does_not_depend_on_the_unit(
    check: Check,
    power: Formula = lambda alpha, p: 1 + (alpha - 1) / p,
    fit: Formula = fit_power_law,
) -> None:
    r"""$\lambda \to c\lambda$ keeps $\alpha$, $D$ and the tail; $x \to x^p$ maps $\alpha - 1$ to $(\alpha - 1)/p$ and
    keeps $D$.

    $c = 2^j$ changes no digit, so the fits are the same to the last. Powers of small integers are exact, so that the
    cutoff can be raised too; $10^{-12}$ for rounding. An absolute threshold (WeightWatcher drops $\lambda < 10^{-5}$)
    breaks this.
    """

    def same(x: list[float], unit: int) -> bool:
        first, second = fit(x), fit([value * 2.0**unit for value in x])
        return (first.alpha, first.D, first.n_tail) == (second.alpha, second.D, second.n_tail) or (
            first.status == second.status == "degenerate"
        )

    def powered(integers: list[int], p: int) -> bool:
        cutoff = min(integers)
        first = fit_power_law(integers, xmin=cutoff)
        second = fit_power_law([value**p for value in integers], xmin=cutoff**p)
        if first.status == "degenerate":
            return second.status == "degenerate"
        alike = abs(second.alpha / power(first.alpha, p) - 1) <= 1e-12
        return alike and abs(second.D - first.D) <= 1e-12

    check.forall(same, x=SAMPLE, unit=st.integers(-300, 300), says="unit")
    check.forall(
        powered, integers=st.lists(st.integers(1, 99), min_size=2, max_size=20), p=st.integers(2, 4), says="power"
    )


@paper.claim(
    "Clauset, Shalizi, Newman 2009, Eq. 3.9",
    tags=("inequality",),
    mutants={
        "1/2n for 1/n": {"slack": lambda n: z3.Q(1, 2 * n)},
        "0.9/n for 1/n": {"slack": lambda n: z3.Q(9, 10 * n)},
    },
)
def the_two_distances_differ_by_at_most_one_over_n(check: Check, slack: Formula = lambda n: z3.Q(1, n)) -> None:
    r"""$D$ of plfit.m, $\max_j |F(x_j) - j/n|$ with $j = 0 \ldots n - 1$, $\le$ the Kolmogorov–Smirnov distance
    $\le D + 1/n$.

    By z3 for every tail of four; $F$ is 0 at the first value, which is $x_{\min}$.
    """
    n = 4
    F = z3.Reals(" ".join(f"F{j}" for j in range(n)))
    rising = z3.And(F[0] == 0, *(F[j] <= F[j + 1] for j in range(n - 1)), F[-1] <= 1)
    left = [F[j] - z3.Q(j, n) for j in range(n)]
    right = [F[j] - z3.Q(j + 1, n) for j in range(n)]
    d, two_sided = z3.Reals("D D2")
    for distance, deviations in ((d, left), (two_sided, left + right)):
        rising = z3.And(
            rising,
            *(z3.And(distance >= value, distance >= -value) for value in deviations),
            z3.Or(*(z3.Or(distance == value, distance == -value) for value in deviations)),
        )
    check.proves(z3.Implies(rising, z3.And(d <= two_sided, two_sided <= d + slack(n))), says="any tail of four")


@paper.claim(
    "Clauset, Shalizi, Newman 2009, Eq. 3.9",
    tags=("identity",),
    mutants={
        "the other distance": {"distance": lambda x: fit_power_law(x, ks="csn").D},
        "D + 1/n": {"distance": lambda x: fit_power_law(x).D + 1 / fit_power_law(x, ks="two-sided").n_tail},
    },
)
def the_two_sided_distance_is_that_of_kolmogorov_and_smirnov(
    check: Check, distance: Formula = lambda x: fit_power_law(x, ks="two-sided").D
) -> None:
    r"""``ks="two-sided"`` is the Kolmogorov–Smirnov statistic of the tail against its model, as scipy computes it.

    Ties count one by one there, so values are distinct; $10^{-12}$ for rounding.
    """

    def agrees(x: list[float]) -> bool:
        fit = fit_power_law(x, ks="two-sided")
        if fit.status == "degenerate":
            return True
        tail = [value for value in x if value >= fit.xmin]
        model = stats.pareto(b=fit.alpha - 1, scale=fit.xmin)
        return bool(abs(float(stats.kstest(tail, model.cdf).statistic) - distance(x)) <= 1e-12)

    distinct = st.lists(st.integers(100, 100_000), min_size=3, max_size=40, unique=True)
    check.forall(agrees, examples=check.at(quick=150, full=2000), x=distinct)


def brute_force(x: Sequence[float]) -> list[tuple[float, float, float]]:
    """D, xmin and α of every candidate cutoff, by the definition; ``log1p`` and ``expm1`` for values close together."""
    found = []
    for cutoff in sorted(set(x))[:-1]:
        logs = [math.log1p((value - cutoff) / cutoff) for value in sorted(x) if value >= cutoff]
        n = len(logs)
        alpha = 1 + n / math.fsum(logs)
        model = [-math.expm1((1 - alpha) * log) for log in logs]
        found.append((max(abs(F - j / n) for j, F in enumerate(model)), cutoff, alpha))
    return found


def by_bounds_alone(x: Sequence[float]) -> PowerLawFit:
    """The candidate of the least lower bound of D, from three points of its tail, without D itself."""
    bounds = []
    for cutoff in sorted(set(x))[:-1]:
        tail = sorted(value for value in x if value >= cutoff)
        n = len(tail)
        rate = n / math.fsum(math.log(value / cutoff) for value in tail)
        probes = (n // 4, n // 2, 3 * n // 4)
        bounds.append((max(abs(1 - (tail[j] / cutoff) ** -rate - j / n) for j in probes), cutoff))
    return fit_power_law(x, xmin=min(bounds)[1] if bounds else max(x))


def largest_of_the_tail_only(x: Sequence[float]) -> PowerLawFit:
    """Equal values as separate candidates: a tail may begin amid ties."""
    ordered = sorted(x)
    fits = [(fit_power_law(ordered[i:], xmin=ordered[i])) for i in range(len(x) - 1)]
    fits = [fit for fit in fits if fit.status == "success"]
    return min(fits, key=lambda fit: fit.D) if fits else fit_power_law(x)


@paper.claim(
    "Clauset, Shalizi, Newman 2009, Section 3.3",
    tags=("ours",),
    mutants={
        "bounds taken for distances": {"fit": by_bounds_alone},
        "equal values as separate cutoffs": {"fit": largest_of_the_tail_only},
        "the largest half of the values": {"fit": lambda x: fit_power_law(sorted(x)[len(x) // 2 :])},
    },
)
def the_scan_finds_the_cutoff_of_least_distance(check: Check, fit: Formula = fit_power_law) -> None:
    r"""$x_{\min}$ is the distinct value, other than the largest, whose tail has the least $D$.

    Against brute force over all candidates, ties included. Distances closer than $10^{-13}$ may change places by
    rounding: then any of them is right.
    """

    def is_least(x: list[float]) -> bool:
        found, candidates = fit(x), brute_force(x)
        if not candidates:
            return bool(found.status == "degenerate")
        least = min(candidates)[0]
        right = [c for c in candidates if c[1] == found.xmin]
        return bool(right) and bool(
            right[0][0] <= least + 1e-13
            and abs(found.D - right[0][0]) <= 1e-12
            and abs(found.alpha / right[0][2] - 1) <= 1e-9
            and found.n_tail == sum(value >= found.xmin for value in x)
        )

    check.forall(is_least, examples=check.at(quick=500, full=20_000), x=SAMPLE)


@paper.claim(
    "extreme values of a power law",
    tags=("ours", "identity"),
    mutants={
        "1/α for 1/(α − 1)": {"median": lambda n, alpha: (1 - 2 ** (-1 / n)) ** (-1 / alpha)},
        "of a single value": {"median": lambda n, alpha: 2 ** (1 / (alpha - 1))},
    },
)
def the_largest_of_n_values_has_this_median(
    check: Check, median: Formula = lambda n, alpha: (1 - 2 ** (-1 / n)) ** (-1 / (alpha - 1))
) -> None:
    r"""The maximum of $n$ draws has the median $x_{\min} (1 - 2^{-1/n})^{-1/(\alpha - 1)}$, which grows as
    $n^{1/(\alpha - 1)}$.
    """
    n = sp.Symbol("n", positive=True)
    at_median = median(n, 1 + RATE)
    check.proves(sp.Eq((1 - sp.powdenest(at_median**-RATE, force=True)) ** n, sp.Rational(1, 2)))
