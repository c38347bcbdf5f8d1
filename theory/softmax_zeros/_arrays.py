"""NumPy or torch in, the same kind out: validation and conversion at the border of the package."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import torch

Array: TypeAlias = np.ndarray | torch.Tensor
Restore: TypeAlias = Callable[[torch.Tensor], Any]


def as_float64(**named: Any) -> tuple[list[torch.Tensor], Restore]:
    """Validate real finite inputs and convert them to float64 tensors on the caller's device.

    Parameters
    ----------
    named
        The arguments by name: Python real numbers, NumPy arrays, torch tensors, or sequences of floats.

    Returns
    -------
    tensors, restore
        The inputs as float64 tensors (attached to the caller's graph if they were), and a function that turns a
        float64 result into the caller's kind: a tensor of the inputs' common floating dtype if any input was a
        tensor, else a NumPy array or scalar of that dtype. Python numbers count as float64.

    Raises
    ------
    TypeError
        For complex, boolean, integer-array or non-numeric input, naming the argument.
    ValueError
        For an empty array, a NaN or an infinity, naming the argument.
    """
    kinds = {name: _classify(name, value) for name, value in named.items()}
    tensors = [value for value in kinds.values() if isinstance(value, torch.Tensor)]
    device = tensors[0].device if tensors else torch.device("cpu")
    converted, dtypes = [], []
    for name, value in kinds.items():
        tensor = value if isinstance(value, torch.Tensor) else torch.from_numpy(np.array(value, copy=None))
        if not isinstance(named[name], int | float) or isinstance(named[name], np.generic):
            dtypes.append(tensor.dtype)
        if tensor.numel() == 0:
            raise ValueError(f"{name} is empty (shape {tuple(tensor.shape)}); expected at least one entry")
        if not bool(torch.isfinite(tensor.detach()).all()):
            bad = tensor.detach().flatten()[~torch.isfinite(tensor.detach().flatten())][0].item()
            raise ValueError(f"{name} contains {bad}; expected finite numbers")
        converted.append(tensor.to(device=device, dtype=torch.float64))
    dtype = torch.float64
    if dtypes:
        dtype = dtypes[0]
        for other in dtypes[1:]:
            dtype = torch.promote_types(dtype, other)

    def restore(result: torch.Tensor) -> Any:
        result = result.to(dtype) if result.is_floating_point() else result
        if tensors:
            return result
        array = result.detach().numpy()
        return array[()] if array.ndim == 0 else array

    return converted, restore


def _classify(name: str, value: Any) -> Array:
    if isinstance(value, torch.Tensor):
        if not value.is_floating_point():
            raise TypeError(f"{name} has dtype {value.dtype}; expected a real floating dtype")
        return value
    if isinstance(value, bool):
        raise TypeError(f"{name} is a bool; expected a real number")
    if isinstance(value, int) and not isinstance(value, np.generic):
        value = float(value)
    array = np.asarray(value)
    if array.dtype.kind != "f":
        raise TypeError(f"{name} has dtype {array.dtype}; expected a real floating dtype")
    return array


def require_samples(**named: torch.Tensor) -> None:
    """Raise ``ValueError`` unless all named tensors share one shape, ``(n,)`` or ``(B, n)``."""
    (first, reference), *rest = named.items()
    if reference.ndim not in (1, 2):
        raise ValueError(f"{first} has shape {tuple(reference.shape)}; expected (n,) or (B, n)")
    for name, tensor in rest:
        if tensor.shape != reference.shape:
            raise ValueError(
                f"{name} has shape {tuple(tensor.shape)}; expected the shape of {first}, {tuple(reference.shape)}"
            )
