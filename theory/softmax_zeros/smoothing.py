"""Entire replacements for the ReLU and the inverse square root, both Gaussian averages.

References
----------
P. Sao, "Ghosts of Softmax", arXiv 2603.13552, Appendix 3.
"""

from __future__ import annotations

import math
from typing import Any

import torch

from theory._arrays import as_float64, require_broadcast, require_positive

_TAIL = 2.5
"""Beyond this the continued fraction of the Mills ratio takes over."""
_FRACTION_DEPTH = 80
_PEAK = 10.0
"""Above this the Gaussian is too far from the singularity for the other half of the line to matter."""


def ria(x: Any, beta: Any) -> Any:
    """Entire ReLU, ``x Phi(beta x) + phi(beta x) / beta``, the mean of ``ReLU(x + xi)`` over ``xi ~ N(0, 1/beta**2)``.

    Parameters
    ----------
    x
        Pre-activation, any shape.
    beta
        Sharpness ``beta > 0``, one over the units of ``x``, of a shape that broadcasts with ``x``.

    Returns
    -------
    array or tensor
        Of the broadcast shape and in the units of ``x``. Positive, increasing and convex in ``x``; above the ReLU by
        at most ``1 / (beta sqrt(2 pi))``, at 0. Differentiable; the derivative in ``x`` is ``Phi(beta x)``. The
        relative error stays below ``(20 + (beta x)**2) 2**-52``, the second part being the conditioning of the left
        tail: there the form without cancellation ``phi(s) (1 - s m(s)) / beta`` is used, ``s = -beta x``, with the
        Mills ratio ``m`` by its continued fraction.

    Raises
    ------
    TypeError, ValueError
        For input that is not real, floating and finite, ``beta <= 0``, or shapes that do not broadcast.

    References
    ----------
    arXiv 2603.13552, Appendix 3.
    """
    (x, beta), restore = as_float64(x=x, beta=beta)
    require_broadcast(x=x, beta=beta)
    require_positive(beta=beta)
    s = (beta * x).clamp(-1e150, 1e150)
    density = torch.exp(-s.square() / 2.0) / math.sqrt(2.0 * math.pi)
    right = x * (torch.special.erfc(-s / math.sqrt(2.0)) / 2.0) + density / beta
    return restore(torch.where(s >= 0.0, right, density * _mills_defect((-s).clamp_min(0.0)) / beta))


def weierstrass_inverse_sqrt(v: Any, sigma: Any) -> Any:
    """Gaussian average of ``t**(-1/2)`` over ``t > 0``, an entire stand-in for the inverse square root.

    ``(sigma sqrt(2 pi))**-1 int_0^inf t**(-1/2) exp(-(v - t)**2 / (2 sigma**2)) dt``, which equals ``(2
    sigma)**(-1/2) exp(-v**2 / (4 sigma**2)) D_{-1/2}(-v / sigma)`` with the parabolic cylinder function. That
    product overflows times underflows for large ``v / sigma``, so it is not what is evaluated: with ``t =
    r**2`` the integrand is analytic and even, and the trapezoidal rule converges geometrically.

    Parameters
    ----------
    v
        Any shape, any sign; a variance in use.
    sigma
        Width ``sigma > 0`` of the average, in the units of ``v``, of a shape that broadcasts with ``v``.

    Returns
    -------
    array or tensor
        Of the broadcast shape, in the units of ``v**(-1/2)``. Tends to ``v**(-1/2) (1 + 3 sigma**2 / (8 v**2)
        + ...)`` for ``v >> sigma`` and to 0 for ``v << -sigma``. Relative error below ``2e-15 + (v/sigma)**2
        2**-52`` for negative ``v`` (the second part is the conditioning of the tail) and ``2e-15`` for
        positive ``v``. Differentiable.

    Raises
    ------
    TypeError, ValueError
        For input that is not real, floating and finite, ``sigma <= 0``, or shapes that do not broadcast.

    References
    ----------
    arXiv 2603.13552, Appendix 3, Equation 24, read as 0 for ``t <= 0``; its constant is
    ``(2 sigma)**(-1/2)``. The "randomised smoothing" form with ``max(0, .) + eps`` given beside it diverges
    as ``eps -> 0``.
    """
    (v, sigma), restore = as_float64(v=v, sigma=sigma)
    require_broadcast(v=v, sigma=sigma)
    require_positive(sigma=sigma)
    s = v / sigma
    near = _even_average(s.clamp(-1e3, _PEAK)) / sigma.sqrt()
    far = _peak_average(s.clamp_min(_PEAK)) / torch.where(s > _PEAK, v, 1.0).sqrt()
    return restore(torch.where(s > _PEAK, far, near))


def _mills_defect(s: torch.Tensor) -> torch.Tensor:
    """``1 - s m(s)`` for ``s >= 0``, with the Mills ratio ``m(s) = 1/(s + 1/(s + 2/(s + 3/...)))``."""
    tail = s.clamp_min(_TAIL)
    rest = tail
    for k in range(_FRACTION_DEPTH, 1, -1):
        rest = tail + k / rest
    body = s.clamp_max(_TAIL)
    ratio = math.sqrt(math.pi / 2.0) * torch.special.erfcx(body / math.sqrt(2.0))
    return torch.where(s > _TAIL, 1.0 / (rest * tail + 1.0), 1.0 - body * ratio)


def _even_average(s: torch.Tensor) -> torch.Tensor:
    """``(2 pi)**(-1/2) int exp(-(s - r**2)**2 / 2) dr`` over the line, for ``s <= _PEAK``."""
    nodes = torch.arange(1, 49, dtype=s.dtype, device=s.device)
    width = 0.14 * (1.0 + s.abs() / 10.0).rsqrt()
    r = nodes * width.unsqueeze(-1)
    terms = torch.exp(-(s.unsqueeze(-1) - r.square()).square() / 2.0)
    total = torch.exp(-s.square() / 2.0) + 2.0 * terms.sum(-1)
    return total * width / math.sqrt(2.0 * math.pi)


def _peak_average(s: torch.Tensor) -> torch.Tensor:
    """The same times ``sqrt(s)`` for ``s >= _PEAK``: twice the half line, with ``r = sqrt(s) + x/(2 sqrt(s))``."""
    x = torch.arange(-35, 24, dtype=s.dtype, device=s.device) * 0.4
    terms = torch.exp(-(x + x.square() / (4.0 * s.unsqueeze(-1))).square() / 2.0)
    return terms.sum(-1) * (0.4 / math.sqrt(2.0 * math.pi))
