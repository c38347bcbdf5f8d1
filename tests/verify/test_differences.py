"""Comparing two runs: what is told, what is tolerated, and the exit code."""

import dataclasses
import json

import hypothesis.strategies as st
import pytest
from hypothesis import given
from typer.testing import CliRunner

from verify import Paper, Record, Store, Verdict, judge
from verify.__main__ import app
from verify.differences import Difference, Kind, differences, environment, load
from verify.reading import UnreadableError


@pytest.fixture(scope="module")
def record():
    paper = Paper("demo", arxiv="0000.00000", title="Numbers", authors=("A. Author",), year=2026)

    @paper.claim("Table 1", mutants={"doubled": {"scale": 2.0}})
    def accuracy_is_about_a_half(check, scale=1.0):
        """The accuracy is 0.5 ± 0.1."""
        measure = lambda seed: {"accuracy": scale * (0.5 + seed / 100), "loss": 1.25}  # noqa: E731
        check.reproduces(measure, bands={"accuracy": (0.4, 0.6)}, seeds=3, setup={"data": "none", "steps": 10})
        check.note(residual=1e-16, slope=2.0)
        check.table("curve", x=[0.0, 1.0, 2.0], y=[1.0, 2.0, 4.0])

    return judge(paper.claims["accuracy_is_about_a_half"], "quick")


def with_numbers(record: Record, **changes) -> Record:
    """The record with some numbers of its only evidence changed."""
    (evidence,) = record.evidence
    return dataclasses.replace(record, evidence=[evidence | {"numbers": evidence["numbers"] | changes}])


def with_measured(record: Record, name: str, **changes) -> Record:
    measured = record.evidence[0]["numbers"]["measured"]
    return with_numbers(record, measured=measured | {name: measured[name] | changes})


def told(old: Record, new: Record, **options) -> list[tuple[str, str]]:
    return [(difference.kind.value, difference.what) for difference in differences([old], [new], **options)]


def test_a_run_does_not_differ_from_itself_whatever_its_environment(record):
    elsewhere = dataclasses.replace(record, seconds=9.0, commit="abc", versions={"torch": "9"}, fingerprint="f")
    assert differences([record], [elsewhere]) == []
    assert differences([record], [Record.from_json(record.to_json())]) == []


def test_a_verdict_that_changed_comes_first(record):
    failed = dataclasses.replace(record, verdict=Verdict.FAILS, statement="Another statement.", strength=None)
    found = differences([record], [failed])
    name = "demo.accuracy_is_about_a_half (quick, seed 0)"
    assert found[0] == Difference(name, Kind.VERDICT, "verdict", "holds", "fails")
    assert [difference.what for difference in found[1:]] == ["statement", "strength"]


def test_new_and_vanished_claims_are_told_by_level_and_seed(record):
    other = dataclasses.replace(record, id="demo.other")
    assert [(d.kind, d.old, d.new) for d in differences([record], [other])] == [
        (Kind.VANISHED, "holds", None),
        (Kind.NEW, None, "holds"),
    ]
    assert {d.kind for d in differences([record], [dataclasses.replace(record, seed=1)])} == {Kind.VANISHED, Kind.NEW}


@given(st.floats(0.4, 0.6), st.floats(0.4, 0.6))
def test_a_median_may_move_within_its_band(record, one, other):
    assert not told(with_measured(record, "accuracy", median=one), with_measured(record, "accuracy", median=other))


@pytest.mark.parametrize("outside", [0.39, 0.61])
def test_a_median_that_leaves_its_band_or_comes_back_has_drifted(record, outside):
    out = with_measured(record, "accuracy", median=outside)
    assert told(record, out) == told(out, record) == [("number", "reproduced: measured: accuracy")]


def test_an_open_band_and_a_median_without_a_number_are_compared(record):
    half = with_measured(record, "accuracy", band=[0.4, "inf"])
    assert not told(half, with_measured(half, "accuracy", median=7.0))
    lost = with_measured(half, "accuracy", median="nan")
    assert told(half, lost) == [("number", "reproduced: measured: accuracy")]
    assert told(record, half) == [("number", "reproduced: measured: accuracy: band")]


def test_values_by_seed_are_not_compared_where_their_median_is(record):
    assert not told(record, with_measured(record, "accuracy", values=[0.1, 0.5, 0.9]))


@pytest.mark.parametrize(("slope", "drifted"), [(2.0 + 1e-6, False), (2.0 + 4.1e-6, True), (-2.0, True)])
def test_a_number_without_a_band_may_drift_by_the_relative_tolerance(record, slope, drifted):
    assert told(record, with_numbers(record, slope=slope)) == [("number", "reproduced: slope")] * drifted
    assert not told(record, with_numbers(record, slope=slope), relative_tolerance=2.0)


def test_rounding_is_no_drift_and_a_setting_is_compared_exactly(record):
    assert not told(record, with_numbers(record, residual=7e-13))
    assert told(record, with_numbers(record, residual=2e-12)) == [("number", "reproduced: residual")]
    setup = {"data": "other", "steps": 10}
    assert told(record, with_numbers(record, setup=setup)) == [("number", "reproduced: setup: data")]
    assert told(record, with_measured(record, "loss", median=1.3)) == [("number", "reproduced: measured: loss")]


def test_mutants_outcomes_and_tables_are_compared(record):
    survivor = dataclasses.replace(record, mutants=[{"name": "doubled", "killed": False, "by": []}])
    assert told(record, survivor) == [("evidence", "mutant doubled")]
    (evidence,) = record.evidence
    undecided = dataclasses.replace(record, evidence=[evidence | {"outcome": "undecided"}])
    assert told(record, undecided) == [("evidence", "reproduced")]
    without = dataclasses.replace(record, evidence=[])
    assert ("evidence", "reproduced") in told(record, without)
    curve = record.tables["curve"]
    moved = dataclasses.replace(record, tables={"curve": curve | {"y": [1.0, 2.0, 4.1]}})
    assert told(record, moved) == [("table", "curve: y")]


def test_of_a_long_table_the_first_entries_that_differ_are_told(record):
    long = dataclasses.replace(record, tables={"curve": {"y": [float(i) for i in range(50)]}})
    moved = dataclasses.replace(record, tables={"curve": {"y": [i + 0.5 * (i > 9) for i in range(50)]}})
    (found,) = differences([long], [moved])
    assert (found.old, found.new) == ({"10": 10.0, "11": 11.0, "12": 12.0}, {"10": 10.5, "11": 11.5, "12": 12.5})


def test_the_environment_tells_every_version_and_commit(record):
    elsewhere = dataclasses.replace(record, commit=None, versions={"torch": "9"}, seconds=1.5)
    here = dataclasses.replace(record, commit="abc", versions={"torch": "8"}, seconds=1.0)
    assert environment([here, elsewhere]) == {
        "claims": 2,
        "seconds": 2.5,
        "commit": "abc, none",
        "versions": {"torch": "8, 9"},
    }


@pytest.fixture
def runs(tmp_path, record):
    """A results folder, and a file of the same run with another verdict and version."""
    Store(tmp_path / "A").save(record)
    other = dataclasses.replace(record, verdict=Verdict.FAILS, versions=record.versions | {"torch": "9.9"})
    (tmp_path / "B.json").write_text(f"[{other.to_json()}]")
    return tmp_path


def call(*arguments):
    return CliRunner().invoke(app, ["diff", *map(str, arguments)])


def test_folders_and_files_are_compared_and_a_changed_verdict_exits_1(runs, record):
    assert load(runs / "A") == [record]
    same = call(runs / "A", runs / "A")
    assert (same.exit_code, same.stdout.splitlines()[-1]) == (0, "no differences")
    changed = call(runs / "A", runs / "B.json")
    assert changed.exit_code == 1
    assert f"torch {record.versions['torch']} → 9.9" in changed.stdout
    assert "1 differences in 1 claims" in changed.stdout


def test_json_tells_the_environment_and_the_differences(runs):
    done = call(runs / "A", runs / "B.json", "--json")
    found = json.loads(done.stdout)
    assert done.exit_code == 1
    assert found["environment"]["B"]["versions"]["torch"] == "9.9"
    (difference,) = found["differences"]
    assert (difference["kind"], difference["old"], difference["new"]) == ("verdict", "holds", "fails")


def test_a_drift_alone_exits_0(runs, record):
    (runs / "C.json").write_text(f"[{with_numbers(record, slope=3.0).to_json()}]")
    done = call(runs / "A", runs / "C.json")
    assert done.exit_code == 0
    assert "reproduced: slope" in done.stdout
    assert "no differences" in call(runs / "A", runs / "C.json", "--rtol", "0.5").stdout


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (None, "cannot read"),
        ("{", "is not JSON"),
        ("{}", "expected a list of records"),
        ("[]", "holds no records"),
        ('[{"id": "demo.other"}]', "not a record"),
        ("[3]", "not a record"),
    ],
)
def test_what_cannot_be_read_is_named_and_exits_2(runs, text, complaint):
    place = runs / "broken.json"
    if text is not None:
        place.write_text(text)
    done = call(runs / "A", place)
    assert done.exit_code == 2
    assert complaint in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_empty_folder_and_a_claim_told_twice_are_named(runs, record):
    (runs / "empty").mkdir()
    with pytest.raises(UnreadableError, match="holds no records"):
        load(runs / "empty")
    (runs / "twice.json").write_text(f"[{record.to_json()}, {record.to_json()}]")
    with pytest.raises(UnreadableError, match=r"more than one record of demo\.accuracy"):
        load(runs / "twice.json")
