"""Memorization: when noisy labels can be separated, and what descent then does to them (Theorem 6, Appendix A)."""

import functools
import itertools
import math

import hypothesis.strategies as st
import numpy as np
from flint import acb, arb
from scipy import stats
from scipy.optimize import minimize_scalar

from theory.early_learning.claims.paper import paper
from theory.early_learning.mixture_model import GaussianMixtureNoisyLabels
from theory.early_learning.separability import is_separable, separability_threshold
from theory.early_learning.trajectory import early_learning_trajectory
from verify.certified import precision


def threshold(Delta, sigma):
    """γ*(Δ, σ)."""
    return separability_threshold(Delta, sigma).gamma


@functools.cache
def separable(n, p, sigma, Delta, seed):
    """Whether one sample is separable, by linear programming."""
    data = GaussianMixtureNoisyLabels(n, p, sigma, Delta, seed)
    return is_separable(data.features, data.labels)


@functools.cache
def inseparable_labelings(n, p, seed):
    """All labelings of one sample that no hyperplane through the origin separates, as flips of the true labels."""
    data = GaussianMixtureNoisyLabels(n, p, 1.0, 0.0, seed)
    halves = (np.array([1.0, *rest]) for rest in itertools.product([1.0, -1.0], repeat=n - 1))
    found = [flips for flips in halves if not is_separable(data.features, data.true_labels * flips)]
    return np.array([sign * flips for flips in found for sign in (1, -1)]).reshape(-1, n)


def cover(n, p):
    """2 Σ_{k<p} binom(n − 1, k)."""
    return 2 * sum(math.comb(n - 1, k) for k in range(p))


@paper.claim(
    "Proof of Theorem 6 (Cover, Schläfli)",
    tags=("identity",),
    mutants={
        "k ≤ p": {"count": lambda n, p: cover(n, p + 1)},
        "n for n − 1": {"count": lambda n, p: cover(n + 1, p)},
        "hyperplanes with an offset": {"count": lambda n, p: 2 * sum(math.comb(n, k) for k in range(p))},
    },
)
def separable_labelings_are_counted_by_cover(check, count=cover):
    r"""Of the $2^n$ labelings of $n$ points in general position in $p$ dimensions,
    $2 \sum_{k<p} \mathrm{binom}(n - 1, k)$ are separable.
    """

    def agrees(size, seed):
        n, p = size
        return 2**n - len(inseparable_labelings(n, p, seed)) == count(n, p)

    sizes = st.sampled_from([(5, 2), (6, 2), (7, 3), (8, 4)])
    check.forall(agrees, size=sizes, seed=st.integers(0, 4), examples=check.at(quick=12, full=40))


@paper.claim(
    "Proof of Theorem 6",
    tags=("inequality",),
    mutants={
        "two flips fewer": {"bound": lambda n, p, Delta: 2 * stats.binom.cdf(n - p - 2, n, Delta / 2)},
        "Δ for Δ/2": {"bound": lambda n, p, Delta: 2 * stats.binom.cdf(n - p, n, Delta)},
    },
)
def inseparable_labelings_are_as_rare_as_few_flips(
    check, bound=lambda n, p, Delta: 2 * stats.binom.cdf(n - p, n, Delta / 2)
):
    r"""$P(\text{not separable} \mid X) \le 2\,P(\mathrm{Bin}(n, \Delta/2) \le n - p)$ for every $X$, whence
    $p/n > 1 - \Delta/2$ suffices in the limit.

    Exact, by linear programs over all labelings of samples in general position.
    """

    def is_bounded(Delta, seed, size):
        n, p = size
        flips = (inseparable_labelings(n, p, seed) < 0).sum(axis=1)
        likelihood = (Delta / 2) ** flips * (1 - Delta / 2) ** (n - flips)
        return likelihood.sum() <= bound(n, p, Delta)

    check.forall(
        is_bounded,
        Delta=st.sampled_from([0.1, 0.3, 0.5, 0.8, 1.0]),
        seed=st.integers(0, 2),
        size=st.sampled_from([(7, 4), (8, 6)]),
        examples=40,
    )


@paper.claim(
    "Theorem 6",
    tags=("inequality",),
    mutants={"Δ/2": {"enough": lambda Delta: Delta / 2}, "(1 − Δ)/2": {"enough": lambda Delta: (1 - Delta) / 2}},
)
def labels_are_separable_beyond_one_less_the_wrong_share(check, enough=lambda Delta: 1 - Delta / 2):
    r"""If $\liminf p/n > 1 - \Delta/2$, the noisy labels are linearly separable with probability tending to 1.

    Run at $p/n = 1.1\,(1 - \Delta/2)$, "tending to 1" being four samples of five.
    """
    n = check.at(quick=80, full=200)
    for Delta in (0.4, 0.8):
        p = round(1.1 * n * enough(Delta))
        draw = lambda rng, draws, p=p, Delta=Delta: np.array(  # noqa: E731
            [separable(n, p, 0.2, Delta, seed) for seed in rng.integers(0, 2**40, draws).tolist()]
        )
        check.estimates(draw, band=(0.8, 1), draws=200, says=f"Δ = {Delta}, σ = 0.2, n = {n}, p = {p}")
        setup = {"n": n, "p": p, "sigma": 0.2, "Delta": Delta, "test": "linear program"}
        check.note(setup=setup, printed={"probability": "tends to 1"})


def mean_square(t, Delta, sigma):
    """E(Z − tV)_+² with the expectation over Z in closed form and that over z' by certified quadrature on [−12, 12]."""

    def integrand(z, _):
        s = t * (1 + sigma * z)
        density = (-z * z / 2).exp() / (2 * arb.pi()).sqrt()
        return density * ((1 - Delta / 2) * tail_square(s) + Delta / 2 * tail_square(-s))

    return acb.integral(integrand, -12, 12, rel_tol=1e-20).real


def tail_square(s):
    """E(Z − s)_+²."""
    density = (-s * s / 2).exp() / (2 * acb.pi()).sqrt()
    return (1 + s * s) * (s / acb(2).sqrt()).erfc() / 2 - s * density


@functools.cache
def least_mean_square(Delta, sigma):
    """An enclosure of min_t E(Z − tV)_+²; outside the middle of three points a convex function is above its chords."""
    with precision(96):
        Delta, sigma = arb(Delta), arb(sigma)
        best = minimize_scalar(lambda t: float(mean_square(arb(t), Delta, sigma)), bounds=(0, 8), method="bounded")
        left, middle, right = (mean_square(arb(best.x + shift), Delta, sigma) for shift in (-1e-4, 0, 1e-4))
        assert left > middle
        assert right > middle
        return (2 * middle - left.max(right)).union(middle)


@paper.claim(
    "Theorem 6 (its sharp form)",
    tags=("ours",),
    mutants={
        "no wrong labels": {"gamma": lambda Delta, sigma: threshold(0.0, sigma)},
        "Δ for Δ/2": {"gamma": lambda Delta, sigma: threshold(min(2 * Delta, 1.0), sigma)},
        "σ → 0": {"gamma": lambda Delta, sigma: threshold(Delta, 0.0)},
        "complement": {"gamma": lambda Delta, sigma: 1 - threshold(Delta, sigma)},
        "the paper's 1 − Δ/2": {"gamma": lambda Delta, sigma: 1 - Delta / 2},
    },
)
def sharp_threshold_is_the_least_mean_square_of_a_positive_part(check, gamma=threshold):
    r"""$\gamma^*(\Delta, \sigma) = \min_t \mathbb{E}[(Z - tV)_+^2]$, $V = \xi(1 + \sigma z')$, $\xi = -1$ with
    probability $\Delta/2$ and else 1, $Z$ and $z'$ normal.

    The package has it in closed form up to one root; here the expectation is integrated. $10^{-7}$ allows for the
    curvature over the $2 \cdot 10^{-4}$ that enclose the minimum, and for $|z'| > 12$, of probability
    $4 \cdot 10^{-33}$.
    """
    for Delta, sigma in ((0.1, 0.2), (0.4, 0.2), (0.5, 0.5), (0.8, 1.0)):
        oracle = lambda Delta=Delta, sigma=sigma: least_mean_square(Delta, sigma)  # noqa: E731
        check.certifies_value(oracle, gamma(Delta, sigma), within=1e-7, says=f"Δ = {Delta}, σ = {sigma}")


@paper.claim(
    "Theorem 6 (its sharp form)",
    tags=("ours",),
    mutants={
        "the paper's 1 − Δ/2 as if sharp": {"gamma": lambda Delta, sigma: 1 - Delta / 2},
        "no wrong labels": {"gamma": lambda Delta, sigma: threshold(0.0, sigma)},
        "complement": {"gamma": lambda Delta, sigma: 1 - threshold(Delta, sigma)},
    },
)
def separability_turns_at_the_sharp_threshold(check, gamma=threshold):
    r"""The labels are mostly inseparable at $p/n = 0.75 \gamma^*$, mostly separable at $1.3 \gamma^*$; $\gamma^*$ is
    far below $1 - \Delta/2$.

    Linear programs; "mostly" is in more than half of the samples. The transition is about $n^{-1/2}$ wide.
    """
    n, draws = check.at(quick=(100, 80), full=(300, 40))
    Delta, sigma = 0.4, 0.2
    for factor, band in ((0.75, (0, 0.5)), (1.3, (0.5, 1))):
        p = max(1, round(factor * gamma(Delta, sigma) * n))
        draw = lambda rng, draws, p=p: np.array(  # noqa: E731
            [separable(n, p, sigma, Delta, seed) for seed in rng.integers(0, 2**40, draws).tolist()]
        )
        check.estimates(draw, band=band, draws=draws, says=f"p/n = {factor} γ*, Δ = {Delta}, σ = {sigma}, n = {n}")
        setup = {"n": n, "p": p, "sigma": sigma, "Delta": Delta, "test": "linear program"}
        check.note(setup=setup, printed={"sufficient p/n": 1 - Delta / 2})
    small, trials = check.at(quick=(60, 6), full=(200, 20))
    grid = [(D, round(g, 3)) for D in (0.1, 0.2, 0.4, 0.6, 0.8, 1.0) for g in np.arange(0.1, 0.701, 0.05)]
    share = [np.mean([separable(small, round(g * small), sigma, D, k) for k in range(trials)]) for D, g in grid]
    check.table("separable", Delta=[D for D, _ in grid], gamma=[g for _, g in grid], share=share)
    lines = [
        (noise, D, separability_threshold(D, noise)) for noise in (0.0, 0.2, 0.5, 1.0) for D in np.linspace(0, 1, 101)
    ]
    check.table(
        "threshold",
        sigma=[noise for noise, _, _ in lines],
        Delta=[D for _, D, _ in lines],
        gamma=[point.gamma for *_, point in lines],
        lower=[point.lower for *_, point in lines],
        upper=[point.upper for *_, point in lines],
    )


@functools.cache
def memorization_run(n, p, sigma, seed, steps):
    """What 40 % replaced labels, η = 1 and a random θ_0 give."""
    data = GaussianMixtureNoisyLabels(n, p, sigma, 0.4, seed)
    run = early_learning_trajectory(data, eta=1.0, steps=steps, every=max(1, steps // 1500))
    return {
        "gain of true class on wrong labels": run.wrong_accuracy.max() - run.wrong_accuracy[0],
        "best on wrong labels": run.wrong_accuracy.max(),
        "last on wrong labels": run.wrong_accuracy[-1],
        "last on right labels": run.right_accuracy[-1],
    }


@paper.claim(
    "Theorem 1 (both phases), Theorem 6",
    tags=("empirical",),
    mutants={
        "p/n below γ*": {"ratio": 0.25},
        "σ = 1": {"sigma": 1.0},
        "stopped early": {"share_of_steps": 0.01},
    },
)
def descent_first_learns_the_true_classes_and_then_memorizes(check, ratio=0.9, sigma=0.2, share_of_steps=1.0):
    r"""At $\sigma = 0.2$, $p/n = 0.9 > \gamma^*$, first nearly all wrongly labelled examples are classified truly, in
    the end none.
    """
    n, steps = check.at(quick=(200, 1500), full=(400, 3000))
    check.reproduces(
        lambda seed: memorization_run(n, round(ratio * n), sigma, seed, round(share_of_steps * steps)),
        bands={"best on wrong labels": (0.9, 1), "last on wrong labels": (0, 0), "last on right labels": (1, 1)},
        seeds=check.at(quick=3, full=5),
        setup={"n": n, "p/n": 0.9, "sigma": 0.2, "Delta": 0.4, "eta": 1, "steps": steps, "theta_0": "random, length 2"},
    )


@paper.claim(
    "Theorem 6 (p ≤ n and its threshold)",
    tags=("empirical", "ours"),
    mutants={"p/n = 0.6": {"few": 0.6}, "as many steps as features": {"steps": 50}},
)
def memorization_needs_more_features_than_the_sharp_threshold(check, few=0.25, steps=None):
    r"""At $p/n = 0.25 < \gamma^* = 0.379$ the wrong labels are never all memorized; at $p/n = 2$, outside the theorem,
    they are.

    A third of them at least is still classified truly when descent below $\gamma^*$ has long come to rest.
    """
    n, long = check.at(quick=(200, 4000), full=(400, 60_000))

    def measure(seed):
        below = memorization_run(n, round(few * n), 0.2, seed, long)
        above = memorization_run(n, 2 * n, 0.2, seed, steps or 600)
        return {"p/n = 0.25": below["last on wrong labels"], "p/n = 2": above["last on wrong labels"]}

    check.reproduces(
        measure,
        bands={"p/n = 0.25": (1 / 3, 1), "p/n = 2": (0, 0)},
        seeds=3,
        setup={"n": n, "sigma": 0.2, "Delta": 0.4, "eta": 1, "steps below, above": [long, 600]},
    )


@paper.claim(
    "Theorem 1 (σ ≤ σ_Δ)",
    tags=("empirical", "ours"),
    mutants={"σ = 0.2": {"sigma": 0.2}, "σ = 0.5": {"sigma": 0.5}},
)
def early_learning_needs_little_noise(check, sigma=1.0):
    r"""At $\sigma = 1$ no step of descent classifies 0.05 more of the wrongly labelled examples truly than $\theta_0$
    does.
    """
    n = check.at(quick=200, full=400)
    check.reproduces(
        lambda seed: memorization_run(n, round(0.9 * n), sigma, seed, 300),
        bands={"gain of true class on wrong labels": (0, 0.05)},
        seeds=check.at(quick=5, full=9),
        setup={"n": n, "p/n": 0.9, "sigma": sigma, "Delta": 0.4, "eta": 1, "steps": 300},
    )
