"""Compressing Features for Learning with Noisy Labels (arXiv 2206.13140)."""

import pytest

from theory.compression.claims import paper


@pytest.mark.parametrize("claim", paper.claims.values(), ids=lambda claim: claim.name)
def test_claim(claim, verify_claim):
    verify_claim(claim)
