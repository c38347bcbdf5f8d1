"""Progressive self-knowledge distillation: labels softened by the network's own prediction of one epoch ago.

Source: Kim, Ji, Yoon and Hwang, "Self-Knowledge Distillation with Progressive Refinement of Targets", Section 3,
arXiv 2006.12000.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from theory._labels import require_labels
from theory.distillation._probabilities import require_fraction, require_probabilities
from theory.distillation.prediction_bank import PredictionBank


def progressive_targets(labels: torch.Tensor, previous: torch.Tensor, alpha: float) -> torch.Tensor:
    """``(1 − α)y + αp′``, the label softened by an earlier prediction.

    Parameters
    ----------
    labels
        Classes, shape ``(B,)``, integers in ``[0, C)``.
    previous
        ``p′``, shape ``(B, C)``, floating, rows are distributions. It is a constant: no gradient flows to it.
    alpha
        ``α`` in ``[0, 1]``.

    Returns
    -------
    torch.Tensor
        Shape ``(B, C)``, dtype and device of ``previous``.

    Raises
    ------
    ValueError
        For arguments of another kind, naming them.

    Notes
    -----
    The paper, Section 3, the soft target of its loss.
    """
    require_probabilities("previous", previous)
    require_labels(labels, len(previous), previous.shape[1], previous.device)
    require_fraction("alpha", alpha)
    targets = alpha * previous.detach()
    return targets.scatter_add(1, labels.long()[:, None], targets.new_full((len(targets), 1), 1.0 - alpha))


class PSKDLoss(nn.Module):
    """Cross-entropy against :func:`progressive_targets`, with ``α`` growing in proportion to the epoch.

    The prediction of each sample is kept for the next epoch when the loss is called in training mode; in evaluation
    mode it is not.

    Parameters
    ----------
    num_samples
        Size ``n`` of the data set.
    num_classes
        ``C ≥ 2``.
    epochs
        ``T ≥ 1``.
    alpha_final
        ``α_T`` in ``[0, 1]``, reached in the last epoch. The paper uses 0.8.

    Attributes
    ----------
    bank
        The predictions, a :class:`~theory.distillation.prediction_bank.PredictionBank`.

    Raises
    ------
    ValueError
        For a parameter out of range, naming it.

    Notes
    -----
    The paper, Section 3. The gradient by the logits is ``p − (1 − α)y − αp′``, divided by the batch size.
    """

    def __init__(self, num_samples: int, num_classes: int, epochs: int, alpha_final: float = 0.8) -> None:
        super().__init__()
        if epochs < 1:
            raise ValueError(f"epochs is {epochs}; expected an integer >= 1")
        require_fraction("alpha_final", alpha_final)
        self.epochs, self.alpha_final = epochs, alpha_final
        self.bank = PredictionBank(num_samples, num_classes)

    def alpha(self, epoch: int) -> float:
        """``α_t = α_T t/T`` of epoch ``t`` in ``[1, T]``."""
        if not 1 <= epoch <= self.epochs:
            raise ValueError(f"epoch is {epoch}; expected an integer in [1, {self.epochs}]")
        return self.alpha_final * epoch / self.epochs

    def forward(self, logits: torch.Tensor, labels: torch.Tensor, index: torch.Tensor, epoch: int) -> torch.Tensor:
        """The mean loss of a batch.

        Parameters
        ----------
        logits
            Shape ``(B, C)``, finite. Half precision is computed in float32.
        labels
            Classes, shape ``(B,)``, integers in ``[0, C)``.
        index
            Positions in the data set, shape ``(B,)``, distinct integers in ``[0, n)``.
        epoch
            ``t``, counted from 1.

        Returns
        -------
        torch.Tensor
            A scalar of the dtype of ``logits``, or float32 for half precision.

        Raises
        ------
        ValueError
            For an argument of another kind, naming it; the predictions are then unchanged.
        """
        targets = progressive_targets(labels, self.bank.read(labels, index), self.alpha(epoch))
        if logits.shape != targets.shape:
            raise ValueError(f"logits has shape {tuple(logits.shape)}; expected {tuple(targets.shape)}")
        if self.training:
            self.bank.write(logits, index)
        z = logits.to(torch.promote_types(logits.dtype, torch.float32))
        return F.cross_entropy(z, targets.to(z.dtype))


class RescalingFactor(NamedTuple):
    """How the 1-norm of the logit gradient compares with that of cross-entropy, each of shape ``(B,)``.

    Attributes
    ----------
    ratio
        The ratio itself.
    closed_form
        ``1 − αγ′/γ``, the paper's formula. It may be negative where ``applies`` is false.
    applies
        Whether the formula's hypothesis ``α ≤ min_{i≠GT} p_i/p′_i`` holds; then ``ratio`` equals ``closed_form``.
    """

    ratio: torch.Tensor
    closed_form: torch.Tensor
    applies: torch.Tensor


def rescaling_factor(p: torch.Tensor, previous: torch.Tensor, alpha: float, labels: torch.Tensor) -> RescalingFactor:
    """Gradient of the progressive loss relative to cross-entropy: ``Σ_i |p_i − (1 − α)y_i − αp′_i| / (2γ)``.

    Parameters
    ----------
    p, previous
        Present and previous probabilities, shape ``(B, C)``; ``γ = 1 − p_GT > 0``.
    alpha
        ``α`` in ``[0, 1]``.
    labels
        The classes GT, shape ``(B,)``.

    Returns
    -------
    RescalingFactor
        Ratio, closed form and whether its hypothesis holds. In general ``ratio ≥ |closed_form|``.

    Raises
    ------
    ValueError
        For arguments of another kind, or a sample with ``p_GT = 1``, for which cross-entropy has no gradient.

    Notes
    -----
    The paper, Section 3, the theorem on gradient rescaling. ``γ`` and ``γ′`` are summed from the other classes.
    """
    require_probabilities("p", p)
    if p.shape != previous.shape or p.dtype != previous.dtype:
        raise ValueError(
            f"previous has shape {tuple(previous.shape)} and dtype {previous.dtype}; "
            f"expected those of p, {tuple(p.shape)} and {p.dtype}"
        )
    targets = progressive_targets(labels, previous, alpha)
    true = labels.long()[:, None]
    others, previous_others = p.scatter(1, true, 0.0), previous.scatter(1, true, 0.0)
    gamma, previous_gamma = others.sum(dim=1), previous_others.sum(dim=1)
    if bool((gamma <= 0).any()):
        raise ValueError("p has a row that is certain of its label; expected p < 1 at the label")
    at_label = (alpha * previous_gamma - gamma).abs()
    ratio = ((others - targets.scatter(1, true, 0.0)).abs().sum(dim=1) + at_label) / (2.0 * gamma)
    applies = (alpha * previous_others <= others).all(dim=1)
    return RescalingFactor(ratio, 1.0 - alpha * previous_gamma / gamma, applies)
