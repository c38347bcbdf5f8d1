"""Transport at the periodic speed ``c (1 + ε sin x)``, whose characteristics are known in closed form."""

from __future__ import annotations

import math
from typing import Any

import torch

from theory._arrays import as_float64, require_broadcast
from theory._numbers import require_number
from theory.characteristics._frame import moved


def variable_speed_characteristics(xi: Any, t: Any, c: float, eps: float) -> Any:
    r"""Return the characteristics ``X_t = c (1 + ε sin X)``, ``X(ξ, 0) = ξ``.

    The angle ``θ = 2 atan((tan(X/2) + ε)/s)``, ``s = √(1 − ε²)``, moves at the constant speed ``c s``. Both directions
    of this map are evaluated as a periodic correction of the identity, so that no branch has to be chosen. The
    Jacobian is ``∂X/∂ξ = (1 + ε sin X)/(1 + ε sin ξ)``.

    Parameters
    ----------
    xi
        Labels ξ, any real numbers; NumPy array, tensor or number, broadcast with ``t``.
    t
        Times, of either sign.
    c
        Speed where ``sin x = 0``.
    eps
        Modulation ε in (−1, 1).

    Returns
    -------
    array or tensor
        ``X`` in the kind, dtype and device of the input, not wrapped: ``X(ξ + 2π, t) = X(ξ, t) + 2π``. Differentiable
        in ``xi`` and ``t``.

    Raises
    ------
    TypeError, ValueError
        For input other than described above, shapes that do not broadcast, or ``X`` beyond the range of float64.

    References
    ----------
    Ours, by separation of variables; a travelling pulse that the frame of arXiv 2205.02902 does not make stationary.
    """
    (xi_, t_), restore = as_float64(xi=xi, t=t)
    require_broadcast(xi=xi_, t=t_)
    c = require_number("c", c, -math.inf, math.inf)
    eps = require_number("eps", eps, -1.0, 1.0, open_low=True)
    if eps == 1.0:
        raise ValueError("eps is 1.0; expected a number in (-1, 1)")
    s = math.sqrt((1.0 - eps) * (1.0 + eps))
    theta = moved(xi_ + _turn(xi_, eps / s, 1.0 / s), c * s, t_)
    return restore(theta + _turn(theta, -eps, s))


def _turn(angle: torch.Tensor, shift: float, scale: float) -> torch.Tensor:
    """``2 atan(scale tan(angle/2) + shift) − angle``, continuous and of period 2π."""
    cosine, sine = torch.cos(angle / 2), torch.sin(angle / 2)
    image = scale * sine + shift * cosine
    return 2 * torch.atan2(image * cosine - cosine * sine, cosine * cosine + image * sine)
