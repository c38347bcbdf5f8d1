"""Learning with noisy labels: early learning and memorization in the linear model, and a regularizer against it."""

from theory.early_learning.label_noise import CIFAR10_FLIPS, NoisyLabels, asymmetric_noise, symmetric_noise
from theory.early_learning.learning_curve import (
    LearningCurve,
    SpectralLaws,
    spectral_laws,
    squared_loss_learning_curve,
)
from theory.early_learning.logistic_minimizer import LogisticMinimizer, logistic_minimizer
from theory.early_learning.loss import ELRLoss
from theory.early_learning.max_margin import MaxMargin, max_margin
from theory.early_learning.mixture_model import GaussianMixtureNoisyLabels
from theory.early_learning.regularizer import (
    clamped_regularizer_floor,
    elr_regularizer,
    elr_regularizer_gradient,
)
from theory.early_learning.separability import SeparabilityThreshold, is_separable, separability_threshold
from theory.early_learning.separatrix import elr_separatrix, true_class_gradient
from theory.early_learning.trajectory import (
    EarlyLearningTrajectory,
    bayes_logit,
    early_learning_trajectory,
    hitting_time,
    initial_alignment,
)

__all__ = [
    "CIFAR10_FLIPS",
    "ELRLoss",
    "EarlyLearningTrajectory",
    "GaussianMixtureNoisyLabels",
    "LearningCurve",
    "LogisticMinimizer",
    "MaxMargin",
    "NoisyLabels",
    "SeparabilityThreshold",
    "SpectralLaws",
    "asymmetric_noise",
    "bayes_logit",
    "clamped_regularizer_floor",
    "early_learning_trajectory",
    "elr_regularizer",
    "elr_regularizer_gradient",
    "elr_separatrix",
    "hitting_time",
    "initial_alignment",
    "is_separable",
    "logistic_minimizer",
    "max_margin",
    "separability_threshold",
    "spectral_laws",
    "squared_loss_learning_curve",
    "symmetric_noise",
    "true_class_gradient",
]
