"""The last prediction of every sample of a data set."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from theory._labels import require_index, require_labels, require_logits


class PredictionBank(nn.Module):
    """Keeps the probabilities last predicted for each sample, and which samples have had one.

    Parameters
    ----------
    num_samples
        Size ``n`` of the data set.
    num_classes
        ``C ≥ 2``.

    Attributes
    ----------
    predictions
        Buffer ``(n, C)``, float32; stored in checkpoints.
    seen
        Buffer ``(n,)``, whether there is a prediction.

    Raises
    ------
    ValueError
        For a size out of range, naming it.
    """

    predictions: torch.Tensor
    seen: torch.Tensor

    def __init__(self, num_samples: int, num_classes: int) -> None:
        super().__init__()
        if num_samples < 1:
            raise ValueError(f"num_samples is {num_samples}; expected an integer >= 1")
        if num_classes < 2:
            raise ValueError(f"num_classes is {num_classes}; expected an integer >= 2")
        self.register_buffer("predictions", torch.zeros(num_samples, num_classes))
        self.register_buffer("seen", torch.zeros(num_samples, dtype=torch.bool))

    def read(self, labels: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        """The last predictions of the samples ``index``, the one-hot label of those without one.

        Parameters
        ----------
        labels
            Classes, shape ``(B,)``, integers in ``[0, C)``.
        index
            Positions in the data set, shape ``(B,)``, distinct integers in ``[0, n)``.

        Returns
        -------
        torch.Tensor
            Shape ``(B, C)``, the dtype of the buffer.

        Raises
        ------
        ValueError
            For labels or indices of another kind, naming the argument.
        """
        num_samples, num_classes = self.predictions.shape
        require_labels(labels, labels.numel(), num_classes, self.predictions.device)
        require_index(index, len(labels), num_samples, self.predictions.device)
        one_hot = F.one_hot(labels.long(), num_classes).to(self.predictions.dtype)
        return torch.where(self.seen[index, None], self.predictions[index], one_hot)

    def write(self, logits: torch.Tensor, index: torch.Tensor) -> None:
        """Store ``softmax(logits)`` for the samples ``index``; no gradient is kept.

        Parameters
        ----------
        logits
            Shape ``(B, C)``, finite. Half precision is computed in float32.
        index
            Positions in the data set, shape ``(B,)``, distinct integers in ``[0, n)``.

        Raises
        ------
        ValueError
            For logits or indices of another kind, naming the argument.
        """
        if logits.device != self.predictions.device:
            raise ValueError(
                f"logits is on {logits.device}; expected {self.predictions.device}, the device of the bank"
            )
        require_logits(logits)
        num_samples, num_classes = self.predictions.shape
        if logits.shape[1] != num_classes:
            raise ValueError(f"logits has {logits.shape[1]} columns; expected num_classes = {num_classes}")
        require_index(index, len(logits), num_samples, logits.device)
        work = torch.promote_types(logits.dtype, torch.float32)
        self.predictions[index] = torch.softmax(logits.detach().to(work), dim=1).to(self.predictions.dtype)
        self.seen[index] = True
