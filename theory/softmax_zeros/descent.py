"""How far a step may go with a guarantee that the cross-entropy does not rise.

Convergence of the Taylor series, which is what the ghost radius certifies, says nothing about descent. This
does, for linear logits, from the same Jacobian-vector product and without a Hessian. The results are ours.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from scipy.optimize import brentq

from theory._arrays import as_float64, require_samples

from .bounds import variance_excess
from .kl import log_exp_excess

_EPS = 2.0**-52
_INFLATION = 2.0**-36
"""Relative allowance for rounding in the curvature part; ``log`` weights up to 1e4 stay within it."""
_FLOOR = 1e-300
"""Absolute allowance for underflow, in nats."""


@dataclass(frozen=True, eq=False)
class DescentCertificate:
    """Upper bound on a mean cross-entropy along a line, and the steps it certifies.

    Lengths are in parameter-norm units, losses in nats.

    Attributes
    ----------
    best_step
        Minimiser of the majorant; the loss there is at most ``loss - decrease``.
    max_step
        The loss at every step in ``[0, max_step]`` is at most the loss at 0, rounding included.
    closed_form_step
        ``log(1 + g D / kappa) / D`` with ``D`` the largest spread and ``kappa`` the mean variance: the
        minimiser of the cruder majorant ``loss - g tau + kappa/D**2 (exp(D tau) - 1 - D tau)``, never beyond
        ``best_step``.
    decrease
        Guaranteed decrease of the loss at ``best_step``, nonnegative.
    loss
        Mean loss at 0, to nearest.
    slope
        ``g``, minus the derivative of the mean loss at 0, rounded down. The steps are 0 where it is not
        positive.
    """

    best_step: float
    max_step: float
    closed_form_step: float
    decrease: float
    loss: float
    slope: float
    _spread: torch.Tensor = field(repr=False)
    _excess: torch.Tensor = field(repr=False)

    def majorant(self, tau: Any) -> Any:
        """Upper bound on the mean loss at the step ``tau``, of either sign; convex in ``tau``.

        ``loss - g tau + mean_i G_i(tau)``, where ``G_i`` is the second integral from 0 of ``D**2/4 sech((e -
        D |u|)_+ / 2)**2``, the bound of `variance_excess` on the curvature of sample ``i``. With ``x = D
        |tau|`` and ``s = 1/(1 + exp(e))``, ``G = log(1 + s (exp(x) - 1)) - s x`` while ``x <= e``; beyond, it
        continues as the parabola with second derivative ``1/4`` in ``x``.

        Parameters
        ----------
        tau
            A number, or an array or tensor of steps of any shape.

        Returns
        -------
        float64 of the shape and kind of ``tau``
            Equal to the loss at ``tau = 0``. Not directed rounding; the certified steps allow for it.
        """
        (steps,), restore = as_float64(tau=tau)
        steps = steps.to(self._spread.device)
        x = steps.abs().unsqueeze(-1) * self._spread
        return restore(self.loss - self.slope * steps + _curvature_part(x, self._excess).mean(-1))


def descent_certificate(logits: Any, slopes: Any, labels: Any) -> DescentCertificate:
    """Certify step lengths for the mean cross-entropy of a batch with logits ``z + tau a``.

    Parameters
    ----------
    logits, slopes
        ``z`` (dimensionless) and ``a`` (one over the units of ``tau``), shape ``(n,)`` or ``(B, n)``.
    labels
        Integer classes in ``[0, n)``, shape ``()`` or ``(B,)``.

    Returns
    -------
    DescentCertificate
        Steps 0 where the direction does not descend or all slopes of all samples are equal. A step certified
        here is for exactly linear logits; it may lie on either side of the ghost radius.

    Raises
    ------
    TypeError, ValueError
        For logits or slopes that are not real, floating, finite and of equal shape, or labels that are not
        integers of the matching shape within range.

    References
    ----------
    Ours. For the curvature bound see `variance_excess`.
    """
    (z, a), _ = as_float64(logits=logits, slopes=slopes)
    require_samples(logits=z, slopes=a)
    y = _labels(labels, z)
    z, a = z.detach().reshape(-1, z.shape[-1]), a.detach().reshape(-1, a.shape[-1])
    y = y.reshape(-1, 1)
    reference = a.gather(-1, y)
    relative = a - reference
    rivals = (z - z.gather(-1, y)).scatter(-1, y, -math.inf)
    loss = float(torch.nn.functional.softplus(rivals.logsumexp(-1), threshold=700.0).mean())
    excess = variance_excess(z, a)
    spread = a.amax(-1) - a.amin(-1)
    z = z - z.amax(-1, keepdim=True)
    descent = -z.softmax(-1) * relative
    roundoff = (z.shape[0] + 4 * z.shape[1] + 64 - 2.0 * z.clamp_min(-745.0)) * _EPS
    slope = float((descent - roundoff * descent.abs()).sum(-1).mean())
    widest = float(spread.max())
    if not math.isfinite(widest):
        raise ValueError("slopes span more than the float64 range; expected a finite max - min")
    certificate = DescentCertificate(0.0, 0.0, 0.0, 0.0, loss, slope, spread, excess)
    if slope <= 0.0 or widest == 0.0:
        return certificate
    return _solve(certificate, widest)


def _solve(flat: DescentCertificate, widest: float) -> DescentCertificate:
    spread, excess, slope = flat._spread / widest, flat._excess, flat.slope / widest

    def change(x: float) -> float:
        """Upper bound on the change of the loss at ``tau = x / widest``."""
        part = float(_curvature_part(x * spread * (1.0 + 4.0 * _EPS), excess).mean())
        return part * (1.0 + _INFLATION) - slope * x * (1.0 - 4.0 * _EPS) + _FLOOR

    def derivative(x: float) -> float:
        return float((spread * _curvature_slope(x * spread, excess)).mean()) - slope

    variance = float((spread.square() * torch.sigmoid(excess) * torch.sigmoid(-excess)).mean())
    crude = math.log1p(slope / variance) if variance > slope * 1e-300 else 0.0
    end = _beyond(derivative, crude)
    best = _root(derivative, crude, end) if derivative(crude) < 0.0 else crude
    if change(best) > 0.0:
        best = crude if change(crude) <= 0.0 else 0.0
    farthest = _root(change, best, _beyond(change, best)) if best > 0.0 else 0.0
    retreat = 4.0 * _EPS
    while farthest > best and change(farthest) > 0.0:
        farthest = max(best, farthest * (1.0 - retreat))
        retreat *= 2.0
    return DescentCertificate(
        best_step=best / widest,
        max_step=farthest / widest * (1.0 - 2.0 * _EPS),
        closed_form_step=min(crude, best) / widest,
        decrease=-change(best) if best > 0.0 else 0.0,
        loss=flat.loss,
        slope=flat.slope,
        _spread=flat._spread,
        _excess=flat._excess,
    )


def _curvature_part(x: torch.Tensor, excess: torch.Tensor) -> torch.Tensor:
    """``G`` of `DescentCertificate.majorant`; the first part is a divergence of two classes of weights ``s, 1 - s``."""
    s = torch.sigmoid(-excess)
    inner, outer = torch.minimum(x, excess), (x - excess).clamp_min(0.0)
    log_terms = torch.logaddexp(
        torch.nn.functional.logsigmoid(-excess) + log_exp_excess(inner * (1.0 - s)),
        torch.nn.functional.logsigmoid(excess) + log_exp_excess(-inner * s),
    )
    bowl = torch.nn.functional.softplus(log_terms, threshold=700.0)
    return bowl + outer * torch.tanh(excess / 2.0) / 2.0 + outer.square() / 8.0


def _curvature_slope(x: torch.Tensor, excess: torch.Tensor) -> torch.Tensor:
    """``dG/dx``."""
    inner, outer = torch.minimum(x, excess), (x - excess).clamp_min(0.0)
    return -torch.expm1(-inner) * torch.sigmoid(inner - excess) * torch.sigmoid(excess) + outer / 4.0


def _beyond(function: Callable[[float], float], start: float) -> float:
    """A point past ``start`` where the convex function is positive."""
    end = max(1.0, 2.0 * start)
    while function(end) <= 0.0:
        end *= 2.0
    return end


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    return float(brentq(function, low, high, xtol=1e-300, rtol=4.0 * _EPS, maxiter=2000))


def _labels(labels: Any, logits: torch.Tensor) -> torch.Tensor:
    y = labels if isinstance(labels, torch.Tensor) else torch.from_numpy(np.array(labels, copy=None))
    if y.dtype == torch.bool or y.is_floating_point() or y.is_complex():
        raise TypeError(f"labels has dtype {y.dtype}; expected an integer dtype")
    if y.shape != logits.shape[:-1]:
        raise ValueError(f"labels has shape {tuple(y.shape)}; expected {tuple(logits.shape[:-1])}, one a sample")
    outside = (y < 0) | (y >= logits.shape[-1])
    if bool(outside.any()):
        raise ValueError(f"labels contains {y[outside][0].item()}; expected classes in [0, {logits.shape[-1]})")
    return y.to(device=logits.device, dtype=torch.int64)
