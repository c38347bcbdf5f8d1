import hypothesis.strategies as st
import pytest

from verify.search import search


def _search(holds, seed=0, shrink=True, examples=200, **strategies):
    return search(holds, strategies, examples=examples, seed=seed, shrink=shrink)


def test_a_true_property_counts_its_cases():
    found = _search(lambda x: x * x >= 0, x=st.floats(-10, 10))
    assert found.outcome == "holds"
    assert found.numbers == {"cases": 200}


def test_the_counterexample_is_shrunk():
    assert _search(lambda n: n < 1000, n=st.integers(0, 10**6)).counterexample == {"n": 1000}


def test_without_shrinking_it_is_still_a_counterexample():
    assert _search(lambda n: n < 1000, n=st.integers(0, 10**6), shrink=False).counterexample["n"] >= 1000


def test_the_same_seed_draws_the_same_cases_whatever_is_loaded():
    def drawn(seed):
        seen = []
        _search(lambda x: seen.append(x) or True, seed=seed, x=st.floats(-1e3, 1e3))
        return seen

    before = drawn(3)
    import this_module_holds_constants  # noqa: F401

    assert drawn(3) == before
    assert drawn(4) != before


def test_a_crash_is_not_a_counterexample():
    with pytest.raises(ZeroDivisionError):
        _search(lambda x: 1 / (x - x) > 0, x=st.integers())
