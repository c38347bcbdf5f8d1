"""Small images with labels, split and with wrong labels by seed: scikit-learn's digits and 5,000 digits of MNIST.

They stand in for CIFAR, Clothing1M and WebVision, which are in no package.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
import torch
from sklearn.datasets import load_digits

from theory.early_learning.label_noise import symmetric_noise
from verify.datasets import mnist_digits

Tensor = torch.Tensor

CLASSES = 10


class Problem(NamedTuple):
    """One classification problem a seed, S in all: inputs (S, n, d) float32, classes (S, n) int64.

    Attributes
    ----------
    x, observed, true
        Training inputs, their labels after noise, and before.
    x_test, true_test
        Clean test data.
    """

    x: Tensor
    observed: Tensor
    true: Tensor
    x_test: Tensor
    true_test: Tensor


@functools.cache
def images(data: str) -> tuple[Tensor, Tensor]:
    """Pixels in [0, 1], (N, d) float32, and classes (N,): ``"digits"`` is 1797 × 64, ``"MNIST"`` 5000 × 784."""
    if data == "digits":
        pixels, classes = load_digits(return_X_y=True)
        return torch.from_numpy(pixels / 16).float(), torch.from_numpy(classes).long()
    return mnist_digits()


@functools.cache
def noisy_problem(data: str, train: int, noise: float, seeds: tuple[int, ...]) -> Problem:
    """A random split a seed; with probability ``noise`` a training label becomes a random *other* class.

    Pixels are standardised by the mean and standard deviation over all pixels of the training set.
    """
    pixels, classes = images(data)
    problems = []
    for seed in seeds:
        rng = np.random.default_rng([seed, 0])
        order = torch.from_numpy(rng.permutation(len(classes)))
        inside, outside = order[:train], order[train:]
        x = (pixels - pixels[inside].mean()) / pixels[inside].std()
        true = classes[inside]
        observed = symmetric_noise(true.numpy(), noise, CLASSES, exclude_true=True, seed=rng).labels
        problems.append((x[inside], torch.from_numpy(observed), true, x[outside], classes[outside]))
    return Problem(*(torch.stack(part) for part in zip(*problems, strict=True)))
