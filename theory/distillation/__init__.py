"""Self-distillation and label adaptation: targets, losses, and calibration metrics."""
