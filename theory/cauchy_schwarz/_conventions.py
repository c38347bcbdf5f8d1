"""The two conventions of the divergence in the literature, and units of information."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias, get_args

Convention: TypeAlias = Literal["full", "half"]
"""``"full"`` is ``-2 log cos``, ``"half"`` is ``-log cos`` of the angle between two densities in L2."""


def log_cosine_factor(convention: Convention, base: float) -> float:
    """Factor that turns ``-log cos`` in nats into the divergence of that convention and unit.

    Raises
    ------
    ValueError
        For an unknown convention or a base that is not a finite number above 1.
    """
    if convention not in get_args(Convention):
        raise ValueError(f"convention is {convention!r}; expected one of {get_args(Convention)}")
    return (2.0 if convention == "full" else 1.0) * per_nat(base)


def per_nat(base: float) -> float:
    """Units of information per nat, ``1 / ln(base)``.

    Raises
    ------
    ValueError
        For a base that is not a finite number above 1.
    """
    if not (isinstance(base, int | float) and 1.0 < base < math.inf):
        raise ValueError(f"base is {base!r}; expected a finite number above 1")
    return 1.0 if base == math.e else 1.0 / math.log(base)
