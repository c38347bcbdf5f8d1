"""Validation of samples and bandwidths, and the units in which the kernel sums take them."""

from __future__ import annotations

import torch

from theory._arrays import Restore

Tensor = torch.Tensor

_FARTHEST = 1e150
"""In bandwidths; the square of a larger distance is not a float64 number."""


def in_bandwidths(name: str, bandwidth: Tensor, **samples: Tensor) -> list[Tensor]:
    """Centre samples at their common mean and divide them by the bandwidth.

    Parameters
    ----------
    name
        Of the argument that is the bandwidth.
    bandwidth
        float64, one number.
    samples
        float64 by name, (N, d) or (N,), which is (N, 1).

    Returns
    -------
    list of tensors
        (N, d), differentiable with respect to samples and bandwidth. Constant features are exactly 0.

    Raises
    ------
    ValueError
        For a bandwidth that is not one positive number, a sample that is not (N,) or (N, d), samples that differ in d,
        or a distance of more than 1e150 bandwidths.
    """
    if bandwidth.ndim != 0:
        raise ValueError(f"{name} has shape {tuple(bandwidth.shape)}; expected one number")
    if not bandwidth > 0:
        raise ValueError(f"{name} is {bandwidth.item()}; expected a positive number")
    points = [as_rows(sample_name, sample) for sample_name, sample in samples.items()]
    widths = {sample_name: point.shape[1] for sample_name, point in zip(samples, points, strict=True)}
    if len(set(widths.values())) > 1:
        given = ", ".join(f"{sample_name} has {width}" for sample_name, width in widths.items())
        raise ValueError(f"{given} features; expected the same number")
    with torch.no_grad():
        origin = points[0][:1]
        shifts = [(point - origin).sum(0) for point in points]
        centre = origin + torch.stack(shifts).sum(0) / sum(map(len, points))
    scaled = [(point - centre) / bandwidth for point in points]
    for sample_name, point in zip(samples, scaled, strict=True):
        if not bool((point.detach().abs() <= _FARTHEST).all()):
            raise ValueError(f"{sample_name} spans more than {_FARTHEST:g} times {name}; expected a larger {name}")
    return scaled


def require_paired(**samples: Tensor) -> None:
    """Raise ``ValueError`` unless the samples have the same number of points."""
    lengths = {name: len(sample) if sample.ndim else 1 for name, sample in samples.items()}
    if len(set(lengths.values())) > 1:
        given = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise ValueError(f"{given} points; expected pairs, the same number in each")


def working_dtype(restore: Restore) -> torch.dtype:
    """The dtype for exponentials: float64 if the caller's is, else float32."""
    dtype = torch.as_tensor(restore(torch.zeros((), dtype=torch.float64))).dtype
    return torch.float64 if dtype == torch.float64 else torch.float32


def as_rows(name: str, sample: Tensor) -> Tensor:
    """Return the sample as (N, d); raise ``ValueError`` unless it is (N,) or (N, d)."""
    if sample.ndim not in (1, 2):
        raise ValueError(f"{name} has shape {tuple(sample.shape)}; expected (N,) or (N, d)")
    return sample[:, None] if sample.ndim == 1 else sample
