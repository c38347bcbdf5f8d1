"""Self-distillation and label adaptation: targets, losses, and calibration metrics."""

from theory.distillation.calibration import aurc, e_aurc, expected_calibration_error
from theory.distillation.label_adaptation import (
    AdaptedLabels,
    Region,
    adapt_labels,
    adapted_cross_entropy,
    recover_soft_labels,
    self_mix,
)
from theory.distillation.prediction_bank import PredictionBank
from theory.distillation.progressive_targets import PSKDLoss, RescalingFactor, progressive_targets, rescaling_factor

__all__ = [
    "AdaptedLabels",
    "PSKDLoss",
    "PredictionBank",
    "Region",
    "RescalingFactor",
    "adapt_labels",
    "adapted_cross_entropy",
    "aurc",
    "e_aurc",
    "expected_calibration_error",
    "progressive_targets",
    "recover_soft_labels",
    "rescaling_factor",
    "self_mix",
]
