"""Lower bounds on the ghost radius of the softmax, computable from one Jacobian-vector product.

A sample has logits ``z``, logit slopes ``a = J v`` along a unit direction ``v`` and softmax weights ``p``.
Its partition function on the line is ``F(t) = sum_k exp(z_k + a_k t)``; the ghost radius ``rho*`` is the
smallest modulus of a zero of ``F``. Everything here is in the units of ``t``, which are those of the
parameter norm.

Rounding. The bounds returned for float64 input are true lower bounds of the ``rho*`` of exactly the numbers
passed in. Exponents are inflated by a bound of their own rounding error before they are exponentiated, sums
by one unit roundoff a term, and the last step loses 16 units of ``2**-52``. This assumes that ``exp`` and
``log`` are good to one ulp, which the vectorised ones of torch are. For a narrower input dtype the result is
rounded toward zero into that dtype.

References
----------
P. Sao, "Ghosts of Softmax", arXiv 2603.13552: Theorem 4.3 (binary radius), Theorem 4.6
(support bound). The dominance and variance bounds are ours; the proofs are in the docstring of `lower_bound`.
"""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias, get_args

import torch

from theory._arrays import as_float64, require_broadcast, require_positive, require_samples, restore_below

Method: TypeAlias = Literal["support", "dominance", "dominance_exact", "variance", "best"]

_EPS = 2.0**-52
_LARGEST = torch.finfo(torch.float64).max
_TINIEST = torch.finfo(torch.float64).tiny
_FAR = 1e300
"""Stand-in for infinity in log weights: they are raised to ``-_FAR``, which can only lower a bound."""
_NEGLIGIBLE = -700.0
"""Log weight below which a term cannot matter beside 1; ``exp`` is slow where it underflows."""
_CURVATURE = 2.0 + math.pi**2 / 2.0
"""Smallest second derivative of ``(excess - w)**2 + pi**2 cosh(w/2)**2``."""


def binary_radius(gap: Any, spread: Any, temperature: Any = 1.0) -> Any:
    """Exact ghost radius of two classes, ``sqrt(gap**2 + (pi T)**2) / |spread|``.

    The zeros of ``w_1 + w_2 exp(spread t)`` are ``t = (gap + i pi (2k + 1)) / spread``; ``k = 0, -1`` are
    nearest.

    Parameters
    ----------
    gap
        Logit gap ``delta = z_1 - z_2``, dimensionless.
    spread
        Slope difference ``Delta_a = a_1 - a_2``, one over the units of ``t``; its sign does not matter.
    temperature
        ``T > 0``; the softmax is that of ``z / T``, and ``gap`` and ``spread`` are those of the untempered
        logits.

    Returns
    -------
    array or tensor
        The radius, of the broadcast shape, ``inf`` where ``spread`` is 0. Rounded to nearest (a few ulp, not
        directed), free of overflow in the square. Differentiable.

    Raises
    ------
    TypeError, ValueError
        For input that is not real, floating and finite, ``temperature <= 0``, or shapes that do not
        broadcast.

    References
    ----------
    arXiv 2603.13552, Theorem 4.3 and Equation 10 (some listings print it without the
    root). The temperature form follows by dividing ``gap`` and ``spread`` by ``T``; it is not ``T`` times the
    radius at ``T = 1``.
    """
    (gap, spread, temperature), restore = as_float64(gap=gap, spread=spread, temperature=temperature)
    require_broadcast(gap=gap, spread=spread, temperature=temperature)
    require_positive(temperature=temperature)
    flat = (spread == 0.0) & torch.ones_like(gap + temperature, dtype=torch.bool)
    modulus = torch.hypot(gap, math.pi * temperature)
    return restore(torch.where(flat, math.inf, modulus / torch.where(spread == 0.0, 1.0, spread.abs())))


def rho_a(slopes: Any, temperature: Any = 1.0) -> Any:
    """Support bound ``pi T / Delta_a <= rho*``, with ``Delta_a = max a - min a``.

    Parameters
    ----------
    slopes
        Logit slopes ``a``, shape ``(n,)`` or ``(B, n)``, one over the units of ``t``, at temperature 1.
    temperature
        ``T > 0``, a number or one value a sample, shape ``(B,)``.

    Returns
    -------
    scalar or array of shape (B,)
        The bound, rounded toward zero; ``inf`` where all slopes are equal. For a batch ``rho_a(S)``, take the
        minimum. Differentiable where the slopes are not all equal.

    Raises
    ------
    TypeError, ValueError
        For slopes that are not real, floating, finite and of a valid shape, or ``temperature <= 0``.

    References
    ----------
    arXiv 2603.13552, Theorem 4.6. There is no zero in the whole strip ``|Im t| < pi T / Delta_a``.
    """
    (slopes, temperature), restore = as_float64(slopes=slopes, temperature=temperature)
    require_samples(slopes=slopes)
    require_positive(temperature=temperature)
    if temperature.ndim > 0 and temperature.shape != slopes.shape[:-1]:
        raise ValueError(f"temperature has shape {tuple(temperature.shape)}; expected () or {tuple(slopes.shape[:-1])}")
    spread, scale = _spread(_classes_first(slopes))
    return restore_below(restore, _over_spread(math.pi * temperature, spread, scale, ulps=3.0))


def lower_bound(logits: Any, slopes: Any, method: Method = "best") -> Any:
    """Lower bound on the ghost radius ``rho*`` of each sample, rounding included.

    Write ``D`` for the slope spread and ``p_1`` for the largest probability.

    ``"support"``
        ``pi / D``: on ``|Im t| < pi / D`` the phases of the terms of ``F`` lie in an open half plane.
    ``"dominance"``
        ``sqrt(L**2 + pi**2) / D`` with ``L = max(0, log(p_1 / (1 - p_1)))``. Where the top term exceeds the
        sum of the others ``F`` cannot vanish, and it does so while ``exp(D |Re t|) (1 - p_1) < p_1``; so a
        zero has ``|Re t| >= L / D``, and ``|Im t| >= pi / D``. Exact for two classes.
    ``"dominance_exact"``
        ``sqrt(min(u_minus, u_plus)**2 + (pi / D)**2)`` with the exact interval of `dominance_interval`.
    ``"variance"``
        ``min_{0 <= w <= e} sqrt((e - w)**2 + pi**2 cosh(w/2)**2) / D`` with ``e = 2 arccosh(D / (2 sigma))``
        and ``sigma**2`` the variance of the slopes under the softmax. Exact for two classes of equal weight.
        Three steps: a characteristic function ``E exp(i a y)`` has no zero at ``|y| < pi / (2 sigma)``, since
        the tangent of ``cos(sqrt(x))`` at ``sigma**2 y**2`` stays below it; the third central moment is at
        most ``sigma**2 sqrt(D**2 - 4 sigma**2)``; so the variance at the tilt ``u`` is at most ``D**2/4
        sech((e - D |u|)_+ / 2)**2``.
    ``"best"``
        At least the maximum of all of these, at most a few per cent more. A zero ``x + iy`` obeys both
        ``|x| >= min(u_minus, u_plus)`` and ``|y| >= pi cosh((e - D |x|)_+ / 2) / D``; this is the smallest modulus
        that does.

    Parameters
    ----------
    logits, slopes
        ``z`` (dimensionless) and ``a`` (one over the units of ``t``), shape ``(n,)`` or ``(B, n)``, NumPy or
        torch. For a temperature ``T`` pass ``z / T`` and ``a / T``.
    method
        Which bound; the first two cost a few passes over the array, the others an iteration each.

    Returns
    -------
    scalar or array of shape (B,)
        The bound, in the caller's kind and dtype, never above ``rho*`` (see the module docstring); ``inf``
        where all slopes are equal. Differentiable almost everywhere in both arguments.

    Raises
    ------
    TypeError, ValueError
        For input that is not real, floating, finite and of equal shape, or an unknown method.

    References
    ----------
    ``"support"``: arXiv 2603.13552, Theorem 4.6. The others are ours.
    """
    if method not in get_args(Method):
        raise ValueError(f"method is {method!r}; expected one of {', '.join(map(repr, get_args(Method)))}")
    (logits, slopes), restore = as_float64(logits=logits, slopes=slopes)
    require_samples(logits=logits, slopes=slopes)
    slopes = _classes_first(slopes)
    spread, scale = _spread(slopes)
    if method == "support":
        modulus = torch.full_like(spread, math.pi)
        return restore_below(restore, _over_spread(modulus, spread, scale, ulps=3.0))
    rivals, top = _rivals(logits)
    if method == "dominance":
        modulus = torch.hypot(_lead(rivals).clamp_min(0.0), spread.new_tensor(math.pi))
        return restore_below(restore, _over_spread(modulus, spread, scale))
    relative = _relative_slopes(slopes, top, spread, scale)
    if method == "dominance_exact":
        modulus = torch.hypot(_dominance(rivals, relative).amin(0), spread.new_tensor(math.pi))
    elif method == "variance":
        modulus = _nearest_zero(_excess(rivals, relative), torch.zeros_like(spread))
    else:
        modulus = _nearest_zero(_excess(rivals, relative), _dominance(rivals, relative).amin(0))
    return restore_below(restore, _over_spread(modulus, spread, scale))


def dominance_interval(logits: Any, slopes: Any) -> tuple[Any, Any]:
    """The real tilts ``-left < u < right`` at which the top class keeps more than half the probability.

    There ``exp(z_1 + a_1 u)`` exceeds the sum of the other terms, so ``F`` has no zero with ``Re t`` in it.
    The right end is the root of the convex function ``log sum_{j != 1} exp(z_j - z_1 + (a_j - a_1) u)``,
    found by Newton's method from the right, where it is monotone. What is returned is the zero of the chord
    from ``u = 0`` to the last iterate, with the function's rounding error added to its value there; by
    convexity that is never beyond the root.

    Parameters
    ----------
    logits, slopes
        ``z`` and ``a``, shape ``(n,)`` or ``(B, n)``.

    Returns
    -------
    left, right : scalars or arrays of shape (B,)
        In the units of ``t``, nonnegative, rounded toward zero. ``inf`` where no slope exceeds that of the
        top class on that side; 0 where ``p_1 <= 1/2``. Differentiable almost everywhere.

    Raises
    ------
    TypeError, ValueError
        For input that is not real, floating, finite and of equal shape.

    References
    ----------
    Ours; it refines `lower_bound` with method ``"dominance"``.
    """
    (logits, slopes), restore = as_float64(logits=logits, slopes=slopes)
    require_samples(logits=logits, slopes=slopes)
    slopes = _classes_first(slopes)
    spread, scale = _spread(slopes)
    rivals, top = _rivals(logits)
    ends = _dominance(rivals, _relative_slopes(slopes, top, spread, scale))
    left, right = (
        restore_below(restore, _over_spread(end, torch.where(spread == 0.0, 1.0, spread), scale)) for end in ends
    )
    return left, right


def variance_excess(logits: Any, slopes: Any) -> Any:
    """``2 arccosh(D / (2 sigma))``: how far from balanced two classes of the same slope spread and variance would be.

    With this ``e`` the variance of the slopes under ``softmax(z + u a)`` is at most
    ``D**2/4 sech((e - D |u|)_+ / 2)**2`` for every real ``u``: the third central moment is at most
    ``sigma**2 sqrt(D**2 - 4 sigma**2)``, which integrates to this. Equality for two classes while ``D |u| <= e`` toward
    the balanced point. For two classes ``e`` is the absolute logit gap.

    Parameters
    ----------
    logits, slopes
        ``z`` and ``a``, shape ``(n,)`` or ``(B, n)``.

    Returns
    -------
    scalar or array of shape (B,)
        ``e >= 0``, dimensionless, rounded toward zero; ``inf`` where all slopes are equal. Safe against underflow of
        the variance (``e`` is about ``2 log(D / sigma)`` then). Differentiable where positive.

    Raises
    ------
    TypeError, ValueError
        For input that is not real, floating, finite and of equal shape.

    References
    ----------
    Ours; see `lower_bound` with method ``"variance"``.
    """
    (logits, slopes), restore = as_float64(logits=logits, slopes=slopes)
    require_samples(logits=logits, slopes=slopes)
    slopes = _classes_first(slopes)
    spread, scale = _spread(slopes)
    rivals, top = _rivals(logits)
    excess = _excess(rivals, _relative_slopes(slopes, top, spread, scale))
    return restore_below(restore, torch.where(spread == 0.0, math.inf, excess * (1.0 - 16.0 * _EPS)))


def _rivals(logits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """``z_j - z_1`` with the top class itself at ``-_FAR``, and the top class; classes along the first axis."""
    largest, top = logits.max(-1, keepdim=True)
    gaps = (logits - largest).clamp_min(-_FAR).scatter(-1, top, -_FAR)
    return _classes_first(gaps), top.movedim(-1, 0)


def _relative_slopes(
    slopes: torch.Tensor, top: torch.Tensor, spread: torch.Tensor, scale: torch.Tensor
) -> torch.Tensor:
    """``(a_j - a_1) / D``, in ``[-1, 1]``."""
    scaled = slopes * scale
    return (scaled - scaled.gather(0, top)) / torch.where(spread == 0.0, 1.0, spread)


def _lead(rivals: torch.Tensor) -> torch.Tensor:
    """``log(p_1 / (1 - p_1))``, rounded down."""
    return -_log_sum_exp(rivals * (1.0 - 4.0 * _EPS)) - _sum_slack(rivals)


def _sum_slack(rivals: torch.Tensor) -> float:
    """Bound on the rounding error of a log-sum-exp over the classes, given exact exponents."""
    return (2 * rivals.shape[0] + 8) * _EPS


def _dominance(rivals: torch.Tensor, relative: torch.Tensor) -> torch.Tensor:
    """Left and right end of the dominance interval, in units of ``1 / D``, rounded toward zero."""
    lead = torch.stack((_lead(rivals),) * 2)
    tilt = torch.stack((-relative, relative), 1)
    crossed = tilt.amax(0) > 0.0
    ends = torch.where(lead > 0.0, torch.full_like(lead, math.inf), 0.0)
    wanted = ((lead > 0.0) & crossed).flatten().nonzero().squeeze(1)
    columns = torch.stack((rivals, rivals), 1).flatten(1).index_select(1, wanted)
    found = _dominance_end(columns, tilt.flatten(1).index_select(1, wanted), lead.flatten()[wanted])
    return ends.flatten().index_copy(0, wanted, found).view_as(lead)


def _dominance_end(rivals: torch.Tensor, tilt: torch.Tensor, lead: torch.Tensor) -> torch.Tensor:
    """Root of ``log sum_j exp(rivals + tilt u)`` in ``u > 0``, rounded down, given minus its value ``lead`` at 0."""
    with torch.no_grad():
        u = _newton_from_the_right(rivals, tilt) * (1.0 - 16.0 * _EPS)
    exponents = rivals * (1.0 - 4.0 * _EPS) + (tilt + 4.0 * _EPS * tilt.abs()) * u
    height = _log_sum_exp(exponents) + _sum_slack(rivals)
    end = u * (lead / (lead + height.clamp_min(0.0)))
    if height.requires_grad:
        weights = (exponents - height).clamp_min(_NEGLIGIBLE).exp()
        correction = height / (weights * tilt).sum(0).detach().clamp_min(_TINIEST)
        end = end.detach() - (correction - correction.detach())
    return end


def _excess(rivals: torch.Tensor, relative: torch.Tensor) -> torch.Tensor:
    """``2 arccosh(D / (2 sigma))``, rounded down.

    Any shift overestimates the variance, so the rounding of the mean is harmless; that of ``relative - mean`` costs a
    relative ``sqrt(n + 1)`` roundoffs of ``sigma``, as ``sigma**2 >= p_1 mean**2`` and ``p_1 >= 1/n``.
    """
    weights = torch.where(rivals > _NEGLIGIBLE, rivals.clamp_min(_NEGLIGIBLE).exp(), 0.0)
    total = 1.0 + weights.sum(0)
    mean = (weights * relative).sum(0) / total
    terms = rivals * (1.0 - 4.0 * _EPS) + 2.0 * _log_abs(relative - mean)
    log_variance = torch.logaddexp(_log_sum_exp(terms), 2.0 * _log_abs(mean)) - total.log()
    log_ratio = log_variance + math.log(4.0) + (16 * rivals.shape[0] + 32) * _EPS
    log_ratio = (log_ratio * (1.0 - 4.0 * _EPS)).clamp_max(0.0)
    return 2.0 * torch.log1p(_sqrt(-torch.expm1(log_ratio))) - log_ratio


def _newton_from_the_right(rivals: torch.Tensor, tilt: torch.Tensor) -> torch.Tensor:
    """Root of ``log sum_j exp(rivals + tilt u)`` in ``u >= 0``, from the first single term that reaches 1."""
    u = (tilt / -rivals).amax(0).clamp_min(1.0 / _FAR).reciprocal()
    for _ in range(50):
        weights = (rivals + tilt * u).clamp_(_NEGLIGIBLE, -_NEGLIGIBLE).exp_()
        total = weights.sum(0)
        step = total * total.log() / (weights * tilt).sum(0).clamp_min(_TINIEST)
        u = (u - step).clamp(0.0, _FAR)
        if not bool((step > 1e-9 * u).any()):
            break
    return u


def _nearest_zero(excess: torch.Tensor, reach: torch.Tensor) -> torch.Tensor:
    """Minimum over ``x >= reach`` of ``sqrt(x**2 + pi**2 cosh((excess - x)_+ / 2)**2)``, rounded down.

    With ``w = excess - x`` the square is strongly convex; its minimiser solves ``pi**2/2 sinh w = 2 (excess -
    w)``, by a Newton iteration that is monotone from the right. What is left of the derivative lowers the
    minimum by at most its square over twice the least curvature, after three steps by less than one roundoff.
    """
    with torch.no_grad():
        half = math.pi**2 / 2.0
        w = torch.minimum(2.0 * excess / _CURVATURE, torch.asinh(2.0 * excess / half))
        for _ in range(3):
            w = w - (half * w.sinh() + 2.0 * (w - excess)) / (half * w.cosh() + 2.0)
        w = torch.minimum(w.clamp_min(0.0), excess)
        slope = half * w.sinh() + 2.0 * (w - excess)
        free = excess - w
        loss = (slope / torch.hypot(free, math.pi * (w / 2.0).cosh())).square() / (2.0 * _CURVATURE)
    x = torch.maximum(free, reach)
    height = math.pi * ((excess - x).clamp_min(0.0) / 2.0).cosh()
    return torch.hypot(x, height) * (1.0 - loss)


def _classes_first(samples: torch.Tensor) -> torch.Tensor:
    return samples.movedim(-1, 0).contiguous()


def _spread(slopes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """``max - min`` over the first axis, scaled by a power of two that keeps every quotient in range."""
    high, low = slopes.amax(0), slopes.amin(0)
    size = torch.maximum(high, -low).detach()
    scale = torch.where(size > 2.0**500, 2.0**-512, torch.where(size < 2.0**-500, 2.0**512, torch.ones_like(size)))
    return high * scale - low * scale, scale


def _over_spread(modulus: torch.Tensor, spread: torch.Tensor, scale: torch.Tensor, ulps: float = 16.0) -> torch.Tensor:
    """``modulus / spread`` in the units of ``t``, rounded down; ``inf`` for no spread or infinite modulus."""
    bound = (modulus / torch.where(spread == 0.0, 1.0, spread)).clamp_max(_LARGEST)
    bound = ((bound * (1.0 - ulps * _EPS)) * scale).clamp_max(_LARGEST)
    return torch.where((spread == 0.0) | torch.isposinf(modulus), math.inf, bound)


def _log_sum_exp(exponents: torch.Tensor) -> torch.Tensor:
    """``log sum exp`` over the first axis; it errs by rounding and by at most ``n exp(_NEGLIGIBLE)`` upward."""
    largest = exponents.detach().amax(0)
    return (exponents - largest).clamp_min(_NEGLIGIBLE).exp().sum(0).log() + largest


def _log_abs(value: torch.Tensor) -> torch.Tensor:
    """``log|value|``, with 0 at ``-_FAR``, where it has no slope."""
    zero = value == 0.0
    return torch.where(zero, -_FAR, torch.where(zero, 1.0, value).abs().log())


def _sqrt(value: torch.Tensor) -> torch.Tensor:
    """Square root with slope 0 at 0."""
    zero = value <= 0.0
    return torch.where(zero, 0.0, torch.where(zero, 1.0, value).sqrt())
