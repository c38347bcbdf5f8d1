"""Random matrices and free probability: Marchenko–Pastur, R-transforms, the HCIZ integral, traps (Sections 2 and 5).

X = WᵀW/N for W of shape N × M, q = M/N; G(z) = ∫ ρ(λ)/(z − λ) dλ, B(G(z)) = z, R(w) = B(w) − 1/w; κ_k are the free
cumulants. The inner matrix is X, the outer one WWᵀ/N, which has N − M zeros more.
"""

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import hypothesis.strategies as st
import numpy as np
import sympy as sp
from flint import acb, arb
from scipy.integrate import solve_ivp
from scipy.special import airy

from theory.setol.claims.paper import paper
from theory.setol.correlation_traps import correlation_traps
from theory.setol.free_probability import (
    cauchy_r_transform,
    free_cumulants,
    inverse_wishart_r_transform,
    moments_from_free_cumulants,
    power_law_r_transform,
    power_law_stieltjes,
    spectrum_r_transform,
    truncated_power_law_moments,
    two_atoms_r_transform,
)
from theory.setol.hciz import hciz_rank_one, hciz_rank_one_limit
from theory.setol.marchenko_pastur import marchenko_pastur
from theory.setol.tracy_widom import tracy_widom_cdf, tracy_widom_quantile, tracy_widom_threshold
from verify import Check

Formula = Callable[..., Any]

LAWS = [(0.25, 1.0), (0.5, 0.5), (0.875, 2.0)]
"""Aspect ratios q and standard deviations σ, exact in binary."""


def under_marchenko_pastur(f: Callable[[acb], acb], q: float, sigma: float, below: arb | None = None) -> acb:
    """∫ f(λ) ρ(λ) dλ with λ = σ²(1 + q + 2√q cos t), over the support or over λ < ``below``, in ball arithmetic."""
    root, variance = arb(q).sqrt(), arb(sigma) * arb(sigma)
    start = arb(0) if below is None else ((below / variance - 1 - q) / (2 * root)).acos()

    def integrand(t: acb, _: bool) -> acb:
        unit = 1 + q + 2 * root * t.cos()
        return f(unit * variance) * t.sin() * t.sin() / unit

    return acb.integral(integrand, start, arb.pi()) * 2 / arb.pi()


@paper.claim(
    "Section 2 (Marchenko–Pastur law)",
    tags=("identity",),
    mutants={
        "density without 1/q": {"cdf": lambda q, sigma, lam: q * marchenko_pastur(q, sigma).cdf(lam)},
        "σ for σ²": {"cdf": lambda q, sigma, lam: marchenko_pastur(q, math.sqrt(sigma)).cdf(lam)},
        "1/q for q": {"cdf": lambda q, sigma, lam: marchenko_pastur(q * q, sigma).cdf(lam)},
    },
)
def distribution_function_of_marchenko_pastur(
    check: Check, cdf: Formula = lambda q, sigma, lam: marchenko_pastur(q, sigma).cdf(lam)
) -> None:
    r"""The density √((λ₊ − λ)(λ − λ₋))/(2πσ²qλ), λ± = σ²(1 ± √q)², integrates in closed form.

    Against certified quadrature; the 1e-13 allows for double precision.
    """
    for (q, sigma), u in [(law, u) for law in LAWS for u in (0.75, 1.25, 2.0)]:
        lam = u * sigma**2
        integral = lambda q=q, s=sigma, lam=lam: under_marchenko_pastur(lambda _: acb(1), q, s, arb(lam)).real  # noqa: E731
        found = functools.partial(arb, float(cdf(q, sigma, lam)))
        check.certifies_value(found, integral, within=1e-13, says=f"q = {q}, σ = {sigma}, λ = {lam}")


def narayana(q: sp.Expr, variance: sp.Expr, count: int) -> list[sp.Expr]:
    """Moments of the Marchenko–Pastur law from non-crossing partitions of κ_k = σ^{2k} q^{k−1}."""
    return [
        sum(product([variance ** len(b) * q ** (len(b) - 1) for b in p]) for p in partitions(n) if noncrossing(p))
        for n in range(1, count + 1)
    ]


def product(values: Sequence[Any]) -> Any:
    """Product."""
    return functools.reduce(lambda x, y: x * y, values)


def partitions(n: int) -> Iterator[list[list[int]]]:
    """All partitions of 0 … n − 1 into blocks."""
    if n == 0:
        yield []
        return
    for smaller in partitions(n - 1):
        yield [*smaller, [n - 1]]
        for i in range(len(smaller)):
            yield [*smaller[:i], [*smaller[i], n - 1], *smaller[i + 1 :]]


def noncrossing(partition: list[list[int]]) -> bool:
    """No a < b < c < d with a, c in one block and b, d in another."""
    return not any(
        a < b < c < d
        for one in partition
        for other in partition
        if one is not other
        for a in one
        for c in one
        for b in other
        for d in other
    )


@paper.claim(
    "Section 5 and appendix (free cumulants of the Marchenko–Pastur law)",
    tags=("identity",),
    mutants={
        "κ_k = σ^{2k}, as for q = 1": {"cumulant": lambda k, q, sigma: sigma ** (2 * k)},
        "κ_k = σ^{2k} q^k, the outer law": {"cumulant": lambda k, q, sigma: sigma ** (2 * k) * q**k},
        "classical cumulants of a Poisson law": {"cumulant": lambda k, q, sigma: sigma**2 * q ** (k - 1)},
    },
)
def marchenko_pastur_has_geometric_free_cumulants(
    check: Check, cumulant: Formula = lambda k, q, sigma: sigma ** (2 * k) * q ** (k - 1)
) -> None:
    r"""κ_k = σ^{2k} q^{k−1}, so m₁ = σ², m₂ = σ⁴(1 + q), m₃ = σ⁶(1 + 3q + q²), …, here up to k = 6.

    Certified against the moments by quadrature, of which `MarchenkoPastur.moment` is the closed form.
    """
    for q, sigma in LAWS:
        moments = moments_from_free_cumulants([cumulant(k, arb(q), arb(sigma)) for k in range(1, 7)])
        for k in range(1, 7):
            integral = lambda k=k, q=q, s=sigma: under_marchenko_pastur(lambda lam: lam**k, q, s).real  # noqa: E731
            check.certifies_value(
                lambda m=moments[k - 1]: m, integral, within=1e-10 * sigma ** (2 * k), says=f"m_{k}, q = {q}, σ = {sigma}"
            )
            closed = functools.partial(arb, marchenko_pastur(q, sigma).moment(k))
            check.certifies_value(closed, integral, within=1e-12 * sigma ** (2 * k), says=f"closed form, {k}, q = {q}")


def inverts_stieltjes(check: Check, r_transform: Formula, side: str) -> None:
    """Certify G(R(w) + 1/w) = w on both sides of the support; the 1e-12 allows for double precision in R."""
    for (q, sigma), u in [(law, u) for law in LAWS for u in (-1.0, 0.125, 0.25)]:
        w = u / sigma**2
        z = acb(float(r_transform(q, sigma, w))) + 1 / acb(w)

        def stieltjes(q: float = q, sigma: float = sigma, z: acb = z) -> acb:
            inner = under_marchenko_pastur(lambda lam: 1 / (z - lam), q, sigma)
            return inner if side == "inner" else q * inner + (1 - q) / z

        says = f"G(R(w) + 1/w) = w, q = {q}, σ = {sigma}, w = {w:g}"
        check.certifies_value(stieltjes, w, within=1e-12 * (1 + abs(w)), says=says)


@paper.claim(
    "Section 5 and appendix (R-transform of the Wishart model)",
    tags=("identity",),
    mutants={
        "q lost": {"r_transform": lambda q, sigma, w: sigma**2 / (1 - sigma**2 * w)},
        "outer law": {"r_transform": lambda q, sigma, w: marchenko_pastur(q, sigma).r_transform(w, "outer")},
        "first cumulant only": {"r_transform": lambda q, sigma, w: sigma**2},
    },
)
def r_transform_of_the_inner_wishart_matrix(
    check: Check, r_transform: Formula = lambda q, sigma, w: marchenko_pastur(q, sigma).r_transform(w)
) -> None:
    r"""R(w) = σ²/(1 − σ²qw) for X = WᵀW/N: B = R + 1/w inverts the Stieltjes transform."""
    inverts_stieltjes(check, r_transform, "inner")


@paper.corrected(
    "Section 4 (duality of the inner and the outer measure)",
    tags=("identity", "erratum"),
    printed={"r_transform": lambda q, sigma, w: marchenko_pastur(q, sigma).r_transform(w, "inner")},
    mutants={
        "q times the inner one": {"r_transform": lambda q, sigma, w: q * marchenko_pastur(q, sigma).r_transform(w)},
        "q lost": {"r_transform": lambda q, sigma, w: sigma**2 / (1 - sigma**2 * w)},
    },
)
def outer_matrix_has_another_r_transform(
    check: Check, r_transform: Formula = lambda q, sigma, w: marchenko_pastur(q, sigma).r_transform(w, "outer")
) -> None:
    r"""WWᵀ/N has R(w) = qσ²/(1 − σ²w): its N − M zeros change R already at first order, κ₁ by the factor q.

    The paper exchanges the two; the HCIZ integral over N × N matrices needs the outer one.
    """
    inverts_stieltjes(check, r_transform, "outer")


@paper.corrected(
    "Section 5.4 (inversion formula)",
    tags=("identity", "erratum"),
    printed={"density": lambda G: G.imag / math.pi},
    mutants={
        "½ of it": {"density": lambda G: -G.imag / (2 * math.pi)},
        "the real part": {"density": lambda G: -G.real / math.pi},
    },
)
def density_is_minus_the_imaginary_part_of_the_stieltjes_transform(
    check: Check, density: Formula = lambda G: -G.imag / math.pi
) -> None:
    r"""ρ(λ) = −(1/π) Im G(λ + i0) with G = ∫ ρ/(z − λ); the minus sign is missing in print.

    For the Marchenko–Pastur law at i0 = 1e-10 i, at the fraction u of the support; that moves ρ by less than 1e-6 of it.
    """

    def agrees(q: float, u: float) -> bool:
        law, lam = marchenko_pastur(q), (1 - math.sqrt(q)) ** 2 + 4 * math.sqrt(q) * u
        printed = 2 * math.sqrt(q * u * (1 - u)) / (math.pi * q * lam)
        return bool(abs(density(law.stieltjes(lam + 1e-10j)) - printed) <= 1e-6 * printed)

    check.forall(agrees, q=st.floats(0.05, 1), u=st.floats(0.02, 0.98))
    for z in (0.5 + 0.5j, 2 - 0.125j, -1 + 0j):
        G = functools.partial(acb, marchenko_pastur(0.25).stieltjes(z))
        integral = lambda z=z: under_marchenko_pastur(lambda lam: 1 / (acb(z) - lam), 0.25, 1.0)  # noqa: E731
        check.certifies_value(G, integral, within=1e-13, says=f"G({z}) at q = 1/4")


def printed_free_cumulants(m: Sequence[Any]) -> list[Any]:
    """The five polynomials of the paper's table."""
    m1, m2, m3, m4, m5 = m
    return [
        m1,
        m2 - m1**2,
        m3 - 3 * m2 * m1 + 2 * m1**3,
        m4 - 4 * m3 * m1 - 2 * m2**2 + 10 * m2 * m1**2 - 5 * m1**4,
        m5 - 5 * m4 * m1 + 15 * m3 * m1**2 + 15 * m2**2 * m1 - 35 * m2 * m1**3 - 5 * m3 * m2 + 14 * m1**5,
    ]


def classical_cumulants(m: Sequence[Any]) -> list[Any]:
    """By the recursion over all partitions."""
    cumulants: list[Any] = []
    for n in range(1, len(m) + 1):
        lower = sum(math.comb(n - 1, k - 1) * cumulants[k - 1] * m[n - k - 1] for k in range(1, n))
        cumulants.append(m[n - 1] - lower)
    return cumulants


@paper.claim(
    "Appendix (table of free cumulants)",
    tags=("identity",),
    mutants={
        "classical cumulants": {"cumulants": classical_cumulants},
        "central moments": {"cumulants": lambda m: [*free_cumulants(m[:3]), m[3] - 4 * m[2] * m[0], m[4]]},
        "10 for 15 in κ₅": {"cumulants": lambda m: [*free_cumulants(m)[:4], free_cumulants(m)[4] - 5 * m[2] * m[0] ** 2]},
    },
)
def printed_free_cumulants_are_right(check: Check, cumulants: Formula = free_cumulants) -> None:
    r"""κ₄ = m₄ − 4m₃m₁ − 2m₂² + 10m₂m₁² − 5m₁⁴ and its four companions are the free cumulants."""
    m = sp.symbols("m1:6", real=True)
    for n, (ours, printed) in enumerate(zip(cumulants(m), printed_free_cumulants(m), strict=True), start=1):
        check.proves(sp.Eq(ours, printed), says=f"κ_{n} of the table")


@paper.corrected(
    "Section 5.5 (recursion for the free cumulants)",
    tags=("identity", "erratum"),
    printed={"counted": lambda partition: True},
    mutants={
        "interval partitions, Boolean cumulants": {
            "counted": lambda partition: all(max(b) - min(b) == len(b) - 1 for b in partition)
        },
        "pairings and singletons": {"counted": lambda partition: noncrossing(partition) and max(map(len, partition)) < 3},
    },
)
def moments_are_sums_over_noncrossing_partitions(check: Check, counted: Formula = noncrossing) -> None:
    r"""m_n = Σ Π κ_{|V|} over the non-crossing partitions of n points, blocks V, here up to n = 6.

    Printed with all partitions and with m for κ on the right side. Against the recursion of `free_cumulants`.
    """
    kappa = sp.symbols("kappa1:7", real=True)
    for n, moment in enumerate(moments_from_free_cumulants(kappa), start=1):
        summed = sum(product([kappa[len(block) - 1] for block in p]) for p in partitions(n) if counted(p))
        check.proves(sp.Eq(sp.expand(moment), sp.expand(summed)), says=f"m_{n}")
    back = free_cumulants(moments_from_free_cumulants(kappa))
    check.proves(sp.Eq(sp.expand(back[-1]), kappa[-1]), says="free_cumulants inverts the sum")


@paper.corrected(
    "Section 5.5 (moments m_k := Tr Xᵏ)",
    tags=("identity", "erratum"),
    printed={"moment": sum},
    mutants={"1/(M − 1)": {"moment": lambda powers: sum(powers) / (len(powers) - 1)}},
)
def moments_of_free_cumulants_carry_one_over_m(
    check: Check, moment: Formula = lambda powers: sum(powers) / len(powers)
) -> None:
    r"""With m_k = (1/M) Σ λᵏ a shift X + c moves κ₁ by c and no other free cumulant; R(w) moves by c.

    With the printed m_k = Tr Xᵏ it does not. Proved for all spectra of M = 3 eigenvalues.
    """
    spectrum, c = sp.symbols("lambda1:4", real=True), sp.Symbol("c", real=True)
    before, after = (
        free_cumulants([moment([(x + shift) ** k for x in spectrum]) for k in range(1, 5)]) for shift in (0, c)
    )
    for k, (old, new) in enumerate(zip(before, after, strict=True), start=1):
        check.proves(sp.Eq(sp.expand(new - old), c if k == 1 else 0), says=f"κ_{k}")


def empirical_cumulants(spectrum: np.ndarray) -> np.ndarray:
    """The first four free cumulants of a spectrum."""
    return np.array(free_cumulants([float(np.mean(spectrum**k)) for k in range(1, 5)]))


def rotated_sum(a: np.ndarray, b: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Spectrum of A + UBUᵀ, U uniform on the orthogonal group."""
    Q, triangle = np.linalg.qr(rng.standard_normal((len(a), len(a))))
    U = Q * np.sign(np.diag(triangle))
    return np.asarray(np.linalg.eigvalsh(np.diag(a) + (U * b) @ U.T))


@paper.claim(
    "Section 5 (additivity of R-transforms)",
    tags=("empirical",),
    mutants={
        "of the mixture of the spectra": {"joined": lambda a, b, rng: np.concatenate([a, b])},
        "without the rotation": {"joined": lambda a, b, rng: a + b},
        "classical cumulants": {
            "cumulants": lambda x: np.array(classical_cumulants([float(np.mean(x**k)) for k in range(1, 5)]))
        },
    },
)
def free_cumulants_add_up_for_matrices_in_general_position(
    check: Check, joined: Formula = rotated_sum, cumulants: Formula = empirical_cumulants
) -> None:
    r"""R_{A + UBUᵀ} = R_A + R_B for a random rotation U: all free cumulants add up, to order 1/N.

    A has the eigenvalues ±1, B those of a Marchenko–Pastur law, N = 300; each band is 10/N times the size of κ_k.
    """
    N = 300
    a, b = np.repeat([-1.0, 1.0], N // 2), np.asarray(marchenko_pastur(0.5).quantile((np.arange(N) + 0.5) / N))
    together = cumulants(a) + cumulants(b)

    def differences(seed: int) -> Mapping[str, float]:
        found = cumulants(joined(a, b, np.random.default_rng(seed)))
        return {f"κ{k + 1}": float(found[k] - together[k]) for k in range(4)}

    band = 10 / N
    check.reproduces(differences, bands={f"κ{k}": (-band * 2 ** (k - 1), band * 2 ** (k - 1)) for k in range(1, 5)}, seeds=3)


@functools.cache
def painleve() -> tuple[Formula, Formula]:
    """F₁ and F₂ from q'' = sq + 2q³, q ~ Ai(s): ln F₂ = −∫ (x − s) q², F₁² = F₂ e^{−∫ q}, all integrals from s to ∞."""

    def slope(s: float, y: np.ndarray) -> list[float]:
        q, dq, mass, _, _ = y
        return [dq, s * q + 2 * q**3, -(q**2), -mass, -q]

    top = 8.0
    value, derivative, _, _ = airy(top)
    tail = float(derivative**2 - top * value**2)  # ∫ Ai²; what the other two leave out beyond s = 8 is below 1e−7
    start = [value, derivative, tail, 0.0, float(airy_tail(top))]
    run = solve_ivp(slope, (top, -4.5), start, method="DOP853", rtol=1e-12, atol=1e-18, dense_output=True)

    def second(s: float) -> float:
        return math.exp(-run.sol(s)[3])

    def first(s: float) -> float:
        return math.sqrt(second(s) * math.exp(-run.sol(s)[4]))

    return first, second


def airy_tail(s: float) -> arb:
    """∫_s^∞ Ai."""
    return acb.integral(lambda x, _: x.airy_ai(), s, s + 20).real


@paper.claim(
    "Section 2 (Tracy–Widom law)",
    tags=("identity",),
    mutants={
        "law of index 2": {"cdf": lambda s: painleve()[1](s)},
        "s/2": {"cdf": lambda s: tracy_widom_cdf(s / 2)},
        "normal of the same mean and deviation": {"cdf": lambda s: 0.5 * math.erfc(-(s + 1.2065) / 1.268 / math.sqrt(2))},
        "shifted by 1e-6": {"cdf": lambda s: tracy_widom_cdf(s + 1e-6)},
    },
)
def tracy_widom_distribution_solves_painleve(check: Check, cdf: Formula = tracy_widom_cdf) -> None:
    r"""F₁(s)² = F₂(s) exp(−∫_s^∞ q), ln F₂(s) = −∫_s^∞ (x − s) q(x)² dx, q'' = sq + 2q³ with q ~ Ai.

    Our determinant against the differential equation; 1e-9 is what its unstable integration is good for at s = −4.5.
    The mean is −1.2065, the 99 % quantile 2.0234.
    """
    check.forall(lambda s: abs(cdf(s) - painleve()[0](s)) <= 1e-9, s=st.floats(-4.5, 8))
    grid = np.linspace(-8, 8, 161)
    mean = 8 - float(np.trapezoid([cdf(float(s)) for s in grid], grid))
    check.certifies_value(lambda: arb(mean), "-1.2065", says="mean, 8 − ∫ F₁ up to s = 8")
    check.certifies_value(lambda: arb(tracy_widom_quantile(0.99)), "2.0234", says="99 % quantile")


def exceedances(N: int, M: int, threshold: float, rng: np.random.Generator, draws: int) -> np.ndarray:
    """Whether λ_max(WᵀW)/N > threshold for normal W, by Sturm's sequence of the bidiagonal form of W.

    Householder reflections leave independent chi variables of N, N − 1, … and M − 1, M − 2, … degrees of freedom.
    """
    diagonal = rng.chisquare(np.arange(N, N - M, -1), (draws, M))
    above = np.zeros((draws, M))
    above[:, 1:] = rng.chisquare(np.arange(M - 1, 0, -1), (draws, M - 1))
    exceeds, pivot = np.zeros(draws, dtype=bool), np.full(draws, -np.inf)
    for j in range(M):
        coupling = diagonal[:, j - 1] * above[:, j] if j else np.zeros(draws)
        pivot = diagonal[:, j] + above[:, j] - N * threshold - coupling / pivot
        exceeds |= pivot > 0
    return exceeds


def jmlr_scale(N: Any, M: Any, sigma: Any = 1) -> Any:
    """The printed Δ = λ₊^{2/3} M^{−2/3}/√Q."""
    root = sigma * (1 + (M / N) ** 0.5)
    return root ** (4 / 3) * M ** (-2 / 3) * (M / N) ** 0.5


def weightwatcher_threshold(N: int, M: int, level: float = 0.0) -> float:
    """λ₊ + √Δ, whatever the level."""
    return float((1 + (M / N) ** 0.5) ** 2 + jmlr_scale(N, M) ** 0.5)


@paper.claim(
    "Section 2 (edge of the spectrum of a random matrix)",
    tags=("empirical",),
    mutants={
        "width 25 % larger": {
            "threshold": lambda N, M, level: 1.25 * tracy_widom_threshold(N, M, level) - 0.25 * (1 + (M / N) ** 0.5) ** 2
        },
        "WeightWatcher's λ₊ + √Δ": {"threshold": weightwatcher_threshold},
        "edge of the limiting law": {"threshold": lambda N, M, level: (1 + (M / N) ** 0.5) ** 2},
    },
)
def largest_eigenvalue_passes_the_tracy_widom_threshold_as_often_as_stated(
    check: Check, threshold: Formula = tracy_widom_threshold
) -> None:
    r"""λ_max(WᵀW)/N for normal 300 × 200 matrices exceeds μ + s·TW₁ quantile with the stated probability.

    μ = (√(N − ½) + √(M − ½))², s = √μ (1/√(N − ½) + 1/√(M − ½))^{1/3}. Each band is the level ± twice the half-width
    of the interval, the least that so many draws can decide.
    """
    draws = check.at(quick=10_000, full=100_000)
    for k, level in enumerate((0.5, 0.05, 0.01), start=1):
        half_width = math.sqrt(2 * math.log(2 ** (k + 1) * 1e6) * level * (1 - level) / draws)
        sample = lambda rng, n, level=level: exceedances(300, 200, threshold(300, 200, level), rng, n)  # noqa: E731
        band = (level - 2 * half_width, level + 2 * half_width)
        check.estimates(sample, band=band, draws=draws, says=f"level {level}")


@paper.corrected(
    "Section 2 (width of the Tracy–Widom law, after JMLR 22(165))",
    tags=("identity", "erratum"),
    printed={"scale": lambda edge, N, M, sigma: edge ** sp.Rational(2, 3) * M ** -sp.Rational(2, 3) * sp.sqrt(M / N)},
    mutants={
        "M^{−1/3}": {
            "scale": lambda edge, N, M, sigma: (sigma * edge / M ** sp.Rational(1, 2)) ** sp.Rational(2, 3) * sp.sqrt(M / N)
        },
        "σ² for σ^{2/3}": {
            "scale": lambda edge, N, M, sigma: (sigma**3 * edge / M) ** sp.Rational(2, 3) * sp.sqrt(M / N)
        },
    },
)
def printed_width_of_the_edge_needs_sigma_to_the_two_thirds(
    check: Check,
    scale: Formula = lambda edge, N, M, sigma: (sigma * edge / M) ** sp.Rational(2, 3) * sp.sqrt(M / N),
) -> None:
    r"""Johnstone's width σ²(√N + √M)(1/√N + 1/√M)^{1/3}/N is σ^{2/3} λ₊^{2/3} M^{−2/3}/√Q, Q = N/M.

    The factor σ^{2/3} is missing in print: without it the width does not scale like an eigenvalue. Sixth powers of both
    sides are compared.
    """
    n, m, sigma = sp.symbols("n m sigma", positive=True)
    edge, johnstone = sigma**2 * (1 + m / n) ** 2, sigma**12 * (n + m) ** 6 * (1 / n + 1 / m) ** 2 / n**12
    claimed = sp.powdenest(scale(edge, n**2, m**2, sigma), force=True) ** 6
    check.proves(sp.Eq(sp.factor(sp.expand_power_base(claimed, force=True)), sp.factor(johnstone)), says="N = n², M = m²")


def flagged(W: np.ndarray, seed: int, level: float) -> bool:
    """Whether our rule counts a trap."""
    return correlation_traps(W, seed, level).count > 0


def flagged_by_weightwatcher(W: np.ndarray, seed: int, level: float) -> bool:
    """λ₊ + √Δ on the scale of the exact variance."""
    return correlation_traps(W, seed, level).lam_max > weightwatcher_threshold(max(W.shape), min(W.shape))


@paper.claim(
    "Section 6 (correlation traps; the stated false-alarm rate is ours)",
    tags=("ours",),
    mutants={
        "WeightWatcher's λ₊ + √Δ": {"rule": flagged_by_weightwatcher},
        "beyond λ₊": {
            "rule": lambda W, seed, level: correlation_traps(W, seed, level).lam_max > (1 + math.sqrt(3) / 2) ** 2
        },
        "three times the level": {"rule": lambda W, seed, level: flagged(W, seed, 3 * level)},
    },
)
def traps_have_at_most_the_stated_false_alarm_rate(check: Check, rule: Formula = flagged) -> None:
    r"""A normal 40 × 30 matrix has a trap at level 5 % with a probability between 1 % and 6 %.

    It is below the level since the exact variance of the entries takes the fluctuation of the trace out. WeightWatcher's
    rule has no level: its rate is below 1 %, and falls with the size.
    """

    def draw(rng: np.random.Generator, count: int) -> np.ndarray:
        return np.array([rule(rng.standard_normal((40, 30)), k, 0.05) for k in range(count)], dtype=float)

    check.estimates(draw, band=(0.01, 0.06), draws=check.at(quick=3500, full=25_000), says="40 × 30")


@paper.claim(
    "Section 6 (correlation traps; the rule is ours)",
    tags=("ours", "empirical"),
    mutants={
        "WeightWatcher's λ₊ + √Δ": {"rule": flagged_by_weightwatcher},
        "level 1e-9": {"rule": lambda W, seed, level: flagged(W, seed, 1e-9)},
    },
)
def trap_rule_sees_a_huge_entry_and_a_small_mean(check: Check, rule: Formula = flagged) -> None:
    r"""In normal 300 × 200 matrices one entry of 20σ and a mean of 0.08σ are mostly flagged at level 1 %.

    A majority over seven seeds for each; WeightWatcher's threshold lets the entry pass. The table counts, for 100 × 60
    and 20 shuffles a point, how often each rule flags a mean m.
    """

    def detects(seed: int) -> Mapping[str, float]:
        noise = np.random.default_rng([check.seed, seed]).standard_normal((300, 200))
        spiked = noise.copy()
        spiked[17, 4] = 20.0
        return {"entry": rule(spiked, seed, 0.01), "mean": rule(noise + 0.08, seed, 0.01)}

    check.reproduces(detects, bands={"entry": (1, 1), "mean": (1, 1)}, seeds=7)
    means, rng, N, M, repeats = np.linspace(0, 0.3, 16), check.rng("power"), 100, 60, check.at(quick=20, full=200)
    noise = rng.standard_normal((repeats, N, M))
    rates = {"ours": flagged, "weightwatcher": flagged_by_weightwatcher}
    power = {name: [np.mean([r(W + m, 0, 0.01) for W in noise]) for m in means] for name, r in rates.items()}
    check.table("power", mean=means, spike=means * math.sqrt(M), threshold=np.full(16, (M / N) ** 0.25), **power)


@paper.claim(
    "Section 2 (spiked covariance, after JMLR 22(165))",
    tags=("empirical",),
    mutants={
        "threshold √q": {"outlier": lambda s, q: (1 + s * s) * (q + s * s) / (s * s) if s > math.sqrt(q) else None},
        "no push from the bulk": {"outlier": lambda s, q: 1 + s * s if s > q**0.25 else None},
        "no threshold": {"outlier": lambda s, q: (1 + s * s) * (q + s * s) / (s * s)},
    },
)
def spike_leaves_the_bulk_beyond_the_fourth_root_of_q(
    check: Check,
    outlier: Formula = lambda s, q: (1 + s * s) * (q + s * s) / (s * s) if s > q**0.25 else None,
) -> None:
    r"""W/√N = noise + s uvᵀ: λ_max → (1 + s²)(q + s²)/s² for s > q^{1/4}, else λ₊ = (1 + √q)².

    A mean m in entries of variance 1 is the spike s = m√M. N = 900, M = 300; the 4 % are 1.8 M^{−2/3}, the order of the
    Tracy–Widom fluctuation.
    """
    N, M = 900, 300
    q, edge = M / N, (1 + math.sqrt(M / N)) ** 2
    strengths = (0.3, 0.6, 1.0, 1.5)

    def ratios(seed: int) -> Mapping[str, float]:
        noise = np.random.default_rng([check.seed, seed]).standard_normal((N, M))
        found = {}
        for s in strengths:
            W = noise + s / math.sqrt(M)
            found[f"s = {s}"] = float(np.linalg.eigvalsh(W.T @ W)[-1]) / N / (outlier(s, q) or edge)
        return found

    check.reproduces(ratios, bands={f"s = {s}": (0.96, 1.04) for s in strengths}, seeds=5)


def exact_hciz(theta: float, low: float, high: float, count: int, N: int) -> arb:
    """I_N(θ) for ``count`` eigenvalues high and the others low: (1/N) ln ₁F₁ of the Beta-distributed weight on high."""
    weight = arb(N * theta * (high - low)).hypgeom_1f1(arb(count) / 2, arb(N) / 2)
    return theta * arb(low) + weight.log() / N


@paper.claim(
    "Section 4 and appendix (HCIZ integral at finite N)",
    tags=("identity", "ours"),
    mutants={
        "its limit": {"integral": hciz_rank_one_limit},
        "complex instead of real vectors": {"integral": lambda theta, x: hciz_rank_one(theta, np.repeat(x, 2))},
        "θ/2 for θ": {"integral": lambda theta, x: hciz_rank_one(theta / 2, x)},
    },
)
def finite_hciz_integral_is_a_contour_integral(check: Check, integral: Formula = hciz_rank_one) -> None:
    r"""E exp(Nθ uᵀAu) = Γ(N/2) (1/2πi) ∮ e^s Π (s − Nθλ_j)^{−1/2} ds for u uniform on the real unit sphere.

    Two levels of eigenvalues give a confluent hypergeometric function of a Beta variable; 1e-12 is its stated accuracy.
    """
    for N, count, theta in ((2, 1, 1.0), (5, 2, 0.3), (40, 7, 1.0), (400, 100, 0.75), (1600, 3, 2.0)):
        x = np.repeat([0.25, 1.5], [N - count, count])
        found = functools.partial(arb, float(integral(theta, x)))
        exact = functools.partial(exact_hciz, theta, 0.25, 1.5, count, N)
        check.certifies_value(found, exact, within=1e-12, says=f"N = {N}, θ = {theta}")


def quantile_spectrum(q: float, N: int, side: str) -> np.ndarray:
    """N eigenvalues at the middle quantiles of the Marchenko–Pastur law, for the outer matrix with its zeros."""
    M = N if side == "inner" else round(q * N)
    return np.concatenate([np.zeros(N - M), marchenko_pastur(q).quantile((np.arange(M) + 0.5) / M)])


@functools.cache
def finite_hciz(theta: float, q: float, N: int, side: str) -> tuple[float, float]:
    """I_N(θ), and what may separate it from its limit: (ln N)/N, and θ times the gap between λ₊ and the spectrum."""
    x = quantile_spectrum(q, N, side)
    return hciz_rank_one(theta, x), math.log(N) / N + theta * float(marchenko_pastur(q).edges[1] - x.max())


def limit_of_hciz(theta: float, q: float, side: str) -> float:
    """The limit with its threshold, for the Marchenko–Pastur law."""
    law = marchenko_pastur(q)
    nodes, weights = law.quadrature(2000, side)  # type: ignore[arg-type]
    return hciz_rank_one_limit(theta, nodes, weights, edge=law.edges[1])


def integrated_r_transform(theta: float, q: float, side: str) -> float:
    """½ ∫_0^{2θ} R(w) dw at any θ, by the logarithm of R's pole; R continues analytically up to there."""
    ratio, scale = (q, 1.0) if side == "inner" else (1.0, q)
    left = 1 - 2 * theta * ratio
    return -scale * math.log(left) / (2 * ratio) if left > 0 else math.inf


def check_hciz(check: Check, formula: Formula, thetas: st.SearchStrategy[float], sides: list[str]) -> None:
    """Search for θ, q and a side where the formula is farther from the integral at N = 800 than allowed."""

    def near(theta: float, q: float, side: str) -> bool:
        exact, allowed = finite_hciz(theta, q, 800, side)
        return abs(formula(theta, q, side) - exact) <= allowed

    check.forall(
        near, examples=60, says="N = 800", theta=thetas, q=st.sampled_from([0.25, 0.5, 1.0]), side=st.sampled_from(sides)
    )


@paper.corrected(
    "Section 4 and appendix (Tanaka's formula)",
    tags=("identity", "erratum"),
    printed={"formula": integrated_r_transform},
    mutants={
        "½ lost": {"formula": lambda theta, q, side: 2 * limit_of_hciz(theta, q, side)},
        "R of the inner matrix for the outer one": {"formula": lambda theta, q, side: limit_of_hciz(theta, q, "inner")},
        "θ for 2θ": {"formula": lambda theta, q, side: 2 * limit_of_hciz(theta / 2, q, side)},
        "first cumulant only": {"formula": lambda theta, q, side: theta * (q if side == "outer" else 1.0)},
    },
)
def hciz_integral_tends_to_the_integrated_r_transform_up_to_a_threshold(
    check: Check, formula: Formula = limit_of_hciz
) -> None:
    r"""(1/N) ln E exp(Nθ uᵀAu) → ½ ∫_0^{2θ} R_A(w) dw for 2θ ≤ G(λ₊) only.

    Beyond, u aligns with the largest eigenvalue and the limit is θv − ½ ∫ ln(1 + 2θ(v − λ)) ρ dλ, v = λ₊ − 1/(2θ). The
    paper uses the first form without the condition. The error allowed at N = 800 is (ln N)/N, as of a saddle point, plus
    θ times the distance between λ₊ and the largest eigenvalue taken.
    """
    check_hciz(check, formula, st.floats(0.02, 3), ["inner", "outer"])
    theta, q = np.linspace(0.02, 1.6, 80), 0.25
    exact = [finite_hciz(float(t), q, 800, "inner")[0] for t in theta]
    columns = {
        "limit": [limit_of_hciz(float(t), q, "inner") for t in theta],
        "printed": [integrated_r_transform(float(t), q, "inner") for t in theta],
    }
    edge = np.full(80, 1 / (math.sqrt(q) * (1 + math.sqrt(q))))  # G(λ₊)
    check.table("hciz", theta=theta, exact=exact, threshold=edge / 2, **columns)


@paper.claim(
    "Section 4 and appendix (Tanaka's formula, below the threshold)",
    tags=("identity",),
    mutants={
        "½ lost": {"formula": lambda theta, q, side: 2 * integrated_r_transform(theta, q, side)},
        "R of the inner matrix for the outer one": {
            "formula": lambda theta, q, side: integrated_r_transform(theta, q, "inner")
        },
        "first cumulant only": {"formula": lambda theta, q, side: theta * (q if side == "outer" else 1.0)},
    },
)
def hciz_integral_is_the_integrated_r_transform_below_the_threshold(
    check: Check, formula: Formula = integrated_r_transform
) -> None:
    r"""For 2θ ≤ G(λ₊) = 1/(√q(1 + √q)) (inner) or 1/(1 + 1/√q) · 1/… (outer) the printed form is right.

    Here for 2θ ≤ ½, which is below all thresholds G(λ₊) ≥ ½.
    """
    check_hciz(check, formula, st.floats(0.1, 0.25), ["outer"])


@paper.corrected(
    "Appendix A6 (\"R-transforms are linear, G(nβλ) = nβG(λ)\")",
    tags=("identity", "erratum"),
    printed={"scaled": lambda w, c, x: c * spectrum_r_transform(w, x)},
    mutants={
        "R(cw)": {"scaled": lambda w, c, x: spectrum_r_transform(c * w, x)},
        "c² R(cw)": {"scaled": lambda w, c, x: c * c * spectrum_r_transform(c * w, x)},
    },
)
def r_transform_of_a_multiple_is_not_a_multiple(
    check: Check, scaled: Formula = lambda w, c, x: c * spectrum_r_transform(c * w, x)
) -> None:
    r"""R_{cA}(w) = c R_A(cw): the integrated R-transform is linear in A to first order only.

    So a layer quality that does not depend on the temperature is a statement about κ₁ alone. 1e-9 of max|λ| allows for
    bisection in double precision.
    """

    def agrees(x: list[int], c: int, w: int) -> bool:
        spectrum, factor, argument = np.array(x) / 4.0, c / 4.0, w / 8.0
        found = spectrum_r_transform(argument, factor * spectrum)
        return bool(abs(found - scaled(argument, factor, spectrum)) <= 1e-9 * factor * spectrum.max())

    values = st.lists(st.integers(1, 40), min_size=2, max_size=8)
    check.forall(agrees, x=values, c=st.integers(1, 20), w=st.integers(-16, 16))


@paper.claim(
    "Section 4 (high-temperature derivative)",
    tags=("ours", "identity"),
    mutants={
        "trace without 1/N": {"first": lambda x: x.sum()},
        "largest eigenvalue": {"first": lambda x: x.max()},
        "second order taken in": {"first": lambda x: x.mean() + 0.01 * x.var()},
    },
)
def layer_quality_is_the_mean_eigenvalue_to_first_order_in_beta(
    check: Check, first: Formula = lambda x: x.mean()
) -> None:
    r"""d/dθ of (1/N) ln E exp(Nθ uᵀAu) at θ = 0 is κ₁ = Tr A/N, exactly so at any N.

    By the difference quotient at θ = ±1e-4/λ_max, which has an error of order 1e-8 λ_max.
    """

    def agrees(x: list[int]) -> bool:
        spectrum = np.array(x, dtype=float)
        step = 1e-4 / spectrum.max()
        slope = (hciz_rank_one(step, spectrum) - hciz_rank_one(-step, spectrum)) / (2 * step)
        return bool(abs(slope - first(spectrum)) <= 1e-6 * spectrum.max())

    check.forall(agrees, x=st.lists(st.integers(1, 99), min_size=2, max_size=12))
