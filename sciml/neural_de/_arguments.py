"""Validation of the arguments that the solvers share."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Sequence

import torch
from torch import Tensor


def require_state(y: Tensor) -> None:
    """Raise ``ValueError`` unless the state is a float32 or float64 tensor with an entry."""
    if not isinstance(y, Tensor):
        raise ValueError(f"the state is a {type(y).__name__}; expected a tensor")
    if y.dtype not in (torch.float32, torch.float64):
        raise ValueError(f"the state has dtype {y.dtype}; expected float32 or float64")
    if y.numel() == 0:
        raise ValueError(f"the state has shape {tuple(y.shape)}; expected at least one entry")


def finite_number(name: str, value: float | Tensor) -> float:
    """Return a finite time or length as a float; ``ValueError`` for anything else, or one that requires a gradient."""
    if isinstance(value, Tensor) and value.requires_grad:
        raise ValueError(f"{name} requires a gradient; expected a number, times and steps are not differentiated")
    if not math.isfinite(value):
        raise ValueError(f"{name} is {value}; expected a finite number")
    return float(value)


def first_step_of(step: float | None) -> float | None:
    """Return the length of the first step, ``None`` for the automatic one; ``ValueError`` unless it is positive."""
    if step is not None and (step := finite_number("first_step", step)) <= 0:
        raise ValueError(f"first_step is {step}; expected a positive length")
    return step


def require_tolerances(rtol: float, atol: float) -> None:
    """Raise ``ValueError`` unless ``rtol ≥ 0`` and ``atol > 0``."""
    for name, value in (("rtol", rtol), ("atol", atol)):
        if not 0 <= value < math.inf:
            raise ValueError(f"{name} is {value}; expected a number of at least 0")
    if atol == 0:
        raise ValueError("atol is 0; expected a positive number, or a state at 0 has no scale")


def warn_of_rounding(rtol: float, dtype: torch.dtype) -> None:
    """Warn if the tolerance is below ten rounding units of the state."""
    least = 10 * torch.finfo(dtype).eps
    if rtol < least:
        message = f"rtol = {rtol:g} is below ten rounding units of {dtype}, {least:.1e}: rounding will reject steps"
        warnings.warn(message, stacklevel=3)


def monotone(name: str, times: Sequence[float] | Tensor, t0: float, t1: float) -> list[float]:
    """Return times as floats; ``ValueError`` unless they run strictly from t0 towards t1."""
    values = [finite_number(name, time) for time in (times.tolist() if isinstance(times, Tensor) else times)]
    forwards = math.copysign(1.0, t1 - t0)
    for before, after in itertools.pairwise(values):
        if (after - before) * forwards <= 0:
            raise ValueError(f"{name} has {before} before {after}; expected times strictly from t0 = {t0} to t1 = {t1}")
    if values and ((values[0] - t0) * forwards < 0 or (t1 - values[-1]) * forwards < 0):
        raise ValueError(f"{name} runs from {values[0]} to {values[-1]}; expected times from t0 = {t0} to t1 = {t1}")
    return values
