"""Our scalar equations for the end of training on the logistic loss, on both sides of the threshold of separability."""

import functools

import numpy as np
from scipy.optimize import minimize, nnls
from scipy.special import expit, ndtr

from theory.early_learning.claims.paper import paper
from theory.early_learning.logistic_minimizer import logistic_minimizer
from theory.early_learning.max_margin import max_margin
from theory.early_learning.mixture_model import GaussianMixtureNoisyLabels
from theory.early_learning.separability import separability_threshold

BEYOND = ((0.9, 0.2, 0.4), (2.0, 0.2, 0.4), (1.5, 0.5, 0.8))
SETTINGS = ((0.1, 0.2, 0.4), (0.2, 0.2, 0.4), (0.25, 0.2, 0.4), (0.25, 0.5, 0.8))


@functools.cache
def minimised(n, p, sigma, Delta, seed):
    """Accuracies by true class at the minimiser on one sample: wrong labels, right labels, fresh examples."""
    data = GaussianMixtureNoisyLabels(n, p, sigma, Delta, seed)
    signed = data.features * data.labels[:, None]

    def loss(theta):
        margins = signed @ theta
        return np.logaddexp(0, -margins).mean(), -(expit(-margins) @ signed) / n

    theta = minimize(
        loss, np.zeros(p), jac=True, method="L-BFGS-B", options={"maxiter": 5000, "gtol": 1e-7, "ftol": 0}
    ).x
    correct = np.sign(data.features @ theta) == data.true_labels
    return correct[data.wrong].mean(), correct[~data.wrong].mean(), data.population_accuracy(theta)


def limit(gamma, sigma, Delta):
    """The package's three accuracies."""
    found = logistic_minimizer(gamma, sigma, Delta)
    return found.wrong, found.right, found.population_accuracy


def leave_one_out_ignored(gamma, sigma, Delta):
    """Accuracies as if a training example's own label did not move its score."""
    found = logistic_minimizer(gamma, sigma, Delta)
    return 3 * (float(ndtr(found.overlap / (sigma * np.hypot(found.overlap, found.noise_norm)))),)


@paper.claim(
    "Theorem 6 (below the threshold)",
    tags=("ours",),
    mutants={
        "own label's pull ignored": {"accuracies": leave_one_out_ignored},
        "classical limit p/n → 0": {"accuracies": lambda g, s, D: limit(1e-3, s, D)},
        "wrong share for replaced share": {
            "accuracies": lambda g, s, D: limit(min(g, 0.99 * threshold(D / 2, s)), s, D / 2)
        },
        "20 % fewer features": {"accuracies": lambda g, s, D: limit(0.8 * g, s, D)},
    },
)
def logistic_regression_below_the_threshold_ends_as_three_equations_say(check, accuracies=limit):
    r"""For $p/n < \gamma^*$ the accuracies of the minimiser follow from $(m, \rho, \kappa)$:
    $\Phi((m \mp \kappa/2)/(\sigma\sqrt{m^2 + \rho^2}))$, fresh $\Phi(m/\ldots)$.

    Minus for wrong labels, plus for right ones. Measured is the deviation of the mean over samples in units of 0.01,
    for $n < \infty$, plus 5 standard errors.
    """
    n, samples = check.at(quick=(300, 80), full=(1000, 40))

    def measure(seed):
        found = {}
        for gamma, sigma, Delta in SETTINGS:
            seeds = range(1000 * seed, 1000 * seed + samples)
            runs = np.array([minimised(n, round(gamma * n), sigma, Delta, each) for each in seeds])
            error = runs.std(axis=0, ddof=1) / np.sqrt(samples)
            deviation = np.abs(runs.mean(axis=0) - accuracies(gamma, sigma, Delta)) / (0.01 + 5 * error)
            found[f"p/n = {gamma}, σ = {sigma}, Δ = {Delta}"] = deviation.max()
        return found

    check.reproduces(
        measure,
        bands={f"p/n = {gamma}, σ = {sigma}, Δ = {Delta}": (0, 1) for gamma, sigma, Delta in SETTINGS},
        seeds=1,
        setup={"n": n, "samples": samples, "solver": "L-BFGS on the logistic loss"},
    )
    keep_accuracies(check, accuracies, n, samples)


def keep_accuracies(check, accuracies, n, samples):
    """Tables of the end of training at σ = 0.2, Δ = 0.4 on both sides of γ*."""
    edge = threshold(0.4, 0.2)
    below, above = edge * np.linspace(0.02, 0.97, 20), edge + np.geomspace(0.01, 2 - edge, 40)
    lines = np.array([accuracies(gamma, 0.2, 0.4) for gamma in below.tolist()])
    check.table("below", gamma=below, wrong=lines[:, 0], right=lines[:, 1], fresh=lines[:, 2])
    check.table(
        "above", gamma=above, fresh=[max_margin(gamma, 0.2, 0.4).population_accuracy for gamma in above.tolist()]
    )
    points = [(gamma, sigma, Delta) for gamma, sigma, Delta in SETTINGS if (sigma, Delta) == (0.2, 0.4)]
    runs = np.array([[minimised(n, round(gamma * n), s, D, seed) for seed in range(samples)] for gamma, s, D in points])
    mean, deviation = runs.mean(axis=1), runs.std(axis=1, ddof=1)
    columns = {name: mean[:, k] for k, name in enumerate(("wrong", "right", "fresh"))}
    columns |= {f"{name}_sd": deviation[:, k] for k, name in enumerate(("wrong", "right", "fresh"))}
    check.table("minimised", gamma=[gamma for gamma, *_ in points], **columns)
    ratios = (0.5, 0.9, 1.4, 2.0)
    fresh = [[widest(200, round(200 * ratio), 0.2, 0.4, seed)[2] for seed in range(8)] for ratio in ratios]
    check.table("separated", gamma=ratios, fresh=np.mean(fresh, axis=1), fresh_sd=np.std(fresh, axis=1, ddof=1))


@functools.cache
def widest(n, p, sigma, Delta, seed):
    """Margin, overlap and accuracy of the max-margin vector: the point nearest 0 of the convex hull of the e_i x_i."""
    data = GaussianMixtureNoisyLabels(n, p, sigma, Delta, seed)
    signed = data.features * data.labels[:, None]
    weights, _ = nnls(np.vstack([signed.T, np.ones(n)]), np.append(np.zeros(p), 1.0), maxiter=100 * n)
    theta = weights @ signed
    theta /= np.linalg.norm(theta)
    return (signed @ theta).min(), theta[0], data.population_accuracy(theta)


@paper.claim(
    "Theorem 6 (beyond the threshold)",
    tags=("ours",),
    mutants={
        "no wrong labels": {"solution": lambda g, s, D: max_margin(g, s, 0.0)},
        "wrong share for replaced share": {"solution": lambda g, s, D: max_margin(g, s, D / 2)},
        "20 % fewer features": {"solution": lambda g, s, D: max_margin(0.8 * g, s, D)},
        "noise 10 % larger": {"solution": lambda g, s, D: max_margin(g, 1.1 * s, D)},
    },
)
def memorization_ends_at_the_max_margin_that_two_equations_say(check, solution=max_margin):
    r"""For $p/n > \gamma^*$ the margin is the largest $k$ with
    $\mathbb{E}(k - \varepsilon m - \sigma Z)_+^2 \le \gamma\sigma^2(1 - m^2)$ for some $m$, which is $\theta \cdot v$.

    Descent on the logistic loss converges to that direction (Soudry et al. 2018). Measured: deviations of means over
    samples in units of $1/n$, for $n < \infty$, plus 5 standard errors; 400 samples of $n = 100$, of seeds from
    $5 \cdot 10^6$ on, deviate by half of $1/n$.
    """
    n, samples = check.at(quick=(200, 60), full=(400, 60))

    def measure(seed):
        found = {}
        for gamma, sigma, Delta in BEYOND:
            seeds = range(1000 * seed, 1000 * seed + samples)
            runs = np.array([widest(n, round(gamma * n), sigma, Delta, each) for each in seeds])
            error = runs.std(axis=0, ddof=1) / np.sqrt(samples)
            expected = solution(gamma, sigma, Delta)
            three = (expected.margin, expected.overlap, expected.population_accuracy)
            deviation = np.abs(runs.mean(axis=0) - three) / (1 / n + 5 * error)
            found[f"p/n = {gamma}, σ = {sigma}, Δ = {Delta}"] = deviation.max()
        return found

    check.reproduces(
        measure,
        bands={f"p/n = {gamma}, σ = {sigma}, Δ = {Delta}": (0, 1) for gamma, sigma, Delta in BEYOND},
        seeds=1,
        setup={"n": n, "samples": samples, "solver": "nearest point of the convex hull, by active sets"},
    )


def threshold(Delta, sigma):
    """γ*(Δ, σ)."""
    return separability_threshold(Delta, sigma).gamma
