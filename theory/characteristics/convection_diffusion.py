"""Convection and diffusion at constant coefficients: every Fourier mode travels and decays on its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import torch

from theory._arrays import as_float64, require_broadcast, require_nonnegative
from theory._numbers import require_integer, require_number
from theory.characteristics._frame import moved

Mode: TypeAlias = tuple[int, float, float]
"""Wave number k ≥ 0, amplitude a_k, phase φ_k."""


def convection_diffusion_exact(
    x: Any, t: Any, c: float, nu: float = 0.0, modes: Sequence[Mode] = ((1, 1.0, 0.0),)
) -> Any:
    r"""Return the solution ``Σ_k a_k e^{−νk²t} sin(k (x − ct) + φ_k)`` of ``u_t + c u_x = ν u_xx``, period 2π.

    Parameters
    ----------
    x
        Positions; NumPy array, tensor or number, broadcast with ``t``.
    t
        Times, at least 0.
    c
        Speed of convection.
    nu
        Diffusivity ν ≥ 0; 0 is pure convection.
    modes
        Triples ``(k, a_k, φ_k)``, at least one; ``(0, a, π/2)`` is the constant a. The default is the benchmark's
        ``sin x``.

    Returns
    -------
    array or tensor
        Broadcast shape of ``x`` and ``t``, in their kind, dtype and device. Differentiable. Rounding of ``x − ct``
        costs about ``k |c| t`` units in the last place.

    Raises
    ------
    TypeError, ValueError
        For input other than described above, shapes that do not broadcast, or ``k (x − ct) + φ_k``
        beyond the range of float64.

    References
    ----------
    Textbook; problems of arXiv 2205.02902 and 2109.01050.
    """
    (x_, t_), restore = as_float64(x=x, t=t)
    require_broadcast(x=x_, t=t_)
    require_nonnegative(t=t_)
    c = require_number("c", c, -math.inf, math.inf)
    nu = require_number("nu", nu, 0.0, math.inf)
    if len(modes) == 0:
        raise ValueError("modes is empty; expected at least one triple (k, a_k, φ_k)")
    y = moved(x_, -c, t_)
    farthest = y.detach().abs().max().item()
    total = torch.zeros_like(y)
    for mode in modes:
        k, amplitude, phase = _mode(mode)
        if not math.isfinite(k * farthest + abs(phase)):
            raise ValueError(f"modes: k is {k} and |x − ct| up to {farthest:g}; expected k (x − ct) + φ_k in float64")
        total = total + amplitude * torch.exp(-nu * k * k * t_) * torch.sin(k * y + phase)
    return restore(total)


def _mode(mode: Mode) -> Mode:
    try:
        k, amplitude, phase = mode
    except (TypeError, ValueError):
        raise ValueError(f"modes contains {mode!r}; expected triples (k, a_k, φ_k)") from None
    return (
        require_integer("modes: k", k, 0),
        require_number("modes: a_k", amplitude, -math.inf, math.inf),
        require_number("modes: φ_k", phase, -math.inf, math.inf),
    )
