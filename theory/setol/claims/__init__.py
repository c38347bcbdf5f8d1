"""Claims of "SETOL: A Semi-Empirical Theory of (Deep) Learning" (arXiv 2507.17912), in the order of the paper."""

from theory.setol.claims import power_law, published_layers, trace_log
from theory.setol.claims.paper import paper

__all__ = ["paper", "trace_log"]
