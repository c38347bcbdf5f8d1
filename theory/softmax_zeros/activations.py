"""Distance from a pre-activation to the nearest complex singularity of the activation function.

A neuron with pre-activation ``h`` and slope ``hdot = dh/dt`` meets a singularity ``s`` of its activation at
``|t| = |s - h| / |hdot|`` while ``h`` moves linearly. That is a heuristic cap on the radius of a network, not
a bound on it: singularities can cancel or have no weight in the output, and deeper pre-activations are not
linear in ``t``.

References
----------
P. Sao, "Ghosts of Softmax", arXiv 2603.13552, Appendices 2 and 3.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from theory._arrays import as_float64, require_broadcast

_CUBIC = 0.044715
"""Coefficient of the cube in the tanh form of GELU."""
_LEAST = 2.0 / (3.0 * math.sqrt(3.0 * _CUBIC))
"""Least imaginary value of ``x + _CUBIC x**3`` on the curve of `_gelu_tanh_pole`, at ``theta = 0``."""
_POLE_STEP = math.pi * math.sqrt(math.pi / 2.0)


def activation_radius(name: str, h: Any, hdot: Any) -> Any:
    """Per-neuron radius ``min_s |s - h| / |hdot|`` over the singularities ``s`` of an activation function.

    Parameters
    ----------
    name
        ``"sigmoid"``, ``"softplus"``, ``"silu"`` (singular at ``i pi (2k + 1)``); ``"tanh"`` (``i pi (k +
        1/2)``); ``"gelu_tanh"`` (see `singularities`); ``"relu"`` (the kink at 0, within which it is a single
        linear piece); ``"gelu"`` (exact), ``"ria"`` and ``"gaussglu"`` (the gate ``Phi(beta h)``), which are
        entire.
    h
        Pre-activation, dimensionless, any shape.
    hdot
        Its slope along the line, one over the units of ``t``, of a shape that broadcasts with ``h``.

    Returns
    -------
    array or tensor
        The radius in the units of ``t``, of the broadcast shape, rounded to nearest. ``inf`` for an entire
        activation and where ``hdot`` is 0. Differentiable.

    Raises
    ------
    TypeError, ValueError
        For an unknown name, input that is not real, floating and finite, or shapes that do not broadcast.

    References
    ----------
    arXiv 2603.13552, Appendix 2. Its value ``pi/2`` for the tanh form of GELU is that
    of tanh; see `singularities`.
    """
    distance_to = _lookup(name)
    (h, hdot), restore = as_float64(h=h, hdot=hdot)
    require_broadcast(h=h, hdot=hdot)
    still = hdot == 0.0
    radius = distance_to(h) / torch.where(still, 1.0, hdot.abs())
    return restore(torch.where(still, math.inf, radius))


def singularities(name: str, count: int = 8) -> npt.NDArray[np.complex128]:
    """Singularities of an activation function in the closed upper half plane, nearest to 0 first.

    The lower half plane holds their conjugates. For ``"gelu_tanh"`` they solve ``sqrt(2/pi) (x + c x**3) = i
    pi (k + 1/2)``, ``c = 0.044715``. With ``q = pi (k + 1/2) sqrt(pi/2)`` and ``cosh(3 theta) = q / q_0``,
    ``q_0 = 2 / (3 sqrt(3 c))``, the roots are ``+-sinh(theta) / sqrt(c) + i cosh(theta) / sqrt(3 c)`` and
    ``-2i cosh(theta) / sqrt(3 c)``, for ``k >= 0``. The nearest are ``+-0.634368 + 2.754771i``.

    Parameters
    ----------
    name
        As for `activation_radius`.
    count
        How many, at least 1.

    Returns
    -------
    ndarray of complex128
        ``count`` singularities; fewer if there are no more.

    Raises
    ------
    ValueError
        For an unknown name or ``count < 1``.
    """
    _lookup(name)
    if count < 1:
        raise ValueError(f"count is {count}; expected at least 1")
    if name in _HEIGHTS:
        return np.asarray(1j * _HEIGHTS[name] * (2.0 * np.arange(count) + 1.0), dtype=np.complex128)
    if name == "relu":
        return np.zeros(1, dtype=np.complex128)
    if name == "gelu_tanh":
        theta = np.arccosh(_POLE_STEP * (np.arange(count) + 0.5) / _LEAST) / 3.0
        right = np.sinh(theta) / math.sqrt(_CUBIC) + 1j * np.cosh(theta) / math.sqrt(3.0 * _CUBIC)
        above = 2j * np.cosh(theta) / math.sqrt(3.0 * _CUBIC)
        poles: npt.NDArray[np.complex128] = np.concatenate((right, -right.conj(), above))
        return poles[np.argsort(np.abs(poles), kind="stable")[:count]]
    return np.zeros(0, dtype=np.complex128)


def _lattice(height: float) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda h: torch.hypot(h, h.new_tensor(height))


def _entire(h: torch.Tensor) -> torch.Tensor:
    return torch.full_like(h, math.inf)


def _gelu_tanh(h: torch.Tensor) -> torch.Tensor:
    """Distance to the poles of the tanh form of GELU.

    The poles off the imaginary axis lie on ``v**2 = (u**2 + 1/c) / 3``. There the squared distance to ``h``
    is ``4/3 (u - 3h/4)**2 + h**2/4 + 1/(3c)``, so the nearest pole is one of the two whose real parts enclose
    ``3|h|/4``. Beyond the index ``2**40`` they are too dense to matter. Poles on the axis are farther for
    every ``h``.
    """
    h = h.abs()
    with torch.no_grad():
        target = torch.asinh(0.75 * math.sqrt(_CUBIC) * h).clamp_max(20.0)
        index = (_LEAST * torch.cosh(3.0 * target) / _POLE_STEP - 0.5).floor().clamp_min(0.0)
    nearest = torch.minimum(_gelu_tanh_distance(h, index), _gelu_tanh_distance(h, index + 1.0))
    limit = torch.hypot(h / 2.0, h.new_tensor(1.0 / math.sqrt(3.0 * _CUBIC)))
    return torch.where(index > 2.0**40, limit, nearest)


def _gelu_tanh_distance(h: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    theta = torch.acosh(_POLE_STEP * (index + 0.5) / _LEAST) / 3.0
    return torch.hypot(h - theta.sinh() / math.sqrt(_CUBIC), theta.cosh() / math.sqrt(3.0 * _CUBIC))


_HEIGHTS: Mapping[str, float] = MappingProxyType(
    {"sigmoid": math.pi, "softplus": math.pi, "silu": math.pi, "tanh": math.pi / 2.0}
)
_DISTANCES: Mapping[str, Callable[[torch.Tensor], torch.Tensor]] = MappingProxyType(
    {name: _lattice(height) for name, height in _HEIGHTS.items()}
    | {"gelu_tanh": _gelu_tanh, "relu": torch.abs}
    | dict.fromkeys(("gelu", "ria", "gaussglu"), _entire)
)


def _lookup(name: str) -> Callable[[torch.Tensor], torch.Tensor]:
    if name in _DISTANCES:
        return _DISTANCES[name]
    near = difflib.get_close_matches(str(name), _DISTANCES, n=3, cutoff=0.4) or sorted(_DISTANCES)
    raise ValueError(f"name is {name!r}, an unknown activation; did you mean {', '.join(map(repr, near))}?")
