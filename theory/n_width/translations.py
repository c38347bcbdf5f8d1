"""The family of all translations of one profile around a circle.

Its covariance commutes with translations, so that the waves ``e^{2πikx/L}`` are its eigenvectors, whatever the profile.
All members are equally far from a space of whole waves, and the average-case bound is the n-width itself.

References
----------
F. Arbes, C. Greif, K. Urban, "The Kolmogorov N-width for linear transport", arXiv 2305.00066 (exact n-widths from
Fourier coefficients).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from theory._arrays import Array, as_float64
from theory._numbers import require_number


def transport_singular_values(fourier_coefficients: Array, L: float) -> Array:
    """Return the singular values of ``{g(· − s) : s ∈ [0, L)}`` in L²(0, L): ``√L |ĝ_0|``, and ``√L |ĝ_k|`` twice.

    ``d_n² = Σ_{j>n} σ_j²`` (`average_widths`) is the exact n-width, attained by the waves of the n largest values,
    whenever n does not separate the cosine from the sine of a frequency; otherwise it is a lower bound. A solution that
    travels at constant speed runs through this whole family once it has gone round the circle, and through nothing new
    afterwards.

    Parameters
    ----------
    fourier_coefficients
        ``ĝ_k`` for k = 0, …, K of a real ``g = Σ_{|k|≤K} ĝ_k e^{2πikx/L}``, ``ĝ_{−k}`` being the conjugate; shape (...,
        K + 1), complex or real floating dtype. For an odd number n of samples ``numpy.fft.rfft(g) / n``; for an even
        one without its last entry, which stands for two waves that the samples cannot tell apart.
    L
        Length of the circle, in the unit of x; above 0.

    Returns
    -------
    array or tensor
        In descending order, shape (..., 2K + 1), in the unit of g times the root of that of x; real, in the caller's
        kind, precision and device.

    Raises
    ------
    TypeError
        For input of another dtype.
    ValueError
        For a scalar, an empty array, a NaN or an infinity, or a length not above 0.
    """
    L = require_number("L", L, 0.0, float("inf"), open_low=True)
    (moduli,), restore = as_float64(fourier_coefficients=_moduli(fourier_coefficients))
    if moduli.ndim < 1:
        raise ValueError(f"fourier_coefficients is the number {fourier_coefficients}; expected shape (..., K + 1)")
    paired = torch.cat((moduli, moduli[..., 1:]), dim=-1)
    return restore(torch.sort(paired, dim=-1, descending=True).values * L**0.5)  # type: ignore[no-any-return]


def _moduli(values: Any) -> Array:
    if isinstance(values, torch.Tensor):
        return values.abs() if values.is_floating_point() or values.is_complex() else values
    array = np.asarray(values)
    return np.abs(array) if array.dtype.kind in "fc" else array
