"""Cauchy–Schwarz mutual information of paired samples, its normalized form, and HSIC.

With Gaussian kernels of bandwidths σ_x, σ_t on N pairs, Gram matrices ``K, Q`` and their row means ``k_i, q_i``,

    a² = mean K_ij Q_ij,    b² = mean K · mean Q,    c = mean k_i q_i

are the integrals of ``p̂(x, t)²``, ``(p̂(x) p̂(t))²`` and their product for Parzen densities of bandwidths ``σ_x/√2,
σ_t/√2``, up to one constant. The mutual information is ``log(a² b² / c²)`` in the full convention, and HSIC is
``a² + b² − 2c``.

Without cancellation
--------------------
With ``h = a² + b² − 2c`` and ``v = b² − c``, which is minus the covariance of k and q, the information is ``log1p(h/c +
(h − v) v/c²)``. Both h and v are the same if a constant is taken off K or off Q, so a kernel that is nearly 1
everywhere is replaced by its excess over 1; and h is the same if ``s_i + s_j`` is taken off, so that its sums are over
small numbers. The relative error then stays at the level of rounding down to the least values. (This evaluation is
ours.)

References
----------
S. Yu, X. Yu, S. Løkse, R. Jenssen, J. C. Príncipe, "Cauchy-Schwarz Divergence Information Bottleneck for Regression",
arXiv 2404.17951, Proposition 2. A. Gretton, O. Bousquet, A. Smola, B. Schölkopf, "Measuring Statistical Dependence with
Hilbert-Schmidt Norms", ALT 2005, Definition 2 (HSIC).
"""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias, get_args

import torch

from theory._arrays import Restore, as_float64
from theory.cauchy_schwarz._conventions import Convention, log_cosine_factor
from theory.cauchy_schwarz._pairs import pair_moments
from theory.cauchy_schwarz._samples import in_bandwidths, require_paired, working_dtype

Tensor = torch.Tensor

OnDegenerate: TypeAlias = Literal["zero", "raise"]


def mutual_information(
    x: Any, t: Any, bandwidth_x: Any, bandwidth_t: Any, convention: Convention = "full", *, base: float = math.e
) -> Any:
    """Estimate the Cauchy–Schwarz mutual information ``I_CS(x; t) = D_CS(p(x, t); p(x) p(t))``.

    It takes O(N²) time and O(N) memory, forward and backward.

    Parameters
    ----------
    x, t
        Paired samples (N, d) and (N, e), real floating, NumPy or torch; (N,) is (N, 1).
    bandwidth_x, bandwidth_t
        σ_x, σ_t > 0, in the units of x and t; numbers or 0-dimensional arrays. The estimate depends on t only in units
        of its bandwidth: it tends to 0 as t shrinks. At the median distance of many features it is near 0 whatever the
        dependence.
    convention
        ``"full"`` for ``−2 log cos``, ``"half"`` for ``−log cos`` of the angle between the two Parzen densities.
    base
        Of the logarithm: e for nats, 2 for bits.

    Returns
    -------
    scalar
        Of the kind and dtype of the arguments; at least 0 up to rounding, and 0 for one pair or a constant x or t. At
        most ``log tr KQ``, hence ``2 log N`` in the full convention; it tends to ``log N`` for distinct points as both
        bandwidths go to 0, which is no bound. Differentiable twice with
        respect to samples and bandwidths; the second derivative takes O(N²) memory. Exponentials are float64 for
        float64 input, else float32; sums are float64.

    Raises
    ------
    TypeError
        For input that is not real and floating.
    ValueError
        For empty samples, a NaN or an infinity, a bandwidth that is not positive, samples of different N, a distance
        above 1e150 bandwidths, an unknown convention, or a base that is not above 1.

    References
    ----------
    arXiv 2404.17951, Proposition 2: ``log(tr(KQ)/N²) + log(1ᵀK1 · 1ᵀQ1/N⁴) − 2 log(1ᵀKQ1/N³)``.

    Examples
    --------
    >>> import numpy as np
    >>> pairs = np.arange(8.0)
    >>> round(float(mutual_information(pairs, pairs, 0.1, 0.1, base=2)), 12)
    3.0
    """
    factor = log_cosine_factor(convention, base)
    x, t, dtype, restore = _prepare(x, t, bandwidth_x, bandwidth_t)
    return restore(0.5 * factor * _information(x, t, dtype))


def normalized_mutual_information(
    x: Any, t: Any, bandwidth_x: Any, bandwidth_t: Any, on_degenerate: OnDegenerate = "zero"
) -> Any:
    """Normalized Cauchy–Schwarz mutual information ``I(x; t) / √(I(x; x) I(t; t))``.

    It tends to the linear centred kernel alignment ``‖XᵀT‖²_F / (‖XᵀX‖_F ‖TᵀT‖_F)`` as both bandwidths go to infinity,
    and to 1 for distinct points as they go to 0. It is not bounded by 1.

    Parameters
    ----------
    x, t, bandwidth_x, bandwidth_t
        As for `mutual_information`.
    on_degenerate
        What to do if ``I(x; x)`` or ``I(t; t)`` is 0, as for one pair or a constant x or t: ``"zero"`` returns 0 with
        gradient 0, ``"raise"`` raises.

    Returns
    -------
    scalar
        Without unit or convention; kind, dtype, gradients and cost as for `mutual_information`.

    Raises
    ------
    TypeError, ValueError
        As `mutual_information`; ``ValueError`` for an unknown ``on_degenerate``, and for degenerate input if it is
        ``"raise"``.

    References
    ----------
    arXiv 2404.17951: the released code's normalization of Proposition 2.

    Examples
    --------
    >>> import numpy as np
    >>> x, t = np.array([0.0, 0.0, 0.05]), np.array([0.0, 0.0, 6.0])
    >>> round(float(normalized_mutual_information(x, t, 1.0, 1.0)), 6)
    1.21413
    """
    if on_degenerate not in get_args(OnDegenerate):
        raise ValueError(f"on_degenerate is {on_degenerate!r}; expected one of {get_args(OnDegenerate)}")
    x, t, dtype, restore = _prepare(x, t, bandwidth_x, bandwidth_t)
    of_x, of_t = _information(x, x, dtype), _information(t, t, dtype)
    for name, own in (("x", of_x), ("t", of_t)):
        if not own > 0.0:
            if on_degenerate == "raise":
                raise ValueError(f"{name} has no information about itself at its bandwidth; expected distinct points")
            return restore(0.0 * (of_x + of_t))
    return restore(_information(x, t, dtype) * torch.exp(-0.5 * (torch.log(of_x) + torch.log(of_t))))


def hsic(x: Any, t: Any, bandwidth_x: Any, bandwidth_t: Any) -> Any:
    """Hilbert–Schmidt independence criterion, biased: ``tr(K H Q H) / N²`` with ``H = I − 11ᵀ/N``.

    Parameters
    ----------
    x, t, bandwidth_x, bandwidth_t
        As for `mutual_information`.

    Returns
    -------
    scalar
        At least 0 up to rounding; kind, dtype, gradients and cost as for `mutual_information`.

    Raises
    ------
    TypeError, ValueError
        As `mutual_information`.

    References
    ----------
    Gretton, Bousquet, Smola, Schölkopf 2005, Definition 2, with 1/N² for 1/(N − 1)².
    """
    x, t, dtype, restore = _prepare(x, t, bandwidth_x, bandwidth_t)
    return restore(pair_moments(x, t, dtype).dependence)


def _prepare(x: Any, t: Any, bandwidth_x: Any, bandwidth_t: Any) -> tuple[Tensor, Tensor, torch.dtype, Restore]:
    (x, t, width_x, width_t), restore = as_float64(x=x, t=t, bandwidth_x=bandwidth_x, bandwidth_t=bandwidth_t)
    (points_x,), (points_t,) = in_bandwidths("bandwidth_x", width_x, x=x), in_bandwidths("bandwidth_t", width_t, t=t)
    require_paired(x=x, t=t)
    return points_x, points_t, working_dtype(restore), restore


def _information(x: Tensor, t: Tensor, dtype: torch.dtype) -> Tensor:
    """In nats, full convention."""
    dependence, covariance, mean_x, mean_t = pair_moments(x, t, dtype)
    cross = mean_x * mean_t + covariance
    relative = covariance / cross
    return torch.log1p(dependence / cross - (dependence / cross + relative) * relative)
