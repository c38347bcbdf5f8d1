"""Cauchy–Schwarz divergence, its conditional form and mutual information, and the bottleneck built on them."""
