"""The bibliography entry of "Lagrangian PINNs"."""

from verify import Paper

paper = Paper(
    slug="lpinn",
    arxiv="2205.02902",
    title="Lagrangian PINNs: A Causality-Conforming Solution to Failure Modes of Physics-Informed Neural Networks",
    authors=("Rambod Mojgani", "Maciej Balajewicz", "Pedram Hassanzadeh"),
    year=2022,
)
