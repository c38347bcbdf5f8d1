"""How the Cauchy–Schwarz divergence compares with Kullback–Leibler; whether it is below depends on the convention.

Two Gaussians have common principal directions, in which both divergences are sums. With the variance ratio
r = σ_p²/σ_q² and the squared distance m = δ²/σ_q² of one direction, the half convention and KL(p‖q) contribute

    D_½ = m/(2(1 + r)) + ½ log((1 + r)/(2√r)),      KL = (r − 1 − log r + m)/2.

An inequality proved for all r > 0, m ≥ 0 therefore holds in every dimension. D_full = 2 D_½ is symmetric, so that a
bound by KL(p‖q) for all pairs is one by KL(q‖p).
"""

import hypothesis.strategies as st
import numpy as np
import scipy.linalg
import sympy as sp
import z3
from flint import arb

from theory.cauchy_schwarz.claims.divergence import ROUNDING, vectors
from theory.cauchy_schwarz.claims.paper import paper
from theory.cauchy_schwarz.discrete import discrete_divergence
from theory.cauchy_schwarz.gaussian import gaussian_divergence, gaussian_kl

R, M = sp.Symbol("r", positive=True), sp.Symbol("m", nonnegative=True)
SEED, SIZE = st.integers(0, 10**6), st.integers(1, 6)
FACTOR = {"full": 2, "half": 1}
TWO = sp.Integer(2)
FUNCTIONS = "the functions, in up to 6 dimensions"


def half(r, m, log=sp.log):
    """Contribution of one direction to D_½."""
    return m / (2 * (1 + r)) + log((1 + r) * (1 + r) / (4 * r)) / 4


def kl(r, m, log=sp.log):
    """Contribution of one direction to KL(p‖q)."""
    return (r - 1 - log(r) + m) / 2


def reverse_kl(r, m):
    """Contribution of one direction to KL(q‖p)."""
    return kl(1 / r, m / r)


def pair(seed, size, decades=3):
    """Two Gaussians with log-uniform spectra in [10^−decades, 10^decades] and means that differ by 1e-2 to 1e2."""
    rng = np.random.default_rng(seed)
    covs = []
    for _ in range(2):
        axes = np.linalg.qr(rng.normal(size=(size, size)))[0]
        covs.append((axes * 10 ** rng.uniform(-decades, decades, size)) @ axes.T)
    return np.zeros(size), covs[0], rng.normal(size=size) * 10 ** rng.uniform(-2, 2), covs[1]


def least_kl(p_and_q):
    """min{KL(p‖q), KL(q‖p)}."""
    return np.minimum(gaussian_kl(*p_and_q), gaussian_kl(*p_and_q[2:], *p_and_q[:2]))


def proves_nonnegative(check, gap, says):
    """Prove f(r) + m c(r) ≥ 0 for all r > 0, m ≥ 0 by f(1) = 0, (r − 1) f'(r) ≥ 0 and c(r) ≥ 0."""
    check.proves(sp.Eq(gap.subs(M, 0).subs(R, 1), 0), says=f"{says}: equality at r = 1, m = 0")
    r, signs = z3.Real("r"), []
    for expression in ((R - 1) * sp.diff(gap.subs(M, 0), R), sp.diff(gap, M)):
        numerator, denominator = sp.fraction(sp.together(expression))
        signs.append(sp.lambdify(R, sp.expand(numerator * denominator))(r) >= 0)
    check.proves(z3.Implies(r > 0, z3.And(*signs)), says=f"{says}: growing away from r = 1 and with m")


@paper.claim(
    "comparison with Kullback–Leibler, proof for Gaussians",
    tags=("identity", "ours"),
    mutants={
        "variance of q alone": {"half_of": lambda r, m: m / 4 + half(r, 0 * m, np.log)},
        "ratio turned round": {"kl_of": lambda r, m: kl(1 / r, m, np.log)},
        "full convention": {"half_of": lambda r, m: 2 * half(r, m, np.log)},
    },
)
def both_divergences_are_sums_over_common_principal_directions(
    check, half_of=lambda r, m: half(r, m, np.log), kl_of=lambda r, m: kl(r, m, np.log)
):
    r"""$D_{1/2}$ and KL of two Gaussians are sums over directions in which $\Sigma_q$ is the identity and
    $\Sigma_p = \mathrm{diag}(r_k)$.

    The oracle solves the generalized eigenproblem. The tolerance is what it loses by condition numbers up to $10^6$.
    """

    def agree(seed, size):
        mu1, cov1, mu2, cov2 = p_and_q = pair(seed, size, decades=1.5)
        r, axes = scipy.linalg.eigh(cov1, cov2)
        m = (axes.T @ (mu1 - mu2)) ** 2
        found = gaussian_divergence(*p_and_q, convention="half"), gaussian_kl(*p_and_q)
        sums = half_of(r, m).sum(), kl_of(r, m).sum()
        return np.allclose(found, sums, rtol=1e-8, atol=1e-8)

    check.forall(agree, says="in up to 6 dimensions", seed=SEED, size=SIZE)


@paper.claim(
    "comparison with Kullback–Leibler, Gaussian case, in the half convention",
    tags=("inequality", "ours"),
    mutants={
        "5 % more": {"divergence": lambda r, m: sp.Rational(21, 20) * half(r, m)},
        "full convention": {"divergence": lambda r, m: 2 * half(r, m)},
        "covariance of p alone in the first term": {"divergence": lambda r, m: m / (4 * r) + half(r, 0)},
    },
)
def half_divergence_of_gaussians_is_at_most_both_kullback_leiblers(check, divergence=half):
    r"""$-\log \cos \angle(p, q) \le \min\{\mathrm{KL}(p\|q), \mathrm{KL}(q\|p)\}$ for all Gaussians in all dimensions.

    The derivative of $\mathrm{KL} - D_{1/2}$ at $m = 0$ is $(r - 1)(2r + 1)/(4r(1 + r))$. Nearly an equality for
    $r \to 0$, $m \to \infty$, which a search does not find.
    """
    proves_nonnegative(check, kl(R, M) - divergence(R, M), "KL(p‖q) − D_½")

    def holds(seed, size):
        p_and_q = pair(seed, size)
        return gaussian_divergence(*p_and_q, convention="half") <= least_kl(p_and_q)

    check.forall(holds, examples=check.at(quick=60, full=3000), says=FUNCTIONS, seed=SEED, size=SIZE)


@paper.refuted(
    "comparison with Kullback–Leibler, Gaussian case, in the convention of the definition",
    tags=("inequality", "erratum"),
    controls={"half convention": {"convention": "half"}},
)
def full_divergence_of_gaussians_is_at_most_both_kullback_leiblers(check, convention="full"):
    r"""$\log(\int p^2\int q^2/(\int pq)^2) \le \min\{\mathrm{KL}(p\|q), \mathrm{KL}(q\|p)\}$ for all Gaussians.

    False: $N(0, 1)$ and $N(3, 4)$ have $D = 9/5 + \log(5/4) = 2.023$ and $\mathrm{KL}(p\|q) = 3/4 + \log 2 = 1.443$.
    The inequality belongs to the half convention; the definition has the factor 2.
    """

    def kl_less_divergence(mean, variance):
        r, m, log = 1 / variance, mean * mean / variance, lambda x: x.log()
        return kl(r, m, log) - FACTOR[convention] * half(r, m, log)

    check.certifies(kl_less_divergence, over={"mean": (3, 3), "variance": (4, 4)}, says="N(0, 1) and N(mean, variance)")

    def holds(mean, variance):
        p_and_q = np.zeros(1), np.eye(1), np.array([mean]), np.array([[variance]])
        return gaussian_divergence(*p_and_q, convention=convention) <= least_kl(p_and_q) + ROUNDING

    check.forall(holds, says="in one dimension", mean=st.floats(0, 100), variance=st.floats(1e-3, 1e3))
    seeds, columns = check.rng("pairs").integers(10**6, size=250), []
    for size in (1, 2, 4):
        pairs = [np.stack(part) for part in zip(*(pair(seed, size) for seed in seeds), strict=True)]
        divergence = gaussian_divergence(*pairs, convention=convention)
        columns.append(np.stack([np.full(len(seeds), size), least_kl(pairs), divergence]))
    check.table("pairs", **dict(zip(("dimension", "kl", "divergence"), np.concatenate(columns, axis=1), strict=True)))


def critical_distance(r, log=sp.log):
    """m* beyond which D_full exceeds KL(p‖q), for r < 1."""
    return ((r - 1) / 2 - log((1 + r) / 2)) * 2 * (1 + r) / (1 - r)


@paper.claim(
    "comparison with Kullback–Leibler, Gaussian case, in the convention of the definition",
    tags=("inequality", "ours"),
    mutants={
        "without 1 + r": {"critical": lambda r: ((r - 1) / 2 - sp.log((1 + r) / 2)) * 2 / (1 - r)},
        "log of r for (1 + r)/2": {"critical": lambda r: ((r - 1) / 2 - sp.log(r)) * 2 * (1 + r) / (1 - r)},
        "5 % farther": {"critical": lambda r: sp.Rational(21, 20) * critical_distance(r)},
    },
)
def full_divergence_exceeds_kl_where_p_is_narrow_and_far(check, critical=critical_distance):
    r"""In one dimension $D_{\text{full}} > \mathrm{KL}(p\|q)$ iff $r < 1$ and
    $m > m^* = [\frac{1}{2}(r - 1) - \log((1 + r)/2)] \cdot 2(1 + r)/(1 - r)$.

    $\mathrm{KL} - D_{\text{full}}$ falls with $m$ if $r < 1$ and vanishes at $m^*$; for $r \ge 1$ it is nonnegative at
    $m = 0$ and does not fall.
    """
    gap = kl(R, M) - 2 * half(R, M)
    narrow = 1 / (1 + sp.Symbol("u", positive=True))
    check.proves(sp.Eq(gap.subs(M, critical(R)).subs(R, narrow), 0), says="it vanishes at m*, r = 1/(1 + u)")
    check.proves(sp.Eq(sp.diff(gap, M), (R - 1) / (2 * (1 + R))), says="slope in m, of the sign of r − 1")
    check.proves(sp.Eq(sp.diff(gap.subs(M, 0), R), (R - 1) / (2 * (1 + R))), says="growth from 0 at r = 1")

    def changes_sign(r):
        at = float(critical(sp.Float(r, 30)))
        sides = []
        for factor in (0.999, 1.001):
            p_and_q = np.zeros(1), np.array([[r]]), np.array([np.sqrt(factor * at)]), np.eye(1)
            sides.append(gaussian_divergence(*p_and_q) > gaussian_kl(*p_and_q))
        return sides == [False, True]

    check.forall(changes_sign, says="the functions, 0.1 % to both sides", examples=50, r=st.floats(1e-3, 0.95))
    check.note(critical_distance={str(r): float(critical_distance(sp.Float(r, 30))) for r in (0.1, 0.5, 0.9)})
    ratios = np.geomspace(1e-3, 0.999, 200)
    check.table("critical", ratio=ratios, distance=critical_distance(ratios, np.log))


@paper.claim(
    "comparison with Kullback–Leibler, Gaussian case",
    tags=("inequality", "ours"),
    mutants={
        "5 % more": {"factor": sp.Rational(21, 20)},
        "KL(p‖q) for the mean of both": {"other": kl},
    },
)
def full_divergence_of_gaussians_is_at_most_half_the_jeffreys_divergence(check, factor=1, other=reverse_kl):
    r"""$D_{\text{full}} \le \frac{1}{2}[\mathrm{KL}(p\|q) + \mathrm{KL}(q\|p)]$ for all Gaussians in all dimensions; an
    equality if $\Sigma_p = \Sigma_q$.

    Per direction $(1 + r)/(4r) \ge 1/(1 + r)$, as $(1 + r)^2 \ge 4r$.
    """
    proves_nonnegative(check, (kl(R, M) + other(R, M)) / 2 - factor * 2 * half(R, M), "½J − D_full")

    def holds(seed, size):
        p_and_q = pair(seed, size)
        mean = (gaussian_kl(*p_and_q) + gaussian_kl(*p_and_q[2:], *p_and_q[:2])) / 2
        return gaussian_divergence(*p_and_q) <= mean

    check.forall(holds, examples=check.at(quick=60, full=3000), says=FUNCTIONS, seed=SEED, size=SIZE)


@paper.claim(
    "comparison with Kullback–Leibler, Gaussian case with equal covariances",
    tags=("identity", "ours"),
    mutants={
        "half convention": {"divergence": half},
        "5 % more": {"divergence": lambda r, m: sp.Rational(21, 10) * half(r, m)},
    },
)
def full_divergence_of_gaussians_with_equal_covariances_is_kl(check, divergence=lambda r, m: 2 * half(r, m)):
    r"""$\Sigma_p = \Sigma_q = \Sigma$: $D_{\text{full}} = \mathrm{KL}(p\|q) = \mathrm{KL}(q\|p) =
    \frac{1}{2}\delta^\top\Sigma^{-1}\delta$.
    """
    check.proves(sp.Eq(divergence(sp.Integer(1), M), kl(sp.Integer(1), M)), says="every direction")

    def agree(seed, size):
        mu1, cov, mu2, _ = pair(seed, size)
        return np.isclose(gaussian_divergence(mu1, cov, mu2, cov), gaussian_kl(mu1, cov, mu2, cov), rtol=1e-9)

    check.forall(agree, examples=check.at(quick=60, full=3000), says=FUNCTIONS, seed=SEED, size=SIZE)


@paper.claim(
    "comparison with Kullback–Leibler, Gaussian case with equal means",
    tags=("inequality", "ours"),
    mutants={
        "5 % more": {"divergence": lambda r: sp.Rational(21, 10) * half(r, 0)},
        "twice": {"divergence": lambda r: 4 * half(r, 0)},
    },
)
def full_divergence_of_gaussians_with_equal_means_is_at_most_both_kullback_leiblers(
    check, divergence=lambda r: 2 * half(r, 0)
):
    r"""$\mu_p = \mu_q$: $D_{\text{full}} \le \min\{\mathrm{KL}(p\|q), \mathrm{KL}(q\|p)\}$. No larger multiple of
    $D_{\text{full}}$ is: both grow like $\frac{1}{2}|\log r|$ as $r \to 0$.
    """
    proves_nonnegative(check, kl(R, 0 * M) - divergence(R), "KL(p‖q) − D_full")

    def holds(seed, size):
        mean, cov1, _, cov2 = pair(seed, size)
        return gaussian_divergence(mean, cov1, mean, cov2) <= least_kl((mean, cov1, mean, cov2))

    check.forall(holds, examples=check.at(quick=60, full=3000), says=FUNCTIONS, seed=SEED, size=SIZE)


@paper.claim(
    "comparison with Kullback–Leibler, Gaussian case, in the convention of the definition",
    tags=("inequality", "ours"),
    mutants={"1.9": {"constant": sp.Rational(19, 10)}, "2.1": {"constant": sp.Rational(21, 10)}},
)
def twice_kl_bounds_the_full_divergence_and_no_smaller_multiple_does(check, constant=TWO):
    r"""$D_{\text{full}} \le 2 \min\{\mathrm{KL}(p\|q), \mathrm{KL}(q\|p)\}$ for all Gaussians, with the best constant.

    The bound is that of the half convention. The ratio tends to $2/(1 + r)$ as $m \to \infty$, and this to 2 as
    $r \to 0$.
    """
    proves_nonnegative(check, constant * kl(R, M) - 2 * half(R, M), "constant · KL(p‖q) − D_full")
    far = sp.limit(2 * half(R, M) / kl(R, M), M, sp.oo)
    check.proves(sp.Eq(sp.limit(far, R, 0), constant), says="supremum of the ratio")
    p_and_q = np.zeros(1), np.array([[1e-4]]), np.array([1e3]), np.eye(1)
    check.note(ratio_at_r_1e_minus_4_m_1e6=float(gaussian_divergence(*p_and_q) / gaussian_kl(*p_and_q)))


class Atoms:
    """Two probability vectors given as groups (p, q, number of atoms), for ball arithmetic."""

    def __init__(self, *groups):
        self.groups = [(arb(p), arb(q), arb(count)) for p, q, count in groups]

    def sum(self, term):
        """Σ term(p, q) over atoms."""
        return sum((count * term(p, q) for p, q, count in self.groups), arb(0))

    def divergence(self):
        """D_full."""
        pp, qq = self.sum(lambda p, q: p * p), self.sum(lambda p, q: q * q)
        return (pp * qq).log() - 2 * self.sum(lambda p, q: p * q).log()

    def kl(self):
        """KL(p‖q)."""
        return self.sum(lambda p, q: p * (p / q).log())

    def total_variation(self):
        """½ Σ |p − q|."""
        return self.sum(lambda p, q: abs(p - q)) / 2

    def entropy_bound(self):
        """KL(p‖q) + h(p) − ½H₂(p) − ½H₂(q)."""
        entropy = -self.sum(lambda p, q: p * p.log())
        purity = (self.sum(lambda p, q: p * p) * self.sum(lambda p, q: q * q)).log() / 2
        return self.kl() + entropy + purity


def three_atoms(p1, q1, common):
    """p = (p₁, 1 − p₁ − c, c), q = (q₁, 1 − q₁ − c, c)."""
    return Atoms((p1, q1, 1), (1 - p1 - common, 1 - q1 - common, 1), (common, common, 1))


def many_atoms(count):
    """Two atoms of .01 and .01 against .015 and .005; the rest is spread evenly over the others."""
    each = arb("0.98") / count
    return Atoms(("0.01", "0.015", 1), ("0.01", "0.005", 1), (each, each, count))


@paper.refuted(
    "comparison with Kullback–Leibler, densities beyond the Gaussian",
    tags=("inequality", "erratum"),
    controls={"with entropies": {"bound": Atoms.entropy_bound}},
    mutants={"ten times KL": {"bound": lambda atoms: 10 * atoms.kl()}},
)
def half_divergence_is_at_most_kl_for_all_densities(check, bound=Atoms.kl):
    r"""$D_{1/2} \le \mathrm{KL}(p\|q)$ for every pair of densities, e.g. if their values are small.

    False: $p = (.4, .4, .2)$, $q = (.5, .3, .2)$ have $D_{1/2} = 0.0270 > \mathrm{KL} = 0.0258$, and with most of the
    mass spread over $10^6$ equal atoms $D_{1/2}$ is 38 times KL. On bins of any width the densities have the same
    divergences, however small their values: neither divergence changes with the unit of $x$.
    """
    three, many = {"p1": (0.4, 0.4), "q1": (0.5, 0.5), "common": (0.2, 0.2)}, {"count": (1e6, 1e6)}
    for atoms, over, says in ((three_atoms, three, "3 atoms"), (many_atoms, many, "2 atoms of 2 %, the rest of 98 %")):
        excess = lambda atoms=atoms, **point: bound(atoms(**point)) - atoms(**point).divergence() / 2  # noqa: E731
        check.certifies(excess, over=over, says=says)
        witness = atoms(*(arb(low) for low, _ in over.values()))
        check.note(half_divergence=float(witness.divergence() / 2), kl=float(witness.kl()))


@paper.claim(
    "comparison with Kullback–Leibler, densities beyond the Gaussian",
    tags=("inequality", "ours"),
    mutants={
        "without h(p)": {"bound": lambda kl, h, h2p, h2q: 2 * kl - h2p - h2q},
        "h(p) once": {"bound": lambda kl, h, h2p, h2q: 2 * kl + h - h2p - h2q},
        "without H₂(q)": {"bound": lambda kl, h, h2p, h2q: 2 * kl + 2 * h - h2p},
        "KL once": {"bound": lambda kl, h, h2p, h2q: kl + 2 * h - h2p - h2q},
    },
)
def full_divergence_is_at_most_twice_kl_with_entropies(check, bound=lambda kl, h, h2p, h2q: 2 * kl + 2 * h - h2p - h2q):
    r"""$D_{\text{full}} \le 2\,\mathrm{KL}(p\|q) + 2h(p) - H_2(p) - H_2(q)$ for all densities, $H_2 = -\log \int p^2$:
    an equality if $q$ is constant.

    Right less left is $2(\log \mathbb{E}_p q - \mathbb{E}_p \log q)$, nonnegative by Jensen's inequality:
    $\log(q/\mathbb{E}_p q) \le q/\mathbb{E}_p q - 1$.
    """
    p, q = sp.symbols("p1:4", positive=True), sp.symbols("q1:4", positive=True)
    divergence = sp.log(inner_product(p, p)) + sp.log(inner_product(q, q)) - 2 * sp.log(inner_product(p, q))
    difference = bound(*entropies(p, q)) - divergence
    excess = 2 * sp.log(inner_product(p, q)) - 2 * sum(a * sp.log(b) for a, b in zip(p, q, strict=True))
    check.proves(sp.Eq(difference, excess), says="what Jensen's inequality is applied to, 3 atoms")

    weights = (*p[:2], 1 - p[0] - p[1])
    ratios = [value / inner_product(weights, q) for value in q]
    check.proves(sp.Eq(inner_product(weights, [x - 1 for x in ratios]), 0), says="E_p (q/E_p q − 1) = 0, 3 atoms")
    check.proves(sp.Eq(sp.diff(R - 1 - sp.log(R), R), (R - 1) / R), says="log r ≤ r − 1: least at r = 1, where it is 0")

    def holds(pair):
        p, q = (np.array(each, dtype=float) + 1 for each in pair)
        value = bound(*entropies(p / p.sum(), q / q.sum(), np.log))
        return discrete_divergence(p, q) <= value + ROUNDING

    check.forall(holds, says="up to 30 atoms", pair=vectors(2))


def inner_product(p, q):
    """Σ pq."""
    return sum(a * b for a, b in zip(p, q, strict=True))


def entropies(p, q, log=sp.log):
    """KL(p‖q), h(p), H₂(p) and H₂(q)."""
    divergence = sum(a * log(a / b) for a, b in zip(p, q, strict=True))
    entropy = -sum(a * log(a) for a in p)
    return divergence, entropy, -log(inner_product(p, p)), -log(inner_product(q, q))
