"""Cauchy-Schwarz Divergence Information Bottleneck for Regression (arXiv 2404.17951)."""

import pytest

from theory.cauchy_schwarz.claims import paper


@pytest.mark.parametrize("claim", paper.claims.values(), ids=lambda claim: claim.name)
def test_claim(claim, verify_claim):
    verify_claim(claim)
