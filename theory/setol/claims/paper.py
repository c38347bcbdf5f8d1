"""The bibliography entry of "SETOL"."""

from verify import Paper

paper = Paper(
    slug="setol",
    arxiv="2507.17912",
    title="SETOL: A Semi-Empirical Theory of (Deep) Learning",
    authors=("Charles H. Martin", "Christopher Hinrichs"),
    year=2025,
)
