"""Our own training runs, on digits with wrong labels."""

from theory.early_learning.claims.training import figures_training, robustness

__all__ = ["figures_training", "robustness"]
