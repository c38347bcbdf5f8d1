"""Cumulants of the logit slopes under the softmax, from the weights and from the zeros of the partition function.

``F(t) = sum_k exp(z_k + a_k t)`` is entire of order 1, so by Hadamard's product its zeros fix the derivatives of
``K = log F`` at 0 from the second on: ``kappa_n = K^(n)(0) = -(n-1)! sum t_k**-n`` for ``n >= 2``. In particular
``Var_p(a) = -sum t_k**-2``. Ours; it ties any list of zeros to the weights, and shows what is missing from it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from theory._arrays import as_float64, require_samples


def cumulants(logits: Any, slopes: Any, order: int) -> Any:
    """Cumulants ``kappa_1, ..., kappa_order`` of the slopes under ``p = softmax(z)``.

    Parameters
    ----------
    logits, slopes
        ``z`` (dimensionless) and ``a`` (one over the units of ``t``), shape ``(n,)`` or ``(B, n)``.
    order
        Highest order, at least 1.

    Returns
    -------
    array of shape (order,) or (B, order)
        Entry ``k`` is ``kappa_{k+1} = K^(k+1)(0)``, in the units of ``a**(k+1)``. From central moments of the slopes
        relative to the most likely class; the absolute error of entry ``k`` is of order ``k! 2**-52 spread**(k+1)``.
        Differentiable.

    Raises
    ------
    TypeError, ValueError
        For input that is not real, floating, finite and of equal shape, or ``order < 1``.
    """
    _require_order(order, 1)
    (logits, slopes), restore = as_float64(logits=logits, slopes=slopes)
    require_samples(logits=logits, slopes=slopes)
    p = (logits - logits.amax(-1, keepdim=True)).softmax(-1)
    reference = slopes.gather(-1, logits.argmax(-1, keepdim=True))
    relative = slopes - reference
    offset = (p * relative).sum(-1, keepdim=True)
    centred = relative - offset
    moments = [torch.ones_like(offset), torch.zeros_like(offset)]
    moments += [(p * centred**k).sum(-1, keepdim=True) for k in range(2, order + 1)]
    kappa = [reference + offset]
    for n in range(2, order + 1):
        lower = [math.comb(n - 1, k - 1) * kappa[k - 1] * moments[n - k] for k in range(2, n - 1)]
        kappa.append(moments[n] - torch.stack(lower).sum(0) if lower else moments[n])
    return restore(torch.cat(kappa, -1))


def cumulants_from_zeros(zeros: Any, order: int) -> Any:
    """Cumulants ``kappa_2, ..., kappa_order`` by the sum rule over a list of zeros.

    Parameters
    ----------
    zeros
        The zeros of ``F`` in the open upper half plane, complex, shape ``(m,)``, in the units of ``t``, repeated by
        multiplicity; their conjugates are implied.
    order
        Highest order, at least 2. The first cumulant is not determined by the zeros.

    Returns
    -------
    float64 array of shape (order - 1,)
        Entry ``k`` is ``-(k+1)! sum 2 Re t**-(k+2)``, i.e. ``kappa_{k+2}`` less the share of the zeros left out. The
        zeros have density ``spread / (2 pi)`` along the imaginary direction in each half plane, so a list complete in
        ``|t| < R`` misses ``spread / (pi R)`` of ``kappa_2`` and converges faster for higher orders. For equally
        spaced slopes use `cumulants_from_roots`, which sums all of them.

    Raises
    ------
    TypeError, ValueError
        For zeros that are not complex, finite, one-dimensional and of positive imaginary part, or ``order < 2``.
    """
    _require_order(order, 2)
    t = _complex_list("zeros", zeros)
    if bool((t.imag <= 0.0).any()):
        raise ValueError(f"zeros contains {t[t.imag <= 0.0][0].item()}; expected positive imaginary parts")
    sums = [-2.0 * math.factorial(n - 1) * (t**-n).real.sum() for n in range(2, order + 1)]
    return _like(zeros, torch.stack(sums))


def cumulants_from_roots(roots: Any, order: int, spacing: float = 1.0) -> Any:
    """Cumulants ``kappa_1, ..., kappa_order`` for slopes ``0, s, 2s, ...``, summed over all zeros in closed form.

    With ``x = exp(s t)`` the partition function is the polynomial ``sum_k exp(z_k) x**k``. Each root ``x_j`` stands for
    the zeros ``t = (w + 2 pi i k) / s``, ``w = log x_j``, and ``sum_k (w + 2 pi i k)**-n`` is a derivative of
    ``coth(w/2) / 2``; for ``n = 2`` it is ``1 / (4 sinh(w/2)**2)``. With ``y = 1/(x_j - 1)`` the derivative
    ``d/dw`` acts on polynomials in ``y`` as ``-y (1 + y) d/dy``, so ``kappa_n = (-s)**n sum_j (d/dw)**(n-1) y``.

    Parameters
    ----------
    roots
        All roots of the polynomial, complex, shape ``(n - 1,)``, as from ``numpy.roots(exp(z)[::-1])``.
    order
        Highest order, at least 1.
    spacing
        ``s``, one over the units of ``t``, not 0.

    Returns
    -------
    float64 array of shape (order,)
        Entry ``k`` is ``kappa_{k+1}``. The first is that of slopes starting at 0.

    Raises
    ------
    TypeError, ValueError
        For roots that are not complex, finite and one-dimensional, that contain 1 (where ``F(0)`` would be 0), a
        ``spacing`` that is not finite or is 0, or ``order < 1``.
    """
    _require_order(order, 1)
    if not math.isfinite(spacing) or spacing == 0.0:
        raise ValueError(f"spacing is {spacing}; expected a finite number other than 0")
    x = _complex_list("roots", roots)
    if bool((x == 1.0).any()):
        raise ValueError("roots contains 1; expected F(0) = 0 to be excluded")
    y = 1.0 / (x - 1.0)
    derivative = np.polynomial.Polynomial([0.0, 1.0])
    flow = np.polynomial.Polynomial([0.0, -1.0, -1.0])
    sums = []
    for n in range(1, order + 1):
        total = torch.zeros_like(y)
        for coefficient in derivative.coef[::-1]:
            total = total * y + float(coefficient)
        sums.append((-spacing) ** n * total.sum().real)
        derivative = flow * derivative.deriv()
    return _like(roots, torch.stack(sums))


def _require_order(order: int, least: int) -> None:
    if isinstance(order, bool) or not isinstance(order, int):
        raise TypeError(f"order is {order!r}; expected an int")
    if order < least:
        raise ValueError(f"order is {order}; expected at least {least}")


def _complex_list(name: str, value: Any) -> torch.Tensor:
    tensor = value if isinstance(value, torch.Tensor) else torch.from_numpy(np.asarray(value))
    if not tensor.is_complex():
        raise TypeError(f"{name} has dtype {tensor.dtype}; expected a complex dtype")
    if tensor.ndim != 1 or tensor.numel() == 0:
        raise ValueError(f"{name} has shape {tuple(tensor.shape)}; expected (m,) with m >= 1")
    if not bool(torch.isfinite(tensor).all()):
        raise ValueError(f"{name} contains {tensor[~torch.isfinite(tensor)][0].item()}; expected finite numbers")
    return tensor.to(torch.complex128)


def _like(template: Any, result: torch.Tensor) -> Any:
    return result if isinstance(template, torch.Tensor) else result.numpy()
