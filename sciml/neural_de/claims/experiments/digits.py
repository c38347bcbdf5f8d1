"""The 1,797 digits of scikit-learn in three parts."""

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
    """Training, validation and test part."""

    train: Part
    validation: Part
    test: Part


@functools.cache
def digits(train: int, seed: int) -> Digits:
    """The first ``train`` of 997 training images, 300 for validation and 500 for the test, split at random; float64."""
    images, labels = load_digits(return_X_y=True)
    parts = np.split(np.random.default_rng([seed, 1]).permutation(len(labels)), [500, 800])
    test, validation, rest = (Part(torch.tensor(images[p] / 16.0), torch.tensor(labels[p])) for p in parts)
    return Digits(Part(rest.x[:train], rest.label[:train]), validation, test)
