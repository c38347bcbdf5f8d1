"""Training runs and single steps: what the normalised step r predicts (Section 6)."""

from theory.softmax_zeros.claims.training import random_directions

__all__ = ["random_directions"]
