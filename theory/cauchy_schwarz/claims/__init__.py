"""Claims of "Cauchy-Schwarz Divergence Information Bottleneck for Regression" (arXiv 2404.17951)."""

from theory.cauchy_schwarz.claims import (
    conditional,
    divergence,
    figures_estimators,
    figures_population,
    gaussians,
    hoelder,
    kl_comparison,
    kl_replacement,
    mutual_information,
    particles,
    released_code,
    robustness,
    training,
    two_outcomes,
    two_samples,
)
from theory.cauchy_schwarz.claims.paper import paper

__all__ = [
    "conditional",
    "divergence",
    "figures_estimators",
    "figures_population",
    "gaussians",
    "hoelder",
    "kl_comparison",
    "kl_replacement",
    "mutual_information",
    "paper",
    "particles",
    "released_code",
    "robustness",
    "training",
    "two_outcomes",
    "two_samples",
]
