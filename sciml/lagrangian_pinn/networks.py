"""Tanh networks on a periodic embedding, with the derivatives a residual needs carried forward in one pass.

A network maps ``(x, t)`` to one number per branch. Its inputs are ``cos(2πkx/L)``, ``sin(2πkx/L)``, ``k = 1 … K``, and
the time scaled to [−1, 1], so that it and all its derivatives are L-periodic in ``x`` for any weights. A *jet* is the
value with the derivatives by ``t``, ``x`` and ``xx``, in this order; a network of order ``m`` carries the ``x``
derivatives up to the m-th.

With ``a = tanh z`` and ``s = 1 − a²`` a layer maps jets by

    ``a_t = s z_t``,    ``a_x = s z_x``,    ``a_xx = s z_xx − 2 a a_x z_x``,

and their cotangents, written with a bar, by

    ``z̄_t = s ā_t``,    ``z̄_x = s ā_x − 4 a a_x ā_xx``,    ``z̄_xx = s ā_xx``,
    ``z̄ = s ā − 2 a (a_t ā_t + a_x ā_x + a_xx ā_xx) − 2 a_x² ā_xx``,

so the reverse pass needs nothing but the activations. It ends in the gradient of a sum over points, or in the gradient
at each point.

References
----------
S. Dong, N. Ni, "A method for representing periodic functions and enforcing exactly periodic boundary conditions with
deep neural networks", arXiv 2007.07442: the embedding. The recurrences are the chain rule.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

VALUE, T, X, XX = range(4)  # positions in a jet
_BLOCK = 1024


class PeriodicMLP:
    """Independent tanh networks of one shape ("branches") on one embedding; holds no parameters.

    Parameters
    ----------
    L, T
        Period in ``x`` and end of the time interval.
    branches, harmonics, width, depth
        Number B of networks, K of harmonics, H of units in a layer, and of hidden layers.
    """

    def __init__(self, L: float, T: float, branches: int, harmonics: int, width: int, depth: int) -> None:
        self.L, self.T, self.branches, self.harmonics = L, T, branches, harmonics
        self.width = width
        sizes = [2 * harmonics + 1, *[width] * depth, 1]
        self.shapes = list(zip(sizes[1:], sizes[:-1], strict=True))
        self.lengths = [length for out, inp in self.shapes for length in (branches * out * inp, branches * out)]

    @property
    def n_parameters(self) -> int:
        """Number P of parameters of all branches."""
        return sum(self.lengths)

    def initial(self, seed: int) -> Tensor:
        """Glorot-uniform weights and zero biases, shape (P,), float64 on the CPU; the same for the same ``seed``."""
        generator = torch.Generator().manual_seed(seed)
        parts = []
        for out, inp in self.shapes:
            bound = math.sqrt(6.0 / (out + inp))
            uniform = torch.rand(self.branches * out * inp, generator=generator, dtype=torch.float64)
            parts += [bound * (2.0 * uniform - 1.0), torch.zeros(self.branches * out, dtype=torch.float64)]
        return torch.cat(parts)

    def layers(self, theta: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Views of (P, …) as the weights (B, out, in, …) and biases (B, out, …) of the layers, the first first."""
        flat, rest = torch.split(theta, self.lengths), theta.shape[1:]
        return [
            (flat[2 * i].view(self.branches, out, inp, *rest), flat[2 * i + 1].view(self.branches, out, *rest))
            for i, (out, inp) in enumerate(self.shapes)
        ]

    def embed(self, x: Tensor, t: Tensor, order: int) -> Tensor:
        """Jets of the inputs at points of shape (N,); shape (1, 2K + 1, order + 2, N)."""
        k = torch.arange(1, self.harmonics + 1, dtype=x.dtype, device=x.device)[:, None] * (2.0 * math.pi / self.L)
        cos, sin = torch.cos(k * x), torch.sin(k * x)
        jets = x.new_zeros(1, 2 * self.harmonics + 1, order + 2, x.shape[0])
        waves, time = jets[0, :-1].view(2, self.harmonics, order + 2, -1), jets[0, -1]
        for position, (c, s) in enumerate(((cos, sin), (-k * sin, k * cos), (-k * k * cos, -k * k * sin))[: order + 1]):
            channel = VALUE if position == 0 else T + position
            waves[0, :, channel], waves[1, :, channel] = c, s
        time[VALUE], time[T] = 2.0 * t / self.T - 1.0, 2.0 / self.T
        return jets


class Sweep:
    """Forward and reverse passes of a network at fixed points, in memory of its own.

    Points are taken in blocks small enough for the cache of a core, and every intermediate has its place from the
    start: fresh memory costs more than the arithmetic on it. A reverse pass belongs to the last forward pass.

    Parameters
    ----------
    network
        Its layers.
    embedding
        What `PeriodicMLP.embed` made of the points, shape (1, 2K + 1, C, N).
    block
        Points at a time.
    """

    def __init__(self, network: PeriodicMLP, embedding: Tensor, block: int = _BLOCK) -> None:
        self.network = network
        self._blocks = [_Block(network, part.contiguous()) for part in torch.split(embedding, block, dim=-1)]

    def forward(self, theta: Tensor) -> Tensor:
        """Jets of the outputs at the points, shape (B, C, N)."""
        layers = self.network.layers(theta)
        return torch.cat([block.forward(layers) for block in self._blocks], dim=-1)

    def gradient(self, seeds: Tensor) -> Tensor:
        """Gradient, shape (P,), of a scalar whose derivatives by the output jets are ``seeds`` (B, C, N)."""
        total = torch.zeros(self.network.n_parameters, dtype=seeds.dtype, device=seeds.device)
        for block, part in self._parts(seeds):
            for z_bar, a, (weight, bias) in block.reverse(part, self.network.layers(total)):
                weight += torch.matmul(z_bar.flatten(2), a.flatten(2).mT)
                bias += z_bar[:, :, VALUE].sum(-1)
        return total

    def gradients(self, seeds: Tensor, out: Tensor) -> None:
        """Write into ``out`` (P, N) the gradient at each point of a residual with derivatives ``seeds`` (B, C, N)."""
        start = 0
        for block, part in self._parts(seeds):
            columns = out[:, start : start + part.shape[-1]]
            for z_bar, a, (weight, bias) in block.reverse(part, self.network.layers(columns)):
                torch.mul(z_bar[:, :, None, VALUE], a[:, None, :, VALUE], out=weight)
                for channel in range(1, z_bar.shape[2]):
                    weight.addcmul_(z_bar[:, :, None, channel], a[:, None, :, channel])
                bias.copy_(z_bar[:, :, VALUE])
            start += part.shape[-1]

    def _parts(self, seeds: Tensor) -> Iterator[tuple[_Block, Tensor]]:
        sizes = [block.size for block in self._blocks]
        return zip(self._blocks, (part.contiguous() for part in torch.split(seeds, sizes, dim=-1)), strict=True)


class _Block:
    """The passes at one block of points."""

    def __init__(self, network: PeriodicMLP, embedding: Tensor) -> None:
        channels, self.size = embedding.shape[2:]
        hidden = (network.branches, network.width, channels, self.size)
        self._activations = [embedding, *(embedding.new_empty(hidden) for _ in network.shapes[1:])]
        self._cotangents = [torch.empty_like(a) for a in self._activations[1:]]
        self._slope, self._work, self._inner = (embedding.new_empty(hidden[0], hidden[1], self.size) for _ in range(3))
        self._one = embedding.new_ones(1)
        self._curved = channels > XX

    def forward(self, layers: list[tuple[Tensor, Tensor]]) -> Tensor:
        self._weights = [weight for weight, _ in layers]
        a = self._activations[0]
        for (weight, bias), out in zip(layers[:-1], self._activations[1:], strict=True):
            torch.matmul(weight, a.flatten(2), out=out.flatten(2))
            a = out
            value, slope = a[:, :, VALUE], self._slope
            value.add_(bias.unsqueeze(-1)).tanh_()
            torch.addcmul(self._one, value, value, value=-1.0, out=slope)
            if self._curved:
                torch.mul(value, a[:, :, X], out=self._work)
            a[:, :, 1:].mul_(slope.unsqueeze(2))
            if self._curved:
                a[:, :, XX].addcmul_(self._work, a[:, :, X], value=-2.0)
        weight, bias = layers[-1]
        jets = torch.matmul(weight, a.flatten(2)).view(len(weight), *a.shape[2:])
        jets[:, VALUE] += bias
        return jets

    def reverse(
        self, seeds: Tensor, layers: list[tuple[Tensor, Tensor]]
    ) -> Iterator[tuple[Tensor, Tensor, tuple[Tensor, Tensor]]]:
        """Cotangents of a layer's pre-activations, its input, and its place in ``layers``; the last layer first."""
        z_bar = seeds.unsqueeze(1)
        for index in range(len(layers) - 1, 0, -1):
            a, a_bar = self._activations[index], self._cotangents[index - 1]
            yield z_bar, a, layers[index]
            if z_bar.shape[1] == 1:  # a product of one column is no matter for matmul
                torch.mul(self._weights[index].mT.unsqueeze(-1), z_bar, out=a_bar)
            else:
                torch.matmul(self._weights[index].mT, z_bar.flatten(2), out=a_bar.flatten(2))
            value, slope, inner = a[:, :, VALUE], self._slope, self._inner
            torch.mul(a[:, :, T], a_bar[:, :, T], out=inner)
            for channel in range(X, a.shape[2]):
                inner.addcmul_(a[:, :, channel], a_bar[:, :, channel])
            inner.mul_(value)
            if self._curved:
                torch.mul(a[:, :, X], a_bar[:, :, XX], out=self._work)
                inner.addcmul_(a[:, :, X], self._work)
                self._work.mul_(value)
            torch.addcmul(self._one, value, value, value=-1.0, out=slope)
            z_bar = a_bar.mul_(slope.unsqueeze(2))
            z_bar[:, :, VALUE].sub_(inner, alpha=2.0)
            if self._curved:
                z_bar[:, :, X].sub_(self._work, alpha=4.0)
        yield z_bar, self._activations[0], layers[0]
