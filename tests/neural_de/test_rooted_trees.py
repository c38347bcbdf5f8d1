"""Rooted trees against networkx's counts, the hook formula by brute force, and methods of known order."""

import itertools
import math
from fractions import Fraction

import networkx as nx
import pytest

from sciml.neural_de.rooted_trees import (
    density,
    elementary_weight,
    order,
    principal_error_norm,
    residuals,
    symmetry,
    trees,
)

HALF = Fraction(1, 2)
CLASSICAL = ((), (HALF,), (Fraction(0), HALF), (Fraction(0), Fraction(0), Fraction(1)))
CLASSICAL_B = (Fraction(1, 6), Fraction(1, 3), Fraction(1, 3), Fraction(1, 6))


def labelled(tree, start=0):
    """Edges (parent, child) of a tree with vertices numbered from ``start``, the root."""
    edges, following = [], start + 1
    for branch in tree:
        edges += [(start, following), *labelled(branch, following)]
        following += order(branch)
    return edges


def test_counts_are_those_of_the_literature():
    assert [len(trees(n)) for n in range(1, 9)] == [1, 1, 2, 4, 9, 20, 48, 115]


@pytest.mark.parametrize("n", range(2, 7))
def test_trees_are_all_rooted_trees_up_to_isomorphism(n):
    ours = [nx.DiGraph(labelled(tree)) for tree in trees(n)]
    for one, other in itertools.combinations(ours, 2):
        assert not nx.is_isomorphic(one, other)
    for free in nx.nonisomorphic_trees(n):
        for root in free:
            assert any(nx.is_isomorphic(nx.bfs_tree(free, root), tree) for tree in ours)


@pytest.mark.parametrize("tree", [tree for n in range(1, 6) for tree in trees(n)], ids=str)
def test_symmetry_and_density_by_brute_force(tree):
    n, edges = order(tree), set(labelled(tree))
    kept = [p for p in itertools.permutations(range(n)) if p[0] == 0 and {(p[a], p[b]) for a, b in edges} == edges]
    assert symmetry(tree) == len(kept)
    increasing = sum(all(p[a] < p[b] for a, b in edges) for p in itertools.permutations(range(n)))
    assert density(tree) * increasing == math.factorial(n)


def test_orders_of_known_methods():
    euler = ((),), (Fraction(1),)
    assert residuals(*euler, 1) == {(): 0}
    assert list(residuals(*euler, 2).values()) == [-HALF]
    for n in range(1, 5):
        assert not any(residuals(CLASSICAL, CLASSICAL_B, n).values())
    assert any(residuals(CLASSICAL, CLASSICAL_B, 5).values())
    assert principal_error_norm(CLASSICAL, CLASSICAL_B, 4) == 0
    assert principal_error_norm(CLASSICAL, CLASSICAL_B, 5) == pytest.approx(0.0144, abs=2e-3)


def test_the_chain_is_a_power_of_a():
    chain = ((((),),),)
    assert elementary_weight(chain, CLASSICAL, CLASSICAL_B) == Fraction(1, 24)


def test_order_below_one_is_refused():
    with pytest.raises(ValueError, match="n = 0"):
        trees(0)
