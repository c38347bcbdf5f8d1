"""Training runs: what the penalties are worth beside each other, and where they save nothing (Section 4)."""

from sciml.neural_de.claims.experiments import (
    classification,
    figures_sde_training,
    figures_training,
    latent,
    sde_classification,
    sde_spiral,
    spiral,
)

__all__ = [
    "classification",
    "figures_sde_training",
    "figures_training",
    "latent",
    "sde_classification",
    "sde_spiral",
    "spiral",
]
