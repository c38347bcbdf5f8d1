"""What a verdict may and may not say, on a paper made up for the purpose."""

import hypothesis.strategies as st
import pytest
import sympy as sp

from verify import Check, Paper, judge

x = sp.Symbol("x", real=True)


@pytest.fixture
def paper():
    return Paper("demo", arxiv="0000.00000", title="Squares", authors=("A. Author",), year=2026)


def register(decorator, body=None):
    def square_is_a_product(check: Check, square=lambda v: v * v):
        """The square of x is x times x."""
        check.proves(sp.Eq(square(x), x * x), says="algebra")
        check.forall(lambda v: square(v) == v * v, v=st.integers(-9, 9), says="integers")

    decorator(body or square_is_a_product)


def only(paper):
    (claim,) = paper.claims.values()
    return claim


def test_a_true_statement_holds_with_the_strength_of_its_best_check(paper):
    register(paper.claim("Eq. 1", mutants={"doubled": {"square": lambda v: 2 * v}}))
    record = judge(only(paper), "quick")
    assert (record.verdict, record.strength, record.as_expected) == ("holds", "proved", True)
    assert record.mutants == [
        {"name": "doubled", "killed": True, "by": ["proved: algebra", "property-tested: integers"]}
    ]


def test_the_strength_is_that_of_the_check_which_rejects_every_mutant_alone(paper):
    def squares_of_integers(check, square=lambda v: v * v, algebra=lambda v: v * v):
        """The proof never touches one of the formulas."""
        check.proves(sp.Eq(algebra(x), x * x))
        check.forall(lambda v: square(v) == v * v, v=st.integers(-9, 9))

    register(paper.claim("Eq. 1", mutants={"doubled": {"square": lambda v: 2 * v}}), squares_of_integers)
    assert judge(only(paper), "quick").strength == "property-tested"


def test_a_surviving_mutant_is_an_error(paper):
    register(paper.claim("Eq. 1", mutants={"the same": {"square": lambda v: v**2}}))
    record = judge(only(paper), "quick")
    assert (record.verdict, record.as_expected) == ("error", False)
    assert "mutants survived: the same" in record.message


def test_a_mutant_that_crashes_is_not_killed(paper):
    register(paper.claim("Eq. 1", mutants={"crashes": {"square": lambda v: v.no_such_attribute}}))
    record = judge(only(paper), "quick")
    assert record.verdict == "error"
    assert "no_such_attribute" in record.message


def test_an_undecided_mutant_is_not_killed(paper):
    def cannot_tell(check, square=lambda v: v * v):
        """A touched bound cannot be certified."""
        check.certifies(lambda v: square(v), over={"v": (-1.0, 2.0)}, max_boxes=50)

    register(paper.claim("Eq. 1", mutants={"same": {"square": lambda v: v * v}}), cannot_tell)
    record = judge(only(paper), "quick")
    assert record.verdict == "error"
    assert "survived" in record.message


def test_a_false_statement_fails_with_its_counterexample(paper):
    def doubling_is_squaring(check, square=lambda v: 2 * v):
        """The square of an integer is its double."""
        check.forall(lambda v: square(v) == v * v, v=st.integers(-9, 9))

    register(paper.refuted("Eq. 2", controls={"corrected": {"square": lambda v: v * v}}), doubling_is_squaring)
    record = judge(only(paper), "quick")
    assert (record.verdict, record.strength, record.as_expected) == ("fails", "property-tested", True)
    assert record.counterexample == {"v": 1}
    assert record.controls == [{"name": "corrected", "survived": True}]


def test_a_broken_check_cannot_refute(paper):
    def broken(check, square=lambda v: 2 * v):
        """The square of an integer is its double."""
        check.forall(lambda v: square(v) == v * v + 1, v=st.integers(-9, 9))

    register(paper.refuted("Eq. 2", controls={"corrected": {"square": lambda v: v * v}}), broken)
    record = judge(only(paper), "quick")
    assert record.verdict == "error"
    assert "controls were rejected: corrected" in record.message


def test_a_corrected_statement_holds_as_corrected_and_shows_where_the_print_fails(paper):
    register(
        paper.corrected("Eq. 3", printed={"square": lambda v: 2 * v}, mutants={"cubed": {"square": lambda v: v**3}})
    )
    record = judge(only(paper), "quick")
    assert (record.verdict, record.as_expected) == ("holds as corrected", True)
    assert record.counterexample
    assert [mutant["name"] for mutant in record.mutants] == ["as printed", "cubed"]


def test_a_correction_that_changes_nothing_is_an_error(paper):
    register(
        paper.corrected("Eq. 3", printed={"square": lambda v: v**2}, mutants={"cubed": {"square": lambda v: v**3}})
    )
    assert judge(only(paper), "quick").verdict == "error"


def test_an_open_statement_stays_inconclusive(paper):
    register(paper.conjecture("Conjecture 1", mutants={"doubled": {"square": lambda v: 2 * v}}))
    record = judge(only(paper), "quick")
    assert (record.verdict, record.strength, record.as_expected) == ("inconclusive", None, True)
    assert "open" in record.tags


def test_a_claim_that_checks_nothing_is_an_error(paper):
    def nothing(check, square=None):
        """Nothing is checked."""

    register(paper.claim("Eq. 4", mutants={"any": {"square": 1}}), nothing)
    assert "no evidence" in judge(only(paper), "quick").message


def test_a_crash_in_the_body_is_an_error_with_its_traceback(paper):
    def crash(check, square=None):
        """Crashes."""
        raise RuntimeError("no luck")

    register(paper.claim("Eq. 5", mutants={"any": {"square": 1}}), crash)
    record = judge(only(paper), "quick")
    assert record.verdict == "error"
    assert "no luck" in record.message


def test_skipping_says_what_is_missing(paper):
    def needs_something(check, square=None):
        """Needs what is not here."""
        check.skip("needs a CUDA device")

    register(paper.claim("Eq. 6", mutants={"any": {"square": 1}}), needs_something)
    record = judge(only(paper), "quick")
    assert (record.verdict, record.message, record.as_expected) == ("skipped", "needs a CUDA device", True)


def test_full_claims_do_not_run_at_the_quick_level(paper):
    register(paper.claim("Eq. 7", mutants={"doubled": {"square": lambda v: 2 * v}}, level="full"))
    assert judge(only(paper), "quick").verdict == "skipped"
    assert judge(only(paper), "full").verdict == "holds"


def test_monte_carlo_false_alarms_of_a_claim_sum_to_less_than_the_stated_rate(paper):
    def three_means(check, shift=0.0):
        """Uniform draws have mean one half."""
        for _ in range(3):
            check.estimates(lambda rng, n: rng.random(n), band=(0.45 + shift, 0.55 + shift), draws=20_000)

    register(paper.claim("Eq. 8", mutants={"shifted": {"shift": 0.2}}), three_means)
    record = judge(only(paper), "quick")
    assert record.verdict == "holds"
    alphas = [evidence["numbers"]["alpha"] for evidence in record.evidence]
    assert sum(alphas) < 1e-6
    assert len({evidence["numbers"]["mean"] for evidence in record.evidence}) == 3


def test_records_repeat_to_the_byte_but_for_time(paper):
    register(paper.claim("Eq. 1", mutants={"doubled": {"square": lambda v: 2 * v}}))
    first, second = (judge(only(paper), "quick").to_json().splitlines() for _ in range(2))
    assert [a for a, b in zip(first, second, strict=True) if a != b and "seconds" not in a] == []


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: p.claim("Eq. 9", mutants={}), "cannot fail"),
        (lambda p: p.refuted("Eq. 9", controls={}), "controls is empty"),
        (lambda p: register(p.claim("Eq. 9", mutants={"typo": {"sqare": 1}})), "sqare"),
    ],
)
def test_unsound_registrations_are_refused(paper, make, words):
    with pytest.raises(ValueError, match=words):
        make(paper)


def test_a_statement_is_required(paper):
    def silent(check, square=1):
        check.proves(True)

    with pytest.raises(ValueError, match="docstring"):
        register(paper.claim("Eq. 10", mutants={"any": {"square": 2}}), silent)


def test_a_name_is_registered_once(paper):
    register(paper.claim("Eq. 1", mutants={"doubled": {"square": lambda v: 2 * v}}))
    with pytest.raises(ValueError, match="twice"):
        register(paper.claim("Eq. 1", mutants={"doubled": {"square": lambda v: 2 * v}}))


def test_tables_must_be_rectangular(paper):
    with pytest.raises(ValueError, match="lengths"):
        Check("quick", 0).table("t", a=[1.0], b=[1.0, 2.0])
