"""Training runs and single steps: what the normalised step r predicts (Section 6)."""

from theory.softmax_zeros.claims.training import architectures, guarantees, printed_tables, random_directions

__all__ = ["architectures", "guarantees", "printed_tables", "random_directions"]
