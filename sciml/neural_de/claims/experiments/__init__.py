"""Training runs: what the penalties are worth beside each other, and where they save nothing (Section 4)."""

from sciml.neural_de.claims.experiments import classification, figures_training, latent, spiral

__all__ = ["classification", "figures_training", "latent", "spiral"]
