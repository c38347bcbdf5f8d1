"""The bibliography entry of "FerKD: Surgical Label Adaptation for Efficient Distillation"."""

from verify import Paper

paper = Paper(
    slug="ferkd",
    arxiv="2312.17473",
    title="FerKD: Surgical Label Adaptation for Efficient Distillation",
    authors=("Zhiqiang Shen",),
    year=2023,
)
