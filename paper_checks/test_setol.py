"""SETOL: A Semi-Empirical Theory of (Deep) Learning (arXiv 2507.17912)."""

import pytest

from theory.setol.claims import paper


@pytest.mark.parametrize("claim", paper.claims.values(), ids=lambda claim: claim.name)
def test_claim(claim, verify_claim):
    verify_claim(claim)
