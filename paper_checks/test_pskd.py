"""Self-Knowledge Distillation with Progressive Refinement of Targets (arXiv 2006.12000)."""

import pytest

from theory.distillation.claims.progressive_targets import paper


@pytest.mark.parametrize("claim", paper.claims.values(), ids=lambda claim: claim.name)
def test_claim(claim, verify_claim):
    verify_claim(claim)
