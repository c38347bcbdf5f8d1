"""Ghosts of Softmax: Complex Singularities That Limit Safe Step Sizes in Cross-Entropy (arXiv 2603.13552)."""

import pytest

from theory.softmax_zeros.claims import paper


@pytest.mark.parametrize("claim", paper.claims.values(), ids=lambda claim: claim.name)
def test_claim(claim, verify_claim):
    verify_claim(claim)
