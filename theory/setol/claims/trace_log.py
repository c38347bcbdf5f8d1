"""The ERG or trace-log condition det X̃ = 1 (Sections 4 to 6): where it cuts a spectrum, and what it says of α.

λ̂_1 ≥ … ≥ λ̂_M are the eigenvalues on the scale of mean 1, f(k) = Σ_{i≤k} ln λ̂_i, λ_ERG the first λ̂_k with f(k) < 0.
A power-law fit of n values has cutoff x̂ on the same scale and exponent α̂; Δλ_min = x̂ − λ_ERG.
"""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from typing import Any

import hypothesis.strategies as st
import numpy as np
import sympy as sp
import z3
from flint import acb, arb, fmpq, fmpq_mat

from theory.setol.claims.paper import paper
from theory.setol.eigenvalues import eigenvalues
from theory.setol.erg import crossing_alpha, delta_lambda_min, erg_cut, mp_erg_cut
from theory.setol.marchenko_pastur import marchenko_pastur
from theory.setol.power_law import fit_power_law, scan
from verify import Check, certified

Formula = Callable[..., Any]

SIZE = 5
"""Number of eigenvalues in the proofs by z3."""

SPECTRUM = st.lists(st.floats(1e-3, 1e3), min_size=2, max_size=14) | st.lists(
    st.integers(1, 6).map(float), min_size=2, max_size=14
)
RATIOS = (0.05, 0.1, 0.25, 1 / 3, 300 / 784, 0.5, 0.75, 0.9, 0.99)


def squared(W: Sequence[Sequence[int]]) -> fmpq_mat:
    """WᵀW, exactly."""
    exact = fmpq_mat(len(W), len(W[0]), [fmpq(entry) for row in W for entry in row])
    return exact.transpose() * exact


@paper.claim(
    "Section 4, Tr ln X = ln det X",
    tags=("identity",),
    mutants={
        "X without its 1/N": {"spectrum": lambda W: eigenvalues(W, method="svd")},
        "singular values": {"spectrum": lambda W: np.sqrt(eigenvalues(W, method="svd", scale="1/N"))},
    },
)
def trace_of_the_logarithm_is_the_log_determinant(
    check: Check, spectrum: Formula = lambda W: eigenvalues(W, method="svd", scale="1/N")
) -> None:
    r"""$\mathrm{Tr} \ln X = \ln \det X$ for $X = W^\top W/N$; the determinant of integer matrices is exact.

    $10^{-9}$ a logarithm covers the singular values: $\det(W^\top W) \ge 1$ and $|w| \le 20$ keep the condition number
    below $10^6$.
    """

    def agrees(W: list[list[int]]) -> bool:
        determinant = squared(W).det()
        if determinant == 0:
            return True
        exact = float(arb(determinant).log()) - 3 * math.log(5)
        return abs(float(np.log(spectrum(np.array(W, dtype=float))).sum()) - exact) <= 3e-9

    entries = st.lists(st.lists(st.integers(-20, 20), min_size=3, max_size=3), min_size=5, max_size=5)
    check.forall(agrees, examples=check.at(quick=300, full=5000), W=entries)


@paper.claim(
    "Section 5, the ERG condition",
    tags=("ours",),
    mutants={
        "mean 1.1 for mean 1": {"mean": z3.Q(11, 10)},
        "mean 0.9 for mean 1": {"mean": z3.Q(9, 10)},
        "equal eigenvalues allowed": {"distinct": False},
    },
)
def the_erg_cut_exists_and_is_unique(check: Check, mean: Any = 1, distinct: bool = True) -> None:
    r"""Unless all eigenvalues are equal, $f(1) > 0 > f(M)$, and once $f$ is negative it stays so: there is one cut.

    Proved for five eigenvalues by z3, where of the logarithm only this is used: it increases, $\ln x < x - 1$ for
    $x \ne 1$, and $\ln 1 = 0$. The steps do not depend on the number: $\hat{\lambda}_1 > 1$;
    $f(M) < \sum (\hat{\lambda}_i - 1) = 0$; when $f$ turns negative at $k$, $\ln \hat{\lambda}_k < 0$, and so are all
    later terms.
    """
    x, log = z3.Reals(" ".join(f"x{i}" for i in range(SIZE))), z3.Function("ln", z3.RealSort(), z3.RealSort())
    sums = [z3.Sum([log(value) for value in x[: k + 1]]) for k in range(SIZE)]
    spectrum = z3.And(
        *(x[i] >= x[i + 1] for i in range(SIZE - 1)), x[-1] > 0, x[0] > x[-1] if distinct else True
    )  # in descending order
    logarithm = z3.And(
        *(z3.If(value == 1, log(value) == 0, log(value) < value - 1) for value in x),
        *((log(value) > 0) == (value > 1) for value in x),
        *(z3.Implies(x[i] >= x[i + 1], log(x[i]) >= log(x[i + 1])) for i in range(SIZE - 1)),
    )
    stays = [z3.Implies(sums[k] < 0, sums[k + 1] < 0) for k in range(SIZE - 1)]
    one_cut = z3.And(sums[0] > 0, sums[-1] < 0, *stays)
    check.proves(z3.Implies(z3.And(spectrum, logarithm, z3.Sum(x) == SIZE * mean), one_cut))


@paper.claim(
    "Section 5, scale-invariant condition",
    tags=("identity",),
    mutants={
        "not normalised": {"term": lambda x, values: sp.log(x)},
        "sum 1 for mean 1": {"term": lambda x, values: sp.log(x**2 / sum(values))},
    },
)
def the_condition_is_scale_invariant_on_the_scale_of_mean_1(
    check: Check, term: Formula = lambda x, values: sp.log(x * len(values) / sum(values))
) -> None:
    r"""$\lambda \to c\lambda$ leaves $\ln(\lambda_i M/\sum\lambda)$ as it is. Without the normalisation
    $\mathrm{Tr}\,X = M$, $f(k)$ becomes $f(k) + k \ln c$.
    """
    values, c = sp.symbols("x1:4", positive=True), sp.Symbol("c", positive=True)
    moved = term(c * values[0], [c * value for value in values])
    check.proves(sp.Eq(moved, term(values[0], values)))


def brute_force_cut(x: Sequence[float]) -> int:
    """The least k with λ̂_1 ⋯ λ̂_k < 1, in rational arithmetic; M if all are equal."""
    exact = sorted(map(Fraction, x), reverse=True)
    product, mean = Fraction(1), sum(exact, Fraction(0)) / len(exact)
    for k, value in enumerate(exact, start=1):
        product *= value / mean
        if product < 1:
            return k
    return len(exact)


@paper.claim(
    "Section 5, Eq. for det X̃ = 1",
    tags=("identity",),
    mutants={
        "crossing eigenvalue not counted": {"count": lambda x: erg_cut(x).k - 1},
        "eigenvalues above 1": {"count": lambda x: int((np.array(x) > np.mean(x)).sum())},
        "raw eigenvalues": {
            "count": lambda x: 1 + int((np.cumsum(np.log(np.sort(x)[::-1])) >= 0).cumprod().sum()),
        },
    },
)
def the_cut_counts_the_leading_eigenvalues_down_to_a_product_below_1(
    check: Check, count: Formula = lambda x: erg_cut(x).k
) -> None:
    r"""The tail has the least $k$ with $\hat{\lambda}_1 \cdots \hat{\lambda}_k < 1$, exactly so for the numbers passed
    in, in any unit $2^j$.
    """
    check.forall(
        lambda x, unit: count([value * 2.0**unit for value in x]) == brute_force_cut(x),
        examples=check.at(quick=600, full=20_000),
        x=SPECTRUM,
        unit=st.integers(-400, 400),
    )


def peer_count(x: np.ndarray) -> int:
    """The same in WeightWatcher 0.7.7: the product of the eigenvalues in float64."""
    ascending = np.sort(x) * len(x) / np.sum(x)
    with np.errstate(over="ignore", under="ignore"):
        return next(len(x) - i for i in range(len(x) - 1, 0, -1) if np.prod(ascending[i:]) < 1)


@paper.refuted(
    "weightwatcher 0.7.7, detX",
    tags=("erratum",),
    controls={"sums of logarithms": {"count": lambda x: erg_cut(x).k}},
)
def a_float64_product_finds_the_cut_of_large_layers(check: Check, count: Formula = peer_count) -> None:
    r"""Formed as a product in double precision, the determinant gives the cut of 3,000 and 5,000 eigenvalues.

    It leaves the range of float64. Oracle: the sum of logarithms in 57 digits, for quantiles of the Marchenko–Pastur
    law of a square matrix.
    """
    for size in (3000, 5000):
        spectrum = marchenko_pastur(1.0).quantile((np.arange(size) + 0.5) / size)
        with certified.precision(192):
            mean = sum((arb(value) for value in spectrum.tolist()), arb(0)) / size
            total, exact = arb(0), 0
            while exact == 0 or total > 0:
                exact += 1
                total += (arb(float(spectrum[-exact])) / mean).log()
        found = count(spectrum)
        check.certifies_value(partial(arb, found), exact, within=0.0, bits=192, says=f"M = {size}")
        check.note(found=found, exact=exact)


def log_determinant(n: Any, log_cutoff: Any, alpha: Any) -> Any:
    """Σ_tail ln λ̂ = n [ln x̂ + 1/(α̂ − 1)]."""
    return n * (log_cutoff + 1 / (alpha - 1))


@paper.claim(
    "Sections 2 and 5 together",
    tags=("ours", "identity"),
    mutants={
        "1/α for 1/(α − 1)": {"formula": lambda n, log_cutoff, alpha: n * (log_cutoff + 1 / alpha)},
        "decimal logarithm": {"formula": lambda n, log_cutoff, alpha: n * (log_cutoff / sp.log(10) + 1 / (alpha - 1))},
        "n − 1 spacings": {"formula": lambda n, log_cutoff, alpha: log_determinant(n - 1, log_cutoff, alpha)},
    },
)
def alpha_and_the_cutoff_fix_the_determinant_of_the_power_law_tail(
    check: Check, formula: Formula = log_determinant
) -> None:
    r"""Coupling: for a maximum-likelihood tail, $\sum_{\text{tail}} \ln \hat{\lambda} = n [\ln \hat{x} +
    1/(\hat{\alpha} - 1)]$, whatever the values.

    So the tail has determinant 1 iff $\hat{x} = e^{-1/(\hat{\alpha} - 1)}$; at $\hat{\alpha} = 2$ that is $1/e$. Proved
    for a tail of four, then tried on scanned fits, where $10^{-11}$ is some 300 roundings of the sum of up to 14
    logarithms below 14.
    """
    values, cutoff = sp.symbols("x1:5", positive=True), sp.Symbol("xmin", positive=True)
    alpha = 1 + 4 / sum(sp.log(value) - sp.log(cutoff) for value in values)
    total = sum(sp.log(value) for value in values)
    check.proves(sp.Eq(formula(4, sp.log(cutoff), alpha), total), says="any tail of four")

    def on_a_scanned_fit(x: list[float]) -> bool:
        fit = fit_power_law(x)
        if fit.status == "degenerate":
            return True
        tail = [value for value in x if value >= fit.xmin]
        direct = math.fsum(math.log(value / math.fsum(x) * len(x)) for value in tail)
        log_cutoff = math.log(fit.xmin / math.fsum(x) * len(x))
        return abs(float(formula(fit.n_tail, log_cutoff, fit.alpha)) - direct) <= 1e-11

    check.forall(on_a_scanned_fit, examples=check.at(quick=300, full=5000), x=SPECTRUM, says="scanned fits")


@paper.claim(
    "Section 6, Δλ_min = λ_PL − λ_detX",
    tags=("ours", "erratum"),
    mutants={
        "sign of Section 5": {"gap": lambda cutoff, erg: erg - cutoff},
        "symbol table: λ_ECS − λ_detX": {"gap": lambda cutoff, erg: erg - erg},
        "crossing eigenvalue not counted": {"counted": 0},
    },
)
def the_sign_of_the_gap_is_that_of_the_log_determinant_of_the_tail(
    check: Check, gap: Formula = lambda cutoff, erg: cutoff - erg, counted: int = 1
) -> None:
    r"""Sign theorem: $\Delta\lambda_{\min} > 0$ iff the power-law tail has $\sum \ln \hat{\lambda} \ge 0$;
    $\Delta\lambda_{\min} \le 0$ iff it contains the ERG tail.

    Since $f$ changes its sign once, $f(n) < 0$ iff $n$ is at least the count of the ERG cut. Proved for every pair of
    cuts of five distinct eigenvalues; only their order matters. Tried on scanned fits with ties, in rational
    arithmetic.
    """
    logs = z3.Reals(" ".join(f"l{i}" for i in range(SIZE)))
    sums = [z3.Sum(logs[: k + 1]) for k in range(SIZE)]
    ordered = z3.And(*(logs[i] > logs[i + 1] for i in range(SIZE - 1)), sums[0] > 0, sums[-1] < 0)
    for_each = []
    for k in range(1, SIZE):
        first_negative = z3.And(sums[k] < 0, *(total >= 0 for total in sums[:k]))
        erg = logs[k - 1 + counted]
        signs = [(gap(logs[n], erg) > 0) == (sums[n] >= 0) for n in range(1, SIZE)]
        for_each.append(z3.Implies(first_negative, z3.And(*signs)))
    check.proves(z3.Implies(ordered, z3.And(*for_each)), says="every pair of cuts of five eigenvalues")

    def on_a_scanned_fit(x: list[float]) -> bool:
        fit = fit_power_law(x)
        if fit.status == "degenerate":
            return True
        exact = list(map(Fraction, x))
        tail = [value * len(x) / sum(exact) for value in exact if value >= fit.xmin]
        found = delta_lambda_min(x, fit)
        cutoff = fit.xmin * len(x) / math.fsum(x)
        defined = gap(cutoff, erg_cut(x).lam)
        return (found > 0) == (math.prod(tail) >= 1) and bool(abs(found - defined) <= 1e-13 * (1 + cutoff))

    check.forall(on_a_scanned_fit, examples=check.at(quick=400, full=10_000), x=SPECTRUM, says="scanned fits")
    keep_one_layer(check)


def keep_one_layer(check: Check) -> None:
    """Tables of a synthetic 784 × 300 layer whose columns have heavy-tailed lengths: spectrum, fit, all cutoffs."""
    rng = check.rng("a layer")
    W = rng.standard_normal((784, 300)) * np.exp(rng.standard_exponential(300) / 3)
    spectrum = eigenvalues(W, scale="mean1")
    fit, cut, curve = fit_power_law(spectrum), erg_cut(spectrum), scan(spectrum)
    check.table("spectrum", eigenvalue=spectrum)
    check.table("fit", alpha=[fit.alpha], xmin=[fit.xmin], D=[fit.D], n_tail=[fit.n_tail], erg=[cut.lam], k=[cut.k])
    check.table("cutoffs", xmin=curve.xmin, D=curve.D, alpha=curve.alpha)


@paper.corrected(
    "Section 6, α → 2 as Δλ_min → 0",
    tags=("ours", "erratum"),
    printed={"crossing": lambda log_erg: 2},
    mutants={
        "1 + 1/ln λ_ERG": {"crossing": lambda log_erg: 1 + 1 / log_erg},
        "−1/ln λ_ERG": {"crossing": lambda log_erg: -1 / log_erg},
        "3 % higher": {"crossing": lambda log_erg: 1 - 1.03 / log_erg},
    },
)
def the_gap_crosses_zero_at_one_less_one_over_the_logarithm_of_the_cut(
    check: Check, crossing: Formula = lambda log_erg: 1 - 1 / log_erg
) -> None:
    r"""Crossing law: where both tails agree, $\alpha_c < \hat{\alpha} \le 1 + (\alpha_c - 1) k/(k - 1)$ with
    $\alpha_c = 1 - 1/\ln \lambda_{\text{ERG}}$, $k$ its count.

    From $f(k) < 0 \le f(k - 1)$ and the coupling. The pair $\alpha = 2$, $\Delta\lambda_{\min} = 0$ is the case
    $\lambda_{\text{ERG}} = 1/e$, not a universal one. Proved for all $k$; tried on spectra fitted from their ERG cut
    on, $10^{-9}$ for rounding.
    """
    k, log_erg, inverse = z3.Reals("k log_erg inverse")
    total = log_determinant(k, log_erg, 1 + 1 / inverse)
    crossed = z3.And(k >= 2, log_erg < 0, inverse > 0, total < 0, total - log_erg >= 0)
    below = 1 + 1 / inverse > crossing(log_erg)
    above = (1 / inverse) * (k - 1) <= (crossing(log_erg) - 1) * k
    check.proves(z3.Implies(crossed, z3.And(below, above)), says="every tail at the crossing")

    def on_a_spectrum(x: list[float]) -> bool:
        cut = erg_cut(x)
        fit = fit_power_law(x, xmin=sorted(x)[-cut.k])
        if fit.n_tail != cut.k:
            return True
        low, imported = float(crossing(math.log(cut.lam))), crossing_alpha(cut.lam)
        high = 1 + (low - 1) * cut.k / (cut.k - 1)
        return abs(imported - low) <= 1e-12 * low and low * (1 - 1e-9) <= fit.alpha <= high * (1 + 1e-9)

    distinct = st.lists(st.floats(1e-3, 1e3), min_size=2, max_size=40, unique=True).filter(
        lambda x: max(x) > 1.001 * min(x)
    )
    check.forall(on_a_spectrum, examples=check.at(quick=300, full=5000), x=distinct, says="fits from the ERG cut on")


def log_mean(q: Any) -> Any:
    """E ln λ under the Marchenko–Pastur law of variance 1, q < 1."""
    return -1 - (1 - q) / q * (1 - q).log()


def lower_log_integral(q: arb, top: arb) -> arb:
    """∫_{λ₋}^{top} ln λ ρ(λ) dλ, with λ = λ₋ + (top − λ₋) u², which is smooth at λ₋."""
    root = q.sqrt()
    low, high = acb((1 - root) * (1 - root)), acb((1 + root) * (1 + root))
    width = acb(top) - low

    def density(u: acb, analytic: bool) -> acb:
        lam = low + width * u * u
        weight = width.sqrt() * width * u * u * (high - lam).sqrt(analytic=analytic) / (acb.pi() * acb(q) * lam)
        return lam.log(analytic=analytic) * weight

    return acb.integral(density, acb(0), acb(1)).real


@paper.claim(
    "Section 5 for a random matrix",
    tags=("ours", "identity"),
    mutants={
        "factor (1 − q)/q dropped": {"formula": lambda q: -1 - (1 - q).log()},
        "1/q dropped": {"formula": lambda q: -1 - (1 - q) * (1 - q).log()},
        "1 for −1": {"formula": lambda q: 2 + log_mean(q)},
    },
)
def a_random_matrix_has_this_log_determinant(check: Check, formula: Formula = log_mean) -> None:
    r"""Under the Marchenko–Pastur law of variance 1, $\mathbb{E} \ln \lambda = -1 - ((1 - q)/q) \ln(1 - q)$, $-1$ as
    $q \to 1$.

    Against the integral over the density, to 20 digits at nine aspect ratios. It may be taken over two parts, so that
    the square root at either edge is smoothed by a substitution there.
    """

    def error() -> arb:
        worst = arb(0)
        for ratio in RATIOS:
            q = arb(ratio)
            both = lower_log_integral(q, arb(1)) + upper_log_integral(q, arb(1))
            worst = worst.max(abs(formula(q) - both))
        return arb(1e-20) - worst

    check.certifies(error, over={}, bits=128, says="20 digits at nine aspect ratios")


def upper_log_integral(q: arb, bottom: arb) -> arb:
    """∫_{bottom}^{λ₊} ln λ ρ(λ) dλ, with λ = λ₊ − (λ₊ − bottom) u²."""
    root = q.sqrt()
    low, high = acb((1 - root) * (1 - root)), acb((1 + root) * (1 + root))
    width = high - acb(bottom)

    def density(u: acb, analytic: bool) -> acb:
        lam = high - width * u * u
        weight = width.sqrt() * width * u * u * (lam - low).sqrt(analytic=analytic) / (acb.pi() * acb(q) * lam)
        return lam.log(analytic=analytic) * weight

    return acb.integral(density, acb(0), acb(1)).real


@paper.claim(
    "Section 5 for a random matrix",
    tags=("ours",),
    mutants={
        "1/e at every aspect ratio": {"cut": lambda q: math.exp(-1)},
        "aspect ratio halved": {"cut": lambda q: mp_erg_cut(q / 2).lam},
        "1e-11 too high": {"cut": lambda q: mp_erg_cut(q).lam + 1e-11},
    },
)
def a_random_matrix_is_cut_at_a_value_set_by_its_aspect_ratio(
    check: Check, cut: Formula = lambda q: mp_erg_cut(q).lam
) -> None:
    r"""$\lambda_{\text{ERG}}$ of the Marchenko–Pastur law solves
    $\int_{\lambda^*}^{\lambda_+} \ln \lambda \rho_q(\lambda)\,d\lambda = 0$: it falls from 1 to 0.1812 as $q \to 1$.

    For $784 \times 300$ it is 0.3595, so that $\alpha_c = 1.978$: near 2, but by the shape of the layer. The rule keeps
    73 to 94 % of a random spectrum with $q \ge 0.05$. Certified by a change of sign within $10^{-12}$ at nine aspect
    ratios, with the part below the cut and the closed $\mathbb{E} \ln \lambda$.
    """

    def enclosed() -> arb:
        least = arb(1)
        for ratio in RATIOS:
            q, lam, width = arb(ratio), arb(cut(ratio)), arb(1e-12)
            before, after = (log_mean(q) - lower_log_integral(q, lam + sign * width) for sign in (-1, 1))
            least = least.min(-before).min(after)
        return least

    check.certifies(enclosed, over={}, bits=128, says="f changes its sign within 1e-12 of the cut")
    check.note(**{f"q = {q:.3f}": cut(q) for q in RATIOS}, square=mp_erg_cut(1.0).lam)
    grid = np.append(np.linspace(0.01, 1.0, 67), 300 / 784)
    grid.sort()
    cuts = [mp_erg_cut(float(q)) for q in grid]
    check.table(
        "cut",
        q=grid,
        lam=[c.lam for c in cuts],
        width=[c.upper - c.lower for c in cuts],
        fraction=[c.fraction for c in cuts],
        alpha=[c.alpha for c in cuts],
    )


@paper.refuted(
    "Section 6, α = 2 and det X̃ = 1 together",
    tags=("ours", "erratum"),
    controls={"−1/e at α → 2": {"at_two": -sp.exp(-1)}},
    mutants={"1 − 1/e": {"at_two": 1 - sp.exp(-1)}},
)
def a_pure_power_law_of_exponent_2_meets_the_erg_condition(check: Check, at_two: Any = 0) -> None:
    r"""Read as a statement on power-law spectra: as $\alpha \to 2$ the gap $\Delta\lambda_{\min}$ of a pure power law
    of mean 1 vanishes.

    With $u = 1/(\alpha - 1)$ its cutoff is $\hat{x} = 1 - u$ and $\lambda_{\text{ERG}} = e^{-u}$, so that
    $\Delta\lambda_{\min} = 1 - u - e^{-u} < 0$ at all $\alpha > 2$, and lowest, $-1/e$, at $\alpha \to 2$: the
    coincidence needs a bulk below the tail.
    """
    u, t = sp.symbols("u t", positive=True)  # λ = x̂ e^t has density rate e^{−rate t}, rate = α − 1 = 1/u
    more = sp.Symbol("more", positive=True)  # α − 2, so that the mean exists
    rate, cutoff, erg = 1 + more, 1 - u, sp.exp(-u)
    log_cutoff, log_erg = (sp.log(value.subs(u, 1 / rate)) for value in (cutoff, erg))
    mean = sp.integrate(rate * sp.exp(-more * t), (t, 0, sp.oo)) * cutoff.subs(u, 1 / rate)
    above = sp.integrate((log_cutoff + t) * rate * sp.exp(-rate * t), t)
    log_det = sp.limit(above, t, sp.oo) - above.subs(t, log_erg - log_cutoff)
    check.proves(sp.Eq(mean, 1), says="x̂ = 1 − u gives mean 1")
    check.proves(sp.Eq(sp.simplify(log_det), 0), says="e^{−u} gives determinant 1")
    check.proves(sp.Eq(sp.limit(cutoff - erg, u, 1, "-"), at_two), says="Δλ_min as α → 2")


@paper.corrected(
    "from Q̄ to Q̄², Tr R ≈ √(Tr RᵀR)",
    tags=("inequality", "erratum"),
    printed={"share": lambda size: 1},
    mutants={
        "M for √M": {"share": lambda size: size * size},
        "5 % less": {"share": lambda size: z3.Q(9 * size, 10)},
    },
)
def the_trace_of_the_overlap_is_at_most_root_m_times_its_norm(check: Check, share: Formula = lambda size: size) -> None:
    r"""$|\mathrm{Tr}\,R| \le \sqrt{M} \sqrt{\mathrm{Tr}\,R^\top R}$, with equality at $R = I$: the printed
    approximation is off by $\sqrt{M}$ at perfect overlap.

    Squared, by z3, for $M = 3$; ``share`` is the square of the factor.
    """
    size = 3
    entries = z3.Reals(" ".join(f"r{i}{j}" for i in range(size) for j in range(size)))
    trace = z3.Sum(entries[:: size + 1])
    square = z3.Sum([entry * entry for entry in entries])
    at_identity = z3.RealVal(size * size) == share(size) * size
    check.proves(z3.And(trace * trace <= share(size) * square, at_identity))


@paper.corrected(
    "Figure of the effective correlation space, caption",
    tags=("erratum",),
    printed={"boundary": sp.E},
    mutants={"the ERG cut of a spectrum with α = 2": {"boundary": sp.exp(-1)}},
)
def terms_of_the_log_determinant_change_their_sign_at_eigenvalue_1(check: Check, boundary: Any = 1) -> None:
    r"""Eigenvalues add to $\sum \ln \hat{\lambda}$ above $\hat{\lambda} = 1$ and take away below: the boundary is
    $\ln \hat{\lambda} = 0$, not the printed $\ln \lambda = 1.0$.

    For the factor $r > 1$ above and below it.
    """
    more = sp.Symbol("more", positive=True)  # r − 1
    above, below = boundary * (1 + more), boundary / (1 + more)
    check.proves(sp.And(sp.Gt(sp.log(above), 0), sp.Lt(sp.expand_log(sp.log(below)), 0)))
