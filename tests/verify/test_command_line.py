"""``python -m verify`` and ``python -m verify.figures`` as a user of another package meets them."""

import json

import pytest


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


def test_records_do_not_depend_on_the_number_of_processes(demo):
    demo.verify("run", "--paper", "demo", "--jobs", "1", "--json", "one.json", "--results", "a")
    demo.verify("run", "--paper", "demo", "--jobs", "2", "--json", "two.json", "--results", "b")
    one, two = records(demo, "one.json"), records(demo, "two.json")
    for record in one + two:
        record.pop("seconds")
    assert one == two


def test_a_changed_formula_reruns_its_claims_only_and_turns_them_red(demo):
    demo.verify("run", "--paper", "demo", "--json", "out.json")
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
    demo.verify("run", "--paper", "demo", "--json", "out.json")
    before = {record["id"]: record["fingerprint"] for record in records(demo)}
    claims = demo.folder / "demo_checks" / "claims.py"
    claims.write_text(
        claims.read_text().replace("st.integers(-99, 99))\n    check.table", "st.integers(-9, 9))\n    check.table")
    )
    demo.verify("run", "--paper", "demo", "--json", "out.json")
    after = {record["id"]: record["fingerprint"] for record in records(demo)}
    changed = {identifier for identifier in before if before[identifier] != after[identifier]}
    assert changed == {"demo.square_is_a_double"}


@pytest.mark.parametrize(
    ("arguments", "nearest"),
    [
        (("run", "--paper", "dem"), "demo"),
        (("list", "--paper", "dmo"), "demo"),
        (("run", "--claim", "demo.square_is_product"), "demo.square_is_a_product"),
        (("run", "--paper", "demo", "--claim", "ghosts.square_is_a_product"), "demo.square_is_a_product"),
    ],
)
def test_unknown_names_get_one_line_with_the_nearest_and_exit_2(demo, arguments, nearest):
    done = demo.verify(*arguments)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert nearest in done.stderr


@pytest.mark.parametrize("arguments", [("run", "--level", "medium"), ("run", "--jobs", "0"), ("run", "--seed", "-1")])
def test_bad_options_exit_2(demo, arguments):
    assert demo.verify(*arguments).returncode == 2


def test_figures_come_from_records_with_their_data_beside_them(demo):
    demo.verify("run", "--paper", "demo")
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


def test_figures_of_an_unknown_paper_exit_2(demo):
    assert demo.verify("--paper", "nonsense", module="verify.figures").returncode == 2
