"""Cross-entropy with early-learning regularization, as a drop-in loss that keeps one target a sample.

Source: Liu, Niles-Weed, Razavian and Fernandez-Granda, "Early-Learning Regularization Prevents Memorization of Noisy
Labels", Section 4, arXiv 2007.00151.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from theory._labels import require_index, require_labels, require_logits


class ELRLoss(nn.Module):
    r"""``L = CE + λ · mean log(1 − ⟨p, t⟩)`` with temporal-ensembling targets ``t ← βt + (1 − β)p``.

    A call moves the targets of the batch by the current ``p = softmax(z)`` before it uses them, and holds them constant
    in the gradient. In evaluation mode the targets are used and not moved.

    The gradient by the logits is ``(1 − λ)p + λq − y``, with ``q_c = p_c(1 − t_c)/(1 − ⟨p, t⟩)`` a distribution: its
    1-norm is at most ``2 max(1, λ)`` at any margin, and no finite logits give a NaN. To that end ``1 − t_c`` of the
    largest entry is summed from the others and from ``1 − Σ t = β^k``, which is kept; a difference would lose it as
    ``t → 1``.

    Parameters
    ----------
    num_samples
        Size ``n`` of the data set.
    num_classes
        ``C ≥ 2``.
    lam
        ``λ ≥ 0``. The paper uses 3 on CIFAR-10 with symmetric noise, 1 with asymmetric, 7 on CIFAR-100.
    beta
        ``β`` in ``[0, 1)``. The paper uses 0.7, and 0.9 with asymmetric noise and on CIFAR-100.
    clamp
        ``None`` for the formula above. A number ``ε`` in ``(0, 1/2)`` clamps ``p`` to ``[ε, 1 − ε]`` in the regularizer
        as the authors' published code does with ε = 1e−4; entries beyond get no gradient from the regularizer, none
        does once the largest probability is above ``1 − ε``, and the bound on the gradient no longer holds.

    Attributes
    ----------
    target
        Buffer ``(n, C)``, float32, zero at first; stored in checkpoints, moved by ``.to``.
    deficit
        Buffer ``(n,)``, ``1 − Σ_c t_c`` of each target before rounding, 1 at first.

    Raises
    ------
    ValueError
        For a parameter out of range, naming it.

    Notes
    -----
    The paper, Section 4; the gradient is its Lemma 2. Memory is ``4n(C + 1)`` bytes: 20 MB for CIFAR-100, 5 GB for
    ImageNet. The loss can be differentiated once: ``create_graph=True`` raises ``RuntimeError``. Under data parallelism
    each process moves the rows it has seen.

    Examples
    --------
    >>> loss = ELRLoss(num_samples=50_000, num_classes=10)
    >>> logits = torch.zeros(2, 10, requires_grad=True)
    >>> loss(logits, labels=torch.tensor([3, 7]), index=torch.tensor([41_002, 17])).backward()
    """

    target: torch.Tensor
    deficit: torch.Tensor

    def __init__(
        self,
        num_samples: int,
        num_classes: int,
        lam: float = 3.0,
        beta: float = 0.7,
        clamp: float | None = None,
    ) -> None:
        super().__init__()
        if num_samples < 1:
            raise ValueError(f"num_samples is {num_samples}; expected an integer >= 1")
        if num_classes < 2:
            raise ValueError(f"num_classes is {num_classes}; expected an integer >= 2")
        if not 0.0 <= lam < math.inf:
            raise ValueError(f"lam is {lam}; expected a finite number >= 0")
        if not 0.0 <= beta < 1.0:
            raise ValueError(f"beta is {beta}; expected a number in [0, 1)")
        if clamp is not None and not 0.0 < clamp < 0.5:
            raise ValueError(f"clamp is {clamp}; expected None or a number in (0, 1/2)")
        self.lam, self.beta, self.clamp = lam, beta, clamp
        self.register_buffer("target", torch.zeros(num_samples, num_classes))
        self.register_buffer("deficit", torch.ones(num_samples))

    def forward(self, logits: torch.Tensor, labels: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        """The mean loss of a batch.

        Parameters
        ----------
        logits
            ``z``, shape ``(B, C)``, finite, on the device of the buffers. float16 and bfloat16 are computed in float32.
        labels
            The observed, possibly wrong classes, shape ``(B,)``, integers in ``[0, C)``.
        index
            Positions of the samples in the data set, shape ``(B,)``, distinct integers in ``[0, n)``: not positions in
            the batch.

        Returns
        -------
        torch.Tensor
            A scalar of the dtype of ``logits``, or float32 for half precision; negative values are in order.

        Raises
        ------
        ValueError
            For logits, labels or indices of another kind, naming the argument; the targets are then unchanged.
        """
        target = self.target
        if logits.device != target.device:
            raise ValueError(
                f"logits is on {logits.device} and the targets on {target.device}; "
                "expected one device, move the loss by .to(device)"
            )
        require_logits(logits)
        batch, classes = logits.shape
        num_samples, num_classes = target.shape
        if classes != num_classes:
            raise ValueError(f"logits has {classes} columns; expected num_classes = {num_classes}")
        require_labels(labels, batch, num_classes, logits.device)
        require_index(index, batch, num_samples, logits.device)
        loss: torch.Tensor = _FusedLoss.apply(logits, labels.long(), index.long(), self)  # type: ignore[no-untyped-call]
        return loss

    def extra_repr(self) -> str:
        """The parameters, for ``print``."""
        num_samples, num_classes = self.target.shape
        return f"{num_samples}, {num_classes}, lam={self.lam}, beta={self.beta}, clamp={self.clamp}"


class _FusedLoss(torch.autograd.Function):
    """The loss, with its gradient found on the way."""

    @staticmethod
    def forward(
        ctx: Any, logits: torch.Tensor, labels: torch.Tensor, index: torch.Tensor, state: ELRLoss
    ) -> torch.Tensor:
        z = logits if logits.dtype == torch.float64 else logits.float()
        form = _log_sum_exp_form if state.clamp is None else _clamped_form
        loss, gradient = form(z, labels, index, state)
        gradient.scatter_add_(1, labels.unsqueeze(1), gradient.new_full((len(z), 1), -1.0 / len(z)))
        ctx.save_for_backward(gradient)
        ctx.dtype = logits.dtype
        return loss

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        if torch.is_grad_enabled():
            raise RuntimeError(
                "the gradient of ELRLoss was asked for with create_graph=True; it is not differentiable, "
                "add lam * elr_regularizer to the cross-entropy instead"
            )
        (gradient,) = ctx.saved_tensors
        return (gradient * upstream).to(ctx.dtype), None, None, None


def _log_sum_exp_form(
    z: torch.Tensor, labels: torch.Tensor, index: torch.Tensor, state: ELRLoss
) -> tuple[torch.Tensor, torch.Tensor]:
    """``R = log Σ_c w_c``, ``w_c = p_c(1 − t_c)``; returns the loss and ``((1 − λ)p + λw/Σw)/B``."""
    p = torch.log_softmax(z, 1)
    loss = F.nll_loss(p, labels)
    p.exp_()
    t, deficit = _rows(state, index, z.dtype)
    if state.training:
        t.lerp_(p, 1.0 - state.beta)
        _store(state, index, t, deficit.mul_(state.beta))
    if saturated := t.amax(1).amax().item() > 0.5:  # otherwise no difference 1 − t_c loses a digit
        _, top = t.max(1, keepdim=True)
        rest = t.scatter_(1, top, 0.0).sum(1, keepdim=True).add_(deficit.unsqueeze(1))
    w = torch.addcmul(p, p, t, value=-1.0, out=t)
    if saturated:
        w.scatter_(1, top, p.gather(1, top).mul_(rest))
    total = w.sum(1, keepdim=True)
    log_total = total.log()
    if saturated and total.amin().item() < _smallest_accurate(z.dtype):
        t, _ = _rows(state, index, z.dtype)
        log_w = torch.log_softmax(z, 1).add_(torch.sub(1.0, t, out=t).scatter_(1, top, rest).log_())
        log_total = torch.logsumexp(log_w, dim=1, keepdim=True)
        w, total = log_w.sub_(log_total).exp_(), torch.ones_like(total)
    weight = state.lam / len(z)
    loss.add_(log_total.sum(), alpha=weight)
    return loss, p.mul_(1.0 / len(z) - weight).addcdiv_(w, total, value=weight)


def _clamped_form(
    z: torch.Tensor, labels: torch.Tensor, index: torch.Tensor, state: ELRLoss
) -> tuple[torch.Tensor, torch.Tensor]:
    """``R = log(1 − ⟨p̄, t⟩)``, ``p̄ = clamp(p)``, rounded as by the authors' code; its gradient is by the chain rule."""
    assert state.clamp is not None
    low, high = state.clamp, 1.0 - state.clamp
    p = F.softmax(z, dim=1)
    clamped = p.clamp(low, high)
    t, deficit = _rows(state, index, z.dtype)
    if state.training:
        share = clamped / clamped.sum(dim=1, keepdim=True)
        t.mul_(state.beta).add_(share.mul_(1.0 - state.beta))
        _store(state, index, t, deficit.mul_(state.beta))
    overlap = t.mul_(clamped)
    rest = 1.0 - overlap.sum(dim=1)
    loss = F.cross_entropy(z, labels) + state.lam * rest.log().mean()
    overlap.masked_fill_(clamped != p, 0.0)
    slope = (state.lam / len(z)) / rest[:, None]
    gradient = p.mul_(1.0 / len(z) + slope * overlap.sum(dim=1, keepdim=True)).addcmul_(overlap, slope, value=-1.0)
    return loss, gradient


def _rows(state: ELRLoss, index: torch.Tensor, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """Copies of the targets of the samples and of their deficits."""
    return state.target.index_select(0, index).to(dtype), state.deficit.index_select(0, index).to(dtype)


def _store(state: ELRLoss, index: torch.Tensor, rows: torch.Tensor, deficit: torch.Tensor) -> None:
    """Puts the rows and the deficits of the samples back, in the dtype of the buffers."""
    targets, deficits = state.target, state.deficit
    targets.index_copy_(0, index, rows.to(targets.dtype))
    deficits.index_copy_(0, index, deficit.to(deficits.dtype))


def _smallest_accurate(dtype: torch.dtype) -> float:
    """Below it a sum of products of probabilities may have lost terms to underflow."""
    limits = torch.finfo(dtype)
    return float(limits.tiny / limits.eps**2)
