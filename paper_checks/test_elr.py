"""Early-Learning Regularization Prevents Memorization of Noisy Labels (arXiv 2007.00151)."""

import pytest

from theory.early_learning.claims import paper


@pytest.mark.parametrize("claim", paper.claims.values(), ids=lambda claim: claim.name)
def test_claim(claim, verify_claim):
    verify_claim(claim)
