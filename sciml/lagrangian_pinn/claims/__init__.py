"""Claims of "Lagrangian PINNs" (arXiv 2205.02902)."""

from sciml.lagrangian_pinn.claims.paper import paper

__all__ = ["paper"]
