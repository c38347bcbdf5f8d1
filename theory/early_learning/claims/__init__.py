"""Claims of "Early-Learning Regularization Prevents Memorization of Noisy Labels" (arXiv 2007.00151)."""

from theory.early_learning.claims import (
    early_phase,
    figures_linear,
    learning_curves,
    linear_model,
    logistic_limit,
    memorization,
    printed_numbers,
    regularizer,
    separatrix,
    training,
)
from theory.early_learning.claims.paper import paper

__all__ = [
    "early_phase",
    "figures_linear",
    "learning_curves",
    "linear_model",
    "logistic_limit",
    "memorization",
    "paper",
    "printed_numbers",
    "regularizer",
    "separatrix",
    "training",
]
