"""The bibliography entry of "Ghosts of Softmax"."""

from verify import Paper

paper = Paper(
    slug="ghosts",
    arxiv="2603.13552",
    title="Ghosts of Softmax: Complex Singularities That Limit Safe Step Sizes in Cross-Entropy",
    authors=("Piyush Sao",),
    year=2026,
)
