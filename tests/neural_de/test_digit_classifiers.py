"""The parts of the digits do not overlap where they must not, and λ is chosen by the stated rule."""

import pytest
import torch

from sciml.neural_de.claims.experiments import classifiers
from sciml.neural_de.claims.experiments.classifiers import Study, Trained, choose, initial
from sciml.neural_de.claims.experiments.digits import digits
from sciml.neural_de.claims.experiments.methods import Method


def rows(part):
    return {tuple(image) for image in part.x.tolist()}


def test_only_the_validation_part_may_be_trained_on_and_the_test_part_is_one():
    """No two of the 1,797 images are equal, so that rows tell them apart."""
    split, other, whole = digits(997, 0), digits(997, 1), digits(1297, 0)
    assert [len(rows(part)) for part in split] == [997, 300, 500]
    assert len(rows(split.train) | rows(split.validation) | rows(split.test)) == 1797
    assert rows(split.validation) | rows(split.train) == rows(whole.train)
    assert rows(split.validation) == rows(whole.validation) != rows(other.validation)
    assert rows(split.test) == rows(other.test) == rows(whole.test)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({1.0: (40, 97.0), 2.0: (26, 96.0), 4.0: (20, 95.9)}, 2.0),  # a point may be lost, not more
        ({1.0: (26, 97.0), 2.0: (26, 98.0), 4.0: (32, 98.0)}, 1.0),  # the smaller of two that cost the same
        ({1.0: (40, 90.0), 2.0: (26, 91.0), 4.0: (20, 92.0)}, 1.0),  # the smallest if all lose more
    ],
)
def test_the_coefficient_with_the_fewest_evaluations_within_a_point_is_chosen(found, expected, monkeypatch):
    def fit(study, method, seed):
        evaluations, accuracy = {0.0: (68, 97.0), **found}[method.coefficient]
        return Trained(initial(0), [evaluations], [accuracy], 0)

    monkeypatch.setattr(classifiers, "fit", fit)
    assert choose(Study(997, 1), "ER", list(found), [0, 1]) == Method("ER", expected)


def test_weights_come_from_the_seed_and_leave_the_global_state():
    before = torch.random.get_rng_state()
    first, again, other = (initial(seed).head.weight for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(before, torch.random.get_rng_state())
