"""Validation of batches of probability vectors and of fractions."""

from __future__ import annotations

import torch


def require_probabilities(name: str, values: torch.Tensor) -> None:
    """Raise ``ValueError`` unless ``values`` is floating of shape ``(B, C)``, ``C ≥ 2``, and its rows distributions."""
    if values.ndim != 2 or not values.is_floating_point() or values.shape[1] < 2:
        raise ValueError(
            f"{name} has shape {tuple(values.shape)} and dtype {values.dtype}; expected floating (B, C) with C >= 2"
        )
    sums = values.detach().sum(dim=1, dtype=torch.promote_types(values.dtype, torch.float32))
    slack = 4 * values.shape[1] * torch.finfo(values.dtype).eps  # each entry was rounded on its own
    if not bool((values >= 0).all() and ((sums - 1).abs() <= slack).all()):
        raise ValueError(f"{name} has a row that is no distribution; expected nonnegative numbers of sum 1")


def require_fraction(name: str, value: float) -> None:
    """Raise ``ValueError`` unless ``value`` is in ``[0, 1]``."""
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"{name} is {value}; expected a number in [0, 1]")
