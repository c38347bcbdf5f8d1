"""The frame that moves with a constant speed."""

from __future__ import annotations

import torch


def moved(x: torch.Tensor, speed: float, t: torch.Tensor) -> torch.Tensor:
    """Return ``x + speed · t``.

    Raises
    ------
    ValueError
        If that leaves the range of the dtype somewhere.
    """
    place = x + speed * t
    if not bool(torch.isfinite(place.detach()).all()):
        farthest = t.detach().abs().max().item()
        raise ValueError(f"t up to {farthest:g} at speed {abs(speed):g} leads too far; expected a place within float64")
    return place
