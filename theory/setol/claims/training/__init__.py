"""Our own training runs, on 4,000 digits: α, Δλ_min, errors and truncation (Section 6)."""

from theory.setol.claims.training import aspect_ratios, figures_training, rates_and_batches, single_layers, truncation

__all__ = ["aspect_ratios", "figures_training", "rates_and_batches", "single_layers", "truncation"]
