"""The bibliography entry of "Early-Learning Regularization Prevents Memorization of Noisy Labels"."""

from verify import Paper

paper = Paper(
    slug="elr",
    arxiv="2007.00151",
    title="Early-Learning Regularization Prevents Memorization of Noisy Labels",
    authors=(
        "Sheng Liu",
        "Jonathan Niles-Weed",
        "Narges Razavian",
        "Carlos Fernandez-Granda",
    ),
    year=2020,
)
