"""Training runs and single steps: what the normalised step r predicts (Section 6)."""

from theory.softmax_zeros.claims.training import (
    architectures,
    calibration,
    figures_lines,
    figures_training,
    guarantees,
    printed_tables,
    random_directions,
    spikes,
    temperature,
    transformer,
)

__all__ = [
    "architectures",
    "calibration",
    "figures_lines",
    "figures_training",
    "guarantees",
    "printed_tables",
    "random_directions",
    "spikes",
    "temperature",
    "transformer",
]
