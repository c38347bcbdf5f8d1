"""Rooted trees and the order conditions of Runge–Kutta methods, in exact arithmetic.

The exact flow and a Runge–Kutta step of ``y' = f(y)`` are both sums over rooted trees; a method has order p if the two
agree on every tree of order at most p. A tree is the sorted tuple of the subtrees that hang at its root.

References
----------
E. Hairer, S. P. Nørsett, G. Wanner, "Solving Ordinary Differential Equations I", Section II.2.
J. C. Butcher, "Numerical Methods for Ordinary Differential Equations", Sections 301–315.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TypeAlias

Tree: TypeAlias = tuple["Tree", ...]
Row: TypeAlias = Sequence[Fraction]


def order(tree: Tree) -> int:
    """Number of vertices r(τ)."""
    return 1 + sum(order(branch) for branch in tree)


def density(tree: Tree) -> int:
    """The density γ(τ): the product of the orders of all subtrees."""
    return order(tree) * math.prod(density(branch) for branch in tree)


def symmetry(tree: Tree) -> int:
    """The symmetry σ(τ): the number of automorphisms."""
    return math.prod(math.factorial(count) * symmetry(branch) ** count for branch, count in Counter(tree).items())


@functools.cache
def trees(n: int) -> tuple[Tree, ...]:
    """All rooted trees with ``n`` vertices, in a fixed order; 1, 1, 2, 4, 9, 20, 48, … of them.

    Raises
    ------
    ValueError
        If ``n`` is below 1.
    """
    if n < 1:
        raise ValueError(f"n = {n}; expected an order of at least 1")
    return tuple(sorted(_forests(n - 1, n - 1)))


def _forests(vertices: int, largest: int) -> Iterator[Tree]:
    """Multisets of trees with this many vertices in all, none with more than ``largest``."""
    if vertices == 0:
        yield ()
    for size in range(min(vertices, largest), 0, -1):
        for count in range(1, vertices // size + 1):
            for rest in _forests(vertices - count * size, size - 1):
                for chosen in itertools.combinations_with_replacement(trees(size), count):
                    yield tuple(sorted(chosen + rest))


def elementary_weight(tree: Tree, a: Sequence[Row], b: Row) -> Fraction:
    """The elementary weight Φ(τ) = Σ_i b_i Φ_i(τ) of a method.

    Parameters
    ----------
    tree
        The tree τ.
    a
        Row i holds the coefficients a_ij with j < i (explicit methods); missing ones are 0.
    b
        The weights.
    """
    return sum((weight * stage for weight, stage in zip(b, stage_weights(tree, a), strict=True)), start=Fraction(0))


def stage_weights(tree: Tree, a: Sequence[Row]) -> list[Fraction]:
    """Φ_i(τ) of every stage i: the product over the branches τ' of Σ_j a_ij Φ_j(τ')."""
    weights = [Fraction(1)] * len(a)
    for branch in tree:
        inner = stage_weights(branch, a)
        sums = [sum((x * w for x, w in zip(row, inner, strict=False)), start=Fraction(0)) for row in a]
        weights = [weight * total for weight, total in zip(weights, sums, strict=True)]
    return weights


def residuals(a: Sequence[Row], b: Row, n: int) -> dict[Tree, Fraction]:
    """Φ(τ) − 1/γ(τ) for every tree of order ``n``; a method has order p if these vanish for n = 1, …, p."""
    return {tree: elementary_weight(tree, a, b) - Fraction(1, density(tree)) for tree in trees(n)}


def principal_error_norm(a: Sequence[Row], b: Row, n: int) -> float:
    """√(Σ (residual/σ(τ))²) over the trees of order ``n``: the size of the leading error term of a method of order n−1.

    See Hairer, Nørsett, Wanner I, Section II.5, and Dormand and Prince (1980).
    """
    return math.sqrt(sum((gap / symmetry(tree)) ** 2 for tree, gap in residuals(a, b, n).items()))
