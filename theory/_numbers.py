"""Validation of numbers and of real arrays at the border of a package."""

from __future__ import annotations

import math
import numbers
from typing import Any, TypeAlias

import numpy as np

Floats: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def require_number(name: str, value: Any, low: float, high: float, *, open_low: bool = False) -> float:
    """Return a real number of the interval from ``low`` (excluded if ``open_low``) to ``high`` as a float.

    Infinite ends are excluded, a finite ``high`` is included.

    Raises
    ------
    TypeError
        If it is not a real number.
    ValueError
        If it lies outside the interval.
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} is {value!r}; expected a real number")
    number = float(value)
    if not ((low < number or (number == low and not open_low)) and number <= high and math.isfinite(number)):
        interval = f"{'(' if open_low else '['}{low:g}, {high:g}{')' if math.isinf(high) else ']'}"
        raise ValueError(f"{name} is {number}; expected a number in {interval}")
    return number


def require_integer(name: str, value: Any, low: int) -> int:
    """Return an integer of at least ``low``; errors as in `require_number`."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} is {value!r}; expected an integer")
    if value < low:
        raise ValueError(f"{name} is {value}; expected at least {low}")
    return int(value)


def as_floats(name: str, values: Any, low: float, high: float) -> Floats:
    """Return real numbers of the closed interval, infinite ends included, as a float64 array of their shape.

    Raises
    ------
    TypeError
        If they are not real numbers.
    ValueError
        If one is NaN or lies outside the interval.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{name} has dtype {array.dtype}; expected real numbers")
    array = array.astype(np.float64)
    if not (inside := (array >= low) & (array <= high)).all():
        raise ValueError(f"{name} contains {array[~inside].flat[0]}; expected numbers in [{low:g}, {high:g}]")
    return array
