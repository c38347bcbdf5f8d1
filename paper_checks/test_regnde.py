"""Opening the Blackbox: Accelerating Neural Differential Equations by Regularizing Solver Heuristics (2105.03918)."""

import pytest

from sciml.neural_de.claims import paper


@pytest.mark.parametrize("claim", paper.claims.values(), ids=lambda claim: claim.name)
def test_claim(claim, verify_claim):
    verify_claim(claim)
