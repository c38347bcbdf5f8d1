"""One SRI step in polynomial arithmetic, for claims to expand: powers of ε = √h, of w = ΔW/ε and of u = I_(1,0)/ε³."""

import functools
import math
from typing import Any

from sympy import QQ


def sri_step_in_powers_of_root_h(tableau, epsilon, w, u, f, g):
    """(X' − X, E1, E2) of a step; ``f`` and ``g`` are those of X plus their argument."""

    def dot(weights, values):
        return sum(
            (QQ(x.numerator, x.denominator) * v for x, v in zip(weights, values, strict=False)), start=0 * epsilon
        )

    drifts: list[Any] = []
    diffusions: list[Any] = []
    for i in range(tableau.stages):
        drift = epsilon**2 * dot(tableau.a0[i], drifts) + epsilon * u * dot(tableau.b0[i], diffusions)
        other = epsilon**2 * dot(tableau.a1[i], drifts) + epsilon * dot(tableau.b1[i], diffusions)
        drifts.append(f(drift))
        diffusions.append(g(other))
    betas = [dot(x, diffusions) for x in (tableau.beta1, tableau.beta2, tableau.beta3, tableau.beta4)]
    e1 = epsilon**2 * sum(drifts[i] for i in tableau.drift_stages)
    e2 = epsilon * u * betas[2] + epsilon * (w**3 - 3 * w) * betas[3] * QQ(1, 6)
    new = epsilon**2 * dot(tableau.alpha, drifts)
    new += epsilon * w * betas[0] + epsilon * (w**2 - 1) * betas[1] * QQ(1, 2) + e2
    return new, e1, e2


@functools.cache
def joint_moment(i, j):
    """E[wⁱ uʲ]: w is standard normal, u = w/2 + v/√12 with v standard normal and independent."""

    def normal(n):
        return 0 if n % 2 else math.prod(range(1, n, 2))

    return sum(
        (
            QQ(math.comb(j, k) * normal(i + j - k) * normal(k), 2 ** (j - k) * 12 ** (k // 2))
            for k in range(0, j + 1, 2)
        ),
        start=QQ(0),
    )


def expectation(polynomial, ring_, w, u):
    """E over w and u of a polynomial of ``ring_``."""
    i, j = ring_.gens.index(w), ring_.gens.index(u)
    total = ring_.zero
    for powers, coefficient in polynomial.terms():
        rest = list(powers)
        rest[i] = rest[j] = 0
        total += ring_({tuple(rest): coefficient * joint_moment(powers[i], powers[j])})
    return total
