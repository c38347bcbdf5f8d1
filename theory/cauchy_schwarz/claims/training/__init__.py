"""Training runs: what the written and the released loss are worth beside other bottlenecks (Sections 4 and 5)."""

from theory.cauchy_schwarz.claims.training import (
    comparison,
    figures,
    generalization,
    information_plane,
    outliers,
    released_loss,
)

__all__ = [
    "comparison",
    "figures",
    "generalization",
    "information_plane",
    "outliers",
    "released_loss",
]
