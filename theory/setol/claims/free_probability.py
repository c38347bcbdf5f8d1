"""Free cumulants, their additivity, and the HCIZ integral (Sections 4 and 5, appendix).

κ_k are the free cumulants, R(w) = Σ κ_{k+1} wᵏ; I_N(θ) = (1/N) ln E exp(Nθ uᵀAu) with u uniform on the real unit
sphere. The inner matrix is WᵀW/N, the outer one WWᵀ/N, which has N − M zeros more.
"""

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import hypothesis.strategies as st
import numpy as np
import sympy as sp
from flint import arb

from theory.setol.claims.paper import paper
from theory.setol.free_probability import free_cumulants, moments_from_free_cumulants, spectrum_r_transform
from theory.setol.hciz import hciz_rank_one, hciz_rank_one_limit
from theory.setol.marchenko_pastur import marchenko_pastur
from verify import Check

Formula = Callable[..., Any]


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
        "κ₄ with 3m₂² for 2m₂²": {
            "cumulants": lambda m: [*free_cumulants(m)[:3], free_cumulants(m)[3] - m[1] ** 2, free_cumulants(m)[4]]
        },
        "10 for 15 in κ₅": {
            "cumulants": lambda m: [*free_cumulants(m)[:4], free_cumulants(m)[4] - 5 * m[2] * m[0] ** 2]
        },
    },
)
def printed_free_cumulants_are_right(check: Check, cumulants: Formula = free_cumulants) -> None:
    r"""$\kappa_4 = m_4 - 4m_3m_1 - 2m_2^2 + 10m_2m_1^2 - 5m_1^4$ and its four companions are the free cumulants."""
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
        "pairings and singletons": {
            "counted": lambda partition: noncrossing(partition) and max(map(len, partition)) < 3
        },
    },
)
def moments_are_sums_over_noncrossing_partitions(check: Check, counted: Formula = noncrossing) -> None:
    r"""$m_n = \sum \prod \kappa_{|V|}$ over the non-crossing partitions of $n$ points, blocks $V$, here up to $n = 6$.

    Printed with all partitions and with $m$ for $\kappa$ on the right side. Against the recursion of `free_cumulants`.
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
    r"""With $m_k = (1/M) \sum \lambda^k$ a shift $X + c$ moves $\kappa_1$ by $c$ and no other free cumulant; $R(w)$
    moves by $c$.

    With the printed $m_k = \mathrm{Tr}\,X^k$ it does not. Proved for all spectra of $M = 3$ eigenvalues.
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
    r"""$R_{A + UBU^\top} = R_A + R_B$ for a random rotation $U$: all free cumulants add up, to order $1/N$.

    $A$ has the eigenvalues $\pm 1$, $B$ those of a Marchenko–Pastur law, $N = 300$; each band is $10/N$ times the size
    of $\kappa_k$.
    """
    N = 300
    a, b = np.repeat([-1.0, 1.0], N // 2), np.asarray(marchenko_pastur(0.5).quantile((np.arange(N) + 0.5) / N))
    together = cumulants(a) + cumulants(b)

    def differences(seed: int) -> Mapping[str, float]:
        found = cumulants(joined(a, b, np.random.default_rng(seed)))
        return {f"κ{k + 1}": float(found[k] - together[k]) for k in range(4)}

    band = 10 / N
    bands = {f"κ{k}": (-band * 2 ** (k - 1), band * 2 ** (k - 1)) for k in range(1, 5)}
    setup = {"A": "±1, half each", "B": "Marchenko–Pastur quantiles, q = ½", "N": N, "measured": "κ_k less the sum"}
    check.reproduces(differences, bands=bands, seeds=3, setup=setup)


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
    r"""$\mathbb{E} \exp(N\theta\,u^\top Au) = \Gamma(N/2) (1/2\pi i) \oint e^s \prod (s - N\theta\lambda_j)^{-1/2}\,ds$
    for $u$ uniform on the real unit sphere.

    Two levels of eigenvalues give a confluent hypergeometric function of a Beta variable; $10^{-12}$ is its stated
    accuracy.
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
        return bool(abs(formula(theta, q, side) - exact) <= allowed)

    check.forall(
        near,
        examples=60,
        says="N = 800",
        theta=thetas,
        q=st.sampled_from([0.25, 0.5, 1.0]),
        side=st.sampled_from(sides),
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
    r"""$(1/N) \ln \mathbb{E} \exp(N\theta\,u^\top Au) \to \frac{1}{2} \int_0^{2\theta} R_A(w)\,dw$ for
    $2\theta \le G(\lambda_+)$ only.

    Beyond, $u$ aligns with the largest eigenvalue and the limit is $\theta v - \frac{1}{2} \int \ln(1 + 2\theta(v -
    \lambda))\,\rho\,d\lambda$, $v = \lambda_+ - 1/(2\theta)$. The paper uses the first form without the condition. The
    error allowed at $N = 800$ is $(\ln N)/N$, as of a saddle point, plus $\theta$ times the distance between
    $\lambda_+$ and the largest eigenvalue taken.
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
    r"""For $2\theta \le G(\lambda_+)$ the printed $\frac{1}{2} \int_0^{2\theta} R_A(w)\,dw$ is the limit of
    $(1/N) \ln \mathbb{E} \exp(N\theta\,u^\top Au)$.

    Here for the outer matrix, $R(w) = q/(1 - w)$, and $2\theta \le \frac{1}{2} \le G(\lambda_+) = 1/(1 + \sqrt{q})$.
    """
    check_hciz(check, formula, st.floats(0.1, 0.25), ["outer"])


@paper.corrected(
    'Appendix A6 ("R-transforms are linear, G(nβλ) = nβG(λ)")',
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
    r"""$R_{cA}(w) = c R_A(cw)$: the integrated R-transform is linear in $A$ to first order only.

    So a layer quality that does not depend on the temperature is a statement about $\kappa_1$ alone. $10^{-9}$ of
    $\max|\lambda|$ allows for bisection in double precision.
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
    r"""$d/d\theta$ of $(1/N) \ln \mathbb{E} \exp(N\theta\,u^\top Au)$ at $\theta = 0$ is $\kappa_1 = \mathrm{Tr}\,A/N$,
    exactly so at any $N$.

    By the difference quotient at $\theta = \pm 10^{-4}/\lambda_{\max}$, which has an error of order
    $10^{-8} \lambda_{\max}$.
    """

    def agrees(x: list[int]) -> bool:
        spectrum = np.array(x, dtype=float)
        step = 1e-4 / spectrum.max()
        slope = (hciz_rank_one(step, spectrum) - hciz_rank_one(-step, spectrum)) / (2 * step)
        return bool(abs(slope - first(spectrum)) <= 1e-6 * spectrum.max())

    check.forall(agrees, x=st.lists(st.integers(1, 99), min_size=2, max_size=12))


@paper.corrected(
    "Appendix A6 (stationarity behind Tanaka's formula)",
    tags=("identity", "erratum"),
    printed={"condition": lambda theta, G: 2 * theta + G},
    mutants={
        "½ lost": {"condition": lambda theta, G: theta - G},
        "inverted": {"condition": lambda theta, G: 2 * theta - 1 / G},
    },
)
def saddle_point_of_the_hciz_integral_is_where_the_stieltjes_transform_is_2_theta(
    check: Check, condition: Formula = lambda theta, G: 2 * theta - G
) -> None:
    r"""$\theta v - \frac{1}{2} \int \ln(v - \lambda)\,\rho\,d\lambda$ is stationary in $v$ where
    $2\theta - G_A(v) = 0$; the paper has the two terms with a plus.

    With the plus there is no solution right of the spectrum. From it $v = B_A(2\theta)$, and $R$ follows. Proved for
    all spectra of three eigenvalues.
    """
    theta, v = sp.symbols("theta v", positive=True)
    spectrum = sp.symbols("lambda1:4", real=True)
    exponent = theta * v - sum(sp.log(v - x) for x in spectrum) / 6
    G = sum(1 / (v - x) for x in spectrum) / 3
    check.proves(sp.Eq(2 * sp.diff(exponent, v), condition(theta, G)), says="2 d/dv of the exponent")
