"""Validation of spectra at the border of the package."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from theory._numbers import Floats


def as_reals(name: str, values: Any) -> Floats:
    """Return real finite input as a float64 array; tensors are detached and moved to the CPU.

    Raises
    ------
    TypeError
        For complex, boolean or non-numeric input, naming the argument.
    ValueError
        For an empty array, a NaN or an infinity, naming the argument and the first offending index.
    """
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu()
        values = (values.double() if values.is_floating_point() else values).numpy()
    array = np.asarray(values)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{name} has dtype {array.dtype}; expected real numbers")
    if array.size == 0:
        raise ValueError(f"{name} is empty (shape {array.shape}); expected at least one entry")
    array = array.astype(np.float64)
    if not (finite := np.isfinite(array)).all():
        index = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise ValueError(f"{name} contains {array[index]} at index {_printed(index)}; expected finite numbers")
    return array


def as_spectrum(name: str, values: Any) -> Floats:
    """Return a vector of nonnegative finite numbers as a float64 array of shape (M,); see `as_reals`.

    Raises
    ------
    TypeError, ValueError
        As `as_reals`, and for an array that is not one-dimensional or has a negative entry.
    """
    array = as_reals(name, values)
    if array.ndim != 1:
        raise ValueError(f"{name} has shape {array.shape}; expected (M,)")
    if array.min() < 0.0:
        index = int((array < 0.0).argmax())
        raise ValueError(f"{name} contains {array[index]} at index {index}; expected nonnegative numbers")
    return array


def _printed(index: tuple[int, ...]) -> str:
    return str(index[0]) if len(index) == 1 else str(index)
