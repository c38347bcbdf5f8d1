"""Closed forms: Gaussians, Gaussian mixtures, and the mutual information of jointly Gaussian variables.

N(μ, Σ) in d dimensions; δ = μ₁ − μ₂. Full convention unless said. The oracles are certified quadrature of the densities
in one dimension, and log-partition functions in more.
"""

import hypothesis.strategies as st
import mpmath
import numpy as np
import scipy.linalg
import scipy.stats
import sympy as sp
import z3
from flint import acb

from theory.cauchy_schwarz.claims.divergence import integral, normal, squared_secant
from theory.cauchy_schwarz.claims.paper import paper
from theory.cauchy_schwarz.gaussian import gaussian_divergence, gaussian_mutual_information
from theory.cauchy_schwarz.mixture import mixture_divergence

SEED = st.integers(0, 10**6)
WIDTH = st.floats(0.01, 10)


def gaussian(rng, size):
    """A random mean and a covariance of condition number up to 1e4."""
    root = scipy.stats.special_ortho_group.rvs(size, random_state=rng) if size > 1 else np.eye(1)
    return rng.normal(size=size) * 3, (root * 10 ** rng.uniform(-2, 2, size)) @ root.T


def log_partition(precision, tilt):
    """log ∫ exp(−xᵀPx/2 + hᵀx) dx, in the working precision of mpmath."""
    size = len(tilt)
    quadratic = (tilt.T * mpmath.lu_solve(precision, tilt))[0]
    return quadratic / 2 - mpmath.log(mpmath.det(precision)) / 2 + size * mpmath.log(2 * mpmath.pi) / 2


def natural(mean, cov):
    """Natural parameters (Σ⁻¹, Σ⁻¹μ) of exactly these float64 numbers."""
    precision = mpmath.inverse(mpmath.matrix(((cov + cov.T) / 2).tolist()))
    return precision, precision * mpmath.matrix(mean.tolist())


def log_inner_product(p, q):
    """log ∫pq = A(θ_p + θ_q) − A(θ_p) − A(θ_q) with the log-partition function A of the Gaussian family."""
    (first, tilt), (second, other) = natural(*p), natural(*q)
    return log_partition(first + second, tilt + other) - log_partition(first, tilt) - log_partition(second, other)


@paper.claim(
    "closed form for Gaussians",
    tags=("identity",),
    mutants={
        "half of d log 2": {
            "formula": lambda m1, c1, m2, c2: gaussian_divergence(m1, c1, m2, c2) + len(m1) * np.log(2) / 2
        },
        "half convention": {"formula": lambda *pair: gaussian_divergence(*pair, convention="half")},
        "mean of the covariances in the first term": {
            "formula": lambda m1, c1, m2, c2: (
                gaussian_divergence(m1, c1, m2, c2) + (m1 - m2) @ np.linalg.solve(c1 + c2, m1 - m2)
            )
        },
        "δ forgotten": {"formula": lambda m1, c1, m2, c2: gaussian_divergence(m1, c1, m1, c2)},
    },
)
def gaussian_divergence_is_the_closed_form(check, formula=gaussian_divergence):
    r"""$D_{\text{CS}} = \delta^\top(\Sigma_1+\Sigma_2)^{-1}\delta + \log|\Sigma_1+\Sigma_2| - d \log 2 -
    \frac{1}{2}\log|\Sigma_1| - \frac{1}{2}\log|\Sigma_2|$.

    In one dimension the densities are integrated in ball arithmetic; the certificate allows ten units in the last place
    of float64. In more, $\int pq$ is a difference of log-partition functions, in 50 digits.
    """
    for mean, deviation in ((3, 2), (0.5, 0.25), (-1, 1)):
        p, q = (lambda x: normal(x, 0, 1)), (lambda x, m=mean, s=deviation: normal(x, m, s))
        oracle = lambda p=p, q=q: squared_secant(  # noqa: E731
            integral(lambda x: p(x) * p(x)), integral(lambda x: q(x) * q(x)), integral(lambda x: p(x) * q(x))
        ).log()
        value = float(formula(np.zeros(1), np.eye(1), np.array([float(mean)]), np.array([[deviation**2 + 0.0]])))
        check.certifies_value(oracle, value, within=4e-15, says=f"N(0, 1) against N({mean:g}, {deviation:g}²)")

    def agrees(seed, size):
        rng = np.random.default_rng(seed)
        p, q = gaussian(rng, size), gaussian(rng, size)
        with mpmath.workdps(50):
            exact = log_inner_product(p, p) + log_inner_product(q, q) - 2 * log_inner_product(p, q)
        return abs(float(formula(*p, *q)) - exact) <= 1e-10 * (1 + exact)

    check.forall(agrees, examples=60, says="in up to 4 dimensions", seed=SEED, size=st.integers(1, 4))


ATOMS = [(0.4, -1.0, 0.5), (0.4, 1.0, 0.3), (0.2, 0.0, 4.0)]
OTHERS = [(0.5, -1.5, 0.5), (0.3, 2.0, 1.0), (0.2, 0.5, 0.4)]
"""Weight, mean and standard deviation of components."""


def mixture(components):
    """The density of a one-dimensional mixture."""
    return lambda x: sum((w * normal(x, mean, deviation) for w, mean, deviation in components), acb(0))


def arrays(components):
    """Weights (K,), means (K, 1) and covariances (K, 1, 1)."""
    w, mean, deviation = np.array(components).T
    return w, mean[:, None], (deviation**2)[:, None, None]


def sum_over_pairs(pairs, kernel):
    """Σ w_k v_l kernel over components of two one-dimensional mixtures, in place of ∫pq."""
    (w, m, s), (v, n, t) = ((weights, means[:, 0], covs[:, 0, 0]) for weights, means, covs in pairs)
    return w @ kernel(m[:, None], n, s[:, None], t) @ v


def from_kernel(kernel):
    """The divergence made of some kernel of two components."""

    def formula(*parameters):
        p, q = parameters[:3], parameters[3:]
        pp, qq, pq = (sum_over_pairs(pair, kernel) for pair in ((p, p), (q, q), (p, q)))
        with np.errstate(divide="ignore"):
            return np.log(squared_secant(pp, qq, pq))

    return formula


@paper.claim(
    "closed form for Gaussian mixtures",
    tags=("identity",),
    mutants={
        "covariance of one component only": {
            "formula": from_kernel(lambda m, n, s, t: scipy.stats.norm.pdf(m, n, np.sqrt(s + 0 * t)))
        },
        "variances averaged": {
            "formula": from_kernel(lambda m, n, s, t: scipy.stats.norm.pdf(m, n, np.sqrt((s + t) / 2)))
        },
        "weights forgotten": {
            "formula": lambda w, m, s, v, n, t: mixture_divergence(np.ones_like(w), m, s, np.ones_like(v), n, t)
        },
        "half convention": {"formula": lambda *pair: mixture_divergence(*pair, convention="half")},
    },
)
def mixture_divergence_sums_over_pairs_of_components(check, formula=mixture_divergence):
    r"""$\int pq = \sum_{kl} w_k v_l\,N(\mu_k; \nu_l, \Sigma_k + T_l)$ for Gaussian mixtures.

    Against quadrature of the mixtures in ball arithmetic, to ten units in the last place of float64; then with two
    components in up to 3 dimensions against log-partition functions, and at 100 standard deviations.
    """
    p, q = mixture(ATOMS), mixture(OTHERS)
    oracle = lambda: squared_secant(  # noqa: E731
        integral(lambda x: p(x) * p(x)), integral(lambda x: q(x) * q(x)), integral(lambda x: p(x) * q(x))
    ).log()
    value = float(formula(*arrays(ATOMS), *arrays(OTHERS)))
    check.certifies_value(oracle, value, within=4e-15, says="three components against three")

    def agrees(seed, size, weight):
        rng = np.random.default_rng(seed)
        components = [[gaussian(rng, size) for _ in range(2)] for _ in range(2)]
        weights = np.array([[weight, 1 - weight], [0.3, 0.7]])

        def log_sum(i, j):
            terms = [
                mpmath.mpf(w) * v * mpmath.exp(log_inner_product(a, b))
                for w, a in zip(weights[i], components[i], strict=True)
                for v, b in zip(weights[j], components[j], strict=True)
            ]
            return mpmath.log(mpmath.fsum(terms))

        stacked = [[np.stack(part) for part in zip(*each, strict=True)] for each in components]
        found = float(formula(weights[0], *stacked[0], weights[1], *stacked[1]))
        with mpmath.workdps(50):
            return abs(found - (log_sum(0, 0) + log_sum(1, 1) - 2 * log_sum(0, 1))) <= 1e-10 * (1 + abs(found))

    check.forall(
        agrees,
        examples=25,
        says="in up to 3 dimensions",
        seed=SEED,
        size=st.integers(1, 3),
        weight=st.floats(0.01, 0.99),
    )
    far = float(formula(*arrays(ATOMS), *arrays([(1.0, 100.0, 1.0)])))
    check.note(divergence_at_distance_100=far)


def correlated(rho, s, t):
    """Covariance of two variables with variances s², t² and correlation ρ."""
    return sp.Matrix([[s**2, rho * s * t], [rho * s * t, t**2]])


def symbolic_divergence(cov1, cov2):
    """The closed form for equal means, in two dimensions."""
    return sp.log((cov1 + cov2).det() / 4) - sp.log(cov1.det() * cov2.det()) / 2


def canonical(cov, split):
    """Canonical correlations, the singular values of Σ_x^{-1/2} Σ_xt Σ_t^{-1/2}."""
    left, right = (scipy.linalg.sqrtm(block).real for block in (cov[:split, :split], cov[split:, split:]))
    return scipy.linalg.svdvals(np.linalg.solve(left, cov[:split, split:]) @ np.linalg.inv(right))


@paper.claim(
    "Cauchy–Schwarz mutual information, Gaussian case",
    tags=("identity", "inequality", "ours"),
    mutants={
        "ρ²/2 for ρ²/4": {"correction": lambda square: 1 - square / 2},
        "the correction lost": {"correction": lambda square: 1},
        "squared": {"correction": lambda square: (1 - square / 4) ** 2},
    },
)
def gaussian_cs_information_is_shannon_s_less_a_bounded_correction(check, correction=lambda square: 1 - square / 4):
    r"""Jointly Gaussian $x$ and $t$ with canonical correlations $\rho_k$: $I_{\text{CS}} = \sum_k [-\frac{1}{2}\log(1 -
    \rho_k^2) + \log(1 - \rho_k^2/4)]$.

    The first terms are Shannon's information $I$; hence $I - K \log(4/3) \le I_{\text{CS}} \le I$ for $K$ pairs. Proved
    for one pair; in canonical coordinates the pairs are independent and the divergences add, which the search shows of
    the function.
    """
    rho = sp.Symbol("rho", real=True)
    s, t = sp.symbols("s t", positive=True)
    ratio = sp.exp(2 * symbolic_divergence(correlated(rho, s, t), correlated(0, s, t)))
    check.proves(sp.Eq(ratio * (1 - rho**2), sp.sympify(correction(rho**2)) ** 2), says="one pair, any variances")
    squared = z3.Real("square")
    bounded = z3.And(z3.Q(3, 4) <= correction(squared), correction(squared) <= 1)
    check.proves(z3.Implies(z3.And(squared >= 0, squared <= 1), bounded), says="a factor between 3/4 and 1")

    def agrees(seed, split, rest):
        _, cov = gaussian(np.random.default_rng(seed), split + rest)
        square = canonical(cov, split) ** 2
        exact = (np.log(correction(square)) - np.log1p(-square) / 2).sum()
        return abs(gaussian_mutual_information(cov, split) - exact) <= 1e-8 * (1 + exact)

    check.forall(agrees, says="in up to 3 + 3 dimensions", seed=SEED, split=st.integers(1, 3), rest=st.integers(1, 3))


def limit_of_estimator(rho, width):
    """e^{2 I} for log(E[κκ] E[κ]E[κ] / E[E[κ|x] E[κ|t]]²), κ = exp(−u²/2σ²), N(0, 1) variables of correlation ρ.

    A Gaussian integral E exp(−zᵀz/2c) over z ~ N(0, C) is |I + C/c|^{−½}; differences of two draws have twice the
    covariance, and E[κ|x] = (1 + 1/σ²)^{−½} exp(−x²/2(1 + σ²)).
    """
    identity, cov, square = sp.eye(2), correlated(rho, 1, 1), width**2
    joint = 1 / (identity + 2 * cov / square).det()
    marginals = 1 / (1 + 2 / square) ** 2
    cross = 1 / ((1 + 1 / square) ** 2 * (identity + cov / (1 + square)).det())
    return joint * marginals / cross**2


@paper.claim(
    "Cauchy–Schwarz mutual information, estimator with Gaussian kernels",
    tags=("identity", "ours"),
    mutants={
        "ρ/(1 + σ²)": {"attenuated": lambda rho, width: rho / (1 + width**2)},
        "ρ/√(1 + σ²/2)": {"attenuated": lambda rho, width: rho / sp.sqrt(1 + width**2 / 2)},
        "no attenuation": {"attenuated": lambda rho, width: rho},
    },
)
def bandwidth_attenuates_the_correlation_that_an_estimator_sees(
    check, attenuated=lambda rho, width: rho / (1 + width**2 / 2)
):
    r"""With kernels of width $\sigma$ the estimator of $I_{\text{CS}}$ converges to the $I_{\text{CS}}$ of correlation
    $\rho/(1 + \sigma^2/2)$, unit variances.

    Its limit is written with expectations of kernels and evaluated as Gaussian integrals, without densities. The table
    holds $I_{\text{CS}}$ of $d$ independent pairs of correlation 0.9 with kernels in $d$ dimensions: at the median
    distance, $\sqrt{2\,\chi_d^2\text{-median}}$, the information per pair falls like $1/d^2$.
    """
    rho, width = sp.Symbol("rho", real=True), sp.Symbol("sigma", positive=True)
    seen = attenuated(rho, width) ** 2
    expected = (1 - seen / 4) ** 2 / (1 - seen)
    check.proves(sp.Eq(limit_of_estimator(rho, width), expected), says="one pair")

    def agrees(rho, width, other):
        exact = np.prod([1 / np.sqrt(1 + w**2 / 2) for w in (width, other)]) * rho
        found = gaussian_mutual_information(np.array([[1, rho], [rho, 1]]), 1, width, other)
        return abs(found - (np.log1p(-(exact**2) / 4) - np.log1p(-(exact**2)) / 2)) <= 1e-14

    check.forall(agrees, says="the function", rho=st.floats(-0.99, 0.99), width=WIDTH, other=WIDTH)
    widths, sizes, columns = np.geomspace(0.03, 100, 61), (1, 8, 20, 32), {}
    median = np.sqrt(2 * scipy.stats.chi2.median(sizes))
    at_median = []
    for size, typical in zip(sizes, median, strict=True):
        cov = np.kron([[1.0, 0.9], [0.9, 1.0]], np.eye(size))
        columns[f"d = {size}"] = gaussian_mutual_information(cov, size, widths, widths)
        at_median.append(float(gaussian_mutual_information(cov, size, typical, typical)))
    check.table("attenuation", bandwidth=widths, **columns)
    truth = [float(gaussian_mutual_information(np.kron([[1.0, 0.9], [0.9, 1.0]], np.eye(d)), d)) for d in sizes]
    check.table("median", dimension=sizes, bandwidth=median, seen=at_median, truth=truth)
    check.note(information_at_median_bandwidth=dict(zip(map(str, sizes), at_median, strict=True)))
