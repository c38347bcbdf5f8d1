"""Claims of "FerKD: Surgical Label Adaptation for Efficient Distillation" (arXiv 2312.17473)."""

from theory.distillation.claims.label_adaptation import experiments, regions, stored_labels
from theory.distillation.claims.label_adaptation.paper import paper

__all__ = ["experiments", "paper", "regions", "stored_labels"]
