"""Early learning: the first gradients point at the clusters, and wrong labels are classified by their true class.

Section 3 (Theorem 1) and Appendix A (Propositions 3 and 5, Theorem 4). T is the first step with θ·v ≥ 1/10.
"""

import functools

import numpy as np
import z3
from flint import acb, arb
from scipy import stats

from theory.early_learning.claims.paper import paper
from theory.early_learning.mixture_model import GaussianMixtureNoisyLabels
from theory.early_learning.trajectory import bayes_logit, early_learning_trajectory, hitting_time, initial_alignment

OVERLAP, ETA, STEPS = 0.1, 0.05, 25


@functools.cache
def early_run(n, p, sigma, Delta, seed, eta=ETA, steps=STEPS):
    """Descent from θ_0 ⊥ v, and T; a run that does not reach T in time has T = None."""
    data = GaussianMixtureNoisyLabels(n, p, sigma, Delta, seed)
    run = early_learning_trajectory(data, eta=eta, steps=steps, initial=data.initial_parameter(orthogonal=True))
    reached = np.flatnonzero(run.overlap >= OVERLAP)
    return run, int(reached[0]) if len(reached) else None


def early_setup(n, sigma, Delta, ratio=0.9):
    """What `indicators` runs."""
    sizes = {"n": n, "p": round(ratio * n), "sigma": sigma, "Delta": Delta}
    return sizes | {"eta": ETA, "until": "θ·v ≥ 1/10", "theta_0": "orthogonal to v, length 2"}


def indicators(holds, n, sigma, Delta, ratio=0.9, steps=STEPS):
    """A draw of whether ``holds(run, T)`` in independent runs."""

    def draw(rng, draws):
        seeds = rng.integers(0, 2**40, draws).tolist()
        return np.array([holds(*early_run(n, round(ratio * n), sigma, Delta, seed, steps=steps)) for seed in seeds])

    return draw


@paper.claim(
    "Proposition 3",
    tags=("inequality",),
    mutants={
        "noise 4 at Δ = 1/2": {"settings": ((0.5, 4.0),)},
        "nine tenths": {"least": 0.9},
        "ascent": {"sign": -1},
    },
)
def early_gradients_point_at_the_clusters(check, settings=((0.4, 0.01), (0.4, 0.1), (0.4, 0.4)), least=1 / 6, sign=1):
    r"""For $\sigma \le \sigma_\Delta$, with high probability $-\nabla L(\theta_t) \cdot v/|\nabla L(\theta_t)| \ge 1/6$
    and $|\theta_t - \theta_0| \le 1$ for all $t < T$.

    Here "high" means four runs of five at least. The proof's constants give $\sigma_\Delta$ of about 0.03, the
    alignment holds far beyond. $\theta_0$ is drawn orthogonal to $v$: at these $p$ a random $\theta_0 \cdot v$ is as
    large as the overlap to be gained.
    """

    def points_at_them(run, T):
        early = slice(0, STEPS + 1 if T is None else T)
        return bool((sign * run.alignment[early] >= least).all() and (run.distance[early] <= 1).all())

    n = check.at(quick=300, full=600)
    for Delta, sigma in settings:
        draw = indicators(points_at_them, n, sigma, Delta)
        check.estimates(draw, band=(0.8, 1), draws=80, says=f"Δ = {Delta}, σ = {sigma}, n = {n}")
        check.note(setup=early_setup(n, sigma, Delta), printed={"alignment": "at least 1/6", "distance": "at most 1"})


@functools.cache
def first_alignment(n, p, sigma, Delta, seed):
    """Measured alignment at θ_0 ⊥ v, and the realised mean of e_i e*_i."""
    data = GaussianMixtureNoisyLabels(n, p, sigma, Delta, seed)
    run = early_learning_trajectory(data, eta=1.0, steps=0, initial=data.initial_parameter(orthogonal=True))
    return float(run.alignment[0]), float(1 - 2 * data.wrong.mean())


@paper.claim(
    "Proposition 3 (its value at t = 0)",
    tags=("ours",),
    mutants={
        "E Z tanh(σZ) dropped": {
            "alignment": lambda a, gamma, sigma: (
                1 / np.sqrt(initial_alignment(a, gamma, sigma) ** -2 - shrinkage(a, sigma))
            )
        },
        "E tanh² dropped": {"alignment": lambda a, gamma, sigma: a / np.sqrt(a**2 + sigma**2 * gamma)},
        "no label noise": {"alignment": lambda a, gamma, sigma: initial_alignment(1.0, gamma, sigma)},
        "γ = 1": {"alignment": lambda a, gamma, sigma: initial_alignment(a, 1.0, sigma)},
    },
)
def alignment_of_the_first_gradient_has_a_closed_form(check, alignment=initial_alignment):
    r"""With $a = \text{mean}(e_i e_i^*)$, $\gamma = p/n$: $a/\sqrt{a^2 + \sigma^2(\gamma(1 + \mathbb{E} \tanh^2(\sigma
    Z)) + (\mathbb{E}\,Z \tanh(\sigma Z))^2)}$ as $n, p \to \infty$.

    The deviations are in units of their standard deviation: that of the gradient's component along $v$,
    $\sigma\sqrt{(1 + \mathbb{E} \tanh^2)/n}$, times the formula's slope in $a$, and that of a $\chi^2$ of $p$ degrees
    in its length. The band is 4.5 standard errors of a median, and a unit for the bias of order $1/n$.
    """
    n, seeds = check.at(quick=(500, 25), full=(1500, 25))
    settings = [(Delta, sigma, gamma) for Delta in (0.2, 0.5) for sigma in (0.2, 1.0) for gamma in (0.3, 0.9)]

    def measure(seed):
        found = {}
        for Delta, sigma, gamma in settings:
            measured, a = first_alignment(n, round(gamma * n), sigma, Delta, seed)
            slope = (initial_alignment(a + 1e-4, gamma, sigma) - initial_alignment(a - 1e-4, gamma, sigma)) / 2e-4
            length = measured * (1 - measured**2) / np.sqrt(2 * gamma * n)
            spread = np.hypot(slope * sigma * np.sqrt(2 / n), length)
            found[f"Δ={Delta}, σ={sigma}, γ={gamma}"] = (measured - alignment(a, gamma, sigma)) / spread
        return found

    allowed = 4.5 * np.sqrt(np.pi / 2 / seeds) + 0.5
    check.reproduces(
        measure,
        bands={f"Δ={Delta}, σ={sigma}, γ={gamma}": (-allowed, allowed) for Delta, sigma, gamma in settings},
        seeds=seeds,
        setup={"n": n, "theta_0": "orthogonal to v, length 2", "quantity": "deviation over standard deviation"},
    )
    sigmas, replaced = np.geomspace(0.02, 4, 60), np.array([0.2, 0.5, 0.8])
    grid, curves = (x.ravel() for x in np.meshgrid(replaced, sigmas))
    check.table("alignment_theory", Delta=grid, sigma=curves, alignment=alignment(1 - grid, 0.9, curves))
    points = [(D, s) for D in replaced for s in (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)]
    draws = [[first_alignment(n, round(0.9 * n), s, D, k)[0] for k in range(4)] for D, s in points]
    check.table(
        "alignment_simulated",
        Delta=[D for D, _ in points],
        sigma=[s for _, s in points],
        mean=np.mean(draws, axis=1),
        deviation=np.std(draws, axis=1, ddof=1),
    )


def shrinkage(a, sigma):
    """σ²(E Z tanh(σZ))²/a², as the formula has it at γ = 0."""
    return initial_alignment(a, 0.0, sigma) ** -2 - 1


@paper.corrected(
    "Proposition 3, σ_Δ in its proof",
    tags=("inequality", "erratum"),
    printed={"budget": lambda Delta, m: z3.Q(2, 3) - Delta / 2 - m},
    mutants={"1/2 for 1/3": {"budget": lambda Delta, m: z3.Q(1, 2) - Delta / 2 - m / 2}},
)
def noise_allowed_by_the_proof_of_alignment(check, budget=lambda Delta, m: z3.Q(1, 3) - Delta / 2 - m / 2):
    r"""If $(c + 1/3)\sigma \le 1/3 - \Delta/2 - m/2$, then $(1 - \Delta)/2 - m/2 - c\sigma$ is at least a sixth of
    $1 + 2\sigma$.

    These bound $-\nabla L \cdot v$ from below at overlap $m = \theta \cdot v$ ($\tanh m \le m$) and $|\nabla L|$ from
    above. The paper prints $2/3 - \Delta/2$ at $m = 0$ and $2/3 - \Delta/2 - 0.1$ at $m = 0.1$, for $1/3 - \Delta/2$
    and $1/3 - \Delta/2 - 0.05$.
    """
    Delta, m, sigma, c = z3.Reals("Delta m sigma c")
    domain = z3.And(Delta > 0, Delta < 1, m >= 0, m <= z3.Q(1, 10), sigma >= 0, c > 0)
    enough = (c + z3.Q(1, 3)) * sigma <= budget(Delta, m)
    aligned = (1 - Delta) / 2 - m / 2 - c * sigma >= (1 + 2 * sigma) / 6
    check.proves(z3.Implies(z3.And(domain, enough), aligned))


@paper.claim(
    "Theorem 1 (T = Ω(1/η), its value as σ → 0)",
    tags=("ours",),
    mutants={
        "tanh(m)": {"law": lambda Delta, m: hitting_time(Delta, 2 * m) / 2},
        "wrong share for replaced share": {"law": lambda Delta, m: hitting_time(Delta / 2, m)},
        "first order 2m/(1 − Δ)": {"law": lambda Delta, m: 2 * m / (1 - Delta)},
    },
)
def overlap_reaches_m_after_an_explicit_time(check, law=hitting_time):
    r"""As $\sigma \to 0$, $dm/d\tau = (1 - \Delta - \tanh(m/2))/2$ in $\tau = \eta t$, and $m = \theta \cdot v$ is
    reached at an explicit $\tau$.

    $\tau = 4(-au - \ln(\cosh u - \sinh(u)/a))/(1 - a^2)$, $u = m/2$, $a = 1 - \Delta$. $4 \cdot 10^{-15}$ allows for
    the rounding of the formula.
    """
    for Delta, m in ((0.2, 0.1), (0.5, 0.1), (0.8, 0.1), (0.4, 1.0), (0.05, 3.0)):
        speed = lambda x, Delta=Delta: (1 - arb(Delta) - (x / 2).tanh()) / 2  # noqa: E731
        duration = lambda f=speed, m=m: acb.integral(lambda x, _: 1 / f(x), 0, m).real  # noqa: E731
        value = float(law(Delta, m))
        check.certifies_value(duration, value, within=4e-15 * value, says=f"∫ dm/speed at Δ = {Delta}, m = {m}")


@functools.cache
def duration_to_the_tenth(n, p, sigma, Delta, eta, seed):
    """ηT, interpolated between the two steps around T, and the realised 1 − mean(e_i e*_i); 10 % late at the latest."""
    data = GaussianMixtureNoisyLabels(n, p, sigma, Delta, seed)
    share = 2 * float(data.wrong.mean())
    steps = int(1.1 * hitting_time(share, OVERLAP) / eta)
    run = early_learning_trajectory(data, eta=eta, steps=steps, initial=data.initial_parameter(orthogonal=True))
    return float(np.interp(OVERLAP, run.overlap, eta * run.step)), share


@paper.claim(
    "Theorem 1, T",
    tags=("empirical",),
    mutants={
        "tanh(m)": {"law": lambda Delta, m: hitting_time(Delta, 2 * m) / 2},
        "wrong share for replaced share": {"law": lambda Delta, m: hitting_time(Delta / 2, m)},
    },
)
def descent_at_small_noise_keeps_the_explicit_time(check, law=hitting_time):
    r"""Simulated $\eta T$ at $\sigma = 0.005$, $\eta = 0.005$ over the law at the realised share of replaced labels is
    1 within 0.6 %.

    The band: the noise enters by $O(\sigma^2)$ and $\sigma/\sqrt{n}$, the step by $O(\eta)$ relative to the duration,
    at most 0.5 %. At $\Delta = 0.6$ the realised share stays below the 0.95 beyond which $T$ does not exist.
    """
    n, shares = check.at(quick=200, full=1000), (0.2, 0.4, 0.6)

    def measure(seed):
        times = {Delta: duration_to_the_tenth(n, round(0.9 * n), 0.005, Delta, 0.005, seed) for Delta in shares}
        return {f"Δ = {Delta}": found / law(share, OVERLAP) for Delta, (found, share) in times.items()}

    check.reproduces(
        measure,
        bands={f"Δ = {Delta}": (0.994, 1.006) for Delta in shares},
        seeds=3,
        setup={"n": n, "p": round(0.9 * n), "sigma": 0.005, "eta": 0.005, "theta_0": "orthogonal to v, length 2"},
    )


@paper.claim(
    "Section 3 (where early learning ends)",
    tags=("identity", "ours"),
    mutants={
        "ln((1 − Δ)/Δ)": {"limit": lambda Delta: np.log((1 - Delta) / Delta)},
        "tanh(m)": {"limit": lambda Delta: bayes_logit(Delta) / 2},
    },
)
def early_learning_ends_at_the_bayes_logit(check, limit=bayes_logit):
    r"""As $\sigma \to 0$ the overlap tends to $\ln((2 - \Delta)/\Delta)$, the log odds that a label is true, where
    $\tanh(m/2) = 1 - \Delta$.
    """
    for Delta in (0.1, 0.4, 0.8):
        m = float(limit(Delta))
        settled = lambda m=m: (arb(m) / 2).tanh()  # noqa: E731
        check.certifies_value(settled, 1 - arb(Delta), within=1e-15, says=f"speed is 0 there, Δ = {Delta}")


@paper.refuted(
    "Theorem 1 (Δ in (0, 1)) with the T of Appendix A",
    tags=("erratum", "ours"),
    controls={"Δ ≤ 1/2, as the appendix assumes": {"shares": (0.01, 0.5)}, "Δ ≤ 0.95": {"shares": (0.01, 0.95)}},
)
def the_overlap_reaches_a_tenth_at_every_share_of_replaced_labels(check, shares=(0.01, 0.99)):
    r"""As printed, a $T$ with $\theta_T \cdot v \ge 1/10$ exists for any $\Delta$ in $(0, 1)$.

    As $\sigma \to 0$ the overlap stays below $\ln((2 - \Delta)/\Delta)$, which is less than $1/10$ for
    $\Delta > 2/(1 + e^{1/10}) = 0.9500$.
    """
    check.certifies(lambda Delta: (2 / Delta - 1).log() - arb(1) / 10, over={"Delta": shares}, says="limit above 1/10")


@paper.claim(
    "Theorem 4, second half",
    tags=("inequality",),
    mutants={"σ = 0.03": {"sigma": 0.03}, "σ = 0.1": {"sigma": 0.1}},
)
def at_the_tenth_wrong_labels_are_classified_by_their_true_class(check, sigma=0.0134):
    r"""For $\sigma \le \sigma_\Delta$ the share of wrongly labelled examples classified by their true class at $T$
    exceeds 0.9999.

    "With high probability" is four runs of five. $\sigma$ is at the edge of the next claim; the proof's constants,
    corrected, would ask for $\sigma$ of about $5 \cdot 10^{-7}$.
    """
    n = check.at(quick=300, full=2000)
    nearly_all = lambda run, T: T is not None and run.wrong_accuracy[T] > 0.9999  # noqa: E731
    draw = indicators(nearly_all, n, sigma, 0.5)
    check.estimates(draw, band=(0.8, 1), draws=120, says=f"Δ = 0.5, σ = {sigma}, n = {n}")
    check.note(setup=early_setup(n, sigma, 0.5), printed={"share": "more than 0.9999"})


@paper.claim(
    "Theorem 4, second half (its noise)",
    tags=("ours",),
    mutants={"σ ≤ 0.0135": {"largest": 0.0135}, "|θ_T| = 1": {"largest": 0.02688}, "share 0.99999": {"missed": "1e-5"}},
)
def classifying_all_but_1_in_10000_needs_noise_below_01344(check, largest=0.01344, missed="1e-4"):
    r"""As $|\theta_T| = 2 + o(1)$, a share $\Phi(0.1/(2\sigma)) > 0.9999$ at overlap $1/10$ needs $\sigma \le 0.01344$,
    and has it there.
    """
    exceeds = lambda sigma: arb(missed) - (arb(1) / 20 / sigma / arb(2).sqrt()).erfc() / 2  # noqa: E731
    check.certifies(exceeds, over={"sigma": (0.001, largest)}, says="Φ(0.1/(2σ)) > 0.9999")
    check.certifies(lambda sigma: -exceeds(sigma), over={"sigma": (0.01345, 1)}, says="not beyond")


@functools.cache
def initial_accuracies(n, p, sigma, Delta, first_seed, draws):
    """Accuracy on wrong labels at a random θ_0, and their number, of consecutive seeds."""
    found = []
    for seed in range(first_seed, first_seed + draws):
        data = GaussianMixtureNoisyLabels(n, p, sigma, Delta, seed)
        right = np.sign(data.features @ data.initial_parameter()) == data.true_labels
        found.append((right[data.wrong].mean(), data.wrong.sum()))
    return np.array(found).T


def variance_of_initial_accuracy(wrong, noise):
    """(1/4 − u)/|W| + u; u = arcsin(1/(1 + σ²p))/(2π) is the variance of Φ(G), G normal of variance 1/(σ²p)."""
    shared = np.arcsin(1 / (1 + noise)) / (2 * np.pi)
    return (0.25 - shared) / wrong + shared


@paper.refuted(
    "Theorem 4, first half, at sizes that can be run",
    tags=("erratum", "ours"),
    controls={
        "1/2 + 3 standard deviations": {
            "bound": lambda wrong, noise: 0.5 + 3 * np.sqrt(variance_of_initial_accuracy(wrong, noise))
        }
    },
)
def initial_accuracy_is_at_most_5001_with_high_probability(check, bound=lambda wrong, noise: 0.5001):
    r"""At $\theta_0$ at most 0.5001 of the wrongly labelled examples are classified by their true class, w.h.p.

    True in the limit only. At $n = 100$, $p = 60$ this is a coin flip; 95 % needs $|W|$ of $7 \cdot 10^7$ and
    $\sigma^2p$ of $4 \cdot 10^7$.
    """
    n, p, sigma = 100, 60, 0.5

    def below(rng, draws):
        share, wrong = initial_accuracies(n, p, sigma, 0.8, int(rng.integers(2**40)), draws)
        return share <= bound(wrong, sigma**2 * p)

    draws = check.at(quick=800, full=4000)
    check.estimates(below, band=(0.95, 1), draws=draws, says=f"n = {n}, p = {p}, σ = {sigma}, Δ = 0.8")


@paper.claim(
    "Theorem 4, A(θ_0)",
    tags=("ours",),
    mutants={
        "sampling of W only": {"variance": lambda wrong, noise: 0.25 / wrong},
        "θ_0·v of variance 2/p": {"variance": lambda wrong, noise: variance_of_initial_accuracy(wrong, 2 * noise)},
        "no sampling of W": {"variance": lambda wrong, noise: variance_of_initial_accuracy(np.inf, noise)},
    },
)
def initial_accuracy_varies_by_sampling_and_by_the_initial_overlap(check, variance=variance_of_initial_accuracy):
    r"""$\mathrm{Var}\,A(\theta_0) = (1/4 - u)/|W| + u$ with $u = \arcsin(1/(1 + \sigma^2p))/(2\pi)$ as $p \to \infty$:
    sampling of $W$, and $\theta_0 \cdot v \sim N(0, 4/p)$.

    The mean standardised square is compared with its $\chi^2$ interval of probability $1 - 10^{-6}$, widened by $2/p$
    each way for the coordinate of a sphere, which is normal up to $O(1/p)$.
    """
    n, p, sigma = 100, 60, 0.5
    draws = check.at(quick=3000, full=20_000)

    def measure(seed):
        share, wrong = initial_accuracies(n, p, sigma, 0.8, seed * 10**6, draws)
        return {"variance over formula": np.mean((share - 0.5) ** 2 / variance(wrong, sigma**2 * p))}

    low, high = stats.chi2.ppf([5e-7, 1 - 5e-7], draws) / draws
    check.reproduces(
        measure,
        bands={"variance over formula": (low - 2 / p, high + 2 / p)},
        seeds=1,
        setup={"n": n, "p": p, "sigma": sigma, "Delta": 0.8, "draws": draws},
    )


@paper.claim(
    "Proposition 5",
    tags=("inequality",),
    mutants={
        "0.11 for 0.05": {"gain": 0.11},
        "σ = 1": {"sigmas": (1.0,)},
        "both decrease": {"signs": (-1, -1)},
    },
)
def gradients_of_right_labels_vanish_and_those_of_wrong_ones_grow(
    check, sigmas=(0.01, 0.1, 0.4), gain=0.05, signs=(-1, 1)
):
    r"""With $\kappa_i = \tanh(\theta \cdot x_i/2) - e_i$: $\text{mean}_C\,\kappa^2$ falls by more than 0.05 from
    $\theta_0$ to $\theta_T$, and $\text{mean}_W\,\kappa^2$ rises by more.

    "With high probability" is four runs of five, from $\theta_0 \perp v$. From a random $\theta_0$ some runs at these
    $p$ begin beyond $T$.
    """

    def changes(run, T):
        if T is None:
            return False
        right = run.right_residual[T] - run.right_residual[0]
        wrong = run.wrong_residual[T] - run.wrong_residual[0]
        return bool(signs[0] * right > gain and signs[1] * wrong > gain)

    n = check.at(quick=300, full=600)
    for sigma in sigmas:
        draw = indicators(changes, n, sigma, 0.4)
        check.estimates(draw, band=(0.8, 1), draws=200, says=f"Δ = 0.4, σ = {sigma}, n = {n}")
        check.note(setup=early_setup(n, sigma, 0.4), printed={"change of mean κ²": "beyond 0.05"})


@paper.refuted(
    "Proof of Proposition 5",
    tags=("erratum",),
    controls={
        "its square": {"residual": lambda m: (1 - (m / 2).tanh()) ** 2},
        "with the printed tanh(m)": {"residual": lambda m: 1 - m.tanh()},
    },
)
def residual_of_right_labels_is_below_95_at_the_tenth(check, residual=lambda m: 1 - (m / 2).tanh()):
    r"""As printed, the residual $1 - \tanh$ of a rightly labelled example at overlap $1/10$ is strictly less than 0.95.

    With $\tanh(m/2)$, which the gradient has, it is 0.95004; the mean square, 0.9026, is what the proposition needs.
    """
    check.certifies(lambda m: arb("0.95") - residual(m), over={"m": (0.1, 0.1)})


@paper.claim(
    "Proposition 5 (its value as σ → 0)",
    tags=("identity", "ours"),
    mutants={"printed tanh(m)": {"slope": 1}, "tanh(m/4)": {"slope": 0.25}},
)
def residuals_change_by_a_tenth_as_the_noise_vanishes(check, slope=0.5):
    r"""As $\sigma \to 0$, $\text{mean}_C\,\kappa^2$ changes by $-0.09742$ and $\text{mean}_W\,\kappa^2$ by 0.10241 from
    overlap 0 to $1/10$.
    """
    for sign, change in ((-1, "-0.09742"), (1, "0.10241")):
        value = lambda sign=sign: (1 + sign * (arb(slope) / 10).tanh()) ** 2 - 1  # noqa: E731
        check.certifies_value(value, change, says="right labels" if sign < 0 else "wrong labels")
