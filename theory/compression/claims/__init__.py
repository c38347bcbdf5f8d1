"""Claims of "Compressing Features for Learning with Noisy Labels" (arXiv 2206.13140)."""

from theory.compression.claims.paper import paper

__all__ = ["paper"]
