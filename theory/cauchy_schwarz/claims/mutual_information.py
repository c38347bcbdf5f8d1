"""The estimator of the mutual information I_CS(x; t) from N pairs, and its normalized form.

K and Q are the kernels of x and t over pairs: Î = log tr(KQ)/N² + log 1ᵀK1·1ᵀQ1/N⁴ − 2 log 1ᵀKQ1/N³ (Proposition 2).
"""

import functools
import math

import hypothesis.strategies as st
import numpy as np
import sympy as sp
import z3
from flint import arb

from theory.cauchy_schwarz.bandwidth import median_bandwidth
from theory.cauchy_schwarz.claims.paper import paper
from theory.cauchy_schwarz.claims.parzen import WITHIN, gram, parzen, parzen_divergence, total
from theory.cauchy_schwarz.gaussian import gaussian_mutual_information
from theory.cauchy_schwarz.mutual_information import hsic, mutual_information, normalized_mutual_information

SEED = st.integers(0, 10**6)
X, T = [-1.5, 0.25, 0.75, 2.0], [0.5, 2.0, -1.0, 1.0]


def pairs(seed):
    """3 to 12 pairs in up to 3 and up to 2 dimensions."""
    rng = np.random.default_rng(seed)
    n, d, e = rng.integers(3, 13), rng.integers(1, 4), rng.integers(1, 3)
    x = rng.normal(size=(n, d))
    return x, np.tanh(x @ rng.normal(size=(d, e))) + 0.3 * rng.normal(size=(n, e))


@paper.claim(
    "Proposition 2",
    tags=("identity",),
    mutants={
        "N² for N³ in the cross term": {"formula": lambda x, *rest: mutual_information(x, *rest) + 2 * np.log(len(x))},
        "half convention": {"formula": functools.partial(mutual_information, convention="half")},
        "HSIC": {"formula": hsic},
        "normalized": {"formula": normalized_mutual_information},
        "Parzen bandwidth σ": {"parzen_width": lambda width: width},
    },
)
def estimator_of_information_is_a_divergence_of_parzen_densities(
    check, formula=mutual_information, parzen_width=lambda width: width / arb(2).sqrt()
):
    r"""$\hat{I} = D_{\text{CS}}(\hat{p}(x, t); \hat{p}(x)\,\hat{p}(t))$ exactly, for Parzen densities of bandwidths
    $\sigma_x/\sqrt{2}$ and $\sigma_t/\sqrt{2}$; hence $\hat{I} \ge 0$.

    The joint density has $N$ bumps, the product $N^2$. Both are integrated by quadrature in ball arithmetic.
    """
    joint = parzen(list(zip(X, T, strict=True)))
    product = parzen([(x, t) for x in X for t in T])
    for widths in ((0.5, 1.5), (1.25, 0.5)):
        value = float(formula(np.array(X), np.array(T), *widths))
        check.certifies_value(
            lambda widths=widths: parzen_divergence(joint, product, [parzen_width(arb(width)) for width in widths]),
            value,
            within=WITHIN,
            says=f"4 pairs, σ_x = {widths[0]}, σ_t = {widths[1]}",
        )


def symmetric(name, size):
    """A symmetric matrix of symbols with ones on the diagonal."""
    return sp.Matrix(
        size, size, lambda i, j: 1 if i == j else sp.Symbol(f"{name}{min(i, j)}{max(i, j)}", positive=True)
    )


def means(k, q):
    """a² = tr(KQ)/N², b² = 1ᵀK1·1ᵀQ1/N⁴ and c = 1ᵀKQ1/N³."""
    n = k.shape[0]
    return (k * q).trace() / n**2, sum(k) * sum(q) / sp.Integer(n) ** 4, sum(k * q) / sp.Integer(n) ** 3


@paper.claim(
    "Proposition 2, and HSIC",
    tags=("identity",),
    mutants={
        "geometric in place of arithmetic": {"combined": lambda a2, b2, c: a2 * b2 / c**2},
        "c once": {"combined": lambda a2, b2, c: a2 + b2 - c},
        "1/(N − 1)²": {"combined": lambda a2, b2, c: sp.Rational(9, 4) * (a2 + b2 - 2 * c)},
    },
)
def hsic_and_information_are_made_of_the_same_three_means(check, combined=lambda a2, b2, c: a2 + b2 - 2 * c):
    r"""$\mathrm{HSIC} = \mathrm{tr}(KHQH)/N^2 = a^2 + b^2 - 2c$ and $\hat{I} = \log(a^2b^2/c^2)$, for the three means
    of Proposition 2.

    HSIC is the squared distance of two embeddings, $\hat{I}$ the logarithm of a squared secant. Proved for three pairs;
    then the functions `hsic` and `mutual_information` against ball arithmetic.
    """
    k, q, centring = symmetric("K", 3), symmetric("Q", 3), sp.eye(3) - sp.ones(3, 3) / 3
    centred = (k * centring * q * centring).trace() / 9
    check.proves(sp.Eq(sp.expand(centred), sp.expand(combined(*means(k, q)))), says="three pairs")
    n = len(X)

    def sums():
        kernels = [gram([(u,) for u in points], [(v,) for v in points], 1.25) for points in (X, T)]
        both = sum((kernels[0][i][j] * kernels[1][i][j] for i in range(n) for j in range(n)), arb(0))
        rows = sum((total([kernels[0][i]]) * total([kernels[1][i]]) for i in range(n)), arb(0))
        return both / n**2, total(kernels[0]) * total(kernels[1]) / n**4, rows / n**3

    arrays = np.array(X), np.array(T), 1.25, 1.25
    check.certifies_value(
        lambda: sums()[0] + sums()[1] - 2 * sums()[2], float(hsic(*arrays)), within=WITHIN, says="HSIC of four pairs"
    )
    check.certifies_value(
        lambda: (sums()[0] * sums()[1] / (sums()[2] * sums()[2])).log(),
        float(mutual_information(*arrays)),
        within=WITHIN,
        says="information of four pairs",
    )


def crowds(alone, groups, size):
    """tr(KQ), 1ᵀK1, 1ᵀQ1, 1ᵀKQ1 and N for three crowds of points with kernels 0 and 1.

    In the first crowd of ``alone`` points x agrees and t differs, in the second x differs and t agrees; in the third
    there are ``groups`` groups of ``size`` points that agree in x and in t.
    """
    alone, groups, size = map(sp.Integer, (alone, groups, size))
    together = groups * size
    own = alone**2 + alone + together * size
    return 2 * alone + together * size, own, own, 2 * alone**2 + together * size**2, 2 * alone + together


@paper.refuted(
    "Proposition 2, largest value",
    tags=("inequality", "ours"),
    controls={"log tr(KQ)": {"bound": lambda n, trace: trace}},
    mutants={"3 nats more": {"bound": lambda n, trace: 21 * n}},
)
def information_is_at_most_the_log_of_the_sample_size(check, bound=lambda n, trace: n):
    r"""$\hat{I} \le \log N$, the entropy of $N$ equally likely pairs.

    False, and by more than any constant. $K$ and $Q$ in $\{0, 1\}$ (bandwidths far below the distances): $n$ points
    that agree in $x$ alone, $n$ that agree in $t$ alone, and $g$ groups of $m$ that agree in both. At $n = 470$,
    $g = 30$, $m = 17$ ($N = 1450$), $\hat{I}$ is $\log N + 0.010$; as $n \to \infty$, $g = \kappa n/m$, it is
    $\log N + \log((2 + \kappa m)/4(2 + \kappa))$. Searches of small samples do not find it.
    """
    for alone, groups, size in ((470, 30, 17), (10**12, 10**10, 1000)):
        trace, of_x, of_t, cross, n = crowds(alone, groups, size)
        ratio = sp.Rational(trace * of_x * of_t, cross**2)
        check.proves(sp.Le(ratio, bound(n, trace)), says=f"{alone} + {alone} points and {groups} groups of {size}")
        check.note(points=int(n), nats_above_log_n=float(sp.log(sp.Float(ratio, 30) / n)))

    alone, groups, size = 470, 30, 17
    crowd, far = np.arange(alone) + 1.0, np.repeat(np.arange(groups), size) + 1e4
    x = np.concatenate([np.zeros(alone), crowd, far])
    t = np.concatenate([crowd, np.zeros(alone), far])
    found = float(mutual_information(x, t, 0.02, 0.02))
    limit = math.log(bound(len(x), crowds(alone, groups, size)[0])) + 1e-9
    check.forall(lambda information: information <= limit, examples=1, says="the function", information=st.just(found))
    check.note(log_n=math.log(len(x)))


@paper.claim(
    "Proposition 2, largest value",
    tags=("inequality", "ours"),
    mutants={
        "log N": {"bound": lambda trace, n: n},
        "between log N and log tr(KQ)": {"bound": lambda trace, n: (trace + n) / 2},
    },
)
def information_is_at_most_the_log_of_a_trace(check, bound=lambda trace, n: trace):
    r"""$\hat{I} \le \log \mathrm{tr}(KQ) \le 2 \log N$, with equality for distinct points as both bandwidths go to 0
    (then $\mathrm{tr}(KQ) = N$).

    $1^\top KQ1 = \sum r_i s_i$ for the row sums of $K$ and $Q$. They are at least 1, so that
    $\sum r_i \le \sum r_i s_i$ and $\sum s_i \le \sum r_i s_i$.
    """
    r, s, n, trace, of_x, of_t, cross = z3.Reals("r s n trace of_x of_t cross")
    check.proves(z3.Implies(z3.And(r >= 1, s >= 1), z3.And(r * s >= r, r * s >= s)), says="each point")
    sums = z3.And(n >= 1, trace >= n, of_x >= n, of_t >= n, cross >= of_x, cross >= of_t)
    limited = trace * of_x * of_t <= bound(trace, n) * cross * cross
    check.proves(z3.Implies(sums, limited), says="their sums")

    def holds(seed, width_x, width_t):
        x, t = pairs(seed)
        kernels = [np.exp(-((z[:, None] - z) ** 2).sum(-1) / (2 * w**2)) for z, w in ((x, width_x), (t, width_t))]
        return mutual_information(x, t, width_x, width_t) <= math.log((kernels[0] * kernels[1]).sum()) + 1e-12

    check.forall(
        holds, examples=100, says="the function", seed=SEED, width_x=st.floats(0.01, 10), width_t=st.floats(0.01, 10)
    )


@functools.cache
def estimates_of_correlated(seed, draws, size, width, rho=0.8):
    """Î of standard normal pairs of that correlation."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(draws):
        x, noise = rng.normal(size=(2, size))
        found.append(float(mutual_information(x, rho * x + math.sqrt(1 - rho**2) * noise, width, width)))
    return np.array(found)


def limit_at(width):
    """I_CS of correlation 0.8 with noise of variance σ²/2 on both variables."""
    return float(gaussian_mutual_information(np.array([[1, 0.8], [0.8, 1]]), 1, width, width))


@paper.claim(
    "Proposition 2, large samples",
    tags=("identity", "ours"),
    mutants={
        "the information itself": {"limit": lambda width: limit_at(0.0)},
        "noise of variance σ²": {"limit": lambda width: limit_at(math.sqrt(2) * width)},
        "noise of variance σ²/4": {"limit": lambda width: limit_at(width / math.sqrt(2))},
    },
)
def estimator_of_information_converges_to_that_of_an_attenuated_correlation(check, limit=limit_at):
    r"""$N \to \infty$ at fixed $\sigma$: $\hat{I}$ tends to $I_{\text{CS}}$ of the correlation $\rho/(1 + \sigma^2/2)$,
    unit variances, not to $I_{\text{CS}}$ of $\rho$.

    The claim on attenuation derives the limit; here the estimator meets it. $\rho = 0.8$, $\sigma = 1$ and 3. A sample
    is close if it is nearer to the limit than half of the distance to the limit with noise of variance $\sigma^2/4$ or
    $\sigma^2$.
    """
    size = check.at(quick=(48, 1000), full=(200, 2000))
    for width in (1.0, 3.0):
        found = estimates_of_correlated(check.seed, *size, width)
        radius = (limit_at(width) - limit_at(math.sqrt(2) * width)) / 2
        gap = np.abs(found - limit(width))
        close = lambda rng, draws, gap=gap, r=radius: (gap < r).astype(float)  # noqa: E731
        check.estimates(close, band=(0.5, 1), draws=len(found), says=f"σ = {width:g}: most samples are close")
        check.note(limit=limit(width), mean_of_estimates=found.mean(), deviation=found.std())


@functools.cache
def share_seen(seed, draws, size, dimension, factor, normalized=False):
    """Î of independent pairs of correlation 0.9, over I_CS, at a multiple of the median distance of each variable."""
    rng, rho = np.random.default_rng(seed), 0.9
    truth = float(gaussian_mutual_information(np.kron([[1, rho], [rho, 1]], np.eye(dimension)), dimension))
    found = []
    for _ in range(draws):
        x, noise = rng.normal(size=(2, size, dimension))
        t = rho * x + math.sqrt(1 - rho**2) * noise
        widths = [factor * median_bandwidth(z, 500) for z in (x, t)]
        found.append(float(mutual_information(np.float32(x), np.float32(t), *widths)) / truth)
    return np.array(found)


@paper.claim(
    "Median heuristic for the bandwidth",
    tags=("ours",),
    mutants={
        "in one dimension": {"dimension": 1},
        "in two dimensions": {"dimension": 2},
        "at a third of the median": {"factor": 1 / 3},
    },
)
def less_than_a_hundredth_is_seen_at_the_median_distance_in_eight_dimensions(check, dimension=8, factor=1.0):
    r"""$d = 8$ independent pairs of correlation 0.9, $\sigma =$ median distance: $\hat{I}$ is below 1 % of
    $I_{\text{CS}}$ in nearly all samples.

    In one dimension it is 23 %. The table has more dimensions.
    """
    draws, size = check.at(quick=(48, 500), full=(120, 1000))
    seen = share_seen(check.seed, draws, size, dimension, factor)
    check.estimates(lambda rng, draws: (seen[:draws] < 0.01).astype(float), band=(0.7, 1), draws=draws)
    check.note(share=float(np.median(seen)))
    if (dimension, factor) == (8, 1.0):
        dimensions = (1, 2, 4, 8, 16, 32)
        shares = [np.median(share_seen(check.seed, 3, size, d, 1.0)) for d in dimensions]
        check.table("share", dimension=dimensions, share=shares)


@paper.claim(
    "Proposition 2, small bandwidth",
    tags=("identity", "ours"),
    mutants={
        "moderate bandwidth": {"width": 0.5},
        "half of it": {"limit": lambda n: math.log(n) / 2},
        "log(N − 1)": {"limit": lambda n: math.log(n - 1)},
    },
)
def narrow_kernels_give_log_n_for_every_pairing(check, width=0.02, limit=math.log):
    r"""$\sigma \to 0$, distinct points: $\hat{I}(x; t) \to \log N$ and its normalized form $\to 1$, also if $t$ is a
    random order of the points.

    At distances of $50 \sigma$ kernels of different points are below $10^{-500}$. In high dimension this is reached
    early.
    """

    def saturates(order):
        x, t = np.arange(len(order)) * 1.0, np.array(order, dtype=float)
        found = mutual_information(x, t, width, width), normalized_mutual_information(x, t, width, width)
        return np.allclose(found, (limit(len(order)), 1.0), rtol=0, atol=1e-12)

    check.forall(saturates, examples=80, order=st.integers(2, 20).flatmap(lambda n: st.permutations(range(n))))


def covariance(x, t):
    """‖X_cᵀT_c‖² for centred samples."""
    x, t = (z - z.mean(0) for z in (x, t))
    return ((x.T @ t) ** 2).sum()


def linear_alignment(x, t):
    """Linear centred kernel alignment."""
    return covariance(x, t) / np.sqrt(covariance(x, x) * covariance(t, t))


@paper.claim(
    "normalized mutual information, large bandwidth",
    tags=("identity", "ours"),
    mutants={
        "not centred": {"slope": lambda x, t: ((x.T @ t) ** 2).sum()},
        "1/(N − 1)²": {"slope": lambda x, t: sp.Rational(9, 4) * covariance(x, t)},
        "without the square": {"slope": lambda x, t: (x - x.mean(0)).T @ (t - t.mean(0))},
        "products of norms": {"slope": lambda x, t: ((x - x.mean(0)) ** 2).sum() * ((t - t.mean(0)) ** 2).sum()},
    },
)
def wide_kernels_give_linear_centred_kernel_alignment(check, slope=covariance):
    r"""$\sigma \to \infty$: $\sigma_x^2\sigma_t^2\,\hat{I} \to \|X_c^\top T_c\|_F^2/N^2$, so the normalized form tends
    to $\|X_c^\top T_c\|^2/(\|X_c^\top X_c\|\,\|T_c^\top T_c\|)$.

    Proved for three pairs as the mixed derivative of $\hat{I}$ in $1/\sigma_x^2$ and $1/\sigma_t^2$ at 0; $\hat{I}$ is
    0 if either is 0. Of the function at $10^4$ times the largest distance, to $10^{-6}$; the next term is of relative
    order $10^{-8}$.
    """
    x, t = np.array([sp.symbols("x1:4")]).T, np.array([sp.symbols("t1:4")]).T
    of_x, of_t = sp.symbols("xi tau", positive=True)
    k, q = (
        sp.Matrix(3, 3, lambda i, j, z=z, v=v: sp.exp(-v * (z[i, 0] - z[j, 0]) ** 2 / 2))
        for z, v in ((x, of_x), (t, of_t))
    )
    a2, b2, c = means(k, q)
    mixed = sp.diff(sp.log(a2) + sp.log(b2) - 2 * sp.log(c), of_x, of_t).subs({of_x: 0, of_t: 0})
    expected = np.asarray(slope(x, t)).item() / sp.Integer(9)
    check.proves(sp.Eq(sp.expand(mixed - expected), 0), says="three pairs")

    def agrees(seed):
        x, t = pairs(seed)
        scale = 1e4 * max(np.ptp(x), np.ptp(t)) * math.sqrt(3)
        found = normalized_mutual_information(x, t, scale, scale)
        return abs(found - linear_alignment(x, t)) <= 1e-6

    check.forall(agrees, examples=60, says="the function", seed=SEED)


def in_balls(x, t, width):
    """tr(KQ)/N², 1ᵀK1·1ᵀQ1/N⁴ and 1ᵀKQ1/N³ of scalar pairs."""
    n = len(x)
    k, q = (gram([(u,) for u in z], [(v,) for v in z], width) for z in (x, t))
    both = sum((k[i][j] * q[i][j] for i in range(n) for j in range(n)), arb(0))
    rows = sum((total([k[i]]) * total([q[i]]) for i in range(n)), arb(0))
    return both / n**2, total(k) * total(q) / n**4, rows / n**3


def information(a2, b2, c):
    """Î."""
    return (a2 * b2 / (c * c)).log()


NORMALIZED = {
    "information": (information, normalized_mutual_information),
    "HSIC": (lambda a2, b2, c: a2 + b2 - 2 * c, lambda *pair: normalized_hsic(*pair)),
}


def normalized_hsic(x, t, width_x, width_t):
    """HSIC(x, t)/√(HSIC(x, x) HSIC(t, t))."""
    own = hsic(x, x, width_x, width_x) * hsic(t, t, width_t, width_t)
    return hsic(x, t, width_x, width_t) / np.sqrt(own) if own > 0 else 0.0


@functools.cache
def surface():
    """Ĩ at x = (0, 0, x), t = (0, 0, t), σ = 1."""
    places = np.geomspace(0.02, 10, 22)
    x, t = (axis.ravel() for axis in np.meshgrid(places, places))
    at = lambda place: np.array([0.0, 0.0, place])  # noqa: E731
    each = [normalized_mutual_information(at(a), at(b), 1.0, 1.0) for a, b in zip(x, t, strict=True)]
    return {"x": x, "t": t, "value": np.array(each)}


@paper.refuted(
    "normalized mutual information",
    tags=("inequality", "erratum"),
    controls={"HSIC, an inner product": {"measure": "HSIC"}},
    mutants={"at most 1.2": {"largest": 1.2}},
)
def normalized_information_is_at_most_one(check, measure="information", largest=1.0):
    r"""$\tilde{I} = \hat{I}(x; t)/\sqrt{\hat{I}(x; x)\,\hat{I}(t; t)} \le 1$, as a share of information.

    False: 1.21413001 at $x = (0, 0, 0.05)$, $t = (0, 0, 6)$, $\sigma = 1$. No Cauchy–Schwarz inequality stands behind
    it, as it does behind the same ratio of HSIC.
    """
    exact, function = NORMALIZED[measure]

    def slack(**point):
        x, t = ([point[f"{name}{i}"] for i in (1, 2, 3)] for name in "xt")
        own = exact(*in_balls(x, x, 1)) * exact(*in_balls(t, t, 1))
        return arb(largest) * own.sqrt() - exact(*in_balls(x, t, 1)) + arb("1e-15")

    witness = {"x1": 0.0, "x2": 0.0, "x3": 0.05, "t1": 0.0, "t2": 0.0, "t3": 6.0}
    check.certifies(slack, over={name: (value, value) for name, value in witness.items()}, says="three pairs")
    arrays = np.array([0, 0, 0.05]), np.array([0, 0, 6.0])
    check.note(value=float(function(*arrays, 1.0, 1.0)))

    def holds(x, t):
        x, t = (np.array([0.0, 0.0, z]) for z in (x, t))
        return function(x, t, 1.0, 1.0) <= largest + 1e-9

    place = st.floats(1e-2, 10)
    check.forall(holds, examples=100, says="the function, two points of three equal", x=place, t=place)
    check.table("surface", **surface())


@paper.claim(
    "mutual information as a penalty",
    tags=("inequality", "ours"),
    mutants={
        "half of the exponent": {"power": 1},
        "the normalized form": {"formula": normalized_mutual_information},
        "HSIC's logarithm": {"power": 0},
    },
)
def shrinking_the_representation_lowers_the_information(check, formula=mutual_information, power=2):
    r"""$\hat{I}(x; ct) \le c^2R^2/\sigma_t^2 \to 0$ as $c \to 0$, $R$ the diameter of $t$, though $ct$ is as
    informative as $t$.

    If all $Q_{ij} \ge q$ then $\mathrm{tr}(KQ) \le 1^\top K1$, $1^\top Q1 \le N^2$, $1^\top KQ1 \ge qN\,1^\top K1$, and
    so $e^{\hat{I}} \le q^{-2}$, $q = \exp(-c^2R^2/2\sigma_t^2)$. The normalized form does not shrink: it tends to an
    alignment of the kernel of $x$ with the covariance of $t$.
    """
    a2, b2, c, k, q = z3.Reals("a2 b2 c k q")
    sums = z3.And(q > 0, q <= 1, k > 0, k <= 1, a2 > 0, a2 <= k, b2 > 0, b2 <= k, c >= k * q)
    check.proves(z3.Implies(sums, a2 * b2 * q**power <= c * c), says="kernels of t at least q")

    def holds(seed, scale):
        x, t = pairs(seed)
        diameter = max(np.linalg.norm(t[:, None] - t, axis=-1).max(), 1e-9)
        return formula(x, scale * t, 1.0, 1.0) <= power / 2 * (scale * diameter) ** 2 * (1 + 1e-9)

    check.forall(holds, examples=100, says="the function", seed=SEED, scale=st.floats(1e-3, 0.1))
    rng = check.rng("scales")
    x = rng.normal(size=(400, 3))
    t, scales = x @ rng.normal(size=(3, 2)), (10.0, 3.0, 1.0, 0.3, 0.1)
    for name, function in (("information", mutual_information), ("normalized", normalized_mutual_information)):
        check.note(**{name: {str(scale): float(function(x, scale * t, 1.0, 1.0)) for scale in scales}})


def plug_in(x, t):
    """Shannon's information of the empirical distribution, in balls."""
    n = arb(len(x))
    together = list(zip(x, t, strict=True))
    return (
        sum(((n * together.count(pair) / (x.count(pair[0]) * t.count(pair[1]))).log() for pair in together), arb(0)) / n
    )


@paper.refuted(
    "mutual information as a measure of information",
    tags=("inequality", "ours"),
    controls={"Shannon's information of the counts": {"measure": plug_in}},
    mutants={"after 9 % of slack": {"factor": 1.09}},
)
def no_map_of_the_representation_raises_the_information(
    check, measure=lambda x, t: information(*in_balls(x, t, 1)), factor=1.0
):
    r"""$I(x; f(t)) \le I(x; t)$ for every map $f$ (data processing).

    False of $\hat{I}$, even of maps that lose information: with $x = (0, 0, 0, 100, 100)$, $t = (0, 0, 0, 100, 200)$
    and $\sigma = 1$, merging the outcomes 100 and 200 of $t$ raises $\hat{I}$ from $\log 1573/961 = 0.493$ to
    $\log 2197/1225 = 0.584$. $10^{-15}$ allows for the width of the balls.
    """
    x, t, merged = [0, 0, 0, 100, 100], [0, 0, 0, 100, 200], [0, 0, 0, 100, 100]
    at = {"merged": (100, 100), "others": (0, 0)}

    def loss(merged, others):
        after = [others, others, others, merged, merged]
        return arb(factor) * measure(x, t) - measure(x, [int(float(value)) for value in after]) + arb("1e-15")

    check.certifies(loss, over=at, says="five pairs, two outcomes merged")
    check.note(before=float(measure(x, t)), after=float(measure(x, merged)))
