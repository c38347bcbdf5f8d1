"""Kullback-Leibler divergence of a softmax from itself after a step, and its distance from the quadratic form.

With ``P_tau = softmax(z + tau a)`` and ``K(tau) = log sum_k exp(z_k + tau a_k)`` the divergences are
``KL(P_0 || P_tau) = K(tau) - K(0) - tau K'(0)`` (reverse) and ``KL(P_tau || P_0) = tau K'(tau) - K(tau) + K(0)``
(forward). Both are ``tau**2 Var / 2`` to leading order. As written they lose all digits for small ``tau``; here the
cancelling parts are removed term by term, in the centred exponents ``c_k = tau (a_k - E a)``.

References
----------
P. Sao, "Ghosts of Softmax", arXiv 2603.13552, Appendix 4. Its Equations 26-28 compute the reverse divergence under the
name of the forward one.
"""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias, get_args

import torch

from theory._arrays import as_float64, require_broadcast, require_nonnegative, require_samples

Direction: TypeAlias = Literal["forward", "reverse"]

_FAR = 1e300
"""Exponents saturate here."""
_SERIES_END = 20


def third_moment_bound(spread: Any) -> Any:
    """Largest ``|E(X - EX)**3|`` of a random variable on an interval: ``spread**3 / (6 sqrt(3))``.

    Parameters
    ----------
    spread
        Length of the interval, nonnegative, any shape.

    Returns
    -------
    array or tensor
        The bound, in the units of ``spread`` cubed, rounded to nearest. Attained by the two ends with probabilities
        ``(3 +- sqrt(3)) / 6``. Differentiable.

    Raises
    ------
    TypeError, ValueError
        For input that is not real, floating and finite, or a negative ``spread``.

    References
    ----------
    arXiv 2603.13552, Lemma A4.1.
    """
    (spread,), restore = as_float64(spread=spread)
    require_nonnegative(spread=spread)
    return restore(spread**3 / (6.0 * math.sqrt(3.0)))


def kl_remainder_bound(tau: Any, spread: Any, direction: Direction = "forward") -> Any:
    """Bound on ``|KL - tau**2 Var / 2|`` after a step ``tau``, for any logits.

    ``|tau spread|**3 / (18 sqrt(3))`` for ``KL(P_tau || P_0)`` and ``/ (36 sqrt(3))`` for ``KL(P_0 || P_tau)``.
    Forward: the divergence is ``int_0^tau s K''(s) ds`` and ``|K''(s) - K''(0)| <= |s| spread**3 / (6 sqrt(3))``.
    Reverse: Lagrange's remainder. Both hold for every ``tau``; the constants are approached as ``tau -> 0`` and never
    attained.

    Parameters
    ----------
    tau
        Step length, any sign, in parameter-norm units.
    spread
        Spread of the logit slopes, nonnegative, one over the units of ``tau``; a shape that broadcasts with ``tau``.
    direction
        ``"forward"`` for ``KL(P_tau || P_0)``, ``"reverse"`` for ``KL(P_0 || P_tau)``.

    Returns
    -------
    array or tensor
        The bound in nats, of the broadcast shape, rounded to nearest. Differentiable.

    Raises
    ------
    TypeError, ValueError
        For input that is not real, floating and finite, a negative ``spread``, an unknown direction, or shapes that
        do not broadcast.

    References
    ----------
    arXiv 2603.13552, Theorem A4.2 (forward); the printed proof is that of the reverse bound.
    """
    _require_direction(direction)
    (tau, spread), restore = as_float64(tau=tau, spread=spread)
    require_broadcast(tau=tau, spread=spread)
    require_nonnegative(spread=spread)
    constant = (18.0 if direction == "forward" else 36.0) * math.sqrt(3.0)
    return restore((tau.abs() * spread) ** 3 / constant)


def kl_shift(logits: Any, slopes: Any, tau: Any, direction: Direction = "forward") -> Any:
    """Divergence between ``P_0 = softmax(z)`` and ``P_tau = softmax(z + tau a)``, without cancellation.

    ``KL(P_0 || P_tau) = log(1 + E_0[exp(c) - 1 - c])`` with ``c = tau (a - E_0 a)``: every term is nonnegative, and an
    error in the mean enters multiplied by the result. The forward divergence is the same seen from ``P_tau``.

    Parameters
    ----------
    logits, slopes
        ``z`` (dimensionless) and ``a`` (one over the units of ``tau``), shape ``(n,)`` or ``(B, n)``.
    tau
        Step length, any sign; a shape that broadcasts with ``()`` or ``(B,)``.
    direction
        ``"forward"`` for ``KL(P_tau || P_0)``, ``"reverse"`` for ``KL(P_0 || P_tau)``.

    Returns
    -------
    scalar or array
        The divergence in nats, nonnegative. Relative error of order ``(n + |log KL|) 2**-52``, plus the conditioning
        ``max |z + tau a| 2**-52`` of the softmax. Saturates where ``|tau a|`` passes 1e300. Differentiable.

    Raises
    ------
    TypeError, ValueError
        For input that is not real, floating, finite and of matching shape, or an unknown direction.

    References
    ----------
    arXiv 2603.13552, Appendix 4; the stable form is ours.
    """
    _require_direction(direction)
    (logits, slopes, tau), restore = as_float64(logits=logits, slopes=slopes, tau=tau)
    log_weights, shift = _line(logits, slopes, tau)
    return restore(_divergence(log_weights, shift, direction))


def kl_remainder(logits: Any, slopes: Any, tau: Any, direction: Direction = "forward") -> Any:
    """What the quadratic form leaves of the divergence: ``KL - tau**2 Var_0(a) / 2``, without cancellation.

    With ``V = E c**2``, ``A = E[exp(c) - 1 - c]``, ``C = E[exp(c) - 1 - c - c**2/2]`` and
    ``G = E[(c - 1) exp(c) + 1 - c**2/2]`` under ``P_0`` the remainder is ``C - (A - log(1 + A))`` (reverse) and
    ``G - A (V + G + C) / (1 + A) + A - log(1 + A)`` (forward), each term of third order or higher. Where some
    ``|c| > 1`` the plain difference is exact enough and is taken.

    Parameters
    ----------
    logits, slopes, tau, direction
        As for `kl_shift`.

    Returns
    -------
    scalar or array
        The remainder in nats, of either sign. The error is a few ``n 2**-52`` of ``E|c|**3``, so the relative accuracy
        is that of the third cumulant, whatever the size of ``tau``. Differentiable.

    Raises
    ------
    TypeError, ValueError
        As for `kl_shift`.

    References
    ----------
    arXiv 2603.13552, Theorem A4.2; the stable form is ours.
    """
    _require_direction(direction)
    (logits, slopes, tau), restore = as_float64(logits=logits, slopes=slopes, tau=tau)
    log_weights, shift = _line(logits, slopes, tau)
    p = log_weights.exp()
    c = _centred(log_weights, shift)
    small = (c.detach().abs() <= 1.0).all(-1)
    near = torch.where(small.unsqueeze(-1), c, 0.0)
    quadratic = ((log_weights / 2.0).exp() * c).square().sum(-1) / 2.0
    second = (p * _series(near, 2, 0)).sum(-1)
    third = (p * _series(near, 3, 0)).sum(-1)
    bend = second - torch.log1p(second)
    bend = torch.where(second < 0.1, _log_defect(second.clamp_max(0.1)), bend)
    if direction == "reverse":
        stable = third - bend
    else:
        gain = (p * _series(near, 3, 1)).sum(-1)
        stable = gain - second * (2.0 * quadratic + gain + third) / (1.0 + second) + bend
    return restore(torch.where(small, stable, _divergence(log_weights, shift, direction) - quadratic))


def _require_direction(direction: str) -> None:
    if direction not in get_args(Direction):
        raise ValueError(f"direction is {direction!r}; expected one of {', '.join(map(repr, get_args(Direction)))}")


def _line(logits: torch.Tensor, slopes: torch.Tensor, tau: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Log probabilities at 0 and the shifts ``tau (a - a_ref)``, classes last, batch shapes broadcast."""
    require_samples(logits=logits, slopes=slopes)
    require_broadcast(tau=tau, logits=logits[..., 0])
    largest = logits.amax(-1, keepdim=True)
    log_weights = (logits - largest).clamp_min(-_FAR)
    reference = slopes.gather(-1, logits.argmax(-1, keepdim=True))
    shift = (tau.unsqueeze(-1) * (slopes / 2.0 - reference / 2.0) * 2.0).clamp(-_FAR, _FAR)
    return torch.broadcast_tensors(log_weights.log_softmax(-1), shift)  # type: ignore[no-untyped-call,no-any-return]


def _centred(log_weights: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
    return shift - (log_weights.exp() * shift).sum(-1, keepdim=True)


def _divergence(log_weights: torch.Tensor, shift: torch.Tensor, direction: Direction) -> torch.Tensor:
    if direction == "forward":
        log_weights, shift = (log_weights + shift).log_softmax(-1), -shift
    excess = (log_weights + log_exp_excess(_centred(log_weights, shift))).logsumexp(-1)
    return torch.nn.functional.softplus(excess, threshold=700.0)


def log_exp_excess(c: torch.Tensor) -> torch.Tensor:
    """``log(exp(c) - 1 - c)`` with small relative error in ``exp(c) - 1 - c``, for any ``c``; about -1e300 at 0."""
    zero = c == 0.0
    safe = torch.where(zero, 1.0, c)
    near = safe.clamp(-1.0, 1.0)
    series = 2.0 * near.abs().log() + _scaled_series(near, 2, 0).log()
    right = safe.clamp_min(1.0)
    left = safe.clamp_max(-1.0)
    far = torch.where(
        safe > 0.0,
        right + torch.log1p(-(1.0 + right) * torch.exp(-right)),
        (torch.expm1(left) - left).log(),
    )
    return torch.where(zero, -1e300, torch.where(safe.abs() <= 1.0, series, far))


def _series(c: torch.Tensor, first: int, weight: int) -> torch.Tensor:
    return c**first * _scaled_series(c, first, weight)


def _scaled_series(c: torch.Tensor, first: int, weight: int) -> torch.Tensor:
    """``sum_{k >= first} (k - 1)**weight c**(k - first) / k!`` for ``|c| <= 1``, by Horner's rule."""
    total = torch.zeros_like(c)
    for k in range(_SERIES_END, first - 1, -1):
        total = total * c + (k - 1) ** weight / math.factorial(k)
    return total


def _log_defect(x: torch.Tensor) -> torch.Tensor:
    """``x - log(1 + x)`` for ``0 <= x <= 0.1``: with ``y = x/(2 + x)``, ``x - 2 atanh(y) = x y - 2 (y**3/3 + ...)``."""
    y = x / (2.0 + x)
    total = torch.zeros_like(y)
    for k in range(15, 1, -2):
        total = total * y.square() + 1.0 / k
    return x * y - 2.0 * y**3 * total
