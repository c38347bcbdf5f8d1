"""The bibliography entry of "Opening the Blackbox"."""

from verify import Paper

paper = Paper(
    slug="regnde",
    arxiv="2105.03918",
    title=(
        "Opening the Blackbox: Accelerating Neural Differential Equations by Regularizing Internal Solver Heuristics"
    ),
    authors=("Avik Pal", "Yingbo Ma", "Viral Shah", "Christopher Rackauckas"),
    year=2021,
)
