"""Claims of "SETOL: A Semi-Empirical Theory of (Deep) Learning" (arXiv 2507.17912), in the order of the paper."""

from theory.setol.claims import (
    exponent_of_a_matrix,
    figures,
    figures_random_matrices,
    figures_real_models,
    free_probability,
    metrics,
    peer_formulas,
    power_law,
    published_layers,
    quality_models,
    random_matrices,
    real_models,
    statistical_mechanics,
    trace_log,
    training,
)
from theory.setol.claims.paper import paper

__all__ = [
    "exponent_of_a_matrix",
    "figures",
    "figures_random_matrices",
    "figures_real_models",
    "free_probability",
    "metrics",
    "paper",
    "peer_formulas",
    "power_law",
    "published_layers",
    "quality_models",
    "random_matrices",
    "real_models",
    "statistical_mechanics",
    "trace_log",
    "training",
]
