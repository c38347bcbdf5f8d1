"""Validation of a training batch: logits, class labels, and the indices of samples that own a row of a table."""

from __future__ import annotations

import math
from collections import Counter

import torch


def require_logits(logits: torch.Tensor, name: str = "logits") -> None:
    """Raise ``ValueError`` unless ``logits`` is a finite floating tensor of shape ``(B, C)``, B ≥ 1, C ≥ 2."""
    if not logits.is_floating_point():
        raise ValueError(f"{name} has dtype {logits.dtype}; expected a real floating dtype")
    if logits.ndim != 2 or logits.shape[0] < 1 or logits.shape[1] < 2:
        raise ValueError(f"{name} has shape {tuple(logits.shape)}; expected (B, C) with B >= 1 and C >= 2")
    values = logits.detach()
    if math.isfinite(values.sum().item()):
        return
    if bool((outside := ~torch.isfinite(values)).any()):  # finite entries may have overflowed the sum
        raise ValueError(f"{name} contains {values[outside][0].item()}; expected finite numbers")


def require_labels(labels: torch.Tensor, batch: int, num_classes: int, device: torch.device) -> None:
    """Raise ``ValueError`` unless ``labels`` are ``batch`` integers in ``[0, num_classes)`` on ``device``."""
    _require_integers("labels", labels, device)
    if labels.shape != (batch,):
        raise ValueError(f"labels has shape {tuple(labels.shape)}; expected ({batch},), one class a row of logits")
    low, high = (bound.item() for bound in labels.aminmax())
    if low < 0 or high >= num_classes:
        raise ValueError(f"labels contains {low if low < 0 else high}; expected classes in [0, {num_classes})")


def require_index(index: torch.Tensor, batch: int, num_samples: int, device: torch.device) -> None:
    """Raise ``ValueError`` unless ``index`` holds ``batch`` distinct integers in ``[0, num_samples)`` on ``device``."""
    _require_integers("index", index, device)
    if index.shape != (batch,):
        raise ValueError(f"index has shape {tuple(index.shape)}; expected ({batch},), one sample a row of logits")
    samples = index.tolist()
    low, high = min(samples), max(samples)
    if low < 0 or high >= num_samples:
        raise ValueError(
            f"index contains {low if low < 0 else high}; expected positions in the data set, in [0, {num_samples})"
        )
    if len(set(samples)) < batch:
        repeated = next(sample for sample, count in Counter(samples).items() if count > 1)
        raise ValueError(f"index contains {repeated} more than once; expected distinct samples")


_INTEGERS = frozenset({torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64})


def _require_integers(name: str, values: torch.Tensor, device: torch.device) -> None:
    if values.dtype not in _INTEGERS:
        raise ValueError(f"{name} has dtype {values.dtype}; expected an integer dtype")
    if values.device != device:
        raise ValueError(f"{name} is on {values.device}; expected {device}, the device of logits")
