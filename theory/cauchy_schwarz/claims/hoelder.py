"""The Hölder family between Kullback–Leibler and Cauchy–Schwarz, and which member is which.

D_λ = log[(∫q^{λ−1}p)^{1/(1−λ)} (∫q^λ)^{1/λ} (∫p^λ)^{−1/(λ(1−λ))}], λ > 1.
"""

import hypothesis.strategies as st
import numpy as np
import scipy.linalg
import sympy as sp

from theory.cauchy_schwarz.claims.divergence import integral, normal
from theory.cauchy_schwarz.claims.kl_comparison import SEED, SIZE, M, R, half, inner_product, kl, pair
from theory.cauchy_schwarz.claims.paper import paper
from theory.cauchy_schwarz.gaussian import gaussian_divergence, gaussian_hoelder_divergence

NARROW_AND_FAR = (np.zeros(1), np.eye(1), np.full(1, 3.0), np.full((1, 1), 4.0))
"""N(0, 1) and N(3, 4)."""


def by_quadrature(order):
    """D_λ of N(0, 1) and N(3, 4), its integrals in ball arithmetic."""
    p, q = (lambda x: normal(x, 0, 1)), (lambda x: normal(x, 3, 2))
    mixed = integral(lambda x: q(x) ** (order - 1) * p(x)).log() / (1 - order)
    alone = integral(lambda x: q(x) ** order).log() / order
    return mixed + alone - integral(lambda x: p(x) ** order).log() / (order * (1 - order))


def direction(r, m, a, log=sp.log):
    """Contribution of one common principal direction to D_{1 + a}: variance ratio r, squared distance m."""
    return m / (2 * (1 + a * r)) + log((1 + a * r) / (1 + a)) / (2 * a) - log(r) / (2 * (1 + a))


@paper.claim(
    "Hölder divergences",
    tags=("identity",),
    mutants={
        "a multiple of half Cauchy–Schwarz": {
            "formula": lambda *pair, order: order * gaussian_divergence(*pair, convention="half") / 2
        },
        "arguments exchanged": {
            "formula": lambda m1, c1, m2, c2, order: gaussian_hoelder_divergence(m2, c2, m1, c1, order=order)
        },
        "order one lower": {
            "formula": lambda *pair, order: gaussian_hoelder_divergence(*pair, order=max(order - 1, 1.0))
        },
    },
)
def hoelder_divergence_of_gaussians_is_the_closed_form(check, formula=gaussian_hoelder_divergence):
    r"""$D_\lambda = \frac{1}{2}\delta^\top(\Sigma_2+a\Sigma_1)^{-1}\delta + (1/2a)
    \log(|\Sigma_2+a\Sigma_1|/|\lambda\Sigma_2|) + (1/2\lambda) \log(|\Sigma_2|/|\Sigma_1|)$ for Gaussians,
    $a = \lambda - 1$.

    Against quadrature of the definition to ten units in the last place of float64, and in more dimensions against the
    sum over common principal directions, to what its oracle loses by a condition number of $10^3$. $D_\lambda \ge 0$,
    and $D_\lambda \to \mathrm{KL}(p\|q)$ as $\lambda \to 1$.
    """
    measured = {}
    for order in (1.5, 3.0, 4.0):
        measured[str(order)] = value = float(formula(*NARROW_AND_FAR, order=order))
        check.certifies_value(lambda order=order: by_quadrature(order), value, within=4e-15, says=f"λ = {order}")
    check.note(divergence_of_order=measured)

    def agrees(seed, size, order):
        mu1, cov1, mu2, cov2 = p_and_q = pair(seed, size, decades=1.5)
        r, axes = scipy.linalg.eigh(cov1, cov2)
        exact = direction(r, (axes.T @ (mu1 - mu2)) ** 2, order - 1, np.log).sum()
        value = formula(*p_and_q, order=order)
        return value >= 0 and abs(value - exact) <= 1e-8 * (1 + exact)

    check.forall(agrees, says="in up to 6 dimensions", seed=SEED, size=SIZE, order=st.floats(1.001, 10))
    a = sp.Symbol("a", positive=True)
    check.proves(sp.Eq(sp.limit(direction(R, M, a), a, 0), kl(R, M)), says="λ → 1 gives KL(p‖q)")
    check.proves(sp.Eq(direction(R, M, sp.Integer(1)), half(R, M)), says="λ = 2 gives D_½")


def full(p, q):
    """log(Σp² Σq² / (Σpq)²)."""
    return sp.log(inner_product(p, p) * inner_product(q, q) / inner_product(p, q) ** 2)


@paper.refuted(
    "remark on Hölder divergences",
    tags=("identity", "erratum"),
    controls={"half convention": {"named": lambda p, q: full(p, q) / 2}},
    mutants={
        "Rényi divergence of order 2": {"named": lambda p, q: sp.log(sum(a**2 / b for a, b in zip(p, q, strict=True)))}
    },
)
def hoelder_divergence_of_order_two_is_the_full_divergence(check, named=full):
    r"""At $\lambda = 2$ the Hölder divergence is $D_{\text{CS}} = \log(\int p^2\int q^2/(\int pq)^2)$.

    False: the exponents $1/(1 - \lambda) = -1$ and $\pm 1/2$ give half of it, $-\log \cos$. Nor is it the Rényi
    divergence of order 2, $\log \int p^2/q$: the family is that of the relative Rényi power.
    """
    p, q = sp.symbols("p1:3", positive=True), sp.symbols("q1:3", positive=True)
    order = sp.Integer(2)
    mixed = inner_product([value ** (order - 1) for value in q], p) ** (1 / (1 - order))
    alone = sum(value**order for value in q) ** (1 / order) * sum(value**order for value in p) ** (
        1 / (order * (order - 1))
    )
    check.proves(sp.Eq(sp.log(mixed * alone), named(p, q)), says="two atoms")
