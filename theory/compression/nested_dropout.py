"""Nested dropout: keep the first k channels of a layer, k random, so that channels are learned in order of importance.

Source: Chen, Hu, Shen, Ai and Suykens, "Compressing Features for Learning with Noisy Labels", arXiv 2206.13140.
"""

from __future__ import annotations

import math
from typing import Literal, TypeAlias, get_args

import torch
from torch import nn

Convention: TypeAlias = Literal["paper", "code"]


def nested_dropout_pmf(num_channels: int, s: float, convention: Convention = "paper") -> torch.Tensor:
    r"""Probability that exactly the first ``k`` of ``K`` channels are kept, ``k = 1, …, K``.

    Parameters
    ----------
    num_channels
        ``K ≥ 1``.
    s
        The width ``σ_nest > 0``, in channels.
    convention
        ``"paper"``: proportional to ``exp(−k²/(2s²))``. ``"code"``: to ``exp(−(k/s)²)``, as in the authors' code,
        which is the paper's with ``s/√2``.

    Returns
    -------
    torch.Tensor
        Shape ``(K,)``, float64; entry ``k − 1`` belongs to ``k``. The sum is 1.

    Raises
    ------
    ValueError
        For an argument out of range, naming it.
    """
    if num_channels < 1:
        raise ValueError(f"num_channels is {num_channels}; expected an integer >= 1")
    if not 0.0 < s < math.inf:
        raise ValueError(f"s is {s}; expected a finite number > 0")
    if convention not in get_args(Convention):
        raise ValueError(f"convention is {convention!r}; expected one of {get_args(Convention)}")
    k = torch.arange(1, num_channels + 1, dtype=torch.float64)
    two = 2.0 if convention == "paper" else 1.0
    return torch.softmax((1.0 - k) * (k + 1.0) / (two * s) / s, dim=0)  # k = 1 has exponent 0, however small s


def keep_first(features: torch.Tensor, k: int | torch.Tensor) -> torch.Tensor:
    """Zero all channels but the first ``k``; nothing is rescaled.

    Parameters
    ----------
    features
        Shape ``(B, K, …)``: channels along dimension 1.
    k
        In ``[0, K]``: one integer, or an integer tensor of shape ``(B,)`` for one number a sample.

    Returns
    -------
    torch.Tensor
        The shape, dtype and device of ``features``.

    Raises
    ------
    ValueError
        For features without channels, or ``k`` out of range.
    """
    if features.ndim < 2:
        raise ValueError(f"features has shape {tuple(features.shape)}; expected (B, K, ...)")
    channels = features.shape[1]
    kept = torch.as_tensor(k, device=features.device)
    if kept.is_floating_point() or kept.ndim > 1 or (kept.ndim == 1 and len(kept) != len(features)):
        raise ValueError(
            f"k has dtype {kept.dtype} and shape {tuple(kept.shape)}; "
            f"expected an integer, or integers of shape ({len(features)},)"
        )
    if kept.numel() and (int(kept.min()) < 0 or int(kept.max()) > channels):
        raise ValueError(f"k is in [{int(kept.min())}, {int(kept.max())}]; expected numbers in [0, {channels}]")
    shape = (1, channels) + (1,) * (features.ndim - 2)
    mask = torch.arange(channels, device=features.device).view(shape) < kept.view((-1,) + (1,) * (features.ndim - 1))
    return torch.where(mask, features, torch.zeros((), dtype=features.dtype, device=features.device))


class NestedDropout(nn.Module):
    """Keep the first ``k`` channels in training, ``k`` drawn from :func:`nested_dropout_pmf`; nothing is rescaled.

    In evaluation mode all channels pass; :func:`keep_first` then cuts at the number chosen by validation.

    Parameters
    ----------
    num_channels, s, convention
        As for :func:`nested_dropout_pmf`.
    per_sample
        Draw one ``k`` a sample instead of one a batch, as the authors do.

    Attributes
    ----------
    pmf
        Buffer ``(K,)``, the distribution of ``k``; not stored in checkpoints.

    Raises
    ------
    ValueError
        For an argument out of range, naming it.
    """

    pmf: torch.Tensor

    def __init__(
        self, num_channels: int, s: float, convention: Convention = "paper", *, per_sample: bool = False
    ) -> None:
        super().__init__()
        self.s, self.convention, self.per_sample = s, convention, per_sample
        self.register_buffer("pmf", nested_dropout_pmf(num_channels, s, convention), persistent=False)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Mask ``features`` of shape ``(B, K, …)``; ``k`` comes from torch's generator, as in ``nn.Dropout``."""
        if features.ndim < 2 or features.shape[1] != len(self.pmf):
            raise ValueError(f"features has shape {tuple(features.shape)}; expected (B, {len(self.pmf)}, ...)")
        if not self.training:
            return features
        draws = len(features) if self.per_sample else 1
        k = 1 + torch.multinomial(self.pmf, draws, replacement=True).to(features.device)
        return keep_first(features, k if self.per_sample else k[0])

    def extra_repr(self) -> str:
        """The parameters, for ``print``."""
        return f"{len(self.pmf)}, s={self.s}, convention={self.convention!r}, per_sample={self.per_sample}"
