"""Fields f(t, y) that are modules."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


class TimeMLP(nn.Module):
    """A perceptron each of whose layers sees the time: f(t, y) = σ(W_L[… σ(W_1[y; t] + b_1) …; t] + b_L).

    Attributes
    ----------
    layers
        Linear maps of D_i + 1 inputs, the last of which is t, to D_{i+1} outputs.

    Parameters
    ----------
    widths
        D_0, …, D_L, at least two. D_0 = D_L for the field of an equation.
    activation
        σ, after each layer.
    bounded
        Whether it follows the last layer too, as in the classifiers of arXiv 2105.03918. It bounds the speed |f|.

    Raises
    ------
    ValueError
        If there are fewer than two widths or one is below 1.

    Examples
    --------
    >>> field = TimeMLP([64, 50, 64])
    >>> field(torch.tensor(0.5), torch.zeros(7, 64)).shape
    torch.Size([7, 64])
    """

    def __init__(self, widths: Sequence[int], activation: nn.Module | None = None, *, bounded: bool = True) -> None:
        super().__init__()
        if len(widths) < 2 or min(widths) < 1:
            raise ValueError(f"widths is {list(widths)}; expected at least two positive numbers")
        self.layers = nn.ModuleList(nn.Linear(before + 1, after) for before, after in itertools.pairwise(widths))
        self.activation = nn.Tanh() if activation is None else activation
        self.bounded = bounded

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        """The value at a 0-d time and a state (..., D_0): (..., D_L)."""
        for i, layer in enumerate(self.layers):
            assert isinstance(layer, nn.Linear)
            shift = torch.addcmul(layer.bias, t, layer.weight[:, -1])
            y = functional.linear(y, layer.weight[:, :-1], shift)
            if self.bounded or i < len(self.layers) - 1:
                y = self.activation(y)
        return y


class Autonomous(nn.Module):
    """The field f(t, y) = net(y) of a module that does not see the time.

    Parameters
    ----------
    net
        From states to slopes of the same shape.

    Examples
    --------
    >>> Autonomous(nn.Linear(3, 3))(torch.tensor(0.0), torch.zeros(5, 3)).shape
    torch.Size([5, 3])
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        """net(y)."""
        slope: Tensor = self.net(y)
        return slope
