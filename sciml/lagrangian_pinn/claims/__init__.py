"""Claims of "Lagrangian PINNs" (arXiv 2205.02902)."""

from sciml.lagrangian_pinn.claims import (
    exact_solutions,
    figures_characteristics,
    figures_n_width,
    identities,
    jacobian,
    lagrangian_collapse,
    n_width,
    released_code,
)
from sciml.lagrangian_pinn.claims.paper import paper

__all__ = [
    "exact_solutions",
    "figures_characteristics",
    "figures_n_width",
    "identities",
    "jacobian",
    "lagrangian_collapse",
    "n_width",
    "paper",
    "released_code",
]
