"""What the exponent of a matrix shows, and what it does not: heavy-tailed entries, uncertainty, random matrices."""

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp

from theory._numbers import Floats
from theory.setol.claims.paper import paper
from theory.setol.eigenvalues import eigenvalues
from theory.setol.goodness_of_fit import goodness_of_fit
from theory.setol.power_law import fit_power_law
from theory.setol.tracy_widom import tracy_widom_threshold
from verify import Check

Formula = Callable[..., Any]


@paper.claim(
    "Section 2, Table 1: α = μ/2 + 1",
    tags=("empirical",),
    mutants={
        "α = μ + 1": {"law": lambda mu: mu + 1},
        "α = μ/2": {"law": lambda mu: mu / 2},
    },
)
def very_heavy_tailed_entries_give_alpha_half_mu_plus_1(check: Check, law: Formula = lambda mu: mu / 2 + 1) -> None:
    r"""Entries with $P(|w| > x) = x^{-\mu}$ give a spectrum with $\alpha = \mu/2 + 1$, seen at $\mu \le 1.5$.

    The largest eigenvalues are then those of the largest entries, squared. Allowed is $\frac{1}{4}$, half of the
    distance to the laws it must tell apart. At $\mu = 3$ fits of matrices of this size are far from the limit of 2.5
    (recorded, without a band), so that the table's map from $\alpha$ to $\mu$ cannot be read off a fit there.
    """
    size = check.at(quick=300, full=1000)

    def fitted(seed: int) -> dict[str, float]:
        rng = np.random.default_rng([seed, 10])
        found = {}
        for mu in (1.0, 1.25, 1.5, 3.0):
            W = rng.pareto(mu, (size, size)) + 1
            W *= rng.choice([-1.0, 1.0], W.shape)
            spectrum = eigenvalues(W)
            found[f"μ = {mu}"] = fit_power_law(spectrum).alpha
            found[f"λ_max/max w², μ = {mu}"] = float(spectrum[-1] / np.square(W).max())
        return found

    bands = {f"μ = {mu}": (law(mu) - 0.25, law(mu) + 0.25) for mu in (1.0, 1.25, 1.5)}
    bands["λ_max/max w², μ = 1.0"] = (1.0, 1.15)
    setup = {"shape": (size, size), "entries": "P(|w| > x) = x^{−μ}, x ≥ 1, random signs"}
    printed = {f"μ = {mu}": mu / 2 + 1 for mu in (1.0, 1.25, 1.5, 3.0)}
    seeds = check.at(quick=7, full=15)
    check.reproduces(fitted, bands=bands, seeds=seeds, setup=setup, printed=printed, says=f"{size} × {size}")


@paper.refuted(
    "weightwatcher and powerlaw, α ± σ",
    tags=("erratum", "empirical"),
    controls={"xmin known": {"given": True}},
)
def sigma_is_the_spread_of_alpha_after_the_scan(check: Check, given: bool = False) -> None:
    r"""$\sigma = (\hat{\alpha} - 1)/\sqrt{n}$ is the standard deviation of $\hat{\alpha}$ over samples of a power law,
    $\alpha = 2$, 100 values, to 15 %.

    It is for a given $x_{\min}$. The scan adds a spread of its own, which $\sigma$, conditional on $x_{\min}$, does not
    know of, and a bias. ($\hat{\alpha} \pm 1.96 \sigma$ still covers $\alpha$ in some 92 % of samples, since small
    tails come with a large $\sigma$.)
    """
    samples_a_seed, values = 300, 100

    def over_replicas(seed: int) -> dict[str, float]:
        rng = np.random.default_rng([seed, 11])
        samples = np.exp(rng.standard_exponential((samples_a_seed, values)))
        fits = [fit_power_law(x, xmin=1.0 if given else None) for x in samples]
        alphas, sigmas = np.array([fit.alpha for fit in fits]), np.array([fit.sigma for fit in fits])
        covered = abs(alphas - 2) <= 1.96 * sigmas
        return {
            "spread/σ": float(alphas.std() / np.median(sigmas)),
            "bias": float(alphas.mean() - 2),
            "coverage": float(covered.mean()),
        }

    bands, seeds = {"spread/σ": (0.85, 1.15)}, check.at(quick=5, full=30)
    setup = {"law": "power law, α = 2, xmin = 1", "values": values, "xmin": "given" if given else "scanned"}
    setup |= {"samples a seed": samples_a_seed}
    check.reproduces(over_replicas, bands=bands, seeds=seeds, setup=setup)


def gaussian(shape: tuple[int, int], rng: np.random.Generator, draws: int) -> tuple[Floats, Floats]:
    """Of Gaussian matrices: whether 2 ≤ α ≤ 6, and whether an eigenvalue is beyond the 1 % threshold of the edge."""
    threshold = tracy_widom_threshold(*shape, level=0.01)
    spectra = [eigenvalues(rng.standard_normal(shape), scale="1/N") for _ in range(draws)]
    in_range = [2 <= fit_power_law(x).alpha <= 6 for x in spectra]
    return np.array(in_range, dtype=float), np.array([x[-1] > threshold for x in spectra], dtype=float)


@paper.refuted(
    "Section 2, 2 ≤ α ≤ 6 marks a trained layer",
    tags=("empirical", "ours"),
    controls={"and an eigenvalue beyond the random edge": {"passes": lambda in_range, beyond: in_range * beyond}},
)
def random_matrices_are_told_by_alpha_outside_2_to_6(
    check: Check, passes: Formula = lambda in_range, beyond: in_range
) -> None:
    r"""At most one random Gaussian matrix in ten, of $100 \times 100$, has an $\alpha$ between 2 and 6.

    Half of them and more do: $\alpha$ in the range of good layers is no evidence of training. With the demand of an
    eigenvalue beyond the 1 % point of the Tracy–Widom law at the edge, few pass. The table has other shapes.
    """
    check.estimates(
        lambda rng, draws: passes(*gaussian((100, 100), rng, draws)),
        band=(0, 0.1),
        draws=800,
        says="share of 100 × 100 that pass",
    )
    shapes, draws = ((50, 50), (100, 100), (200, 200), (300, 300), (784, 300)), check.at(quick=60, full=1000)
    found = [gaussian(shape, check.rng(str(shape)), draws) for shape in shapes]
    check.table(
        "false_alarms",
        N=[shape[0] for shape in shapes],
        M=[shape[1] for shape in shapes],
        alpha=[float(in_range.mean()) for in_range, _ in found],
        alpha_and_edge=[float((in_range * beyond).mean()) for in_range, beyond in found],
        draws=[draws] * len(shapes),
    )


def plausible(spectrum: Floats) -> bool:
    """Whether 2 ≤ α ≤ 6 with a p-value of fit of at least 0.1."""
    fit = fit_power_law(spectrum)
    return 2 <= fit.alpha <= 6 and goodness_of_fit(spectrum, fit, n_boot=49).p_value >= 0.1


def beyond_the_edge(spectrum: Floats) -> bool:
    """Whether an eigenvalue of a 50 × 50 matrix is beyond the 1 % threshold of the random edge."""
    return bool(spectrum[-1] > tracy_widom_threshold(50, 50, level=0.01))


@paper.refuted(
    "Clauset, Shalizi, Newman 2009, Section 4.1, applied to layers",
    tags=("empirical", "ours"),
    controls={"and an eigenvalue beyond the random edge": {"counts": beyond_the_edge}},
)
def the_goodness_of_fit_test_tells_small_random_matrices(
    check: Check, counts: Callable[[Floats], bool] = lambda spectrum: True
) -> None:
    r"""At most a tenth of random Gaussian $50 \times 50$ matrices have $2 \le \alpha \le 6$ and a p-value of fit of at
    least 0.1.

    About half have: with 50 eigenvalues the test has little power against the upper end of a random spectrum. Of those
    with an eigenvalue beyond the edge too, 0.6 %, the interval of 400 draws stays below a tenth but for a chance of
    $10^{-6}$.
    """

    def passes(rng: np.random.Generator, draws: int) -> Floats:
        spectra = (eigenvalues(rng.standard_normal((50, 50)), scale="1/N") for _ in range(draws))
        return np.array([counts(x) and plausible(x) for x in spectra], dtype=float)

    check.estimates(passes, band=(0, 0.1), draws=400, says="share of 50 × 50 that pass")


def below_2(size: int) -> Callable[[np.random.Generator, int], Floats]:
    """Whether a square Gaussian matrix has α < 2."""

    def draw(rng: np.random.Generator, draws: int) -> Floats:
        fits = [fit_power_law(eigenvalues(rng.standard_normal((size, size)))) for _ in range(draws)]
        return np.array([fit.alpha < 2 for fit in fits], dtype=float)

    return draw


@paper.refuted(
    "Section 2, α < 2 marks an over-trained layer",
    tags=("empirical", "ours"),
    controls={"100 eigenvalues": {"size": 100}},
    mutants={"10 eigenvalues": {"size": 10}},
)
def random_matrices_never_look_over_trained(check: Check, size: int = 12) -> None:
    r"""At most one random Gaussian $12 \times 12$ matrix in ten has $\alpha < 2$, WeightWatcher's mark of an
    over-trained layer.

    A quarter have. With 100 eigenvalues the statement holds.
    """
    check.estimates(below_2(size), band=(0, 0.1), draws=800, says="share with α < 2")


@paper.claim(
    "JMLR 22(165), largest eigenvalue of a Pareto matrix",
    tags=("identity",),
    mutants={
        "M^{2/μ − 1}": {"scale": lambda M, Q, mu: M ** (2 / mu - 1) * (1 / Q) ** (1 - 2 / mu)},
        "Q for 1/Q": {"scale": lambda M, Q, mu: M ** (4 / mu - 1) * Q ** (1 - 2 / mu)},
    },
)
def the_largest_squared_pareto_entry_has_this_scale(
    check: Check, scale: Formula = lambda M, Q, mu: M ** (4 / mu - 1) * (1 / Q) ** (1 - 2 / mu)
) -> None:
    r"""$\lambda_{\max}(W^\top W)/N$, near $\max w^2/N$ for heavy tails, grows as $M^{4/\mu - 1} (1/Q)^{1 - 2/\mu}$.

    $N M$ entries with $P(|w| > x) = x^{-\mu}$ have one above $x = (N M)^{1/\mu}$ on average.
    """
    M, Q, mu = sp.symbols("M Q mu", positive=True)
    one_exceeds = (Q * M * M) ** (1 / mu)
    check.proves(sp.Eq(scale(M, Q, mu) * Q * M, one_exceeds**2))
