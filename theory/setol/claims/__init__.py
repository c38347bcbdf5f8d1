"""Claims of "SETOL: A Semi-Empirical Theory of (Deep) Learning" (arXiv 2507.17912), in the order of the paper."""

from theory.setol.claims import (
    exponent_of_a_matrix,
    figures,
    figures_random_matrices,
    free_probability,
    metrics,
    power_law,
    published_layers,
    quality_models,
    random_matrices,
    statistical_mechanics,
    trace_log,
)
from theory.setol.claims.paper import paper

__all__ = [
    "exponent_of_a_matrix",
    "figures",
    "figures_random_matrices",
    "free_probability",
    "metrics",
    "paper",
    "power_law",
    "published_layers",
    "quality_models",
    "random_matrices",
    "statistical_mechanics",
    "trace_log",
]
