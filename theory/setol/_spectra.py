"""Validation of spectra and parameters at the border of the package."""

from __future__ import annotations

import math
import numbers
from typing import Any, TypeAlias

import numpy as np
import torch

Floats: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


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


def require_number(name: str, value: Any, low: float, high: float, *, open_low: bool = True) -> float:
    """Return a real number of the interval from ``low`` (excluded if ``open_low``) to ``high`` as a float.

    An infinite ``high`` is excluded, a finite one included.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} is {value!r}; expected a real number")
    number = float(value)
    if not ((low < number or (number == low and not open_low)) and number <= high and math.isfinite(number)):
        interval = f"{'(' if open_low else '['}{low:g}, {high:g}{')' if math.isinf(high) else ']'}"
        raise ValueError(f"{name} is {number}; expected a number in {interval}")
    return number


def require_integer(name: str, value: Any, low: int) -> int:
    """Return an integer of at least ``low``."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} is {value!r}; expected an integer")
    if value < low:
        raise ValueError(f"{name} is {value}; expected at least {low}")
    return int(value)


def _printed(index: tuple[int, ...]) -> str:
    return str(index[0]) if len(index) == 1 else str(index)
