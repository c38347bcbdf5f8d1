"""How claims are divided among workers."""

import hypothesis.strategies as st
from hypothesis import example, given

from verify import Paper
from verify.schedule import portions


def claims_of(modules, tags=(), folders=None):
    """Claims ``m<i>_<j>``, as many in each module as ``modules`` says, the last of each with ``tags``."""
    paper = Paper("demo", arxiv="0000.00000", title="Modules", authors=("A. Author",), year=2026)
    for i, count in enumerate(modules):
        for j in range(count):

            def body(check, value=True):
                """True."""

            body.__name__, body.__module__ = f"m{i}_{j}", f"demo.{folders[i] if folders else ''}m{i}"
            last = tags if j == count - 1 else ()
            paper.claim("Eq. 1", mutants={"false": {"value": False}}, tags=last)(body)
    return list(paper.claims.values())


def names(found):
    return [[claim.name for claim in portion] for portion in found]


def test_modules_stay_whole_and_the_longest_goes_first():
    claims = claims_of([2, 3, 1])
    seconds = {"m0": 1.0, "m1": 2.0, "m2": 5.0}
    found = portions(claims, lambda claim: seconds[claim.name[:2]], workers=2)
    assert names(found) == [["m1_0", "m1_1", "m1_2"], ["m2_0"], ["m0_0", "m0_1"]]


def test_modules_of_a_folder_stay_together_also_if_nothing_else_is_waiting():
    claims = claims_of([1, 2, 1], folders=["", "training.", "training."])
    together = ["m1_0", "m1_1", "m2_0"]
    assert names(portions(claims, lambda claim: 1.0, workers=1)) == [together, ["m0_0"]]
    assert names(portions(claims[1:], lambda claim: 1.0, workers=1)) == [together]


def test_a_module_longer_than_an_even_share_is_cut_between_neighbours():
    claims = claims_of([8, 2])
    found = portions(claims, lambda claim: 1.0, workers=3)
    assert [len(part) for part in found] == [3, 3, 2, 2]
    assert names(found)[2] == ["m0_3", "m0_4"]
    assert len(portions(claims, lambda claim: 1.0, workers=1)) == 2


def test_the_one_module_of_a_small_package_keeps_all_workers_busy():
    assert [len(part) for part in portions(claims_of([10]), lambda claim: None, workers=2)] == [5, 5]


def test_a_claim_without_a_record_counts_as_the_mean_of_the_others():
    claims = claims_of([1, 1, 1])
    seconds = {"m0_0": 1.0, "m1_0": None, "m2_0": 4.0}
    assert names(portions(claims, lambda claim: seconds[claim.name], workers=1)) == [["m2_0"], ["m1_0"], ["m0_0"]]


def test_experiments_without_a_record_go_first():
    claims = claims_of([5, 2], tags=("empirical",))[:4] + claims_of([5, 2], tags=("empirical",))[5:]
    assert [portion[0].name for portion in portions(claims, lambda claim: None, workers=1)] == ["m1_0", "m0_0"]


@given(
    st.lists(st.integers(1, 6), max_size=5),
    st.integers(1, 20),
    st.lists(st.none() | st.floats(0, 1e3), min_size=30, max_size=30),
)
def test_every_claim_is_in_one_portion_with_its_neighbours_in_their_order(modules, workers, took):
    claims = claims_of(modules)
    seconds = dict(zip((claim.id for claim in claims), took, strict=False))
    found = portions(claims, lambda claim: seconds[claim.id], workers)
    assert sorted(name for portion in names(found) for name in portion) == sorted(claim.name for claim in claims)
    assert found == portions(claims, lambda claim: seconds[claim.id], workers)
    position = {claim.id: i for i, claim in enumerate(claims)}
    for portion in found:
        assert len({claim.body.__module__ for claim in portion}) == 1
        first = position[portion[0].id]
        assert [position[claim.id] for claim in portion] == list(range(first, first + len(portion)))


@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=12), st.integers(1, 6))
@example([3.0, 3.0, 8.0], 5)
def test_no_piece_of_a_module_exceeds_its_share_by_more_than_one_claim(took, workers):
    claims = claims_of([len(took)])
    seconds = dict(zip((claim.id for claim in claims), took, strict=True))
    for portion in portions(claims, lambda claim: seconds[claim.id], workers):
        costs = [seconds[claim.id] for claim in portion]
        assert sum(costs) - max(costs) <= sum(took) / workers * (1 + 1e-9)
