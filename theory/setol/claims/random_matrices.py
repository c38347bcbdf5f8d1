"""Random matrices: the Marchenko–Pastur law and its R-transforms, the edge, traps and spikes (Sections 2, 5 and 6).

X = WᵀW/N for W of shape N × M, q = M/N; G(z) = ∫ ρ(λ)/(z − λ) dλ, B(G(z)) = z, R(w) = B(w) − 1/w; κ_k are the free
cumulants. The inner matrix is X, the outer one WWᵀ/N, which has N − M zeros more.
"""

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

import hypothesis.strategies as st
import numpy as np
import sympy as sp
from flint import acb, arb
from scipy.integrate import solve_ivp
from scipy.special import airy

from theory._numbers import Floats
from theory.setol.claims.paper import paper
from theory.setol.correlation_traps import correlation_traps
from theory.setol.free_probability import moments_from_free_cumulants
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
    r"""The density $\sqrt{(\lambda_+ - \lambda)(\lambda - \lambda_-)}/(2\pi\sigma^2q\lambda)$,
    $\lambda_\pm = \sigma^2(1 \pm \sqrt{q})^2$, integrates in closed form.

    Against certified quadrature; the $10^{-13}$ allows for double precision.
    """
    for (q, sigma), u in [(law, u) for law in LAWS for u in (0.75, 1.25, 2.0)]:
        lam = u * sigma**2
        integral = lambda q=q, s=sigma, lam=lam: under_marchenko_pastur(lambda _: acb(1), q, s, arb(lam)).real  # noqa: E731
        found = functools.partial(arb, float(cdf(q, sigma, lam)))
        check.certifies_value(found, integral, within=1e-13, says=f"q = {q}, σ = {sigma}, λ = {lam}")


@paper.claim(
    "Section 5 and appendix (free cumulants of the Marchenko–Pastur law)",
    tags=("identity",),
    mutants={
        "κ_k = σ^{2k}, as for q = 1": {"cumulant": lambda k, q, sigma: sigma ** (2 * k)},
        "κ_k = σ^{2k} q^k, the outer law": {"cumulant": lambda k, q, sigma: sigma ** (2 * k) * q**k},
        "σ² for σ^{2k}": {"cumulant": lambda k, q, sigma: sigma**2 * q ** (k - 1)},
    },
)
def marchenko_pastur_has_geometric_free_cumulants(
    check: Check, cumulant: Formula = lambda k, q, sigma: sigma ** (2 * k) * q ** (k - 1)
) -> None:
    r"""$\kappa_k = \sigma^{2k} q^{k-1}$, so $m_1 = \sigma^2$, $m_2 = \sigma^4(1 + q)$, $m_3 = \sigma^6(1 + 3q + q^2)$,
    …, here up to $k = 6$.

    Certified against the moments by quadrature, of which `MarchenkoPastur.moment` is the closed form.
    """
    for q, sigma in LAWS:
        moments = moments_from_free_cumulants([cumulant(k, arb(q), arb(sigma)) for k in range(1, 7)])
        for k in range(1, 7):
            integral = lambda k=k, q=q, s=sigma: under_marchenko_pastur(lambda lam: lam**k, q, s).real  # noqa: E731
            check.certifies_value(
                functools.partial(arb, moments[k - 1]),
                integral,
                within=1e-28 * sigma ** (2 * k),
                says=f"m_{k}, q = {q}, σ = {sigma}",
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
    r"""$R(w) = \sigma^2/(1 - \sigma^2qw)$ for $X = W^\top W/N$: $B = R + 1/w$ inverts the Stieltjes transform."""
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
    r"""$WW^\top/N$ has $R(w) = q\sigma^2/(1 - \sigma^2w)$: its $N - M$ zeros change $R$ already at first order,
    $\kappa_1$ by the factor $q$.

    The paper exchanges the two; the HCIZ integral over $N \times N$ matrices needs the outer one.
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
    r"""$\rho(\lambda) = -(1/\pi) \operatorname{Im} G(\lambda + i0)$ with $G = \int \rho/(z - \lambda)$; the minus sign
    is missing in print.

    For the Marchenko–Pastur law, at the fraction $u$ of its support; $i0 = 10^{-10} i$ moves $\rho$ by less than
    $10^{-6}$ of it.
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


@functools.cache
def painleve() -> tuple[Formula, Formula]:
    """F₁ and F₂ from q'' = sq + 2q³, q ~ Ai(s): ln F₂ = −∫ (x − s) q², F₁² = F₂ e^{−∫ q}, all integrals from s to ∞."""

    def slope(s: float, y: np.ndarray) -> list[float]:
        q, dq, mass, _, _ = y
        return [dq, s * q + 2 * q**3, -(q**2), -mass, -q]

    top = 8.0
    value, derivative, _, _ = airy(top)
    tail = float(derivative**2 - top * value**2)  # ∫ Ai²; ∫ (x − s) Ai² is below 1e-16 at s = 8
    start = [value, derivative, tail, 0.0, float(airy_tail(top))]
    run = solve_ivp(slope, (top, -4.5), start, method="DOP853", rtol=1e-12, atol=1e-18, dense_output=True)
    solution: Any = run.sol

    def second(s: float) -> float:
        return math.exp(-solution(s)[3])

    def first(s: float) -> float:
        return math.sqrt(second(s) * math.exp(-solution(s)[4]))

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
        "normal of the same mean and deviation": {
            "cdf": lambda s: 0.5 * math.erfc(-(s + 1.2065) / 1.268 / math.sqrt(2))
        },
        "shifted by 1e-6": {"cdf": lambda s: tracy_widom_cdf(s + 1e-6)},
    },
)
def tracy_widom_distribution_solves_painleve(check: Check, cdf: Formula = tracy_widom_cdf) -> None:
    r"""$F_1(s)^2 = F_2(s) \exp(-\int_s^\infty q)$, $\ln F_2(s) = -\int_s^\infty (x - s) q(x)^2\,dx$, $q'' = sq + 2q^3$
    with $q \sim \mathrm{Ai}$.

    Our determinant against the differential equation; $10^{-9}$ is what its unstable integration is good for at
    $s = -4.5$. The mean is $-1.2065$, the 99 % quantile 2.0234.
    """
    check.forall(lambda s: abs(cdf(s) - painleve()[0](s)) <= 1e-9, examples=100, s=st.floats(-4.5, 8))
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
            "threshold": lambda N, M, level: (
                1.25 * tracy_widom_threshold(N, M, level) - 0.25 * (1 + (M / N) ** 0.5) ** 2
            )
        },
        "WeightWatcher's λ₊ + √Δ": {"threshold": weightwatcher_threshold},
        "edge of the limiting law": {"threshold": lambda N, M, level: (1 + (M / N) ** 0.5) ** 2},
    },
)
def largest_eigenvalue_passes_the_tracy_widom_threshold_as_often_as_stated(
    check: Check, threshold: Formula = tracy_widom_threshold
) -> None:
    r"""$\lambda_{\max}(W^\top W)/N$ for normal $300 \times 200$ matrices exceeds $\mu + s \cdot \mathrm{TW}_1$ quantile
    with the stated probability.

    $\mu = (\sqrt{N - \frac{1}{2}} + \sqrt{M - \frac{1}{2}})^2$, $s = \sqrt{\mu} (1/\sqrt{N - \frac{1}{2}} + 1/\sqrt{M -
    \frac{1}{2}})^{1/3}$. Each band is the level $\pm$ twice the half-width of the interval, the least that so many
    draws can decide.
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
            "scale": lambda edge, N, M, sigma: (
                (sigma * edge / M ** sp.Rational(1, 2)) ** sp.Rational(2, 3) * sp.sqrt(M / N)
            )
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
    r"""Johnstone's width $\sigma^2(\sqrt{N} + \sqrt{M})(1/\sqrt{N} + 1/\sqrt{M})^{1/3}/N$ is
    $\sigma^{2/3} \lambda_+^{2/3} M^{-2/3}/\sqrt{Q}$, $Q = N/M$.

    The factor $\sigma^{2/3}$ is missing in print: without it the width does not scale like an eigenvalue. Sixth powers
    of both sides are compared.
    """
    n, m, sigma = sp.symbols("n m sigma", positive=True)
    edge, johnstone = sigma**2 * (1 + m / n) ** 2, sigma**12 * (n + m) ** 6 * (1 / n + 1 / m) ** 2 / n**12
    claimed = sp.powdenest(scale(edge, n**2, m**2, sigma), force=True) ** 6
    check.proves(
        sp.Eq(sp.factor(sp.expand_power_base(claimed, force=True)), sp.factor(johnstone)), says="N = n², M = m²"
    )


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
        "three times the level": {"rule": lambda W, seed, level: flagged(W, seed, 3 * level)},
    },
)
def traps_have_at_most_the_stated_false_alarm_rate(check: Check, rule: Formula = flagged) -> None:
    r"""A normal $40 \times 30$ matrix has a trap at level 5 % with a probability between 1 % and 5 %.

    It is below the level since the exact variance of the entries takes the fluctuation of the trace out.
    WeightWatcher's rule has no level: its rate is about 0.1 %, and falls with the size.
    """

    def draw(rng: np.random.Generator, count: int) -> np.ndarray:
        return np.array([rule(rng.standard_normal((40, 30)), k, 0.05) for k in range(count)], dtype=float)

    check.estimates(draw, band=(0.01, 0.05), draws=check.at(quick=6500, full=25_000), says="40 × 30")


@paper.claim(
    "Section 6 (correlation traps; the rule is ours)",
    tags=("ours", "empirical"),
    mutants={
        "WeightWatcher's λ₊ + √Δ": {"rule": flagged_by_weightwatcher},
        "level 1e-9": {"rule": lambda W, seed, level: flagged(W, seed, 1e-9)},
    },
)
def trap_rule_sees_a_single_huge_entry(check: Check, rule: Formula = flagged) -> None:
    r"""One entry of $20\sigma$ in a normal $300 \times 200$ matrix mostly counts as a trap at level 1 %, by
    WeightWatcher's rule not.

    That is, in the majority of 101 matrices: it is in 71 of 100, and by that rule in 28. It is a spike
    $s = 20/\sqrt{N}$ beyond $q^{1/4}$. The table counts, for $100 \times 60$ and 20 matrices a point, how often each
    rule flags a mean $m$.
    """
    shape, huge, level = (300, 200), 20.0, 0.01

    def detects(seed: int) -> Mapping[str, float]:
        noise = np.random.default_rng([check.seed, seed]).standard_normal(shape)
        noise[17, 4] = huge
        return {"trap": rule(noise, seed, level)}

    setup = {"shape": shape, "entries": "normal", "one entry": huge, "level": level}
    check.reproduces(detects, bands={"trap": (1, 1)}, seeds=101, setup=setup)
    check.table("power", **power(check.seed, check.at(quick=20, full=200)))


@functools.cache
def power(seed: int, repeats: int) -> Mapping[str, Floats]:
    """How often each rule flags normal 100 × 60 matrices of mean m at level 1 %."""
    means, (N, M) = np.linspace(0, 0.3, 16), (100, 60)
    noise = np.random.default_rng([seed, 12]).standard_normal((repeats, N, M))
    rules = {"ours": flagged, "weightwatcher": flagged_by_weightwatcher}
    rates = {name: np.array([np.mean([r(W + m, 0, 0.01) for W in noise]) for m in means]) for name, r in rules.items()}
    constants = {"threshold": np.full(16, (M / N) ** 0.25), "matrices": np.full(16, repeats)}
    return {"mean": means, "spike": means * math.sqrt(M), **constants, **rates}


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
    r"""$W/\sqrt{N} = \text{noise} + s\,uv^\top$: $\lambda_{\max} \to (1 + s^2)(q + s^2)/s^2$ for $s > q^{1/4}$, else
    $\lambda_+ = (1 + \sqrt{q})^2$.

    A mean $m$ in entries of variance 1 is the spike $s = m\sqrt{M}$. $N = 900$, $M = 300$. Allowed are $1.8 M^{-2/3}$,
    4 %, the order of the Tracy–Widom fluctuation, and $3/\sqrt{N}$ beyond the threshold, where the mean of the noise
    moves $s$ by some $1/\sqrt{N}$.
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

    setup = {"shape": (N, M), "entries": "normal and a mean of s/√M", "s": strengths, "measured": "λ_max/formula"}
    bands = {f"s = {s}": (0.96, 1.04) if s < q**0.25 else (0.9, 1.1) for s in strengths}
    check.reproduces(ratios, bands=bands, seeds=9, setup=setup)
