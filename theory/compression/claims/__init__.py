"""Claims of "Compressing Features for Learning with Noisy Labels" (arXiv 2206.13140)."""

from theory.compression.claims import co_teaching, experiments, figures, figures_experiments, kept_channels, risk
from theory.compression.claims.paper import paper

__all__ = ["co_teaching", "experiments", "figures", "figures_experiments", "kept_channels", "paper", "risk"]
