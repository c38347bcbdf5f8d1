"""FerKD: Surgical Label Adaptation for Efficient Distillation (arXiv 2312.17473)."""

import pytest

from theory.distillation.claims.label_adaptation import paper


@pytest.mark.parametrize("claim", paper.claims.values(), ids=lambda claim: claim.name)
def test_claim(claim, verify_claim):
    verify_claim(claim)
