import pytest

from verify.experiment import medians_in_bands


def test_the_median_over_seeds_decides():
    inside = medians_in_bands(lambda seed: {"accuracy": float(seed)}, {"accuracy": (1, 3)}, range(5))
    assert inside.outcome == "holds"
    assert inside.numbers["accuracy"]["median"] == 2
    outside = medians_in_bands(lambda seed: {"accuracy": float(seed)}, {"accuracy": (3, 4)}, range(5))
    assert outside.outcome == "fails"
    assert outside.counterexample["accuracy"]["band"] == [3, 4]


def test_a_number_that_is_not_a_number_is_outside_every_band():
    assert medians_in_bands(lambda seed: {"x": float("nan")}, {"x": (0, 1)}, range(3)).outcome == "fails"


def test_a_band_without_its_number_is_refused():
    with pytest.raises(ValueError, match="loss"):
        medians_in_bands(lambda seed: {"accuracy": 1.0}, {"loss": (0, 1)}, range(2))
