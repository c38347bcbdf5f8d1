"""Claims of "Opening the Blackbox" (arXiv 2105.03918) and of its sequel (arXiv 2303.02262)."""

from sciml.neural_de.claims import figures_solver, gradients, heuristics, tableaus, training
from sciml.neural_de.claims.paper import paper

__all__ = ["figures_solver", "gradients", "heuristics", "paper", "tableaus", "training"]
