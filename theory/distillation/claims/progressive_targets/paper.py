"""The bibliography entry of "Self-Knowledge Distillation with Progressive Refinement of Targets"."""

from verify import Paper

paper = Paper(
    slug="pskd",
    arxiv="2006.12000",
    title="Self-Knowledge Distillation with Progressive Refinement of Targets",
    authors=(
        "Kyungyul Kim",
        "ByeongMoon Ji",
        "Doyoung Yoon",
        "Sangheum Hwang",
    ),
    year=2021,
)
