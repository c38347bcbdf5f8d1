"""Claims of "Opening the Blackbox" (arXiv 2105.03918) and of its sequel (arXiv 2303.02262)."""

from sciml.neural_de.claims.paper import paper

__all__ = ["paper"]
