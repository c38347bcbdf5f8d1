"""Claims of "Lagrangian PINNs" (arXiv 2205.02902)."""

from sciml.lagrangian_pinn.claims import (
    exact_solutions,
    figures_characteristics,
    figures_n_width,
    figures_training,
    identities,
    invariants,
    jacobian,
    lagrangian_collapse,
    landscape,
    n_width,
    released_code,
    released_training,
    training,
)
from sciml.lagrangian_pinn.claims.paper import paper

__all__ = [
    "exact_solutions",
    "figures_characteristics",
    "figures_n_width",
    "figures_training",
    "identities",
    "invariants",
    "jacobian",
    "lagrangian_collapse",
    "landscape",
    "n_width",
    "paper",
    "released_code",
    "released_training",
    "training",
]
