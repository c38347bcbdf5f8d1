"""The 1,797 digits of scikit-learn: 500 for the test, the same for every seed, and 1,297 to train and choose with."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor


class Part(NamedTuple):
    """Images (N, 64) with entries in [0, 1], and labels (N,)."""

    x: Tensor
    label: Tensor


class Digits(NamedTuple):
    """Training, validation and test part; the second is within the first where more than 997 are to be trained on."""

    train: Part
    validation: Part
    test: Part


@functools.cache
def digits(train: int, seed: int) -> Digits:
    """The last ``train`` of 1,297 shuffled images, the first 300 of them for validation, 500 for the test; float64."""
    images, labels = load_digits(return_X_y=True)
    test, rest = np.split(np.random.default_rng(0).permutation(len(labels)), [500])
    rest = np.random.default_rng([seed, 1]).permutation(rest)
    return Digits(
        *(Part(torch.tensor(images[p] / 16.0), torch.tensor(labels[p])) for p in (rest[-train:], rest[:300], test))
    )
