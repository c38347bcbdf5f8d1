"""Claims of "Self-Knowledge Distillation with Progressive Refinement of Targets" (arXiv 2006.12000)."""

from theory.distillation.claims.progressive_targets import experiments, figures, gradient, metrics
from theory.distillation.claims.progressive_targets.paper import paper

__all__ = ["experiments", "figures", "gradient", "metrics", "paper"]
