"""Perturbations of the inputs, at most ε in each coordinate, that raise the squared error of a model.

References
----------
I. Goodfellow, J. Shlens, C. Szegedy, "Explaining and Harnessing Adversarial Examples", Section 4, arXiv 1412.6572
(FGSM). A. Madry et al., "Towards Deep Learning Models Resistant to Adversarial Attacks", Section 2.1, arXiv 1706.06083
(PGD).
"""

from __future__ import annotations

from collections.abc import Callable

import torch

Tensor = torch.Tensor
Model = Callable[[Tensor], Tensor]


def ascent(model: Model, x: Tensor, y: Tensor) -> Tensor:
    """Sign of the gradient of each row's squared error with respect to the row, (N, d)."""
    inputs = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad((model(inputs) - y).square().sum(), inputs)
    return gradient.sign()


def fgsm(model: Model, x: Tensor, y: Tensor, epsilon: float) -> Tensor:
    """Inputs (N, d) after one step of ε: the fast gradient sign method."""
    return x + epsilon * ascent(model, x, y)


def pgd(model: Model, x: Tensor, y: Tensor, epsilon: float, step: float, steps: int) -> Tensor:
    """Inputs (N, d) after ``steps`` steps, each projected to the box of ±ε about x, from x itself."""
    moved = x
    for _ in range(steps):
        moved = (moved + step * ascent(model, moved, y)).clamp(x - epsilon, x + epsilon)
    return moved
