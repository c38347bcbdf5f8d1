"""The median heuristic for the bandwidth of a kernel."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from theory._arrays import as_float64
from theory.cauchy_schwarz._samples import as_rows


def median_bandwidth(x: Any, max_points: int = 4096) -> float:
    """Return the median Euclidean distance between two points of a sample.

    A warning on its use: in many features all distances are alike, and the mutual information at this bandwidth is near
    0 whatever the dependence.

    Parameters
    ----------
    x
        Sample (N, d) with N ≥ 2, real floating, NumPy or torch; (N,) is (N, 1).
    max_points
        At least 2. The median is exact for N up to that; of a larger sample only this many points enter, evenly spaced
        in the given order. All their distances are stored: 67 MB for the default.

    Returns
    -------
    float
        In the units of x; equivariant under scaling of x. Detached.

    Raises
    ------
    TypeError
        For input that is not real and floating.
    ValueError
        For a NaN or an infinity, fewer than two points, ``max_points < 2``, or a median distance of 0.

    Examples
    --------
    >>> import numpy as np
    >>> median_bandwidth(np.array([0.0, 1.0, 3.0]))
    2.0
    """
    if max_points < 2:
        raise ValueError(f"max_points is {max_points}; expected at least 2")
    (sample,), _ = as_float64(x=x)
    points = as_rows("x", sample.detach())
    if len(points) < 2:
        raise ValueError(f"x has {len(points)} point; expected at least 2")
    if len(points) > max_points:
        points = points[torch.linspace(0, len(points) - 1, max_points, dtype=torch.float64).round().long()]
    points = points - points[0]
    scale = float(points.abs().max())
    median = scale * float(np.median(torch.pdist(points / scale).cpu().numpy())) if scale > 0.0 else 0.0
    if not 0.0 < median < math.inf:
        raise ValueError(f"x has median distance {median}; expected it positive and finite")
    return median
