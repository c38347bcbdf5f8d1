"""NumPy or torch in, the same kind out: validation and conversion at the border of the package."""

from __future__ import annotations

import math
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
        _require_finite(name, tensor.detach())
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


def same_kind(*inputs: Any) -> Callable[[torch.Tensor], Any]:
    """Return a function that hands a tensor back in the kind of ``inputs`` without changing its dtype.

    A tensor stays a tensor if any input is one; otherwise it becomes a NumPy array or scalar.
    """
    if any(isinstance(value, torch.Tensor) for value in inputs):
        return lambda result: result
    return lambda result: result.detach().numpy()[()]


def _require_finite(name: str, tensor: torch.Tensor) -> None:
    if math.isfinite(tensor.sum().item()):
        return
    if bool((outside := ~torch.isfinite(tensor)).any()):  # finite entries may have overflowed the sum
        raise ValueError(f"{name} contains {tensor[outside][0].item()}; expected finite numbers")


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
    return array if array.flags.writeable else array.copy()  # a tensor cannot share memory that is read-only


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


def require_positive(**named: torch.Tensor) -> None:
    """Raise ``ValueError`` unless all entries of the named tensors are greater than 0."""
    for name, tensor in named.items():
        if bool((tensor <= 0.0).any()):
            raise ValueError(f"{name} contains {tensor.min().item()}; expected positive numbers")


def require_nonnegative(**named: torch.Tensor) -> None:
    """Raise ``ValueError`` unless all entries of the named tensors are at least 0."""
    for name, tensor in named.items():
        if bool((tensor < 0.0).any()):
            raise ValueError(f"{name} contains {tensor.min().item()}; expected nonnegative numbers")


def require_broadcast(**named: torch.Tensor) -> None:
    """Raise ``ValueError`` unless the shapes of the named tensors broadcast."""
    try:
        torch.broadcast_shapes(*(tensor.shape for tensor in named.values()))  # type: ignore[no-untyped-call]
    except RuntimeError:
        shapes = ", ".join(f"{name} has shape {tuple(tensor.shape)}" for name, tensor in named.items())
        raise ValueError(f"{shapes}; expected shapes that broadcast") from None


def restore_below(restore: Restore, bound: torch.Tensor) -> Any:
    """A nonnegative lower bound in the caller's kind and dtype, rounded toward zero; the gradient passes through."""
    nearest = torch.as_tensor(restore(bound.detach()))
    if nearest.dtype == torch.float64:
        return restore(bound)
    below = torch.nextafter(nearest, torch.zeros_like(nearest))
    below = torch.where(nearest.double() > bound, below, nearest).double()
    return restore(bound * (below / bound.detach()).nan_to_num(nan=1.0))
