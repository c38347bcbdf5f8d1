"""Mathematics of papers: importable estimators and losses, one topic a subpackage, with the claims beside them."""
