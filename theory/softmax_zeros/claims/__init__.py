"""Claims of "Ghosts of Softmax" (arXiv 2603.13552), in the order of the paper.

Notation: n classes, logits z, logit slopes a = J_z v along a unit direction v, weights w = e^z, p = softmax(z),
F(t) = Σ w_k e^{a_k t}, spread Δ = max a − min a, ρ* the smallest modulus of a zero of F, ρ_a = π/Δ.
"""

from theory.softmax_zeros.claims import (
    activations,
    binary,
    divergence,
    figures_closed_forms,
    figures_zeros,
    hessian,
    linearisation,
    lower_bounds,
    networks,
    steps,
    training,
    zeros,
)
from theory.softmax_zeros.claims.paper import paper

__all__ = [
    "activations",
    "binary",
    "divergence",
    "figures_closed_forms",
    "figures_zeros",
    "hessian",
    "linearisation",
    "lower_bounds",
    "networks",
    "paper",
    "steps",
    "training",
    "zeros",
]
