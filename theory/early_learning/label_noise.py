"""Label noise of known kind and rate, with what is needed to say how many labels are wrong.

Two conventions of "symmetric noise" are in use: the new class is drawn from all classes, or from all but the true one.
At rate ``r`` and ``C`` classes they leave ``r(C − 1)/C`` or ``r`` of the labels wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

Labels: TypeAlias = np.ndarray[Any, np.dtype[np.integer[Any]]]
Mask: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]

CIFAR10_FLIPS: Mapping[int, int] = {9: 1, 2: 0, 4: 7, 3: 5, 5: 3}
"""Asymmetric noise on CIFAR-10: truck → automobile, bird → airplane, deer → horse, cat ↔ dog."""


@dataclass(frozen=True)
class NoisyLabels:
    """Labels after noise.

    Attributes
    ----------
    labels
        Shape ``(n,)``, the dtype of the input.
    wrong
        Shape ``(n,)``, where the new label differs from the true one.
    """

    labels: Labels
    wrong: Mask

    @property
    def wrong_fraction(self) -> float:
        """The realised fraction of wrong labels."""
        return float(self.wrong.mean())


def symmetric_noise(
    labels: Labels,
    rate: float,
    num_classes: int,
    *,
    exclude_true: bool,
    seed: int | np.random.Generator,
    exact: bool = False,
) -> NoisyLabels:
    """Replace labels by uniformly drawn classes.

    Parameters
    ----------
    labels
        The true classes, shape ``(n,)``, n ≥ 1, integers in ``[0, num_classes)``.
    rate
        Probability in ``[0, 1]`` that a label is replaced.
    num_classes
        ``C ≥ 2``.
    exclude_true
        ``True``: the new class differs from the true one, as in Chen et al., arXiv 2206.13140; the rate is that of
        wrong labels. ``False``: it is drawn from all classes, as in Liu et al., arXiv 2007.00151; the rate of wrong
        labels is ``rate · (C − 1)/C``.
    seed
        A seed, or the generator to draw from.
    exact
        Replace exactly ``round(rate · n)`` labels instead of each with probability ``rate``.

    Returns
    -------
    NoisyLabels
        The new labels, and which of them are wrong.

    Raises
    ------
    ValueError
        For an argument of another kind or out of range, naming it.
    """
    true = _require_labels(labels, num_classes)
    _require_rate(rate)
    rng = np.random.default_rng(seed)
    replaced = _chosen(rng, len(true), rate, exact)
    if exclude_true:
        drawn = (true + rng.integers(1, num_classes, len(true))) % num_classes
    else:
        drawn = rng.integers(0, num_classes, len(true))
    return _noisy(labels, true, np.where(replaced, drawn, true))


def asymmetric_noise(
    labels: Labels,
    rate: float,
    flips: Mapping[int, int],
    *,
    seed: int | np.random.Generator,
    exact: bool = False,
) -> NoisyLabels:
    """Send labels of some classes to a fixed other class.

    Parameters
    ----------
    labels
        The true classes, shape ``(n,)``, n ≥ 1, nonnegative integers.
    rate
        Probability in ``[0, 1]`` that a label of a class in ``flips`` is flipped; the rate over the whole data set is
        less by the share of these classes.
    flips
        For each affected class the class it is mistaken for, such as :data:`CIFAR10_FLIPS`.
    seed
        A seed, or the generator to draw from.
    exact
        Flip exactly ``round(rate · n_c)`` labels of each affected class.

    Returns
    -------
    NoisyLabels
        The new labels, and which of them are wrong.

    Raises
    ------
    ValueError
        For an argument of another kind or out of range, naming it.

    Notes
    -----
    Liu et al., arXiv 2007.00151, Section 5.
    """
    true = _require_labels(labels, None)
    _require_rate(rate)
    for source, target in flips.items():
        if source == target or min(source, target) < 0:
            raise ValueError(f"flips maps {source} to {target}; expected two different nonnegative classes")
    rng = np.random.default_rng(seed)
    new = true.copy()
    for source, target in flips.items():
        members = np.flatnonzero(true == source)
        new[members[_chosen(rng, len(members), rate, exact)]] = target
    return _noisy(labels, true, new)


def _chosen(rng: np.random.Generator, n: int, rate: float, exact: bool) -> Mask:
    if not exact:
        return rng.random(n) < rate
    chosen = np.zeros(n, dtype=bool)
    chosen[rng.permutation(n)[: round(rate * n)]] = True
    return chosen


def _noisy(labels: Labels, true: Labels, new: Labels) -> NoisyLabels:
    dtype = np.asarray(labels).dtype
    if new.max() > np.iinfo(dtype).max:
        raise ValueError(f"labels has dtype {dtype}; expected one that holds class {new.max()}")
    return NoisyLabels(new.astype(dtype), new != true)


def _require_labels(labels: Labels, num_classes: int | None) -> Labels:
    array = np.asarray(labels)
    if array.dtype.kind not in "iu":
        raise ValueError(f"labels has dtype {array.dtype}; expected an integer dtype")
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"labels has shape {array.shape}; expected (n,) with n >= 1")
    if num_classes is not None and num_classes < 2:
        raise ValueError(f"num_classes is {num_classes}; expected an integer >= 2")
    low, high = int(array.min()), int(array.max())
    if low < 0 or (num_classes is not None and high >= num_classes):
        expected = "nonnegative classes" if num_classes is None else f"classes in [0, {num_classes})"
        raise ValueError(f"labels contains {low if low < 0 else high}; expected {expected}")
    return array.astype(np.int64)


def _require_rate(rate: float) -> None:
    if not 0.0 <= rate <= 1.0:
        raise ValueError(f"rate is {rate}; expected a number in [0, 1]")
