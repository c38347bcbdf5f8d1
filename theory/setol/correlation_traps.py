"""Correlation traps: eigenvalues that outlive a shuffle of the entries of a weight matrix.

A shuffle destroys all structure but the distribution of the entries. If these could be independent draws with few
moments to speak of, the largest eigenvalue of the shuffled matrix obeys the Tracy–Widom law; eigenvalues beyond it
come from a mean that is not 0 or from single huge entries.

References
----------
C. H. Martin, C. Hinrichs, "SETOL: A Semi-Empirical Theory of (Deep) Learning", arXiv 2507.17912, Sections 2 and 6.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

from theory._numbers import Floats, require_integer, require_number
from theory.setol._spectra import as_reals
from theory.setol.eigenvalues import eigenvalues
from theory.setol.tracy_widom import edge_scale, tracy_widom_cdf, tracy_widom_threshold

_LARGE_MEAN = 1e6  # squared mean over variance
_BLOCK = 1 << 20  # entries converted to float64 at a time


@dataclass(frozen=True)
class CorrelationTraps:
    """The outliers of a shuffled weight matrix; see `correlation_traps`.

    Attributes
    ----------
    count
        Number of eigenvalues beyond ``threshold``.
    z
        Distance of the largest eigenvalue from the edge in Tracy–Widom units.
    lam_max, threshold
        Largest eigenvalue of the shuffled ``WᵀW/N``, and the one exceeded with probability ``level``, in units of the
        variance of the entries.
    outliers
        The eigenvalues beyond ``threshold`` in the same units, descending, shape (count,).
    status
        ``"success"``, or ``"degenerate"`` if all entries are equal; then ``count`` is 0 and the numbers are NaN.
    """

    count: int
    z: float
    lam_max: float
    threshold: float
    outliers: Floats
    status: Literal["success", "degenerate"]

    @property
    def p_value(self) -> float:
        """Probability ``1 − F₁(z)`` of a larger eigenvalue by chance, to an absolute 1e−14; NaN if degenerate."""
        return 1.0 - tracy_widom_cdf(self.z) if self.status == "success" else math.nan


def correlation_traps(W: Any, seed: int = 0, level: float = 0.01) -> CorrelationTraps:
    """Count the eigenvalues of a shuffled weight matrix beyond the edge of a random one.

    Parameters
    ----------
    W
        Weight matrix, real and finite, two-dimensional with at least 2 rows and columns, either side the longer; N is
        the longer one.
    seed
        Of the shuffle, at least 0.
    level
        Probability of a false alarm, in [1e−12, 0.5]; see the notes.

    Returns
    -------
    CorrelationTraps
        It does not change if W is transposed or multiplied by a number, but for rounding and the order of the shuffle.

    Raises
    ------
    TypeError, ValueError
        For input other than described above.

    Notes
    -----
    The variance that sets the scale is that of the entries themselves, about their mean, so nothing is fitted, and a
    mean that is not 0 shows as an outlier once it exceeds about ``q^{1/4} σ / √M``, ``q = M/N``.

    For independent entries with a finite fourth moment the probability of ``count > 0`` tends to ``level`` as M grows.
    In simulations at ``level = 0.01``, of shapes from 20 × 10 to 784 × 300, it was 0.2 to 1.0 % for normal entries and
    at most 0.2 % for uniform ones, but 8 to 23 % for Student's t with 5 degrees of freedom, whose limit is far. Entries
    without a fourth moment have outliers at any size: those are traps, not false alarms.

    References
    ----------
    arXiv 2507.17912, Section 6. WeightWatcher counts from the edge plus the square root of the Tracy–Widom width, a
    level that falls with the size of the layer. The use of the exact variance, and with it a stated level, is ours.
    """
    weights = _as_matrix(W)
    require_integer("seed", seed, 0)
    level = require_number("level", level, 1e-12, 0.5)
    low, high = (value.item() for value in torch.aminmax(weights))
    if not (math.isfinite(low) and math.isfinite(high)):
        as_reals("W", weights)  # raises, naming the entry
    if low == high:
        return CorrelationTraps(0, math.nan, math.nan, math.nan, np.empty(0), "degenerate")
    rows, columns = max(weights.shape), min(weights.shape)
    ratio = _squared_mean_over_variance(weights, max(-low, high))
    shuffled = _shuffled(weights.reshape(-1), seed).view(rows, columns)
    # squared, a large mean would drown the bulk in rounding
    spectrum = eigenvalues(shuffled, "gram" if ratio < _LARGE_MEAN else "svd", scale="mean1") * (1.0 + ratio)
    threshold = tracy_widom_threshold(rows, columns, level)
    center, width = edge_scale(rows, columns)
    z = (float(spectrum[-1]) * rows - center) / width
    outliers = spectrum[spectrum > threshold][::-1]
    return CorrelationTraps(len(outliers), z, float(spectrum[-1]), threshold, outliers, "success")


def _as_matrix(W: Any) -> torch.Tensor:
    is_float = isinstance(W, torch.Tensor) and W.is_floating_point()
    weights = W.detach() if is_float else torch.from_numpy(as_reals("W", W))
    if weights.ndim != 2 or min(weights.shape) < 2:
        raise ValueError(f"W has shape {tuple(weights.shape)}; expected (N, M) with at least 2 rows and columns")
    return weights if weights.dtype in (torch.float32, torch.float64) else weights.float()


def _squared_mean_over_variance(weights: torch.Tensor, largest: float) -> float:
    """In float64 and in blocks, of the entries over a power of two near the largest."""
    unit = 2.0 ** -max(-1000, min(1000, math.frexp(largest)[1]))
    found = []
    for block in torch.split(weights, max(1, _BLOCK // weights.shape[1])):
        scaled = block.to(torch.float64, copy=True).mul_(unit)
        found.append((scaled.numel(), scaled.mean().item(), scaled.var(correction=0).item()))
    sizes, means, variances = np.array(found).T
    mean = np.average(means, weights=sizes)
    return float(mean**2 / np.average(variances + (means - mean) ** 2, weights=sizes))


def _shuffled(entries: torch.Tensor, seed: int) -> torch.Tensor:
    index = torch.int32 if len(entries) < 2**31 else torch.int64
    order = torch.randperm(len(entries), generator=torch.Generator().manual_seed(seed), dtype=index)
    return entries.index_select(0, order.to(entries.device))
