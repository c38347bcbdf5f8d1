"""Ghost radius of the true line loss, when the logits are not linear in the step.

References
----------
P. Sao, "Ghosts of Softmax", arXiv 2603.13552, Appendix 1. Its Proposition A1.1 is false
as stated (its error term changes under a common shift of the logits, and it bounds second derivatives on the
real line only); what is here is ours.
"""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import torch

from theory._arrays import as_float64, require_broadcast, require_nonnegative, require_positive, restore_below

Curvature: TypeAlias = Literal["logits", "pairwise"]

_DOWN = 1.0 - 16.0 * 2.0**-52
_FAR = 1e300
"""Leads are lowered to this, which only lowers the bound."""
_LARGEST = torch.finfo(torch.float64).max


def nonlinear_radius_bound(
    spread: Any,
    curvature: Any,
    analytic_radius: Any = math.inf,
    *,
    lead: Any = 0.0,
    kind: Curvature = "logits",
) -> Any:
    """Radius within which ``sum_k exp(z_k(t))`` has no zero, for curved logits ``z_k(t)``.

    If every ``z_k`` is analytic in ``|t| < R_0`` with ``|z_k''| <= C`` there, the partition function has no
    zero in ``|t| < R``, where ``R`` is the smaller of ``R_0`` and the root of ``(D R)**2 = (L - C R**2)_+**2
    + (pi - C R**2)_+**2``. For ``L = 0`` that is ``2 pi / (D + sqrt(D**2 + 4 pi C))``.

    Proof: ``|z_k(t) - z_k(0) - a_k t| <= C |t|**2 / 2``. At a zero the phases of the terms do not fit in an
    open half plane, so ``D |Im t| + C |t|**2 >= pi``; and no term exceeds the sum of the others, so ``D |Re
    t| + C |t|**2 >= L``.

    Parameters
    ----------
    spread
        ``D >= 0``, spread of the slopes ``a_k = z_k'(0)``, one over the units of ``t``.
    curvature
        ``C >= 0``, bound on ``|z_k''(t)|`` over the complex disc ``|t| < R_0``, one over the units of ``t``
        squared.
    analytic_radius
        ``R_0 > 0``, in the units of ``t``; ``inf`` for entire logits.
    lead
        ``L >= 0``, at most ``log(p_1 / (1 - p_1))`` at ``t = 0``; 0 uses the phases alone.
    kind
        ``"pairwise"`` if ``curvature`` bounds ``|z_j'' - z_k''|`` for all pairs instead; that counts half.

    Returns
    -------
    array or tensor
        The bound ``R``, of the broadcast shape, rounded toward zero (the inputs are taken as exact); ``inf``
        where nothing limits it. Differentiable in ``spread``, ``lead`` and, where positive, ``curvature``.

    Raises
    ------
    TypeError, ValueError
        For input that is not real, floating and finite (``analytic_radius`` may be ``inf``), a negative
        ``spread``, ``curvature`` or ``lead``, ``analytic_radius <= 0``, or shapes that do not broadcast.

    References
    ----------
    Ours; it replaces arXiv 2603.13552, Proposition A1.1.
    """
    if kind not in get_args(Curvature):
        raise ValueError(f"kind is {kind!r}; expected one of {', '.join(map(repr, get_args(Curvature)))}")
    radius, unlimited = _split_infinity(analytic_radius)
    tensors, restore = as_float64(spread=spread, curvature=curvature, analytic_radius=radius, lead=lead)
    spread, curvature, radius, lead = tensors
    require_broadcast(spread=spread, curvature=curvature, analytic_radius=radius, lead=lead)
    require_nonnegative(spread=spread, curvature=curvature, lead=lead)
    require_positive(analytic_radius=radius)
    if kind == "pairwise":
        curvature = curvature / 2.0
    small, large = lead.clamp_max(math.pi), lead.clamp(math.pi, _FAR)
    bend = 2.0 * large.sqrt() * curvature.sqrt()
    free = (spread == 0.0) & (curvature == 0.0)
    bound = 2.0 * large / torch.where(free, 1.0, spread + torch.hypot(spread, bend))
    relative = curvature / torch.where(spread > 0.0, spread, 1.0).square()
    both = (spread > 0.0) & (relative * (large - small).square() <= small)
    relative = torch.where(both, relative, 0.0)
    middle = 2.0 * relative * (large + small) + 1.0
    discriminant = 1.0 + 4.0 * relative * (large + small - relative * (large - small).square())
    joint = (
        math.sqrt(2.0) * torch.hypot(large, small) / torch.sqrt(middle + torch.where(both, discriminant, 1.0).sqrt())
    )
    bound = torch.where(both, torch.maximum(bound, joint / torch.where(spread > 0.0, spread, 1.0)), bound)
    bound = torch.where(free, math.inf, bound.clamp_max(_LARGEST) * _DOWN)
    limit = torch.where(unlimited.to(radius.device), math.inf, radius)
    return restore_below(restore, torch.minimum(bound, limit))


def _split_infinity(radius: Any) -> tuple[Any, torch.Tensor]:
    """The radius with positive infinities replaced by 1, and where they were."""
    if isinstance(radius, torch.Tensor):
        unlimited = torch.isposinf(radius)
        return torch.where(unlimited, torch.ones_like(radius), radius), unlimited
    if isinstance(radius, int | float) and not isinstance(radius, np.generic):
        return (1.0, torch.tensor(True)) if radius == math.inf else (radius, torch.tensor(False))
    array = np.asarray(radius)
    if array.dtype.kind != "f":
        return radius, torch.tensor(False)
    infinite = np.isposinf(array)
    return np.where(infinite, np.ones_like(array), array), torch.from_numpy(np.asarray(infinite))
