"""The report: which records it shows, what it says of them, and that nothing in a record can get out of its text."""

import dataclasses
import importlib
import json
import re
import stat
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from typer.testing import CliRunner

from verify import __main__ as command_line
from verify.fingerprint import fingerprint
from verify.paper import Paper, discover
from verify.reading import UnreadableError, read_file
from verify.record import Record, Verdict
from verify.report import numbers, words
from verify.report.names import anchor, file_name, sentence, spellings_in
from verify.report.runs import by_claim
from verify.report.site import build
from verify.report.spacing import space_like_tex
from verify.report.typeset import paragraphs, typeset
from verify.store import Store

HOSTILE = [
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "</style><script>alert(1)</script>",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "]]><!-- &lt; &amp;",
    "../../escape",
    r"$\text{</math><script>alert(1)</script>}$",
    "$x$ <b onclick='x'>",
    "\u202e\u0000\x07 \ud800",
]


HARMLESS = {
    "a",
    "br",
    "caption",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "fieldset",
    "h2",
    "input",
    "label",
    "legend",
    "li",
} | {"mtext", "ol", "pre", "span", "summary", "table", "tbody", "td", "th", "thead", "tr", "ul"}


def record(name="one", **changes):
    fields = {
        "id": f"demo.{name}",
        "paper": "demo",
        "ref": "Eq. 1",
        "statement": "The square of $x$ is $x^2$.\n\nFor all of them.",
        "summary": "The square of $x$ is $x^2$.",
        "tags": ["identity"],
        "level": "quick",
        "seed": 0,
        "verdict": Verdict.HOLDS,
        "expected": Verdict.HOLDS,
        "strength": "property-tested",
        "evidence": [
            {
                "strength": "property-tested",
                "says": "a search",
                "outcome": "holds",
                "detail": "no counterexample in 200 cases",
                "numbers": {"cases": 200},
            }
        ],
        "mutants": [{"name": "doubled", "killed": True, "by": ["property-tested: a search"]}],
        "controls": [],
        "counterexample": None,
        "message": None,
        "replay": f"python -m verify run --claim demo.{name} --level quick --seed 0 --fresh",
        "seconds": 0.5,
        "versions": {"python": "3.11.7", "torch": "2.13.0"},
        "commit": "0123456789abcdef",
        "fingerprint": "f",
        "tables": {},
    }
    return Record(**{**fields, **changes})


def demo_paper():
    paper = Paper("demo", arxiv="0000.00000", title="Squares", authors=("A. Author", "B. Author"), year=2026)

    @paper.claim("Eq. 1", mutants={"doubled": {"formula": abs}})
    def one(check, formula=abs):
        """The square of $x$ is $x^2$."""

    @paper.claim("Eq. 2", mutants={"doubled": {"formula": abs}}, seed=3)
    def two(check, formula=abs):
        """Another statement."""

    @paper.figure(source="one")
    def curve(tables):
        """A caption with $x^2$."""
        from matplotlib.figure import Figure

        canvas = Figure(figsize=(4, 3))
        canvas.subplots().plot(tables["data"]["x"], tables["data"]["y"])
        return canvas

    return paper


class Page(HTMLParser):
    """Tags with their attributes, and the text outside scripts and styles."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.words, self._silent = [], [], 0
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.words.append(" " if tag in ("p", "li", "dt", "dd", "th", "td", "div", "pre") else "")
        self._silent += tag in ("script", "style")

    def handle_endtag(self, tag):
        self._silent -= tag in ("script", "style")

    def handle_data(self, data):
        if not self._silent:
            self.words.append(data)

    @property
    def text(self):
        return " ".join("".join(self.words).split())

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def page(out, name="demo.html"):
    return Page((out / name).read_text(encoding="utf-8"))


def test_page_tells_everything_about_a_claim(tmp_path):
    build({}, [record()], tmp_path)
    text = page(tmp_path).text
    for told in ("Eq. 1", "One", "property-tested", "a search", "no counterexample in 200 cases"):
        assert told in text
    for told in ("doubled rejected by: property-tested: a search", "level quick, seed 0, 0.5 s", "torch 2.13.0"):
        assert told in text
    assert "python -m verify run --claim demo.one --level quick --seed 0 --fresh" in text
    assert "1 claim: 1 holds as printed. The checks rejected 1 of 1 mutant." in text


def test_experiment_shows_median_band_printed_value_and_seeds(tmp_path):
    measured = {"error": {"median": 0.12345, "values": [0.1, 0.12345, 0.2], "band": [0.1, 0.2], "printed": 0.15}}
    found = {"setup": {"data": "digits", "steps": 200}, "seeds": [0, 1, 2], "measured": measured}
    shown = numbers.numbers(found)
    assert shown.measured == [numbers.Measured("error", "0.1235", "[0.1, 0.2]", "0.15", "0.1, 0.1235, 0.2")]
    assert (shown.setup, shown.seeds) == ({"data": "digits", "steps": "200"}, "[0, 1, 2]")
    evidence = {"strength": "reproduced", "says": "", "outcome": "holds", "detail": "", "numbers": found}
    build({}, [record(evidence=[evidence])], tmp_path)
    assert "error 0.1235 [0.1, 0.2] 0.15 0.1, 0.1235, 0.2" in page(tmp_path).text


def test_numbers_that_the_words_tell_are_not_repeated():
    assert numbers.numbers({"cases": 200, "value": 2.5}, told="none in 200 cases").others == {"value": "2.5"}
    assert numbers.numbers({"cases": 200}, told="none in 2000 cases").others == {"cases": "200"}


def test_counterexample_is_shown_in_full_precision_with_its_step(tmp_path):
    found = {"v": 0.1 + 0.2, "n": 3, "shows": "the last step", "acc": {"median": 0.5, "band": [0.6, 1.0]}}
    refuted = {"verdict": Verdict.FAILS, "expected": Verdict.FAILS, "counterexample": found}
    build({}, [record(**refuted, controls=[{"name": "corrected", "survived": True}])], tmp_path)
    text = page(tmp_path).text
    assert "It fails at this step: the last step; with v 0.30000000000000004 n 3" in text
    assert "acc median 0.5, outside [0.6, 1]" in text
    assert "corrected survives" in text


def test_corrected_claim_says_that_the_printed_form_fails(tmp_path):
    corrected = {"verdict": Verdict.CORRECTED, "expected": Verdict.CORRECTED, "counterexample": {"v": 1}}
    build({}, [record(**corrected)], tmp_path)
    assert "The printed form fails with v 1" in page(tmp_path).text
    assert "What does not hold as printed" in page(tmp_path, "index.html").text


def test_surviving_mutant_and_unexpected_verdict_stand_out(tmp_path):
    bad = record(verdict=Verdict.ERROR, mutants=[{"name": "m", "killed": False, "by": []}], message="mutants survived")
    build({}, [bad], tmp_path)
    assert "m SURVIVED" in page(tmp_path).text
    assert "1 verdict is not the expected one. One: error, expected holds" in page(tmp_path, "index.html").text


def test_claim_without_a_record_is_not_run(tmp_path):
    build({"demo": demo_paper()}, [record("one")], tmp_path)
    text = page(tmp_path).text
    assert "not run" in text
    assert "Another statement." in text
    assert "python -m verify run --claim demo.two" in text
    assert "The report: which records it shows" in text  # the module's docstring heads its claims


def test_record_out_of_date_says_so(tmp_path):
    paper = demo_paper()
    claim = paper.claims["one"]
    current = record("one", fingerprint=fingerprint(claim, "quick", 0))
    build({"demo": paper}, [current], tmp_path / "a")
    build({"demo": paper}, [record("one")], tmp_path / "b")
    told = "other code or other versions"
    assert told not in page(tmp_path / "a").text
    assert told in page(tmp_path / "b").text


@pytest.mark.parametrize("reverse", [False, True])
def test_best_run_of_a_claim_is_shown(reverse):
    claims = {claim.id: claim for claim in demo_paper().claims.values()}
    two = claims["demo.two"]

    def run(level, seed, *, current=True, **changes):
        digest = fingerprint(two, level, seed) if current else "old"
        return record("two", level=level, seed=seed, fingerprint=digest, **changes)

    best_first = [
        run("full", 3),
        run("full", 0),
        run("quick", 3),
        run("full", 3, verdict=Verdict.ERROR),
        run("full", 3, current=False),
    ]
    given_order = best_first[::-1] if reverse else best_first
    assert [each.record for each in by_claim(given_order, claims)["demo.two"]] == best_first


def test_figures_are_drawn_from_records_with_their_data(tmp_path):
    drawn = record("one", tables={"data": {"x": [0.0, 1.0], "y": [0.0, 2.0]}, "../up": {"x": [1.0]}})
    assert build({"demo": demo_paper()}, [drawn], tmp_path) == []
    (image,) = page(tmp_path).all("img")
    assert ElementTree.parse(tmp_path / image["src"]).getroot().tag.endswith("svg")
    assert int(image["width"]) > int(image["height"]) > 100
    assert (tmp_path / "figures" / "demo" / "curve.data.csv").read_text() == "x,y\n0.0,0.0\n1.0,2.0\n"
    assert sorted(tmp_path.parent.rglob("*up*.csv")) == list((tmp_path / "figures" / "demo").glob("*up*.csv"))
    build({"demo": demo_paper()}, [drawn], tmp_path / "without", with_figures=False)
    assert page(tmp_path / "without").all("img") == []


def test_figure_that_cannot_be_drawn_says_why_in_its_place(tmp_path):
    failures = build({"demo": demo_paper()}, [record("one", tables={"other": {"x": [1.0]}})], tmp_path)
    assert failures == ["demo/curve: KeyError: 'data'"]
    assert "Not drawn: KeyError: 'data'" in page(tmp_path).text


def test_pages_do_not_depend_on_when_or_in_which_order(tmp_path):
    records = [record("one"), record("two", commit="other"), record("a", paper="else", id="else.a")]
    build({"demo": demo_paper()}, records, tmp_path / "a")
    build({"demo": demo_paper()}, records, tmp_path / "b")
    names = sorted(place.relative_to(tmp_path / "a") for place in (tmp_path / "a").rglob("*") if place.is_file())
    assert names
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_downloaded_records_are_records(tmp_path):
    build({}, [record("one"), record("two")], tmp_path / "site")
    assert read_file(tmp_path / "site" / "data" / "demo.json") == [record("one"), record("two")]


def test_files_can_be_read_by_a_web_server(tmp_path):
    build({}, [record()], tmp_path)
    for name in ("index.html", "data/demo.json", "fonts/stix-two-math.woff2", "fonts/OFL.txt"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) & 0o044


@pytest.mark.parametrize("text", HOSTILE)
def test_no_string_of_a_record_becomes_markup(tmp_path, text):
    everywhere = record(
        "x",
        id=f"demo.{text}",
        ref=text,
        statement=text,
        summary=text,
        tags=[text],
        strength=text,
        level=text,
        evidence=[
            {
                "strength": text,
                "says": text,
                "outcome": text,
                "detail": text,
                "numbers": {text: text, "setup": {text: text}, "seeds": [text], "measured": {text: {"median": text}}},
            }
        ],
        mutants=[{"name": text, "killed": True, "by": [text]}],
        controls=[{"name": text, "survived": True}],
        counterexample={text: text, "shows": text},
        message=text,
        replay=text,
        commit=text,
        versions={text: text},
        tables={text: {text: [1.0]}},
    )
    build({}, [everywhere], tmp_path / "hostile")
    build({}, [record("x")], tmp_path / "tame")
    for name in ("index.html", "claims.html", "demo.html"):
        hostile, tame = page(tmp_path / "hostile", name), page(tmp_path / "tame", name)
        extra = {tag for tag, _ in hostile.tags} - {tag for tag, _ in tame.tags}
        assert extra <= HARMLESS
        assert len(hostile.all("script")) == 2
        assert not [key for _, attributes in hostile.tags for key in attributes if key.startswith("on")]
        assert not [a for a in hostile.all("a") if a.get("href", "").startswith("javascript:")]
    told = page(tmp_path / "hostile").text
    assert not set(told) & {"\0", "\x07"}
    assert "".join(filter(str.isalnum, text))[:4] in "".join(filter(str.isalnum, told))


@pytest.mark.parametrize("slug", ["../../etc", "index", "claims", "a/b", "ünï", "", ".hidden"])
def test_paper_of_any_name_gets_a_page_of_its_own_inside_the_folder(tmp_path, slug):
    build({}, [record(id=f"{slug}.one", paper=slug)], tmp_path / "site")
    pages = {place.name for place in (tmp_path / "site").glob("*.html")}
    assert len(pages) == 3
    assert {place.name for place in tmp_path.iterdir()} == {"site"}
    (own,) = pages - {"index.html", "claims.html"}
    assert "One" in page(tmp_path / "site", own).text
    assert any(link["href"] == own for link in page(tmp_path / "site", "index.html").all("a"))


@given(st.text(), st.text())
def test_file_names_are_harmless_and_tell_names_apart(one, other):
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,200}", file_name(one))
    assert (file_name(one) == file_name(other)) == (one == other)
    assert anchor(f"demo.{one}", "demo") == file_name(one)


def test_names_read_as_sentences_with_the_capitals_of_the_statements():
    spellings = spellings_in(
        ["The GELU is smooth. Gaussian noise", "of Gaussian noise; Let $Noise$ be", "ReLU, Tanh tanh"]
    )
    assert sentence("gelu_is_gaussian_let_noise", spellings) == "GELU is Gaussian let noise"
    assert sentence("relu_and_tanh", spellings) == "ReLU and tanh"
    assert sentence("", spellings) == ""


def test_long_formulas_break_behind_relations_outside_brackets():
    shown = re.sub("<[^m/].*?>|</[^m].*?>|<m[^a].*?>|</m[^a].*?>", "", typeset("$f(a + b) = g(c) + h(d, e) - 1$"))
    assert re.split("<math[^>]*>|</math>", shown)[1::2] == ["f(a+b)=", "g(c)+", "h(d,e)−", "1"]
    assert typeset("$a + b = c$").count("<math") == 1
    assert typeset("$a / b = c / d + ee / (f + g)$").count("<math") == 3
    assert typeset("$abcdefghijklmnop / (qrstuvwxyz + abcdef)$").count("<math") == 2


def test_no_line_breaks_between_a_formula_and_its_punctuation():
    shown = re.sub("</?m.*?>", "", typeset("if ($x$), then $y$ holds for $z$-axes."))
    unbroken = '<span class="unbroken">{}</span>'
    assert shown == f"if {unbroken.format('(x),')} then y holds for {unbroken.format('z-axes.')}"
    assert "unbroken" not in typeset("$x$" + "y" * 30)


@given(st.text())
def test_any_text_is_typeset_as_text_and_mathematics_only(text):
    shown = Page(str(typeset(text)))
    assert not [tag for tag, _ in shown.tags if not tag.startswith("m") and tag not in ("span", "code")]
    assert not [name for _, attributes in shown.tags for name in attributes if name.startswith(("on", "href", "style"))]


def test_mathematics_becomes_mathml_and_prose_is_escaped():
    assert "<msup><mi>x</mi><mn>2</mn></msup>" in typeset("a < b, $x^2$ & so on")
    assert typeset("a < b").startswith("a &lt; b")
    assert typeset("an open $x").unescape() == "an open $x"
    assert typeset(r"$\href{javascript:alert(1)}{x}$").count("<") == 0
    assert [str(each) for each in paragraphs("one\ntwo\n\nthree")] == ["one two", "three"]


def test_code_between_backticks_is_set_as_code():
    assert typeset("``a < b`` and `rho_a`, $x$").startswith("<code>a &lt; b</code> and ")
    assert "<code>rho_a</code>" in typeset("``a < b`` and `rho_a`, $x$")
    assert typeset("a ` b").startswith("a ` b")


@pytest.mark.parametrize(
    ("tex", "operator", "attributes"),
    [
        (r"|x|", "|", {"lspace": "0", "rspace": "0"}),
        (r"a/b", "/", {"lspace": "0", "rspace": "0"}),
        (r"x = -1", "−", {"form": "prefix"}),
        (r"\max(a, b)", "max", {"lspace": "0", "rspace": "0"}),
        (r"2\max_s x", "max", {"lspace": "0.1667em", "rspace": "0.1667em"}),
        (r"2\log 2", "log", {"lspace": "0.1667em", "rspace": "0.1667em"}),
        (r"a/|\det A|", "det", {"lspace": "0", "rspace": "0.1667em"}),
        (r"|x| \det A", "det", {"lspace": "0.1667em"}),
        (r"x \sim N", "∼", {}),
        (r"\ge 0", "≥", {"lspace": "0"}),
    ],
)
def test_operators_are_spaced_like_tex(tex, operator, attributes):
    root = ElementTree.fromstring(str(typeset(f"${tex}$")))
    found = next(element for element in root.iter("mo") if element.text.replace("-", "−") == operator)
    assert attributes.items() <= found.attrib.items()


def test_prime_is_set_at_its_full_size():
    assert "<mrow><mi>c</mi><mo" in typeset("$c'$")
    assert "msup" not in typeset("$c'$")


def test_binary_minus_is_left_alone_and_capital_greek_is_upright():
    root = ElementTree.fromstring("<math><mi>a</mi><mo>-</mo><mi>Δ</mi><msup><mo>)</mo><mn>2</mn></msup></math>")
    space_like_tex(root)
    assert root[1].attrib == {}
    assert root[2].get("mathvariant") == "normal"


def test_every_statement_of_every_paper_is_typeset():
    for paper in discover().values():
        for claim in paper.claims.values():
            shown = "".join(map(str, paragraphs(claim.statement)))
            assert "$" not in shown.replace(r"\$", ""), claim.id


def test_policy_forbids_everything_but_what_the_page_brings(tmp_path):
    build({}, [record()], tmp_path)
    for name in ("index.html", "claims.html", "demo.html"):
        shown = page(tmp_path, name)
        policy = next(meta["content"] for meta in shown.all("meta") if "http-equiv" in meta)
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "unsafe" not in policy
        assert "http" not in policy
        assert not [attributes for _, attributes in shown.tags if "style" in attributes]
        loaded = [a["href"] for a in shown.all("link")] + [
            a.get("src") for tag in ("script", "img") for a in shown.all(tag)
        ]
        assert not [address for address in loaded if address and "//" in address]


def test_links_and_labels_resolve(tmp_path):
    build({"demo": demo_paper()}, [record("one", tables={"data": {"x": [0.0], "y": [1.0]}})], tmp_path)
    pages = {place.name: page(tmp_path, place.name) for place in tmp_path.glob("*.html")}
    ids = {name: [a["id"] for _, a in shown.tags if "id" in a] for name, shown in pages.items()}
    for name, shown in pages.items():
        assert len(set(ids[name])) == len(ids[name])
        for link in shown.all("a"):
            path, _, fragment = link["href"].partition("#")
            path = path.partition("?")[0]
            if path.startswith("https://arxiv.org/abs/"):
                continue
            assert (tmp_path / (path or name)).is_file()
            if fragment:
                assert fragment in ids[path or name]
        for _, attributes in shown.tags:
            for label in (attributes.get("aria-labelledby"), attributes.get("for")):
                assert label is None or label in ids[name]


def test_only_strengths_of_some_claim_lead_to_the_claims(tmp_path):
    build({}, [record(strength="property-tested")], tmp_path)
    targets = [link["href"] for link in page(tmp_path, "index.html").all("a")]
    assert [target for target in targets if "strength=" in target] == ["claims.html?strength=property-tested"]


def test_every_verdict_and_strength_has_words():
    assert set(words.VERDICTS) == {*Verdict, words.NOT_RUN}
    for verdict in words.VERDICTS:
        assert words.counted(verdict, 1) != words.counted(verdict, 2)
    assert words.plural(1, "claim") == "1 claim"
    assert words.plural(1200, "claim") == "1,200 claims"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "Expecting"),
        ("{}", "expected a list of records"),
        ("[{}]", "not a record"),
        ("[1]", "not a record"),
        (json.dumps([{**dataclasses.asdict(record()), "tags": 3}]), "tags is 3"),
        (json.dumps([{**dataclasses.asdict(record()), "evidence": [{"says": "x"}]}]), "strength is"),
        (json.dumps([{**dataclasses.asdict(record()), "mutants": ["m"]}]), "has 'm'"),
        (json.dumps([{**dataclasses.asdict(record()), "seconds": float("nan")}]), "JSON compliant"),
        (json.dumps([{**dataclasses.asdict(record()), "verdict": "maybe"}]), "'maybe' is not a valid Verdict"),
    ],
)
def test_unreadable_file_is_named(tmp_path, text, told):
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(UnreadableError, match=re.escape(told)) as caught:
        read_file(tmp_path / "bad.json")
    assert "bad.json" in str(caught.value)


def test_unreadable_record_of_a_folder_is_told_on_the_first_page(tmp_path):
    store = Store(tmp_path / "results")
    store.save(record())
    (tmp_path / "results" / "demo" / "broken.quick.0.json").write_text("{")
    done = report("--results", tmp_path / "results", "--out", tmp_path / "site", "--no-figures")
    assert done.exit_code == 0
    assert "broken.quick.0.json" in done.stderr
    assert "broken.quick.0.json" in page(tmp_path / "site", "index.html").text
    assert "1 claim: 1 holds as printed." in page(tmp_path / "site").text


def test_command_names_the_unreadable_records_where_there_are_no_others(tmp_path):
    (tmp_path / "results" / "demo").mkdir(parents=True)
    (tmp_path / "results" / "demo" / "broken.quick.0.json").write_text("{")
    done = report("--results", tmp_path / "results", "--out", tmp_path / "site")
    assert done.exit_code == 2
    assert "broken.quick.0.json: not a record" in done.stderr
    assert "no records in" in done.stderr


def test_command_joins_folder_and_files_and_runs_nothing(tmp_path, monkeypatch):
    trial = importlib.import_module("verify.judge")._Trial
    monkeypatch.setattr(trial, "conduct", lambda _: pytest.fail("the report ran a claim"))
    Store(tmp_path / "results").save(record("one"))
    (tmp_path / "more.json").write_text(json.dumps([dataclasses.asdict(record("two"))]))
    done = report("--results", tmp_path / "results", "--json", tmp_path / "more.json", "--out", tmp_path / "site")
    assert done.exit_code == 0
    assert "2 records" in done.stdout
    assert "One¶" in page(tmp_path / "site").text
    assert "Two¶" in page(tmp_path / "site").text


def test_command_without_records_says_how_to_make_some(tmp_path):
    done = report("--results", tmp_path / "nothing", "--out", tmp_path / "site")
    assert done.exit_code == 2
    assert "python -m verify run" in done.stderr
    assert not (tmp_path / "site").exists()


def test_command_that_cannot_write_ends_with_one_message(tmp_path):
    Store(tmp_path / "results").save(record("one"))
    occupied = tmp_path / "occupied"
    occupied.write_text("a file where a folder should be")
    done = report("--results", tmp_path / "results", "--out", occupied)
    assert (done.exit_code, done.stderr) == (2, f"cannot write into {occupied}: File exists\n")
    (tmp_path / "site" / "index.html").mkdir(parents=True)
    done = report("--results", tmp_path / "results", "--out", tmp_path / "site")
    assert (done.exit_code, done.stderr) == (2, f"cannot write {tmp_path / 'site' / 'index.html'}: Is a directory\n")


def report(*arguments: object):
    return CliRunner().invoke(command_line.app, ["report", *map(str, arguments)])


@settings(max_examples=30, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_numbers_of_any_shape_are_shown(value):
    shown = numbers.numbers({"value": value, "setup": value, "measured": value, "seeds": value})
    assert isinstance(shown, numbers.Numbers)
    numbers.counterexample({"value": value})


def test_assets_are_beside_their_licence():
    folder = Path(command_line.__file__).parent / "report" / "assets" / "fonts"
    assert "SIL OPEN FONT LICENSE" in (folder / "OFL.txt").read_text()
    assert sum(place.stat().st_size for place in folder.glob("*.woff2")) < 300_000
