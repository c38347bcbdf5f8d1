"""Lagrangian PINNs: A Causality-Conforming Solution to Failure Modes of PINNs (2205.02902)."""

import pytest

from sciml.lagrangian_pinn.claims import paper


@pytest.mark.parametrize("claim", paper.claims.values(), ids=lambda claim: claim.name)
def test_claim(claim, verify_claim):
    verify_claim(claim)
