"""Calibration and selective-prediction metrics of a classifier from its confidences and its hits.

All are fractions, not percent or per mille.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import torch

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
ArrayLike: TypeAlias = Any


def expected_calibration_error(confidence: ArrayLike, correct: ArrayLike, n_bins: int = 10) -> float:
    """Mean over samples of ``|accuracy − mean confidence|`` of the sample's bin (ECE).

    Bins are ``((k − 1)/n, k/n]`` for ``k = 1, …, n``, and 0 belongs to the first; they cover ``[0, 1]`` without gaps.

    Parameters
    ----------
    confidence
        Probability of the predicted class, shape ``(n,)``, n ≥ 1, in ``[0, 1]``: an array, tensor or sequence.
    correct
        Whether the prediction is right, shape ``(n,)``, boolean or 0 and 1.
    n_bins
        Number of bins, at least 1.

    Returns
    -------
    float
        In ``[0, 1]``.

    Raises
    ------
    ValueError
        For an argument of another kind or out of range, naming it.

    Notes
    -----
    Kim et al., Section 4, arXiv 2006.12000, who print percent.
    """
    score, hit = _require_pair(confidence, correct)
    if score.min() < 0 or score.max() > 1:
        raise ValueError(f"confidence is in [{score.min()}, {score.max()}]; expected probabilities")
    if n_bins < 1:
        raise ValueError(f"n_bins is {n_bins}; expected an integer >= 1")
    upper = np.arange(1, n_bins + 1) / n_bins
    gaps = np.bincount(np.searchsorted(upper, score), weights=hit - score)
    return float(np.abs(gaps).sum() / len(score))


def aurc(confidence: ArrayLike, correct: ArrayLike) -> float:
    """Area under the risk–coverage curve: the mean over ``j`` of the error rate of the ``j`` most confident samples.

    Samples of equal confidence have no order; the expectation over their orders is returned, so that the result does
    not depend on that of the input. Inside a block of ``m`` equal ones with ``w`` errors, after ``d`` samples with
    ``e`` errors, the risk at ``d + j`` is ``(e + wj/m)/(d + j)``.

    Parameters
    ----------
    confidence
        Any score, the higher the more certain, shape ``(n,)``, n ≥ 1, finite: an array, tensor or sequence.
    correct
        Whether the prediction is right, shape ``(n,)``, boolean or 0 and 1.

    Returns
    -------
    float
        In ``[0, 1]``.

    Raises
    ------
    ValueError
        For an argument of another kind, naming it.

    Notes
    -----
    Kim et al., Section 4, arXiv 2006.12000, who print per mille.
    """
    return _aurc(*_require_pair(confidence, correct))


def e_aurc(confidence: ArrayLike, correct: ArrayLike) -> float:
    """Excess of :func:`aurc` over the least that the same number of errors allows.

    With ``e`` errors among ``n`` samples the least is ``(1/n) Σ_{k=1}^e k/(n − e + k)``, all errors coming last.

    Parameters
    ----------
    confidence, correct
        As for :func:`aurc`.

    Returns
    -------
    float
        In ``[0, 1]``; a difference below 0 is rounding and is given as 0.

    Raises
    ------
    ValueError
        For an argument of another kind, naming it.

    Notes
    -----
    Kim et al., Section 4, arXiv 2006.12000. The usual ``r + (1 − r) ln(1 − r)`` is the limit of large ``n``.
    """
    score, hit = _require_pair(confidence, correct)
    n, errors = len(hit), int(len(hit) - hit.sum())
    ranks = np.arange(1, errors + 1)
    return max(_aurc(score, hit) - float((ranks / (n - errors + ranks)).sum() / n), 0.0)


def _aurc(score: Floats, hit: Floats) -> float:
    n = len(score)
    order = np.argsort(score)[::-1]
    ordered = score[order]
    ends = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]) + 1, n)
    errors = np.cumsum(1.0 - hit[order])
    coverage = np.arange(1.0, n + 1.0)
    if len(ends) < n:
        errors = np.interp(coverage, np.append(0.0, ends), np.append(0.0, errors[ends - 1]))
    return float((errors / coverage).mean())


def _require_pair(confidence: ArrayLike, correct: ArrayLike) -> tuple[Floats, Floats]:
    score, hit = _as_float64("confidence", confidence), _as_float64("correct", correct)
    if score.ndim != 1 or score.shape != hit.shape or len(score) == 0:
        raise ValueError(f"confidence has shape {score.shape} and correct {hit.shape}; expected both (n,) with n >= 1")
    if not np.isfinite(score).all():
        raise ValueError(f"confidence contains {score[~np.isfinite(score)][0]}; expected finite numbers")
    if (other := (hit != 0.0) & (hit != 1.0)).any():
        raise ValueError(f"correct contains {hit[other][0]}; expected booleans, or 0 and 1")
    return score, hit


def _as_float64(name: str, values: ArrayLike) -> Floats:
    if isinstance(values, torch.Tensor):
        return values.detach().double().cpu().numpy()
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name} has dtype {array.dtype}; expected numbers")
    return array.astype(np.float64)
