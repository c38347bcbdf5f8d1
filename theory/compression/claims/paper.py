"""The bibliography entry of "Compressing Features for Learning with Noisy Labels"."""

from verify import Paper

paper = Paper(
    slug="compress",
    arxiv="2206.13140",
    title="Compressing Features for Learning with Noisy Labels",
    authors=(
        "Yingyi Chen",
        "Shell Xu Hu",
        "Xi Shen",
        "Chunrong Ai",
        "Johan A. K. Suykens",
    ),
    year=2022,
)
