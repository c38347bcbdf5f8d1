"""``python -m verify`` and ``python -m verify.figures`` as a user of another package meets them."""

import json

import pytest
import typer
from typer.testing import CliRunner

from verify import figures
from verify.__main__ import app
from verify.store import write_atomically

BINARY_RADIUS = "ghosts.binary_radius_is_the_nearest_zero"


def records(demo, name="out.json"):
    return json.loads((demo.folder / name).read_text())


def test_another_package_brings_its_claims_through_an_entry_point(demo):
    listed = json.loads(demo.verify("list", "--paper", "demo", "--json").stdout)
    assert [claim["id"] for claim in listed][:2] == ["demo.square_is_a_product", "demo.square_is_a_double"]
    assert "Squares" in demo.verify("list").stdout


def test_a_run_writes_records_and_a_table(demo):
    done = demo.verify("run", "--paper", "demo", "--json", "out.json", "--markdown", "out.md", "--jobs", "2")
    assert done.returncode == 0, done.stderr
    page = (demo.folder / "out.md").read_text()
    assert "| demo.square_is_a_double | fails | property-tested | 0/0+1/1 |" in page
    assert page.startswith("| paper | holds |")
    assert "| 9/9 |" in page
    assert "mutants killed 9/9" in done.stdout
    first, second = records(demo)[:2]
    assert first["verdict"] == "holds"
    assert first["mutants"] == [{"name": "doubled", "killed": True, "by": ["property-tested"]}]
    assert second["verdict"] == second["expected"] == "fails"
    assert second["counterexample"] == {"v": 1}
    assert second["controls"] == [{"name": "corrected", "survived": True}]
    for field in ("id", "paper", "ref", "statement", "level", "evidence", "seed", "seconds", "versions"):
        assert field in first


def test_a_changed_formula_reruns_its_claims_only_and_turns_them_red(demo):
    demo.verify("run", "--paper", "demo", "--jobs", "1", "--json", "out.json")
    before = {record["id"]: record["seconds"] for record in records(demo)}
    (demo.folder / "demo_checks" / "formula.py").write_text("def square(v):\n    return v * v + (v == 7)\n")
    done = demo.verify("run", "--paper", "demo", "--claim", "demo.square_is_a_product", "--json", "out.json")
    assert done.returncode == 1
    (broken,) = records(demo)
    assert (broken["verdict"], broken["counterexample"]) == ("fails", {"v": 7})
    assert "counterexample" in done.stdout
    assert broken["replay"] in done.stdout
    assert before["demo.square_is_a_product"] != broken["seconds"]


def test_a_changed_claim_leaves_the_records_of_its_neighbours(demo):
    demo.verify("run", "--paper", "demo", "--jobs", "1", "--json", "out.json")
    before = {record["id"]: record["fingerprint"] for record in records(demo)}
    claims = demo.folder / "demo_checks" / "claims.py"
    claims.write_text(
        claims.read_text().replace("st.integers(-99, 99))\n    check.table", "st.integers(-9, 9))\n    check.table")
    )
    demo.verify("run", "--paper", "demo", "--jobs", "1", "--json", "out.json")
    after = {record["id"]: record["fingerprint"] for record in records(demo)}
    changed = {identifier for identifier in before if before[identifier] != after[identifier]}
    assert changed == {"demo.square_is_a_double"}


@pytest.mark.parametrize(
    ("arguments", "nearest"),
    [
        (("run", "--paper", "ghost"), "ghosts"),
        (("list", "--paper", "gosts"), "ghosts"),
        (("run", "--claim", "ghosts.binary_radius_is_nearest_zero"), BINARY_RADIUS),
        (("run", "--paper", "ghosts", "--claim", "demo.binary_radius_is_the_nearest_zero"), BINARY_RADIUS),
    ],
)
def test_unknown_names_get_one_line_with_the_nearest_and_exit_2(arguments, nearest):
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert nearest in done.stderr


@pytest.mark.parametrize("arguments", [("run", "--level", "medium"), ("run", "--jobs", "0"), ("run", "--seed", "-1")])
def test_bad_options_exit_2(arguments):
    assert CliRunner().invoke(app, arguments).exit_code == 2


def test_figures_come_from_records_with_their_data_beside_them(demo):
    demo.verify("run", "--claim", "demo.square_is_a_double")
    done = demo.verify("--paper", "demo", "--out", "figs", "--format", "png", module="verify.figures")
    assert done.returncode == 0, done.stderr
    folder = demo.folder / "figs" / "demo"
    assert (folder / "double.png").stat().st_size > 1000
    assert (folder / "double.double.csv").read_text() == "v,value\n0.0,0.0\n1.0,2.0\n"


def test_a_figure_of_a_skipped_claim_is_named_and_the_others_are_drawn(demo):
    claims = demo.folder / "demo_checks" / "claims.py"
    skipped = """
@paper.claim("Eq. 4", mutants={"none": {"data": 1}})
def rests_on_data(check, data=0):
    \"\"\"Something about published data.\"\"\"
    check.skip("set DEMO_DATA to the table")


paper.figure(source="rests_on_data")(lambda tables: None)
"""
    claims.write_text(claims.read_text() + skipped)
    done = demo.verify("--paper", "demo", "--out", "figs", "--format", "png", module="verify.figures")
    assert done.returncode == 0, done.stderr
    assert "is not drawn: set DEMO_DATA to the table" in done.stdout
    assert (demo.folder / "figs" / "demo" / "double.png").exists()


def test_a_figure_of_a_failed_run_is_told_and_the_others_are_drawn(demo):
    claims = demo.folder / "demo_checks" / "claims.py"
    broken = """
@paper.claim("Eq. 4", mutants={"none": {"data": 1}})
def rests_on_a_bug(check, data=0):
    \"\"\"Something that divides by zero.\"\"\"
    check.table("rows", x=[1 / data])


paper.figure(source="rests_on_a_bug")(lambda tables: None)
"""
    claims.write_text(claims.read_text().replace("@paper.figure", broken + "@paper.figure", 1))
    done = demo.verify("--paper", "demo", "--out", "figs", "--format", "png", module="verify.figures")
    assert done.returncode == 1, done.stderr
    assert "<lambda> is not drawn, its claim kept no data" in done.stdout
    assert "ZeroDivisionError" in done.stdout
    assert "Traceback" not in done.stderr
    assert (demo.folder / "figs" / "demo" / "double.png").exists()


def draw(*arguments):
    command = typer.Typer()
    command.command()(figures.main)
    return CliRunner().invoke(command, [*map(str, arguments)])


def test_figures_of_an_unknown_paper_exit_2(tmp_path):
    done = draw("--paper", "nonsense", "--out", tmp_path)
    assert done.exit_code == 2
    assert "unknown paper 'nonsense'" in done.stderr


def test_figures_that_cannot_be_written_end_with_one_message(tmp_path, monkeypatch):
    occupied = tmp_path / "figures"
    occupied.write_text("a file where a folder should be")
    done = draw("--paper", "ghosts", "--out", occupied)
    assert (done.exit_code, done.stderr) == (2, f"cannot write into {occupied}: File exists\n")
    monkeypatch.setattr("verify.figures.draw", lambda *_: write_atomically(occupied / "data.csv", ""))
    done = draw("--paper", "ghosts", "--out", tmp_path / "others")
    assert (done.exit_code, done.stderr) == (2, f"cannot write {occupied / 'data.csv'}: File exists\n")
