"""The estimator of the divergence from two samples, and maximum mean discrepancy.

x_1, …, x_N and y_1, …, y_M with the kernel κ(u) = exp(−‖u‖²/2σ²):
D̂ = log mean κ(x_i − x_j) + log mean κ(y_i − y_j) − 2 log mean κ(x_i − y_j).
"""

import functools
import math

import hypothesis.strategies as st
import numpy as np
import sympy as sp
import z3
from flint import arb
from scipy.spatial.distance import cdist, pdist

from theory.cauchy_schwarz.claims.paper import paper
from theory.cauchy_schwarz.claims.parzen import WITHIN, gram, parzen, parzen_divergence, total
from theory.cauchy_schwarz.divergence import divergence, mmd2
from theory.cauchy_schwarz.mixture import mixture_divergence

SEED = st.integers(0, 10**6)
X, Y = [-1.5, 0.25, 0.75], [0.5, 2.0, 3.5, 1.0]


def two_samples(seed, spread=1.0):
    """Two to 12 and two to 12 points in up to 3 dimensions."""
    rng = np.random.default_rng(seed)
    size, n, m = rng.integers(1, 4), *rng.integers(2, 13, size=2)
    return rng.normal(size=(n, size)) * spread, rng.normal(size=(m, size)) * spread + rng.normal(size=size)


def as_mixture(points, width):
    """The Parzen density of a sample as weights, means and covariances."""
    n, size = points.shape
    return np.full(n, 1 / n), points, np.tile(width**2 * np.eye(size), (n, 1, 1))


def without_the_diagonal(x, y, width):
    """D̂ with means over pairs of different points within a sample."""
    means = [np.exp(-(distances(*pair) ** 2) / (2 * width**2)).mean() for pair in ((x,), (y,), (x, y))]
    return np.log(means[0] * means[1] / means[2] ** 2)


def distances(x, y=None):
    """Between two samples, or between the different points of one."""
    x, y = (z if z is None or z.ndim == 2 else z[:, None] for z in (x, y))
    return pdist(x) if y is None else cdist(x, y)


@paper.claim(
    "Cauchy–Schwarz divergence, empirical estimator",
    tags=("identity",),
    mutants={
        "Parzen bandwidth σ": {"parzen_width": lambda width: width},
        "Parzen bandwidth σ/2": {"parzen_width": lambda width: width / 2},
        "half convention": {"formula": lambda x, y, width: divergence(x, y, width, "half")},
        "diagonal left out": {"formula": without_the_diagonal},
    },
)
def estimator_is_the_divergence_of_two_parzen_densities(
    check, formula=divergence, parzen_width=lambda width: width / arb(2).sqrt()
):
    r"""$\hat{D} = D_{\text{CS}}(\hat{p}; \hat{q})$ exactly, for Parzen densities $\hat{p}$ and $\hat{q}$ of bandwidth
    $\sigma/\sqrt{2}$; hence $\hat{D} \ge 0$.

    The diagonal terms belong to it. $\hat{p}^2$, $\hat{q}^2$ and $\hat{p}\hat{q}$ are integrated in ball arithmetic; in
    more dimensions the estimator is compared with the closed form for mixtures, to rounding.
    """
    p, q = parzen([(u,) for u in X]), parzen([(u,) for u in Y])
    for width in (0.5, 1.25):
        value = float(formula(np.array(X), np.array(Y), width))
        check.certifies_value(
            lambda width=width: parzen_divergence(p, q, [parzen_width(arb(width))]),
            value,
            within=WITHIN,
            says=f"3 against 4 points, σ = {width}",
        )

    def agrees(seed, width):
        x, y = two_samples(seed)
        h = float(parzen_width(arb(width)))
        exact, found = mixture_divergence(*as_mixture(x, h), *as_mixture(y, h)), formula(x, y, width)
        return found >= 0 and abs(found - exact) <= 1e-12 * (1 + exact)

    check.forall(agrees, says="the function", examples=60, seed=SEED, width=st.floats(0.3, 10))


@paper.claim(
    "Cauchy–Schwarz divergence and maximum mean discrepancy",
    tags=("identity", "inequality"),
    mutants={
        "e^{−D}": {"cosine": lambda a, b, inner: (inner / (a * b)) ** 2},
        "norms forgotten": {"cosine": lambda a, b, inner: inner},
        "mean of the norms": {"cosine": lambda a, b, inner: 4 * inner / (a + b) ** 2},
    },
)
def discrepancy_is_a_function_of_divergence_and_norms(check, cosine=lambda a, b, inner: inner / (a * b)):
    r"""$\mathrm{MMD}^2 = a^2 + b^2 - 2ab\,e^{-D/2}$ with the norms $a$, $b$ of the mean embeddings; so
    $1 - e^{-D/2} \le \mathrm{MMD}^2/(2ab)$.

    $e^{-D/2}$ is the cosine of the angle between the embeddings: the law of cosines. Equality iff $a = b$. The
    functions are compared with sums in ball arithmetic.
    """
    a, b, inner = z3.Reals("a b inner")
    angle, discrepancy = cosine(a, b, inner), a * a + b * b - 2 * inner
    law = discrepancy == a * a + b * b - 2 * a * b * angle
    bound = z3.And(2 * a * b * (1 - angle) <= discrepancy, (2 * a * b * (1 - angle) == discrepancy) == (a == b))
    check.proves(z3.Implies(z3.And(a > 0, b > 0, inner > 0), z3.And(law, bound)), says="law of cosines")

    x, y = [(u,) for u in X], [(u,) for u in Y]
    width, arrays = 0.75, (np.array(X), np.array(Y))

    def norms():
        within = [(total(gram(z, z, width)) / (len(z) * len(z))).sqrt() for z in (x, y)]
        return *within, total(gram(x, y, width)) / (len(x) * len(y))

    check.certifies_value(
        lambda: -2 * cosine(*norms()).log(), float(divergence(*arrays, width)), within=WITHIN, says="the divergence"
    )
    check.certifies_value(
        lambda: norms()[0] * norms()[0] + norms()[1] * norms()[1] - 2 * norms()[2],
        float(mmd2(*arrays, width)),
        within=WITHIN,
        says="the discrepancy",
    )


def squares(x, y):
    """Squared distances within x, within y, and across."""
    return [((a[:, None] - b[None]) ** 2).sum(-1) for a, b in ((x, x), (y, y), (x, y))]


def between_means(x, y):
    """‖x̄ − ȳ‖²."""
    return ((x.mean(0) - y.mean(0)) ** 2).sum()


@paper.claim(
    "Cauchy–Schwarz divergence, empirical estimator, large bandwidth",
    tags=("identity", "ours"),
    mutants={
        "twice": {"limit": lambda x, y: 2 * between_means(x, y)},
        "mean squared distance across": {"limit": lambda x, y: squares(x, y)[2].mean()},
        "spreads in place of means": {"limit": lambda x, y: (squares(x, x)[0].mean() - squares(y, y)[0].mean()) ** 2},
    },
)
def wide_kernels_see_only_the_distance_of_the_means(check, limit=between_means):
    r"""$\sigma^2\hat{D} \to \|\bar{x} - \bar{y}\|^2$ as $\sigma \to \infty$.

    Proved for samples of 2 and 3 points as the slope of $\hat{D}$ in $1/\sigma^2$. Of the function for any samples with
    an error of at most $R^4/16\sigma^2$, $R$ the largest distance: $\log \mathbb{E}\,e^{sX} - s\,\mathbb{E}\,X$ is
    between 0 and $s^2R^4/8$ for $0 \le X \le R^2$ (Hoeffding's lemma), with $s = 1/2\sigma^2$.
    """
    x, y = np.array([sp.symbols("x1:3")]).T, np.array([sp.symbols("y1:4")]).T
    inverse = sp.Symbol("1/sigma^2", positive=True)
    logs = [sp.log(sum(sp.exp(-inverse * d / 2) for d in block.ravel()) / block.size) for block in squares(x, y)]
    slope = sp.diff(logs[0] + logs[1] - 2 * logs[2], inverse).subs(inverse, 0)
    check.proves(sp.Eq(sp.expand(slope), sp.expand(limit(x, y))), says="slope in 1/σ² at 0")

    def agrees(seed, width):
        x, y = two_samples(seed)
        largest = max(block.max() for block in squares(x, y))
        error = abs(width**2 * divergence(x, y, width) - limit(x, y))
        return error <= largest**2 / (16 * width**2) + 1e-11 * (1 + largest)

    check.forall(agrees, says="the function", seed=SEED, width=st.floats(1, 1e5))


@paper.claim(
    "Cauchy–Schwarz divergence, empirical estimator, small bandwidth",
    tags=("inequality", "ours"),
    mutants={
        "mean squared distance": {"nearest": lambda squares: squares.mean()},
        "nearest distance, not squared": {"nearest": lambda squares: math.sqrt(squares.min())},
        "half": {"nearest": lambda squares: squares.min() / 2},
        "largest": {"nearest": lambda squares: squares.max()},
    },
)
def narrow_kernels_see_only_the_nearest_pair(check, nearest=lambda squares: squares.min()):
    r"""$\sigma^2\hat{D} \to \min \|x_i - y_j\|^2$ as $\sigma \to 0$: the estimator diverges for samples without a
    common point.

    A mean of $NM$ kernels is between its largest term over $NM$ and its largest term; means within a sample are between
    $1/N$ and 1. So $-\sigma^2 \log(NM) \le \sigma^2\hat{D} - \min \|x_i - y_j\|^2 \le 2\sigma^2 \log(NM)$.
    """

    def agrees(seed, width):
        x, y = two_samples(seed)
        log_pairs = width**2 * math.log(len(x) * len(y))
        excess = width**2 * divergence(x, y, width) - nearest(squares(x, y)[2])
        return -log_pairs - 1e-11 <= excess <= 2 * log_pairs + 1e-11

    check.forall(agrees, seed=SEED, width=st.floats(1e-4, 3))


DELTA, ONE, OTHER, WIDTH, VARIANCE = sp.symbols("delta s t sigma w", positive=True)


def closed_form(delta, variance, other, log=sp.log):
    """D_CS(N(0, v); N(δ, w))."""
    return delta**2 / (variance + other) + log((variance + other) ** 2 / (4 * variance * other)) / 2


@functools.cache
def expected_kernel():
    """E κ(u) for u ~ N(δ, w), integrated."""
    u = sp.Symbol("u", real=True)
    density = sp.exp(-((u - DELTA) ** 2) / (2 * VARIANCE)) / sp.sqrt(2 * sp.pi * VARIANCE)
    return sp.integrate(sp.exp(-(u**2) / (2 * WIDTH**2)) * density, (u, -sp.oo, sp.oo))


@functools.cache
def estimates_of_gaussians(seed, draws, size):
    """D̂ of N(0, 1) and N(1, 4) at σ = 1, ``draws`` times."""
    rng = np.random.default_rng(seed)
    return np.array([divergence(rng.normal(size=size), rng.normal(1, 2, size=size), 1.0) for _ in range(draws)])


@paper.claim(
    "Cauchy–Schwarz divergence, empirical estimator, large samples",
    tags=("identity", "ours"),
    mutants={
        "of the densities themselves": {"added": lambda square: 0},
        "smoothed by σ²": {"added": lambda square: square},
        "smoothed by σ²/4": {"added": lambda square: square / 4},
    },
)
def estimator_converges_to_the_divergence_of_smoothed_densities(check, added=lambda square: square / 2):
    r"""$N \to \infty$ at fixed $\sigma$: $\hat{D}$ tends to $D_{\text{CS}}$ of the densities with noise of variance
    $\sigma^2/2$, not to $D_{\text{CS}}$ of the densities.

    By the law of large numbers the means tend to $\mathbb{E}\,\kappa(u)$, $u \sim N(\delta, w)$, that is
    $\sigma(\sigma^2 + w)^{-1/2} \exp(-\delta^2/2(\sigma^2 + w))$. The samples: $N(0, 1)$ and $N(1, 4)$ at $\sigma = 1$,
    for which the three limits in question are 0.31 (smoothed), 0.42 and lower. A sample is close if it is nearer to the
    limit than half of its distance to the divergence of the densities.
    """
    mean = lambda delta, w: WIDTH / sp.sqrt(WIDTH**2 + w) * sp.exp(-(delta**2) / (2 * (WIDTH**2 + w)))  # noqa: E731
    check.proves(sp.Eq(sp.simplify(expected_kernel() / mean(DELTA, VARIANCE)), 1), says="E κ(u)")
    ratio = mean(0, 2 * ONE**2) * mean(0, 2 * OTHER**2) / mean(DELTA, ONE**2 + OTHER**2) ** 2
    limit = closed_form(DELTA, ONE**2 + added(WIDTH**2), OTHER**2 + added(WIDTH**2))
    check.proves(sp.Eq(ratio**2, sp.simplify(sp.exp(2 * limit))), says="limit of the means")

    truth, value = closed_form(1, 1, 4, math.log), closed_form(1, 1 + added(1), 4 + added(1), math.log)
    smoothed = closed_form(1, 1.5, 4.5, math.log)
    found = estimates_of_gaussians(check.seed, *check.at(quick=(48, 2000), full=(200, 4000)))
    close = lambda rng, draws: (np.abs(found[:draws] - value) < (truth - smoothed) / 2).astype(float)  # noqa: E731
    check.estimates(close, band=(0.5, 1), draws=len(found), says="most samples are close to the limit")
    check.note(limit=value, of_the_densities=truth, mean_of_estimates=found.mean())
