"""The Marchenko–Pastur law, the limit of the spectrum of ``X = WᵀW/N`` for independent entries of variance σ².

All integrals use ``λ = σ² (1 + q + 2 √q cos t)``, under which ``ρ dλ = (2/π) sin² t / (1 + q + 2 √q cos t) dt`` on
``0 ≤ t ≤ π`` has no singular end, ``q = 1`` included.

References
----------
V. Marchenko, L. Pastur, "Distribution of eigenvalues for some sets of random matrices", Math. USSR Sbornik 1 (1967)
457. C. H. Martin, C. Hinrichs, "SETOL: A Semi-Empirical Theory of (Deep) Learning", arXiv 2507.17912, Section 2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from scipy.special import comb

from theory._numbers import Floats, require_integer, require_number
from theory.setol._spectra import as_reals

Side: TypeAlias = Literal["inner", "outer"]


@dataclass(frozen=True)
class MarchenkoPastur:
    """The law of aspect ratio ``q = M/N`` and entries of standard deviation σ; build it with `marchenko_pastur`.

    ``side`` distinguishes the M × M matrix ``WᵀW/N`` (``"inner"``) from the N × N matrix ``W Wᵀ/N`` (``"outer"``),
    which has the same nonzero eigenvalues and a mass of ``1 − q`` at 0.

    Attributes
    ----------
    q, sigma
        In (0, 1] and [1e−150, 1e150].
    """

    q: float
    sigma: float

    @property
    def edges(self) -> tuple[float, float]:
        """``(λ₋, λ₊) = σ² (1 ∓ √q)²``, in squared units of the entries."""
        low, high = _unit_edges(self.q)
        return self.sigma**2 * low, self.sigma**2 * high

    def pdf(self, lam: Any) -> Any:
        """Density ``√((λ₊ − λ)(λ − λ₋)) / (2π σ² q λ)``, 0 off the support; infinite at 0 for ``q = 1``."""
        variance, (low, high) = self.sigma**2, _unit_edges(self.q)
        lam = as_reals("lam", lam) / variance
        inside = np.where((lam > low) & (lam < high), lam, high)
        density = np.sqrt((high - inside) * (inside - low)) / (2.0 * math.pi * variance * self.q * inside)
        return _scalar(np.where((lam == 0.0) & (low == 0.0), math.inf, density))

    def cdf(self, lam: Any) -> Any:
        """Probability of ``(−∞, λ]``, to an absolute error of about 1e−15/√q, as λ itself implies.

        With ``ψ = arctan(√q sin t / (1 + √q cos t))`` the mass above λ is ``[t + ((1 − q) ψ − √q sin t) / q] / π``.
        """
        return _scalar(1.0 - self._mass_above(self._angle(as_reals("lam", lam))))

    def quantile(self, p: Any) -> Any:
        """The λ with ``cdf(λ) = p``, for p in [0, 1], by bisection."""
        p = as_reals("p", p)
        if p.min() < 0.0 or p.max() > 1.0:
            raise ValueError(f"p contains {p[(p < 0.0) | (p > 1.0)][0]}; expected numbers in [0, 1]")
        low, high = np.zeros_like(p), np.full_like(p, math.pi)
        for _ in range(60):
            middle = 0.5 * (low + high)
            above = self._mass_above(middle) > 1.0 - p
            low, high = np.where(above, low, middle), np.where(above, middle, high)
        return _scalar(self._eigenvalue(0.5 * (low + high)))

    def moment(self, k: int, side: Side = "inner") -> float:
        """``E λᵏ = σ²ᵏ Σ_{r<k} C(k, r) C(k−1, r) qʳ / (r + 1)`` for ``k ≥ 1``, times q for ``"outer"``; ``E 1 = 1``."""
        require_integer("k", k, 0)
        _require_side(side)
        if k == 0:
            return 1.0
        terms = (comb(k, r, exact=True) * comb(k - 1, r, exact=True) // (r + 1) * self.q**r for r in range(k))
        return self.sigma ** (2 * k) * math.fsum(terms) * (self.q if side == "outer" else 1.0)

    def stieltjes(self, z: Any, side: Side = "inner") -> Any:
        """``G(z) = ∫ ρ(λ) / (z − λ) dλ`` off the support.

        Parameters
        ----------
        z
            Complex or real, a number or an array; real z outside ``[λ₋, λ₊]``, and not 0 for ``"outer"`` with ``q <
            1``.
        side
            Which of the two matrices.

        Returns
        -------
        float, complex or array
            Real for real z. It is the root ``~ 1/z`` of ``q σ² z G² + (σ² (1 − q) − z) G + 1 = 0`` for ``"inner"``, and
            ``q G + (1 − q)/z`` for ``"outer"``. The density is ``−Im G(λ + i0) / π``.

        Raises
        ------
        TypeError, ValueError
            For z other than described above.
        """
        _require_side(side)
        array = np.asarray(z)
        real = array.dtype.kind != "c"
        array = as_reals("z", array).astype(np.complex128) if real else _finite_complex("z", array)
        low, high = self.edges
        on_cut = (array.imag == 0.0) & (array.real >= low) & (array.real <= high)
        if on_cut.any():
            raise ValueError(f"z contains {array[on_cut][0].real}; expected numbers off the support [{low}, {high}]")
        atom = side == "outer" and self.q < 1.0
        if atom and (array == 0.0).any():
            raise ValueError("z contains 0; expected other numbers, as the outer law has an atom there")
        variance, (low, high) = self.sigma**2, _unit_edges(self.q)
        scaled = array / variance
        inner = 2.0 / (scaled - (1.0 - self.q) + np.sqrt(scaled - high) * np.sqrt(scaled - low)) / variance
        result = self.q * inner + (1.0 - self.q) / array if atom else inner
        return _scalar(result.real if real else result)

    def r_transform(self, w: Any, side: Side = "inner") -> Any:
        """``R(w) = B(w) − 1/w`` with ``G(B(w)) = w``: ``σ² / (1 − σ² q w)`` (inner), ``q σ² / (1 − σ² w)`` (outer).

        Parameters
        ----------
        w
            Real or complex, a number or an array, other than the pole. ``R`` inverts ``G`` on the image of the
            complement of the support, on the real line ``w ≤ G(λ₊)``, and continues it analytically beyond.
        side
            Which of the two matrices; only the atom at 0 makes the difference, already in the first order of w.

        Raises
        ------
        TypeError, ValueError
            For w that is not finite, or the pole.
        """
        _require_side(side)
        w = np.asarray(w)
        w = _finite_complex("w", w) if w.dtype.kind == "c" else as_reals("w", w)
        variance = self.sigma**2
        ratio, scale = (self.q, variance) if side == "inner" else (1.0, self.q * variance)
        denominator = 1.0 - variance * ratio * w
        if (denominator == 0.0).any():
            raise ValueError(f"w contains the pole {1.0 / (variance * ratio)}; expected other numbers")
        return _scalar(scale / denominator)

    def quadrature(self, points: int, side: Side = "inner") -> tuple[Floats, Floats]:
        """Nodes and weights of a rule for ``∫ f(λ) ρ(λ) dλ``.

        It is the midpoint rule in t, which converges geometrically for ``q < 1`` and f analytic on the support; the
        weights are rescaled to sum to 1.

        Parameters
        ----------
        points
            Number of nodes in the support, at least 1.
        side
            For ``"outer"`` a node at 0 carries the mass ``1 − q``.

        Returns
        -------
        nodes, weights
            Shape (points,), or (points + 1,) for ``"outer"`` with ``q < 1``; ascending nodes.
        """
        require_integer("points", points, 1)
        _require_side(side)
        t = math.pi * (np.arange(points, 0.0, -1.0) - 0.5) / points
        nodes = self._eigenvalue(t)
        weights = np.sin(t) ** 2 / nodes
        weights /= weights.sum()
        if side == "inner" or self.q == 1.0:
            return nodes, weights
        return np.concatenate([[0.0], nodes]), np.concatenate([[1.0 - self.q], self.q * weights])

    def _eigenvalue(self, t: Floats) -> Floats:
        """λ at t, as ``σ² ((1 − √q)² + 4 √q cos²(t/2))``, which does not cancel at the lower edge."""
        root = math.sqrt(self.q)
        return self.sigma**2 * ((1.0 - root) ** 2 + 4.0 * root * np.cos(0.5 * t) ** 2)

    def _angle(self, lam: Floats) -> Floats:
        root = math.sqrt(self.q)
        square = (lam / self.sigma**2 - (1.0 - root) ** 2) / (4.0 * root)
        return 2.0 * np.arccos(np.sqrt(np.clip(square, 0.0, 1.0)))

    def _mass_above(self, t: Floats) -> Floats:
        root = math.sqrt(self.q)
        phase = np.arctan2(root * np.sin(t), 1.0 + root * np.cos(t))
        rest = ((1.0 - self.q) * phase - root * np.sin(t)) / self.q
        mass: Floats = np.clip((t + rest) / math.pi, 0.0, 1.0)
        return mass


def marchenko_pastur(q: float, sigma: float = 1.0) -> MarchenkoPastur:
    """Return the Marchenko–Pastur law of ``q = M/N`` in (0, 1] and standard deviation σ in [1e−150, 1e150].

    Raises
    ------
    TypeError, ValueError
        For parameters that are not real numbers of these ranges.
    """
    return MarchenkoPastur(
        require_number("q", q, 0.0, 1.0, open_low=True), require_number("sigma", sigma, 1e-150, 1e150)
    )


def _unit_edges(q: float) -> tuple[float, float]:
    return (1.0 - math.sqrt(q)) ** 2, (1.0 + math.sqrt(q)) ** 2


def _require_side(side: str) -> None:
    if side not in get_args(Side):
        raise ValueError(f"side is {side!r}; expected one of {get_args(Side)}")


def _finite_complex(name: str, values: Any) -> np.ndarray[tuple[int, ...], np.dtype[np.complex128]]:
    array = np.asarray(values).astype(np.complex128)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} contains {array[~np.isfinite(array)][0]}; expected finite numbers")
    return array


def _scalar(array: Any) -> Any:
    return array.item() if array.ndim == 0 else array
