"""What arguments lose when the Cauchy–Schwarz divergence takes the place of Kullback–Leibler.

Two vectors that agree on one atom of mass ½; the other half is spread over n + n atoms, with 0.4 on the first n and 0.1
on the last n for p, and the other way round for q.
"""

import itertools

import numpy as np
from flint import acb, arb

from theory.cauchy_schwarz.claims.divergence import normal
from theory.cauchy_schwarz.claims.kl_comparison import Atoms
from theory.cauchy_schwarz.claims.paper import paper
from theory.cauchy_schwarz.mixture import mixture_divergence


def spread_over(n):
    """The two vectors for ``n`` copies."""
    return Atoms(("0.5", "0.5", 1), (arb("0.4") / n, arb("0.1") / n, n), (arb("0.1") / n, arb("0.4") / n, n))


@paper.refuted(
    "use of the divergence in generalization bounds",
    tags=("inequality", "ours"),
    controls={"Kullback–Leibler": {"divergence": Atoms.kl}},
    mutants={"any multiple, e.g. 1000 D": {"divergence": lambda atoms: 1000 * atoms.divergence()}},
)
def total_variation_is_at_most_the_root_of_half_the_divergence(check, divergence=Atoms.divergence):
    r"""Pinsker's inequality $\mathrm{TV} \le \sqrt{D/2}$ with $D_{\text{CS}}$ in place of KL.

    False, and with any other constant: $\mathrm{TV} = 0.3$ however many atoms the mass is spread over, while
    $D_{\text{CS}} = O(1/n)$. A bound that goes through total variation does not carry over.
    """

    def slack(n):
        distance = spread_over(n).total_variation()
        return divergence(spread_over(n)) / 2 - distance * distance

    for n in (8, 10**6):
        check.certifies(slack, over={"n": (n, n)}, says=f"{n} + {n} atoms")
        atoms = spread_over(n)
        check.note(**{name: float(getattr(atoms, name)()) for name in ("total_variation", "divergence", "kl")})


@paper.refuted(
    "use of the divergence as a measure of information",
    tags=("inequality", "ours"),
    controls={"Kullback–Leibler": {"divergence": Atoms.kl}},
    mutants={"half convention": {"divergence": lambda atoms: atoms.divergence() / 2}},
)
def merging_outcomes_does_not_raise_the_divergence(check, divergence=Atoms.divergence):
    r"""A function of the outcome never has a larger divergence (data processing).

    False: telling only which of the three groups an atom is in raises $D_{\text{CS}}$ from 0.085 to 0.482 for $n = 8$;
    KL stays, as $p/q$ is constant on a group. $10^{-12}$ allows for that equality.
    """
    coarse = spread_over(1)
    loss = lambda n: divergence(spread_over(n)) - divergence(coarse) + arb("1e-12")  # noqa: E731
    check.certifies(loss, over={"n": (8, 8)}, says="n + n atoms merged into two")
    fine = spread_over(8)
    check.note(before=float(fine.divergence()), after=float(coarse.divergence()), kl=float(fine.kl()))


def far_bumps(sign, variance):
    """½ N(0, 10⁻⁴ + v) + ½ N(±3, 1 + v): weights, means and variances."""
    return np.array([0.5, 0.5]), np.array([0.0, sign * 3.0]), np.array([1e-4, 1.0]) + variance


def mixture_kl(variance):
    """KL between the two, by quadrature in ball arithmetic."""

    def density(sign, x):
        return sum(
            (w * normal(x, m, arb(v).sqrt()) for w, m, v in zip(*far_bumps(sign, variance), strict=True)), acb(0)
        )

    def integrand(x, analytic):
        p, q = density(-1, x), density(1, x)
        return p * (p / q).log(analytic=analytic)

    return sum((acb.integral(integrand, low, low + 1).real for low in range(-20, 20)), arb(0))


def mixture_cs(variance):
    """D_CS between the two."""
    parameters = []
    for sign in (-1, 1):
        weights, means, variances = far_bumps(sign, variance)
        parameters += [weights, means[:, None], variances[:, None, None]]
    return arb(float(mixture_divergence(*parameters)))


@paper.refuted(
    "use of the divergence as a measure of information",
    tags=("inequality", "ours"),
    controls={"Kullback–Leibler": {"divergence": mixture_kl}},
)
def independent_noise_does_not_raise_the_divergence(check, divergence=mixture_cs):
    r"""Adding the same independent noise to both variables does not raise the divergence (data processing).

    False: $\frac{1}{2}N(0, 10^{-4}) + \frac{1}{2}N(-3, 1)$ against its mirror image have $D_{\text{CS}} = 0.0199$, as
    the narrow common bump dominates $\int p^2$. Noise of variance 0.01, 0.1 and 1 raises $D_{\text{CS}}$ to 0.19, 0.52
    and 0.82.
    """
    levels = (0.0, 0.01, 0.1, 1.0)
    values = {variance: divergence(variance) for variance in levels}
    for before, after in itertools.pairwise(levels):
        loss = lambda variance, before=before: values[before] - values[float(variance)]  # noqa: E731
        check.certifies(loss, over={"variance": (after, after)}, says=f"from noise of variance {before:g}")
    check.note(divergence={str(variance): float(value) for variance, value in values.items()})
