"""The bibliography entry of "Cauchy-Schwarz Divergence Information Bottleneck for Regression"."""

from verify import Paper

paper = Paper(
    slug="csib",
    arxiv="2404.17951",
    title="Cauchy-Schwarz Divergence Information Bottleneck for Regression",
    authors=(
        "Shujian Yu",
        "Xi Yu",
        "Sigurd Løkse",
        "Robert Jenssen",
        "José C. Príncipe",
    ),
    year=2024,
)
