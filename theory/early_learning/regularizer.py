"""The early-learning regularizer of a batch of logits against fixed targets, and its bounded gradient.

Source: Liu, Niles-Weed, Razavian and Fernandez-Granda, "Early-Learning Regularization Prevents Memorization of Noisy
Labels", Section 4, arXiv 2007.00151.
"""

from __future__ import annotations

import math
from typing import Literal, TypeAlias, get_args

import torch

from theory._labels import require_logits

Reduction: TypeAlias = Literal["mean", "sum", "none"]


def elr_regularizer(logits: torch.Tensor, target: torch.Tensor, reduction: Reduction = "mean") -> torch.Tensor:
    r"""``R = log(1 − ⟨p, t⟩)``, ``p = softmax(z)``, in a form that is finite at every margin.

    Since ``Σ p = 1``, ``1 − ⟨p, t⟩ = Σ_c p_c (1 − t_c)`` and ``R = logsumexp(z + log(1 − t)) − logsumexp(z)``. Its
    derivative by the logits is a difference of two distributions; see :func:`elr_regularizer_gradient`. The function
    can be differentiated any number of times.

    Parameters
    ----------
    logits
        ``z``, shape ``(B, C)`` with ``C ≥ 2``, finite.
    target
        ``t``, shape ``(B, C)``, on the device of ``logits``, entries in ``[0, 1]``, at least one entry of a row below
        1. Rows need not sum to one. It is a constant: no gradient flows to it.
    reduction
        ``"mean"`` or ``"sum"`` over the batch, or ``"none"``.

    Returns
    -------
    torch.Tensor
        A scalar, or shape ``(B,)``; never positive. float16 and bfloat16 logits are computed, and returned, in
        float32; otherwise the dtype is that of ``logits``.

    Raises
    ------
    ValueError
        For logits or targets of another kind, naming the argument, or an unknown reduction.

    Notes
    -----
    The paper, Section 4, Eq. 5 and 6. A target that was itself rounded to 1 has lost ``1 − t``;
    :class:`~theory.early_learning.loss.ELRLoss` keeps that difference.
    """
    if reduction not in get_args(Reduction):
        raise ValueError(f"reduction is {reduction!r}; expected one of {get_args(Reduction)}")
    z, log_rest = _log_terms(logits, target)
    values = torch.logsumexp(z + log_rest, dim=1) - torch.logsumexp(z, dim=1)
    if reduction == "none":
        return values
    return values.mean() if reduction == "mean" else values.sum()


def elr_regularizer_gradient(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    r"""``g = ∂R/∂z = q − p`` of each sample, with ``q_c = p_c (1 − t_c) / (1 − ⟨p, t⟩)``.

    The paper prints ``g_c = p_c/(1 − ⟨p, t⟩) Σ_k (t_k − t_c) p_k``, which is the same. Being a difference of two
    distributions it sums to zero and ``‖g‖₁ < 2``, however negative ``R`` is. The gradient of cross-entropy plus
    ``λR`` is ``p − y + λg = (1 − λ)p + λq − y``.

    Parameters
    ----------
    logits, target
        As for :func:`elr_regularizer`.

    Returns
    -------
    torch.Tensor
        Shape ``(B, C)``, dtype as for :func:`elr_regularizer`.

    Raises
    ------
    ValueError
        As for :func:`elr_regularizer`.

    Notes
    -----
    The paper, Lemma 2.
    """
    z, log_rest = _log_terms(logits, target)
    return torch.softmax(z + log_rest, dim=1) - torch.softmax(z, dim=1)


def clamped_regularizer_floor(num_classes: int, clamp: float = 1e-4) -> float:
    r"""Least value of ``R`` when ``p`` is clamped to ``[ε, 1 − ε]`` and the target follows the clamped ``p``.

    ``log(1 − ((1 − ε)² + (C − 1)ε²)/(1 + (C − 2)ε)) = log(Cε(1 − ε)/(1 + (C − 2)ε))``, reached when one class has
    ``p = 1 − ε`` and the target has caught up: −6.909 for ten classes and ε = 1e−4. A training loss as low as ``λ``
    times this is no error.

    Parameters
    ----------
    num_classes
        ``C ≥ 2``.
    clamp
        ``ε``, in ``(0, 1/2)``.

    Returns
    -------
    float
        The floor of ``R``.

    Raises
    ------
    ValueError
        For arguments out of range.

    Notes
    -----
    Ours, for the authors' published loss, which clamps with ε = 1e−4.
    """
    if num_classes < 2:
        raise ValueError(f"num_classes is {num_classes}; expected an integer >= 2")
    if not 0.0 < clamp < 0.5:
        raise ValueError(f"clamp is {clamp}; expected a number in (0, 1/2)")
    return math.log(num_classes * clamp * (1 - clamp) / (1 + (num_classes - 2) * clamp))


def _log_terms(logits: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The logits and ``log(1 − t)``, in float32 at least."""
    require_logits(logits)
    if target.device != logits.device:
        raise ValueError(f"target is on {target.device}; expected {logits.device}, the device of logits")
    if not target.is_floating_point():
        raise ValueError(f"target has dtype {target.dtype}; expected a real floating dtype")
    if target.shape != logits.shape:
        raise ValueError(f"target has shape {tuple(target.shape)}; expected that of logits, {tuple(logits.shape)}")
    t = target.detach()
    if not bool(((t >= 0) & (t <= 1)).all()):
        worst = t[~((t >= 0) & (t <= 1))][0].item()
        raise ValueError(f"target contains {worst}; expected numbers in [0, 1]")
    if bool((t == 1).all(dim=1).any()):
        raise ValueError("target has a row of ones, where 1 - <p, t> is 0; expected an entry below 1 in every row")
    work = torch.promote_types(logits.dtype, torch.float32)
    return logits.to(work), torch.log1p(-t.to(work))
