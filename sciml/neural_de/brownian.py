"""Brownian paths that can be asked for the increment over any interval, in any order, with its time integral.

A path lives on a dyadic tree over [t0, t1]. What a node adds to its parent is drawn by a counter-based generator from
the seed and the place of the node alone, so an answer depends neither on what was asked before nor on steps that a
solver rejected, and increments over adjacent intervals add up.

References
----------
J. Foster, T. Lyons, H. Oberhauser, "An optimal polynomial approximation of Brownian motion", SIAM J. Numer. Anal. 58
(2020) 1393 (space-time Lévy area).
J. G. Gaines, T. J. Lyons, "Variable step size control in the numerical solution of stochastic differential equations",
SIAM J. Appl. Math. 57 (1997) 1455 (rejection without bias by the Brownian tree).
"""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

DEPTH = 40
"""Levels of the tree: times that are closer than (t1 − t0)/2⁴⁰ are the same time."""

REMEMBERED = 64
"""Nodes a path keeps, which is enough for a solver that walks along it."""

Floats = NDArray[np.float64]


class Increment(NamedTuple):
    """What a path does on an interval [s, t] of length h.

    Attributes
    ----------
    dw : Tensor
        ΔW = W_t − W_s, with variance h.
    integral : Tensor
        I_(1,0) = ∫_s^t (W_r − W_s) dr, with variance h³/3 and covariance h²/2 with ΔW.
    """

    dw: Tensor
    integral: Tensor


def bisect(dw: Any, area: Any, middle: Any, twist: Any) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """ΔW and space-time Lévy area H of both halves of an interval of length h, from those of the whole.

    H = I_(1,0)/h − ΔW/2 has variance h/12 and is independent of ΔW. The four numbers of the halves are independent
    again and have the variances h/2, h/24, h/2, h/24.

    Parameters
    ----------
    dw, area
        ΔW and H of the interval: numbers, arrays or symbols.
    middle, twist
        Independent normal variables with mean 0 and the variances h/16 and h/48.

    Returns
    -------
    tuple
        (ΔW, H) of the first and of the second half.
    """
    swing = 3 * area / 2 + middle
    lean = area / 4 - middle / 2
    return (dw / 2 + swing, lean + twist), (dw / 2 - swing, lean - twist)


class BrownianPath:
    """Independent standard Brownian motions on [t0, t1], one for each entry of a tensor, with W_t0 = 0.

    Parameters
    ----------
    shape
        Shape of the tensor.
    t0, t1
        The interval, t0 < t1.
    seed
        From 0 up to 2⁶⁴ − 1.
    dtype, device
        Of the increments. They are drawn on the CPU in double precision: a seed names the same path everywhere.

    Raises
    ------
    ValueError
        If an argument is not as described.

    Examples
    --------
    >>> path = BrownianPath((2,), 0.0, 1.0, seed=3)
    >>> whole, first, second = path.increment(0.0, 1.0), path.increment(0.0, 0.3), path.increment(0.3, 1.0)
    >>> torch.allclose(whole.dw, first.dw + second.dw)
    True
    >>> torch.allclose(whole.integral, first.integral + second.integral + 0.7 * first.dw)
    True
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        t0: float,
        t1: float,
        *,
        seed: int,
        dtype: torch.dtype = torch.float64,
        device: torch.device | str = "cpu",
    ) -> None:
        if not (math.isfinite(t0) and math.isfinite(t1) and t0 < t1):
            raise ValueError(f"t0 and t1 are {t0} and {t1}; expected finite times with t0 < t1")
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**64:
            raise ValueError(f"seed is {seed!r}; expected an integer from 0 to 2⁶⁴ − 1")
        if dtype not in (torch.float32, torch.float64):
            raise ValueError(f"dtype is {dtype}; expected float32 or float64")
        self.shape = tuple(shape)
        self.t0, self.t1 = float(t0), float(t1)
        self.seed = seed
        self.dtype, self.device = dtype, torch.empty(0, device=device).device
        self._halves = functools.lru_cache(maxsize=REMEMBERED)(self._bisect)

    def increment(self, s: float, t: float) -> Increment:
        """ΔW and I_(1,0) over [s, t].

        Raises
        ------
        ValueError
            Unless t0 ≤ s < t ≤ t1 and the two differ by more than the resolution of :data:`DEPTH`.
        """
        left, right = self._tick(s), self._tick(t)
        if left >= right:
            raise ValueError(f"s and t are {s} and {t}; expected s < t, more than {self.resolution:.3g} apart")
        dw, integral = np.zeros(self.shape), np.zeros(self.shape)
        while left < right:
            size = 1 << min(_trailing_zeros(left), (right - left).bit_length() - 1)
            h = size * self.resolution
            piece, area = self._node(DEPTH - size.bit_length() + 1, left // size)
            integral += h * (dw + 0.5 * piece + area)
            dw += piece
            left += size
        return Increment(*(torch.from_numpy(x).to(self.device, self.dtype) for x in (dw, integral)))

    @property
    def resolution(self) -> float:
        """(t1 − t0)/2⁴⁰, the distance of the leaves of the tree."""
        return math.ldexp(self.t1 - self.t0, -DEPTH)

    def time_after(self, t: float, h: float) -> float:
        """The last time in (t, t + h] whose place in the tree is 16 to 32 times coarser than h, or t1.

        Steps between such times need few levels of the tree. They are shorter than h by less than h/16.

        Raises
        ------
        ValueError
            If ``h`` is below the resolution of the tree, or t is not in [t0, t1).
        """
        left, ticks = self._tick(t), int(min(h / self.resolution, 2.0**DEPTH))
        if ticks < 1 or left == 1 << DEPTH:
            raise ValueError(
                f"t and h are {t} and {h}; expected a time before t1 = {self.t1} and a step above {self.resolution:.3g}"
            )
        if left + ticks >= 1 << DEPTH:
            return self.t1
        drop = max(0, ticks.bit_length() - 5)
        return self.t0 + ((left + ticks) >> drop << drop) * self.resolution

    def _tick(self, t: float) -> int:
        tick = (t - self.t0) / self.resolution
        if not -0.5 <= tick <= 2.0**DEPTH + 0.5:
            raise ValueError(f"time {t} is outside the path; expected one from t0 = {self.t0} to t1 = {self.t1}")
        return round(tick)

    def _node(self, level: int, index: int) -> tuple[Floats, Floats]:
        """ΔW and H over the ``index``-th of the 2^level parts of the interval."""
        if level:
            return self._halves(level - 1, index >> 1)[index & 1]
        dw, area = self._normal(0, 0)
        span = self.t1 - self.t0
        return dw * math.sqrt(span), area * math.sqrt(span / 12)

    def _bisect(self, level: int, index: int) -> tuple[tuple[Floats, Floats], ...]:
        dw, area = self._node(level, index)
        middle, twist = self._normal(level + 1, index)
        h = math.ldexp(self.t1 - self.t0, -level)
        return bisect(dw, area, middle * math.sqrt(h / 16), twist * math.sqrt(h / 48))

    def _normal(self, level: int, index: int) -> Floats:
        """Two standard normal variables an entry, which belong to one node of the tree."""
        counter = np.array([0, 0, index, level], dtype=np.uint64)
        bits = np.random.Philox(key=np.array([self.seed, 0], dtype=np.uint64), counter=counter)
        return np.random.Generator(bits).standard_normal((2, *self.shape))


def _trailing_zeros(tick: int) -> int:
    return DEPTH if tick == 0 else (tick & -tick).bit_length() - 1
