"""Our closed form of the whole learning curve on the squared loss, for the paper's linear model (Section 3)."""

import functools

import hypothesis.strategies as st
import mpmath
import numpy as np
from scipy.special import ndtr

from theory.early_learning.claims.paper import paper
from theory.early_learning.learning_curve import spectral_laws, squared_loss_learning_curve
from theory.early_learning.mixture_model import GaussianMixtureNoisyLabels

TIMES = np.array([0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0])
SETTINGS = {"σ = 0.2": (0.9, 0.2, 0.4), "σ = 0.5": (0.9, 0.5, 0.4), "p/n = 1.5": (1.5, 0.3, 0.6)}


@functools.cache
def simulated_curve(n, p, sigma, Delta, seed):
    """Exact gradient flow from 0 on one sample: accuracies by true class on wrong and on right labels at TIMES."""
    data = GaussianMixtureNoisyLabels(n, p, sigma, Delta, seed)
    values, vectors = np.linalg.eigh(data.features @ data.features.T / n)
    fitted = -np.expm1(-np.outer(TIMES, np.maximum(values, 0))) * (vectors.T @ data.labels)
    correct = np.sign(fitted @ vectors.T) == data.true_labels
    return correct[:, data.wrong].mean(axis=1), correct[:, ~data.wrong].mean(axis=1)


def spike_only(gamma, sigma, Delta, times):
    """The curve with the true labels learned by the spike alone, and no spread of their outputs."""
    laws, a = spectral_laws(gamma, sigma), 1 - Delta
    fitted = -np.expm1(-np.outer(times, laws.eigenvalues))
    plain, spike = fitted @ laws.density, fitted[:, -1] * laws.signal_density[-1]
    spread = np.sqrt((1 - a * a) * ((fitted - plain[:, None]) ** 2 @ laws.density))
    return ndtr((a * spike - (1 + a) * plain) / spread), ndtr((a * spike + (1 - a) * plain) / spread)


def closed_form(gamma, sigma, Delta, times):
    """The package's curve as a pair."""
    curve = squared_loss_learning_curve(gamma, sigma, Delta, times)
    return curve.wrong, curve.right


@paper.claim(
    "Section 3 (squared loss)",
    tags=("ours",),
    mutants={
        "spike only": {"curve": spike_only},
        "wrong share for replaced share": {"curve": lambda g, s, D, t: closed_form(g, s, D / 2, t)},
        "time 40 % slower": {"curve": lambda g, s, D, t: closed_form(g, s, D, t / 1.4)},
        "σ for σ²": {"curve": lambda g, s, D, t: closed_form(g, np.sqrt(s), D, t)},
        "n/p for p/n": {"curve": lambda g, s, D, t: closed_form(1 / g, s, D, t)},
    },
)
def squared_loss_learning_curve_is_known_at_all_times(check, curve=closed_form):
    r"""Accuracy by true class on wrong and right labels under gradient flow from 0, as $n, p \to \infty$, at every
    $\tau$.

    A wrong label's output times its true sign is normal with mean $a\langle f\rangle^* - (1 + a)\langle f\rangle$ and
    variance $a^2\,\mathrm{Var}^* f + (1 - a^2)\,\mathrm{Var}\,f$, $f = 1 - e^{-\lambda\tau}$. The measured quantity is
    the largest deviation of a mean over samples, in units of 0.01, for $n < \infty$, plus 5 standard errors of that
    mean (5 for 42 comparisons).
    """
    n, samples = check.at(quick=(300, 40), full=(1000, 24))

    def measure(seed):
        found = {}
        for name, (gamma, sigma, Delta) in SETTINGS.items():
            p, seeds = round(gamma * n), range(1000 * seed, 1000 * seed + samples)
            runs = np.array([simulated_curve(n, p, sigma, Delta, each) for each in seeds])
            error = runs.std(axis=0, ddof=1) / np.sqrt(samples)
            deviation = np.abs(runs.mean(axis=0) - curve(gamma, sigma, Delta, TIMES)) / (0.01 + 5 * error)
            found[f"wrong, {name}"], found[f"right, {name}"] = deviation.max(axis=1)
        return found

    check.reproduces(
        measure,
        bands={f"{label}, {name}": (0, 1) for name in SETTINGS for label in ("wrong", "right")},
        seeds=1,
        setup={"n": n, "samples": samples, "settings p/n, σ, Δ": SETTINGS, "times": TIMES, "theta_0": 0},
    )
    keep_curves(check, curve, n, samples)


def keep_curves(check, curve, n, samples):
    """Tables of the closed form and of the samples, by γ, σ and Δ."""
    theory, simulated = [], []
    for gamma, sigma, Delta in SETTINGS.values():
        times = np.geomspace(0.1, 3000, 120)
        theory += [(gamma, sigma, Delta, *row) for row in zip(times, *curve(gamma, sigma, Delta, times), strict=True)]
        runs = np.array([simulated_curve(n, round(gamma * n), sigma, Delta, seed) for seed in range(samples)])
        rows = zip(TIMES, *runs.mean(axis=0), *runs.std(axis=0, ddof=1), strict=True)
        simulated += [(gamma, sigma, Delta, *row) for row in rows]
    names = ("gamma", "sigma", "Delta", "time", "wrong", "right", "wrong_sd", "right_sd")
    check.table("theory", **dict(zip(names, zip(*theory, strict=True), strict=False)))
    check.table("simulated", **dict(zip(names, zip(*simulated, strict=True), strict=True)))


def stieltjes(z, gamma, sigma):
    """Transforms of μ and μ* at z off the axis, from the quadratic equation of Marchenko and Pastur, in 30 digits."""
    with mpmath.workdps(30):
        y, g = mpmath.mpc(z) / mpmath.mpf(sigma) ** 2, mpmath.mpf(gamma)
        low, high = (1 - mpmath.sqrt(g)) ** 2, (1 + mpmath.sqrt(g)) ** 2
        plain = (y + 1 - g - mpmath.sqrt(y - low) * mpmath.sqrt(y - high)) / (2 * y) / mpmath.mpf(sigma) ** 2
        dual = (plain - (1 - g) / mpmath.mpc(z)) / g
        return complex(plain), complex(plain / (1 - z * plain * dual))


def without(entry):
    """The laws with the mass of μ* at one point moved to the others."""

    def laws(gamma, sigma):
        found = spectral_laws(gamma, sigma)
        weights = found.signal_density.copy()
        weights[entry] = 0
        return found.eigenvalues, found.density, weights / weights.sum()

    return laws


def discretised(gamma, sigma):
    """The package's laws as points and two weights."""
    found = spectral_laws(gamma, sigma)
    return found.eigenvalues, found.density, found.signal_density


@paper.claim(
    "Section 3 (spectral laws)",
    tags=("ours", "identity"),
    mutants={
        "no spike": {"laws": without(-1)},
        "no mass at 0": {"laws": without(0)},
        "plain law for the signal": {"laws": lambda g, s: (discretised(g, s)[0], *2 * (discretised(g, s)[1],))},
        "spike at (1 + σ²)": {
            "laws": lambda g, s: (np.append(discretised(g, s)[0][:-1], 1 + s * s), *discretised(g, s)[1:])
        },
    },
)
def spectral_laws_are_elementary_on_the_bulk(check, laws=discretised):
    r"""$\mu$ and $\mu^*$ have densities in $\sin \varphi$, $|1 + \sqrt{g}\,e^{i\varphi}|$ and
    $|1 - \sigma^2\sqrt{g}\,e^{i\varphi}|$, masses at 0, and $\mu^*$ a spike.

    $\sum \text{weight}/(z - \lambda)$ is compared with the Stieltjes transform of $XX^\top/n$, as far above the axis as
    the bulk is long, where the error of the quadrature is that of rounding.
    """

    def agree(gamma, sigma, shift):
        points, *weights = laws(gamma, sigma)
        z = sigma**2 * (1 + np.sqrt(gamma)) ** 2 * complex(shift, 1)
        expected = stieltjes(z, gamma, sigma)
        return all(abs(w @ (z / (z - points)) - z * t) < 1e-11 for w, t in zip(weights, expected, strict=True))

    check.forall(agree, gamma=st.floats(0.05, 4), sigma=st.floats(0.05, 3), shift=st.floats(-1, 3))


@paper.claim(
    "Section 3 (late times)",
    tags=("ours",),
    mutants={
        "σ²γ lost": {"limit": lambda g, s: s**2 / (1 + s**2)},
        "threshold of separability": {"limit": lambda g, s: 0.38},
    },
)
def wrong_labels_are_interpolated_by_least_squares_beyond_an_explicit_ratio(
    check, limit=lambda g, s: 1 - (1 - g) * s**2 / (1 + s**2)
):
    r"""At $\tau = \infty$, $p < n$, $\langle f\rangle^* = 1 - (1 - \gamma)\sigma^2/(1 + \sigma^2)$: most wrong labels
    are fitted iff $\gamma(2 - \Delta) > (1 - \Delta)\langle f\rangle^*$.
    """

    def decides(gamma, sigma, Delta):
        accuracy = squared_loss_learning_curve(gamma, sigma, Delta, np.inf).wrong
        excess = (1 - Delta) * limit(gamma, sigma) - gamma * (2 - Delta)
        return abs(excess) < 1e-9 or (accuracy > 0.5) == (excess > 0)

    check.forall(decides, gamma=st.floats(0.01, 0.99), sigma=st.floats(0.01, 3), Delta=st.floats(0.01, 0.99))
