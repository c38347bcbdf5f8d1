import pytest

from verify.experiment import medians_in_bands

SETUP = {"samples": 5}


def test_the_median_over_seeds_decides():
    inside = medians_in_bands(lambda seed: {"accuracy": float(seed)}, {"accuracy": (1, 3)}, range(5), SETUP)
    assert inside.outcome == "holds"
    assert inside.numbers["measured"]["accuracy"]["median"] == 2
    outside = medians_in_bands(lambda seed: {"accuracy": float(seed)}, {"accuracy": (3, 4)}, range(5), SETUP)
    assert outside.outcome == "fails"
    assert outside.counterexample["accuracy"]["band"] == [3, 4]


def test_what_was_run_and_what_is_printed_stand_beside_what_was_measured():
    found = medians_in_bands(lambda seed: {"loss": 1.5}, {"loss": (1, 2)}, range(2), SETUP, {"loss": 1.4})
    assert found.numbers["setup"] == SETUP
    assert found.numbers["seeds"] == [0, 1]
    assert found.numbers["measured"]["loss"]["printed"] == 1.4


def test_a_number_that_is_not_a_number_is_outside_every_band():
    assert medians_in_bands(lambda seed: {"x": float("nan")}, {"x": (0, 1)}, range(3), SETUP).outcome == "fails"


@pytest.mark.parametrize(
    ("bands", "printed", "setup", "message"),
    [
        ({"loss": (0, 1)}, {}, SETUP, "loss"),
        ({"accuracy": (0, 1)}, {"loss": 0.5}, SETUP, "loss"),
        ({"accuracy": (0, 1)}, {}, {}, "setup is empty"),
    ],
)
def test_an_experiment_that_does_not_say_what_it_is_is_refused(bands, printed, setup, message):
    with pytest.raises(ValueError, match=message):
        medians_in_bands(lambda seed: {"accuracy": 1.0}, bands, range(2), setup, printed)
