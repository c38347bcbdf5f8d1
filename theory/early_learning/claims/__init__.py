"""Claims of "Early-Learning Regularization Prevents Memorization of Noisy Labels" (arXiv 2007.00151)."""

from theory.early_learning.claims.paper import paper

__all__ = ["paper"]
