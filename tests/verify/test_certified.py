import math

import hypothesis.strategies as st
import pytest
from flint import acb, acb_poly, arb
from hypothesis import given

from verify.certified import ball, count_zeros, positive_over_box, value_agrees, zero_count_is


def test_a_ball_holds_its_interval():
    hull = ball(-1.0, 2.5)
    assert hull.contains(arb(-1.0))
    assert hull.contains(arb(2.5))


def test_a_true_inequality_is_certified():
    found = positive_over_box(
        lambda x, y: x**2 + y**2 - x * y + arb("1e-3"), {"x": (-1, 1), "y": (-1, 1)}, bits=64, max_boxes=5000
    )
    assert found.outcome == "holds"
    assert found.numbers["boxes"] > 1


def test_a_false_inequality_gets_a_point():
    found = positive_over_box(lambda x: x**2 - arb("0.01"), {"x": (-1, 2)}, bits=64, max_boxes=5000)
    assert found.outcome == "fails"
    assert found.counterexample["x"] ** 2 <= 0.01


def test_an_inequality_without_variables_is_one_evaluation():
    assert positive_over_box(lambda: arb.pi() - 3, {}, bits=64, max_boxes=9).outcome == "holds"
    assert positive_over_box(lambda: arb.pi() - 4, {}, bits=64, max_boxes=9).outcome == "fails"
    assert positive_over_box(lambda: arb.pi() - arb.pi(), {}, bits=64, max_boxes=9).outcome == "undecided"


def test_a_touched_bound_is_undecided_not_certified():
    found = positive_over_box(lambda x: x**2, {"x": (-1, 2)}, bits=64, max_boxes=200)
    assert found.outcome == "undecided"


def test_an_enclosure_that_is_not_a_number_certifies_nothing():
    found = positive_over_box(lambda x: x.log(), {"x": (-1, 0)}, bits=64, max_boxes=50)
    assert found.outcome == "undecided"


@pytest.mark.parametrize(
    ("target", "outcome"), [("3.14159", "holds"), ("3.14160", "fails"), ("3.1", "holds"), ("3.2", "fails")]
)
def test_printed_values_are_allowed_half_a_unit_of_the_last_digit(target, outcome):
    assert value_agrees(arb.pi(), target, None).outcome == outcome


def test_a_wide_enclosure_is_undecided():
    assert value_agrees(ball(3.0, 3.3), "3.14", None).outcome == "undecided"


def test_a_number_without_a_distance_is_refused():
    with pytest.raises(ValueError, match="within"):
        value_agrees(arb.pi(), 3.14, None)


@given(st.lists(st.complex_numbers(max_magnitude=2, allow_nan=False), min_size=1, max_size=5))
def test_zero_count_of_a_polynomial_is_the_number_of_its_roots_inside(roots):
    inside = [root for root in roots if abs(root) < 0.99]
    if any(0.99 <= abs(root) <= 1.01 for root in roots):
        return

    def polynomial(t):
        value = acb(1)
        for root in roots:
            value *= t - acb(root)
        return value

    assert count_zeros(polynomial, 1.0) == len(inside)


def test_a_zero_on_the_circle_is_not_counted_either_way():
    assert count_zeros(lambda t: t - 1, 1.0, max_arcs=500) is None


def test_wrong_count_is_refuted():
    assert zero_count_is(lambda t: t**2 + 1, 2.0, 1, bits=64).outcome == "fails"
    assert zero_count_is(lambda t: t**2 + 1, 2.0, 2, bits=64).outcome == "holds"


def test_count_agrees_with_flint_roots():
    roots = acb_poly([1, 2, 3, 4, 5]).roots()
    assert count_zeros(lambda t: 1 + t * (2 + t * (3 + t * (4 + 5 * t))), 0.7) == sum(
        math.hypot(float(r.real.mid()), float(r.imag.mid())) < 0.7 for r in roots
    )
