"""Claims of "Cauchy-Schwarz Divergence Information Bottleneck for Regression" (arXiv 2404.17951)."""

from theory.cauchy_schwarz.claims.paper import paper

__all__ = ["paper"]
