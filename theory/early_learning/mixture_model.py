"""Two Gaussian clusters whose labels are partly replaced by coin flips: the linear model of early learning.

``n`` examples of dimension ``p``: a fair sign ``e*_i``, features ``x_i = e*_i (v − σ z_i)`` with ``|v| = 1`` and
``z_i ~ N(0, I)``, and an observed label ``e_i`` that is ``e*_i`` with probability ``1 − Δ`` and a fair coin else. The
share of *wrong* labels is therefore ``Δ/2``, not ``Δ``.

References
----------
S. Liu, J. Niles-Weed, N. Razavian, C. Fernandez-Granda, "Early-Learning Regularization Prevents Memorization of Noisy
Labels", Section 3 and Appendix A, arXiv 2007.00151.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from scipy.special import ndtr

from theory._numbers import Floats, require_integer, require_number

Booleans: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]

INITIAL_NORM = 2.0
"""Length of the initial parameter θ_0 in the paper's analysis."""


@dataclass(frozen=True)
class GaussianMixtureNoisyLabels:
    """One seeded sample of the model.

    Parameters
    ----------
    n, p
        Number of examples and dimension, at least 1.
    sigma
        Standard deviation σ ≥ 0 of the noise, in units of the distance of a cluster from the origin.
    Delta
        Probability Δ in [0, 1] that a label is replaced by a fair coin.
    seed
        Nonnegative; the same seed gives the same sample.

    Attributes
    ----------
    features
        ``x``, shape (n, p), float64.
    true_labels, labels
        ``e*`` and ``e``, shape (n,), float64, ±1.

    Raises
    ------
    TypeError, ValueError
        For arguments other than described above.

    Examples
    --------
    >>> data = GaussianMixtureNoisyLabels(n=1000, p=900, sigma=0.2, Delta=0.4, seed=0)
    >>> data.wrong.mean()  # about Delta / 2
    """

    n: int
    p: int
    sigma: float
    Delta: float
    seed: int = 0
    features: Floats = field(init=False, repr=False, compare=False)
    true_labels: Floats = field(init=False, repr=False, compare=False)
    labels: Floats = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        n, p = require_integer("n", self.n, 1), require_integer("p", self.p, 1)
        sigma = require_number("sigma", self.sigma, 0.0, 1e150)
        replaced = require_number("Delta", self.Delta, 0.0, 1.0)
        draw = np.random.default_rng([require_integer("seed", self.seed, 0), 0])
        true = draw.choice([-1.0, 1.0], n)
        labels = np.where(draw.random(n) < replaced, draw.choice([-1.0, 1.0], n), true)
        features = draw.standard_normal((n, p))
        features *= -sigma * true[:, None]
        features[:, 0] += true
        for name, array in (("features", features), ("true_labels", true), ("labels", labels)):
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    @cached_property
    def direction(self) -> Floats:
        """``v``, the mean of the cluster of sign +1: the first unit vector, without loss as z is isotropic."""
        direction = np.zeros(self.p)
        direction[0] = 1.0
        return direction

    @cached_property
    def wrong(self) -> Booleans:
        """Which labels differ from the true ones (the set W; its complement is C), shape (n,)."""
        return np.not_equal(self.labels, self.true_labels)

    def initial_parameter(self, *, orthogonal: bool = False) -> Floats:
        """``θ_0``, uniform on the sphere of radius 2, drawn from the seed, independent of the sample; shape (p,).

        Parameters
        ----------
        orthogonal
            Draw it orthogonal to ``v`` instead, as it is in the limit ``p → ∞``; needs ``p ≥ 2``. Otherwise ``θ_0·v``
            has standard deviation ``2/√p``, which at p = 1000 is comparable to the 1/10 that early learning gains.
        """
        if orthogonal and self.p == 1:
            raise ValueError("p is 1; expected at least 2 for a parameter orthogonal to v")
        theta = np.random.default_rng([self.seed, 1]).standard_normal(self.p)
        if orthogonal:
            theta[0] = 0.0
        return theta * (INITIAL_NORM / np.linalg.norm(theta))

    def population_accuracy(self, theta: Any) -> Any:
        """Probability ``Φ(θ·v / (σ |θ|))`` that a fresh example is classified by its true sign.

        Parameters
        ----------
        theta
            Shape (..., p), real and finite.

        Returns
        -------
        float or array of shape (...)
            1/2 where ``θ·v = 0``, so also at ``θ = 0``, where the sign is undefined.

        Raises
        ------
        ValueError
            If ``theta`` has another last dimension.
        """
        theta = np.asarray(theta, dtype=np.float64)
        if theta.ndim == 0 or theta.shape[-1] != self.p:
            raise ValueError(f"theta has shape {theta.shape}; expected (..., {self.p})")
        scale = np.abs(theta).max(axis=-1, keepdims=True)
        unit = theta / np.where(scale > 0.0, scale, 1.0)
        overlap, spread = unit[..., 0], self.sigma * np.linalg.norm(unit, axis=-1)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            signal = np.where(overlap == 0.0, 0.0, overlap / spread)
        result = ndtr(signal)
        return float(result) if result.ndim == 0 else result
