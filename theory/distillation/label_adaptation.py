"""Adapted soft labels of crops, mixing within an image, and soft labels recovered from their largest entries.

Source: Shen, "FerKD: Surgical Label Adaptation for Efficient Distillation", Section 3, arXiv 2312.17473.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Literal, NamedTuple, TypeAlias, get_args

import torch
from torch.nn import functional as F

from theory._labels import require_labels, require_logits
from theory.distillation._probabilities import require_fraction, require_probabilities

Confidence: TypeAlias = Literal["max", "truth"]
Recovery: TypeAlias = Literal["smoothing", "renormalize"]


class Region(IntEnum):
    """What a crop is taken to be, by the teacher's confidence."""

    DISCARDED = 0
    HARD = 1
    IMPORTANT = 2


class AdaptedLabels(NamedTuple):
    """Targets of a batch of crops.

    Attributes
    ----------
    targets
        Shape ``(B, C)``; rows of kept crops are distributions, of discarded crops zero.
    kept
        Shape ``(B,)``, boolean.
    region
        Shape ``(B,)``, the values of :class:`Region`.
    """

    targets: torch.Tensor
    kept: torch.Tensor
    region: torch.Tensor


def adapt_labels(
    soft: torch.Tensor,
    labels: torch.Tensor,
    thresholds: tuple[float, float, float],
    epsilon: float,
    *,
    confidence: Confidence,
) -> AdaptedLabels:
    """Discard, harden or keep the teacher's soft labels of crops.

    With the confidence ``s`` and thresholds ``T_L ≤ T_M ≤ T_T``: a crop is discarded if ``s < T_L`` or ``s > T_T``; if
    ``T_L < s < T_M`` its label becomes ``1 − ε`` at the ground truth and ``ε/(C − 1)`` elsewhere; otherwise the soft
    label stays. The inequalities are strict as printed, so a crop on a threshold keeps its soft label.

    Parameters
    ----------
    soft
        The teacher's probabilities, shape ``(B, C)``, ``C ≥ 2``, rows are distributions.
    labels
        Classes, shape ``(B,)``.
    thresholds
        ``(T_L, T_M, T_T)`` in ``[0, 1]``, in order.
    epsilon
        ``ε`` in ``[0, 1)``.
    confidence
        ``"max"``: the largest probability; ``"truth"``: that of the label. The paper does not say which; they differ
        much.

    Returns
    -------
    AdaptedLabels
        In the dtype and on the device of ``soft``.

    Raises
    ------
    ValueError
        For an argument of another kind or out of range, naming it.

    Notes
    -----
    The paper, Section 3.
    """
    require_probabilities("soft", soft)
    require_labels(labels, len(soft), soft.shape[1], soft.device)
    low, middle, top = thresholds
    if not 0.0 <= low <= middle <= top <= 1.0:
        raise ValueError(f"thresholds is {thresholds}; expected 0 <= T_L <= T_M <= T_T <= 1")
    if not 0.0 <= epsilon < 1.0:
        raise ValueError(f"epsilon is {epsilon}; expected a number in [0, 1)")
    if confidence not in get_args(Confidence):
        raise ValueError(f"confidence is {confidence!r}; expected one of {get_args(Confidence)}")
    true = labels.long()[:, None]
    score = soft.amax(dim=1) if confidence == "max" else soft.gather(1, true).squeeze(1)
    discarded, hard = (score < low) | (score > top), (low < score) & (score < middle)
    region = torch.full_like(labels, Region.IMPORTANT).masked_fill(hard, Region.HARD)
    region = region.masked_fill(discarded, Region.DISCARDED)
    smoothed = torch.full_like(soft, epsilon / (soft.shape[1] - 1)).scatter(1, true, 1.0 - epsilon)
    targets = torch.where(hard[:, None], smoothed, soft).masked_fill(discarded[:, None], 0.0)
    return AdaptedLabels(targets, ~discarded, region)


def adapted_cross_entropy(logits: torch.Tensor, adapted: AdaptedLabels) -> torch.Tensor:
    """Soft cross-entropy averaged over the kept crops; zero if none is kept.

    The gradient by the logits of a kept crop is ``(p − target)`` over the number of kept crops, of a discarded one 0.

    Parameters
    ----------
    logits
        Shape ``(B, C)``, finite. Half precision is computed in float32.
    adapted
        The labels from :func:`adapt_labels`.

    Returns
    -------
    torch.Tensor
        A scalar of the dtype of ``logits``, or float32 for half precision.

    Raises
    ------
    ValueError
        For logits of another kind or shape.
    """
    require_logits(logits)
    if logits.shape != adapted.targets.shape:
        raise ValueError(f"logits has shape {tuple(logits.shape)}; expected {tuple(adapted.targets.shape)}")
    z = logits.to(torch.promote_types(logits.dtype, torch.float32))
    total = F.cross_entropy(z, adapted.targets.to(z.dtype), reduction="sum")
    return total / adapted.kept.sum().clamp(min=1)


def self_mix(crops: torch.Tensor, targets: torch.Tensor, lam: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Mix every crop with the next crop of the same image: ``λ`` of the crop, ``1 − λ`` of the other.

    Parameters
    ----------
    crops
        Shape ``(B, M, …)``: M ≥ 2 crops of each of B images, floating.
    targets
        Their soft labels, shape ``(B, M, C)``.
    lam
        ``λ`` in ``[0, 1]``.

    Returns
    -------
    crops, targets
        Of the same shapes; the last crop of an image is mixed with its first.

    Raises
    ------
    ValueError
        For arguments of another kind, naming them.

    Notes
    -----
    The paper, Section 3, SelfMix.
    """
    if crops.ndim < 3 or targets.ndim != 3 or crops.shape[:2] != targets.shape[:2] or crops.shape[1] < 2:
        raise ValueError(
            f"crops has shape {tuple(crops.shape)} and targets {tuple(targets.shape)}; "
            "expected (B, M, ...) and (B, M, C) with M >= 2"
        )
    require_fraction("lam", lam)
    mixed = [lam * part + (1.0 - lam) * part.roll(-1, dims=1) for part in (crops, targets)]
    return mixed[0], mixed[1]


def recover_soft_labels(
    indices: torch.Tensor, values: torch.Tensor, num_classes: int, mode: Recovery = "smoothing"
) -> torch.Tensor:
    """Distributions from their ``k`` largest entries, as stored with quantised values.

    Parameters
    ----------
    indices
        Classes of the entries, shape ``(B, k)``, distinct integers in ``[0, C)`` in each row.
    values
        The entries, shape ``(B, k)``, floating, nonnegative, sum of a row at most 1 + 1e−3.
    num_classes
        ``C > k``.
    mode
        ``"smoothing"``: the rest of the mass is spread evenly over the other classes. Quantisation may leave a rest
        below zero; it is then taken as zero and the row divided by its sum. ``"renormalize"``: the other classes get
        zero and the row is divided by its sum, which must be positive.

    Returns
    -------
    torch.Tensor
        Shape ``(B, C)``, nonnegative, rows of sum 1; float16 and bfloat16 are promoted to float32.

    Raises
    ------
    ValueError
        For an argument of another kind or out of range, naming it.

    Notes
    -----
    The storage format of the paper's predecessor FKD, "A Fast Knowledge Distillation Framework", arXiv 2112.01528.
    """
    if values.ndim != 2 or values.shape != indices.shape or values.shape[1] >= num_classes or not values.numel():
        raise ValueError(
            f"indices has shape {tuple(indices.shape)} and values {tuple(values.shape)}; "
            f"expected both (B, k) with 1 <= k < {num_classes}"
        )
    if mode not in get_args(Recovery):
        raise ValueError(f"mode is {mode!r}; expected one of {get_args(Recovery)}")
    require_labels(indices.flatten(), indices.numel(), num_classes, values.device)
    ordered = indices.sort(dim=1).values
    if bool((ordered[:, 1:] == ordered[:, :-1]).any()):
        raise ValueError("indices has a class twice in a row; expected distinct classes")
    values = values.to(torch.promote_types(values.dtype, torch.float32))
    total = values.sum(dim=1, keepdim=True)
    if not bool((values >= 0).all() and (total <= 1 + 1e-3).all()):
        raise ValueError(
            f"values has an entry {values.min().item()} or a row of sum {total.max().item()}; "
            "expected nonnegative numbers of sum at most 1.001"
        )
    if mode == "renormalize" and bool((total <= 0).any()):
        raise ValueError("values has a row of zeros; expected a positive sum to divide by")
    others = num_classes - values.shape[1]
    minor = (1.0 - total).clamp(min=0.0) / others if mode == "smoothing" else torch.zeros_like(total)
    recovered = minor.expand(-1, num_classes).scatter(1, indices.long(), values)
    return recovered / recovered.sum(dim=1, keepdim=True)
