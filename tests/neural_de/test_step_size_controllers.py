"""Controllers: bounds, monotonicity, what is refused."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sciml.neural_de.controllers import CONTROLLERS, FIRST_ERROR, IController, PIController

ERRORS = st.one_of(st.just(0.0), st.floats(5e-324, 1e300))
REMEMBERED = st.floats(FIRST_ERROR, 1.0)


@pytest.mark.parametrize("controller", CONTROLLERS.values(), ids=CONTROLLERS)
@given(error=ERRORS, previous=REMEMBERED)
def test_factor_is_bounded_and_a_rejected_step_is_shortened(controller, error, previous):
    factor = controller.factor(error, previous, 5)
    assert controller.least <= factor <= controller.most
    assert error <= 1 or factor < 1


@pytest.mark.parametrize("controller", CONTROLLERS.values(), ids=CONTROLLERS)
def test_an_error_that_is_not_finite_shortens_most(controller):
    assert controller.factor(math.nan, 1.0, 5) == controller.factor(math.inf, 1.0, 5) == controller.least


def test_values():
    assert IController().factor(1.0, 1e-4, 5) == 0.9
    assert IController().factor(2.0**-5, 1.0, 5) == pytest.approx(1.8)
    assert PIController().factor(1.0, 1e-4, 5) == pytest.approx(0.9 * 1e-4**0.08)
    assert PIController().factor(0.1, 1.0, 5) == pytest.approx(0.9 * 0.1**-0.14)


@pytest.mark.parametrize("bad", [{"safety": 0.0}, {"safety": 1.0}, {"least": 1.5}, {"most": math.inf}, {"most": 0.9}])
@pytest.mark.parametrize("kind", [IController, PIController])
def test_bad_constants_are_refused(kind, bad):
    with pytest.raises(ValueError, match=r"safety|least"):
        kind(**bad)
