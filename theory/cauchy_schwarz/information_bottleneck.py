"""The Cauchy–Schwarz information bottleneck: its training loss, and the plane in which such models are compared.

References
----------
S. Yu, X. Yu, S. Løkse, R. Jenssen, J. C. Príncipe, "Cauchy-Schwarz Divergence Information Bottleneck for Regression",
arXiv 2404.17951, Sections 3 and 4.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, get_args

import torch
from torch import nn

from theory._arrays import as_float64
from theory.cauchy_schwarz._conventions import Convention, log_cosine_factor, per_nat
from theory.cauchy_schwarz._samples import as_rows, require_paired
from theory.cauchy_schwarz.conditional import Variant, conditional_divergence
from theory.cauchy_schwarz.mutual_information import mutual_information, normalized_mutual_information

Tensor = torch.Tensor


class BottleneckLoss(NamedTuple):
    """Scalars: ``total = prediction + beta * compression``."""

    total: Tensor
    prediction: Tensor
    compression: Tensor


class CSInformationBottleneckLoss(nn.Module):
    """Loss ``D_CS(p(y|x); q(ŷ|x)) + β I_CS(x; t)`` of a regression through a representation t.

    Call it with a batch ``x, t, y, y_hat`` and minimize ``total``.

    Parameters
    ----------
    beta
        β ≥ 0, the weight of the compression.
    bandwidth_x, bandwidth_t, bandwidth_y
        Of the kernels of inputs, representation, and targets with predictions, each in the units of its variable. The
        divergence is a bounded loss of each residual in units of ``bandwidth_y``: residuals far above it have almost no
        gradient.
    variant
        Of the divergence, see `conditional_divergence`.
    normalized
        Whether the compression is `normalized_mutual_information` (0 with gradient 0 for a collapsed representation),
        which cannot be lowered by shrinking t, or `mutual_information`.
    convention, base
        Of the divergence, and of the mutual information unless normalized.

    Raises
    ------
    ValueError
        For a ``beta`` that is negative or not finite, a bandwidth that is not positive and finite, an unknown variant
        or convention, or a base that is not above 1.

    References
    ----------
    arXiv 2404.17951, the objective of Section 3. The released code differs: its predictions and targets have shape
    (N,), for which its divergence is the sum of squared errors.

    Examples
    --------
    >>> criterion = CSInformationBottleneckLoss(beta=0.01, bandwidth_x=1.0, bandwidth_t=1.0, bandwidth_y=1.0)
    >>> x = torch.arange(6.0)
    >>> loss = criterion(x, x, y=x, y_hat=x)
    >>> round(loss.prediction.item(), 6), round(loss.compression.item(), 6)
    (0.0, 1.0)
    """

    def __init__(
        self,
        beta: float,
        bandwidth_x: float,
        bandwidth_t: float,
        bandwidth_y: float,
        variant: Variant = "psd",
        normalized: bool = True,
        convention: Convention = "full",
        *,
        base: float = math.e,
    ) -> None:
        super().__init__()
        if not 0.0 <= beta < math.inf:
            raise ValueError(f"beta is {beta}; expected a finite number of at least 0")
        for name, value in (("bandwidth_x", bandwidth_x), ("bandwidth_t", bandwidth_t), ("bandwidth_y", bandwidth_y)):
            if not 0.0 < value < math.inf:
                raise ValueError(f"{name} is {value}; expected a positive finite number")
        if variant not in get_args(Variant):
            raise ValueError(f"variant is {variant!r}; expected one of {get_args(Variant)}")
        log_cosine_factor(convention, base)
        self.beta, self.variant, self.normalized = beta, variant, normalized
        self.bandwidth_x, self.bandwidth_t, self.bandwidth_y = bandwidth_x, bandwidth_t, bandwidth_y
        self.convention, self.base = convention, base

    def forward(self, x: Tensor, t: Tensor, y: Tensor, y_hat: Tensor) -> BottleneckLoss:
        """Evaluate the loss on a batch of N.

        Parameters
        ----------
        x, t, y, y_hat
            Inputs (N, d), representation (N, k), targets and predictions (N, e); (N,) is (N, 1).

        Returns
        -------
        BottleneckLoss
            Scalars. ``compression`` carries no gradient if β is 0.

        Raises
        ------
        TypeError, ValueError
            As `conditional_divergence` and `mutual_information`.
        """
        prediction = conditional_divergence(
            x, y, y_hat, self.bandwidth_x, self.bandwidth_y, self.variant, self.convention, base=self.base
        )
        widths = self.bandwidth_x, self.bandwidth_t
        if self.beta == 0.0:
            x, t = x.detach(), t.detach()
        if self.normalized:
            compression = normalized_mutual_information(x, t, *widths)
        else:
            compression = mutual_information(x, t, *widths, self.convention, base=self.base)
        return BottleneckLoss(prediction + self.beta * compression, prediction, compression)

    def extra_repr(self) -> str:
        names = ("beta", "bandwidth_x", "bandwidth_t", "bandwidth_y", "variant", "normalized", "convention", "base")
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in names)


@dataclass(frozen=True)
class InformationPlane:
    """Places of R models in the information plane; arrays (R,). See `information_plane`.

    Attributes
    ----------
    information
        ``I_CS(x; t_r)``, normalized or in the unit asked for.
    compression
        ``1 − I_CS(x; t_r) / I_CS(x; t_0)``: 0 for the reference, at most 1; negative for a representation that keeps
        more than the reference.
    relevance
        ``I(t_r; y)`` of a Gaussian channel, ``½ log(var y / mse_r)``, summed over the features of y. Negative if the
        prediction is worse than the mean.
    """

    information: Any
    compression: Any
    relevance: Any


def information_plane(
    x: Any,
    y: Any,
    representations: Sequence[Any],
    predictions: Sequence[Any],
    bandwidth_x: float,
    bandwidth_t: float,
    normalized: bool = True,
    convention: Convention = "full",
    *,
    base: float = 2.0,
) -> InformationPlane:
    """Place models that share inputs and targets in the information plane: compression against relevance.

    Parameters
    ----------
    x, y
        Inputs (N, d) and targets (N, e), real floating, NumPy or torch; (N,) is (N, 1).
    representations
        ``t_r``, (N, k_r), of R ≥ 1 models, by increasing β; the first is the reference, that of β = 0.
    predictions
        ``ŷ_r``, (N, e), of the same models.
    bandwidth_x, bandwidth_t
        Of the kernels of x and of all t. They are no common currency for methods whose representations differ in
        scale, unless these are brought to one scale before.
    normalized
        Whether to use `normalized_mutual_information` or `mutual_information`.
    convention
        Of the mutual information unless normalized.
    base
        Unit of the relevance, and of the mutual information unless normalized; 2 for bits.

    Returns
    -------
    InformationPlane
        Kind and dtype as the arguments; detached.

    Raises
    ------
    TypeError
        For input that is not real and floating.
    ValueError
        For different numbers of representations and predictions, or none; a reference without information on x; a
        constant feature of y, or a perfect prediction of one, which have no relevance; and as `mutual_information`.

    References
    ----------
    arXiv 2404.17951, Section 4.
    """
    if len(representations) != len(predictions) or not len(predictions):
        raise ValueError(
            f"got {len(representations)} representations and {len(predictions)} predictions; "
            "expected one of each for every model"
        )
    unit = per_nat(base)
    named = {f"representations[{r}]": value for r, value in enumerate(representations)}
    named |= {f"predictions[{r}]": value for r, value in enumerate(predictions)}
    (inputs, targets, *others), restore = as_float64(x=x, y=y, **named)
    require_paired(x=inputs, y=targets, **dict(zip(named, others, strict=True)))
    targets = as_rows("y", targets)
    information, relevance = [], []
    with torch.no_grad():
        for r, (t, predicted) in enumerate(zip(representations, predictions, strict=True)):
            if normalized:
                found = normalized_mutual_information(x, t, bandwidth_x, bandwidth_t)
            else:
                found = mutual_information(x, t, bandwidth_x, bandwidth_t, convention, base=base)
            information.append(torch.as_tensor(found, dtype=torch.float64))
            predicted = as_rows(f"predictions[{r}]", others[len(predictions) + r])
            relevance.append(unit * _channel_information(targets, predicted, f"predictions[{r}]"))
        held, relevant = torch.stack(information), torch.stack(relevance)
        if not held[0] > 0.0:
            raise ValueError("representations[0] has no information on x; expected a reference that has")
        return InformationPlane(restore(held), restore(1.0 - held / held[0]), restore(relevant))


def _channel_information(targets: Tensor, predicted: Tensor, name: str) -> Tensor:
    if predicted.shape != targets.shape:
        raise ValueError(
            f"{name} has {predicted.shape[1]} features, y has {targets.shape[1]}; expected the same number"
        )
    variance, error = targets.var(0, correction=0), (targets - predicted).square().mean(0)
    if bool((variance == 0.0).any()):
        raise ValueError("y has a constant feature; expected features that vary")
    if bool((error == 0.0).any()):
        raise ValueError(f"{name} equals a feature of y; expected an error above 0, relevance is infinite without")
    return 0.5 * torch.log(variance / error).sum()
