"""The authors' first step against values found by hand, and the rule by which λ is chosen."""

import math

import pytest
import torch

from sciml.neural_de.claims.experiments import sde_classifiers
from sciml.neural_de.claims.experiments.methods import Method
from sciml.neural_de.claims.experiments.sde_classifiers import (
    TOLERANCE,
    Score,
    Study,
    Trained,
    choose,
    first_step_of_the_authors,
    fit,
    initial,
    nothing,
    penalty,
    run,
)

ONES = torch.ones(3, 2, dtype=torch.float64)
SCALE = 2 * TOLERANCE
"""atol + rtol·|1|."""


@pytest.mark.parametrize("speed", [0.01, 1.0, 100.0])
def test_first_step_of_a_constant_drift(speed):
    """d0 = 1/s, d1 = c/s and d2 = 0: the smaller of 1/c and (100 c/s)^(-1/2)."""
    h = first_step_of_the_authors(lambda t, y: speed * torch.ones_like(y), nothing, ONES)
    assert h == pytest.approx(min(1 / speed, 0.1 * math.sqrt(SCALE / speed)), rel=1e-12)


@pytest.mark.parametrize("noise", [0.1, 1.0, 10.0])
def test_first_step_of_pure_noise_is_set_by_its_size_not_by_its_change(noise):
    """With g constant, d1 = 3g/s, the trial step is 1/(300 g), and d2 = 6g/s over it instead of 0."""
    h = first_step_of_the_authors(nothing, lambda t, y: torch.full_like(y, -noise), ONES)
    assert h == pytest.approx(0.1 / math.sqrt(6 * noise / SCALE * 300 * noise), rel=1e-12)


@pytest.mark.parametrize("y0", [torch.zeros_like(ONES), ONES])
def test_first_step_is_positive_where_nothing_happens(y0):
    assert 0 < first_step_of_the_authors(nothing, nothing, y0) <= 1e-6


def test_penalties_are_what_the_authors_code_takes():
    """The mean of q_j h_j is the scaled sum over the number of steps; no penalty is 0."""
    model, x = initial(0), torch.rand(4, 64, generator=torch.Generator().manual_seed(0))
    ours = run(model, x, 1, "authors'", Method("ER", 1.0))
    assert penalty(ours).item() == pytest.approx(ours.heuristics["REn"].item() / ours.stats.accepted)
    assert penalty(run(model, x, 1, "authors'")) == 0.0
    stiff = run(model, x, 1, "authors'", Method("SR", 1.0))
    assert stiff.tableau.name.lower() == "sosri2"
    assert penalty(stiff).item() > 0


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({3.0: (250, 96.0), 10.0: (200, 96.0), 30.0: (130, 95.0), 100.0: (120, 94.9)}, 30.0),
        ({3.0: (130, 96.0), 10.0: (130, 97.0), 30.0: (140, 97.0), 100.0: (150, 97.0)}, 3.0),
        ({3.0: (250, 90.0), 10.0: (200, 90.0), 30.0: (130, 90.0), 100.0: (120, 90.0)}, 3.0),
    ],
)
def test_fewest_evaluations_within_a_point(found, expected, monkeypatch):
    def stand_in(study, method, seed):
        return Trained(initial(0), "authors'", [Score(*{0.0: (260, 96.0), **found}[method.coefficient])])

    monkeypatch.setattr(sde_classifiers, "fit", stand_in)
    assert choose(Study(997, 1, 256), list(found), [0, 1]) == Method("ER", expected)


def test_training_repeats_and_leaves_the_global_random_state():
    study, before = Study(64, 1, 64), torch.random.get_rng_state()
    first = fit(study, Method("vanilla"), 0)
    fit.cache_clear()
    again = fit(study, Method("vanilla"), 0)
    assert torch.equal(before, torch.random.get_rng_state())
    assert first.history == again.history
    for a, b in zip(first.model.parameters(), again.model.parameters(), strict=True):
        assert torch.equal(a, b)
