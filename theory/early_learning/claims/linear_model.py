"""The linear model: its gradient, and the lemmas on Gaussian clusters (Section 3 and Appendix A)."""

import functools

import hypothesis.strategies as st
import numpy as np
import sympy as sp
import torch
import z3
from scipy import stats

from theory.early_learning.claims.paper import paper
from theory.early_learning.mixture_model import GaussianMixtureNoisyLabels
from theory.early_learning.trajectory import early_learning_trajectory

SEEDS = st.integers(0, 2**20)
SIZES = st.integers(1, 12)
NOISE = st.floats(0.01, 3)


def gradient(data, theta):
    """∇L(θ), as the package's descent takes it."""
    return theta - early_learning_trajectory(data, eta=1.0, steps=1, initial=theta).theta


@paper.corrected(
    "Appendix A, Eq. 9",
    tags=("identity", "erratum"),
    printed={"slope": lambda z, e: (sp.tanh(z) - e) / 2},
    mutants={
        "factor 1/2 lost": {"slope": lambda z, e: sp.tanh(z / 2) - e},
        "true label's sign": {"slope": lambda z, e: (sp.tanh(z / 2) + e) / 2},
    },
)
def logistic_gradient_has_a_hyperbolic_tangent_of_half_the_score(check, slope=lambda z, e: (sp.tanh(z / 2) - e) / 2):
    r"""$\nabla L(\theta) = (1/2n) \sum x_i (\tanh(\theta \cdot x_i/2) - e_i)$.

    The paper prints $\tanh(\theta \cdot x_i)$, here and in all that follows; its constants $1/6$, .05, .5001 and .9999
    survive.
    """
    z = sp.Symbol("z", real=True)
    for e in (-1, 1):
        check.proves(
            sp.Eq(sp.diff(sp.log(1 + sp.exp(-e * z)), z), slope(z, e)), says=f"derivative by the score, e = {e}"
        )

    def is_autograd(n, p, sigma, seed):
        data = GaussianMixtureNoisyLabels(n, p, sigma, 0.5, seed)
        theta = torch.tensor(data.initial_parameter(), requires_grad=True)
        scores = torch.tensor(data.labels) * (torch.tensor(data.features) @ theta)
        (slopes,) = torch.autograd.grad(-torch.nn.functional.logsigmoid(scores).mean(), theta)
        return np.allclose(gradient(data, theta.detach().numpy()), slopes.numpy(), rtol=0, atol=1e-13 * (1 + sigma))

    check.forall(is_autograd, n=SIZES, p=SIZES, sigma=NOISE, seed=SEEDS, examples=50, says="the package's descent")


@paper.claim(
    "Section 3 (Θ of two rows) against Appendix A (θ)",
    tags=("identity",),
    mutants={"the same step": {"factor": 1}, "half the step": {"factor": sp.Rational(1, 2)}},
)
def descent_on_two_rows_moves_their_difference_by_twice_the_step(check, factor=2):
    r"""A step $\eta$ on the softmax weights $\Theta$ moves $\theta = \Theta_1 - \Theta_2$ by $-2\eta \nabla L(\theta)$,
    so the theory's $\eta$ is twice the trainer's.
    """
    first, second, x, eta = sp.symbols("Theta_1 Theta_2 x eta", real=True)
    theta = sp.Symbol("theta", real=True)
    loss = sp.log(1 + sp.exp(-theta * x))
    in_rows = loss.subs(theta, first - second)
    moved = -eta * (sp.diff(in_rows, first) - sp.diff(in_rows, second))
    taken = -factor * eta * sp.diff(loss, theta).subs(theta, first - second)
    check.proves(sp.Eq(moved, taken), says="one coordinate, one example; sums over both are linear")


@paper.claim(
    "Section 3, accuracy of θ",
    tags=("identity", "ours"),
    mutants={
        "σ lost": {"accuracy": lambda data, theta: stats.norm.cdf(theta[0] / np.linalg.norm(theta))},
        "|θ| lost": {"accuracy": lambda data, theta: stats.norm.cdf(theta[0] / data.sigma)},
        "σ for its square": {
            "accuracy": lambda data, theta: stats.norm.cdf(theta[0] / (data.sigma**2 * np.linalg.norm(theta)))
        },
    },
)
def fresh_examples_are_classified_by_their_true_sign_with_a_normal_probability(
    check, accuracy=GaussianMixtureNoisyLabels.population_accuracy
):
    r"""$P(\mathrm{sign}(\theta \cdot x) = e^*) = \Phi(\theta \cdot v / (\sigma|\theta|))$, whatever the training
    labels.
    """
    for sigma, theta in ((0.3, np.array([0.1, 2.0, 0.0])), (2.0, np.array([1.0, -0.5, 0.5]))):
        data = GaussianMixtureNoisyLabels(40_000, 3, sigma, 0.4, check.seed)
        right = np.sign(data.features @ theta) == data.true_labels
        expected = float(accuracy(data, theta))
        check.estimates(
            lambda rng, draws, right=right: right[:draws],
            band=(expected - 0.03, expected + 0.03),
            draws=40_000,
            says=f"σ = {sigma}; 0.03 is 12 standard errors",
        )


@paper.claim(
    "Lemma 8",
    tags=("inequality",),
    mutants={
        "half of it": {"bound": lambda norm, n: norm / np.sqrt(n) / 2},
        "norm over n": {"bound": lambda norm, n: norm / n},
    },
)
def gradient_is_bounded_by_the_norm_of_the_features(check, bound=lambda norm, n: norm / np.sqrt(n)):
    r"""$|\nabla L(\theta)| \le |X|/\sqrt{n}$ for every $\theta$; with the next claim this is at most
    $1 + \sigma(1 + \sqrt{p/n}) + o(1)$.
    """

    def is_bounded(n, p, sigma, seed, scale):
        data = GaussianMixtureNoisyLabels(n, p, sigma, 0.5, seed)
        theta = -(2.0**scale) * data.labels @ data.features
        steepest = np.linalg.norm(gradient(data, theta))
        return steepest <= bound(np.linalg.norm(data.features, 2), n) * (1 + 1e-9) + 1e-14 * 2.0**scale

    check.forall(is_bounded, n=SIZES, p=SIZES, sigma=NOISE, seed=SEEDS, scale=st.integers(-6, 12))


@functools.cache
def initial_overlaps(p, first_seed, draws):
    """θ_0·v of as many consecutive seeds."""
    samples = (GaussianMixtureNoisyLabels(1, p, 1.0, 0.0, first_seed + k) for k in range(draws))
    return np.array([data.initial_parameter()[0] for data in samples])


@paper.corrected(
    "Lemma 7",
    tags=("identity", "erratum"),
    printed={"second_moment": lambda p: 2 / p},
    mutants={"1/p, the unit sphere": {"second_moment": lambda p: 1 / p}},
)
def initial_overlap_has_second_moment_4_over_p(check, second_moment=lambda p: 4 / p):
    r"""$\theta_0$ uniform on the sphere of radius 2: $\mathbb{E}(\theta_0 \cdot v)^2 = 4/p$. The paper prints
    $|\theta_0|^2 = 2$ and $2/p$.

    The coordinates are exchangeable and their squares add to 4.
    """
    for p in (4, 9):
        band = (0.75 * second_moment(p), 1.25 * second_moment(p))
        draws = check.at(quick=6000, full=15_000)
        squares = lambda rng, draws, p=p: initial_overlaps(p, int(rng.integers(2**40)), draws) ** 2  # noqa: E731
        check.estimates(squares, band=band, draws=draws, bounds=(0, 4), says=f"p = {p}, within a quarter")


@paper.claim(
    "Lemma 9",
    tags=("inequality",),
    mutants={
        "distance forgotten": {"bound": lambda sigma, rms, distance, norm: sigma * rms},
        "initial point forgotten": {"bound": lambda sigma, rms, distance, norm: sigma * distance * norm},
        "half": {"bound": lambda sigma, rms, distance, norm: sigma * (rms + distance * norm) / 2},
    },
)
def scores_stay_near_the_overlap_throughout_a_ball(
    check, bound=lambda sigma, rms, distance, norm: sigma * (rms + distance * norm)
):
    r"""$\sqrt{\text{mean}_I\,(e_i^* \tanh(\theta \cdot x_i) - \tanh(\theta \cdot v))^2} \le
    \sigma(\sqrt{\text{mean}_I\,(\theta_0 \cdot z_i)^2} + |\theta - \theta_0|\,|Z_I|/\sqrt{|I|})$ for any index set $I$.

    tanh has slope at most 1; the same holds for $\tanh(\cdot/2)$. By Lemma 10 the right side is
    $\sigma(2 + c|\theta - \theta_0|) + o(1)$.
    """

    def holds(n, p, sigma, seed, distance):
        data = GaussianMixtureNoisyLabels(n, p, sigma, 0.5, seed)
        z = (data.direction - data.features * data.true_labels[:, None]) / sigma
        start = 1e-3 * data.initial_parameter()
        away = np.random.default_rng([seed, 2]).standard_normal(p)
        theta = start + distance * away / np.linalg.norm(away)
        spread = np.tanh(data.features @ theta) * data.true_labels - np.tanh(theta[0])
        rms = np.sqrt(np.mean((z @ start) ** 2))
        allowed = bound(sigma, rms, distance, np.linalg.norm(z, 2) / np.sqrt(n))
        return np.sqrt(np.mean(spread**2)) <= allowed * (1 + 1e-9) + 1e-15

    check.forall(
        holds,
        n=SIZES,
        p=SIZES,
        sigma=st.floats(0.01, 1),
        seed=SEEDS,
        distance=st.sampled_from([0.0, 1e-3, 0.3, 1.0, 3.0]),
    )


@functools.cache
def moments_of_noise(n, p, seed):
    """mean (θ_0·z)², and for all and for the wrongly labelled |mean z zᵀ|^{1/2} with their number."""
    data = GaussianMixtureNoisyLabels(n, p, 1.0, 0.8, seed)
    z = data.direction - data.features * data.true_labels[:, None]
    norms = [(np.sqrt(np.linalg.eigvalsh(part.T @ part)[-1] / len(part)), len(part)) for part in (z, z[data.wrong])]
    return np.mean((z @ data.initial_parameter()) ** 2), *norms


@paper.corrected(
    "Lemma 10",
    tags=("inequality", "erratum"),
    printed={"variance": 2},
    mutants={
        "norm without the ratio": {"norm": lambda ratio: 1.0},
        "norm of the ratio, not its root": {"norm": lambda ratio: 1 + ratio},
        "|θ_0| for its square": {"variance": 1},
    },
)
def noise_has_the_second_moments_of_a_gaussian_matrix(check, variance=4, norm=lambda ratio: 1 + np.sqrt(ratio)):
    r"""$\text{mean}_I\,(\theta_0 \cdot z_i)^2 \to |\theta_0|^2 = 4$ and
    $|\text{mean}_I\,z\,z^\top|^{1/2} \to 1 + \sqrt{p/|I|}$, for $I$ all or the wrongly labelled.

    The paper prints "$\le 2$" for the first, which is its square root. The bands: $|I|\,\text{mean}/4$ is $\chi^2$ with
    $|I|$ degrees of freedom; the norm exceeds its limit by $t/\sqrt{|I|}$ with probability at most $e^{-t^2/2}$
    ($t = 5.5$), and its fluctuations and bias are a few times $|I|^{-2/3}$.
    """
    n, p = check.at(quick=(600, 540), full=(2000, 1800))
    seeds, quantiles = check.at(quick=3, full=5), np.array([5e-7, 1 - 5e-7])

    def measure(seed):
        moment, *norms = moments_of_noise(n, p, seed)
        above = [found - norm(p / size) for found, size in norms]
        return {"variance": moment / variance, "norm, all": above[0], "norm, wrong": above[1]}

    few = 0.3 * n
    check.reproduces(
        measure,
        bands={
            "variance": tuple(stats.chi2.ppf(quantiles, n) / n),
            "norm, all": (-6 * n ** (-2 / 3), 5.5 / np.sqrt(n)),
            "norm, wrong": (-6 * few ** (-2 / 3), 5.5 / np.sqrt(few)),
        },
        seeds=seeds,
        setup={"n": n, "p": p, "Delta": 0.8, "quantities": "moment over 4; norms less their limits"},
    )


@paper.corrected(
    "Proof of Theorem 4, last lines",
    tags=("inequality", "erratum"),
    printed={"deviation": lambda c: z3.Q(1, 20_000) / c},
    mutants={"half of it": {"deviation": lambda c: 10_000 * c}},
)
def chebyshev_deviation_of_theorem_4_is_20000_c(check, deviation=lambda c: 20_000 * c):
    r"""A share of at most $c/\delta$ examples deviates by $\delta$; it is at most $10^{-4}/2$ for
    $\delta = 2 \cdot 10^4 c$.

    The paper prints $\delta = 10^{-4}/(2c)$, and then $A \le 1 - 10^{-4}$ for "$\ge$".
    """
    c = z3.Real("c")
    check.proves(z3.Implies(z3.And(c > 0, c <= 2), c / deviation(c) <= z3.Q(1, 20_000)))


@paper.refuted(
    "Proof of Theorem 4",
    tags=("erratum",),
    controls={"(1 − n^{−1/3}) Δn/2": {"least": lambda n, Delta: (1 - n ** (-1 / 3)) * Delta * n / 2}},
)
def wrong_labels_are_at_least_their_expected_number_with_high_probability(check, least=lambda n, Delta: Delta * n / 2):
    r"""As printed, $|W| \ge \Delta n/2$ with high probability. It is a coin flip; $|W| \ge (1 - o(1)) \Delta n/2$ is
    meant.
    """
    n, Delta = 2000, 0.5

    def enough(rng, draws):
        seeds = rng.integers(0, 2**40, draws).tolist()
        return np.array([GaussianMixtureNoisyLabels(n, 1, 0.0, Delta, s).wrong.sum() >= least(n, Delta) for s in seeds])

    check.estimates(enough, band=(0.8, 1), draws=300, says="in four of five samples at least")


@paper.corrected(
    "Proof of Proposition 5, display",
    tags=("inequality", "erratum"),
    printed={"power": 1},
    mutants={"cubes": {"power": 3}},
)
def root_mean_squares_of_residuals_differ_by_at_most_that_of_the_difference(check, power=2):
    r"""$|\sqrt{\text{mean}\,\kappa^2} - \sqrt{\text{mean}\,\kappa'^2}| \le \sqrt{\text{mean}\,(\kappa - \kappa')^2}$
    for residuals in $[-2, 2]$; the display lacks the last square.
    """

    def holds(pairs):
        first, second = np.array(pairs).T
        distance = np.sqrt(np.mean(np.abs(first - second) ** power))
        return abs(np.sqrt(np.mean(first**2)) - np.sqrt(np.mean(second**2))) <= distance + 1e-12

    residual = st.floats(-2, 2)
    check.forall(holds, pairs=st.lists(st.tuples(residual, residual), min_size=1, max_size=5))
