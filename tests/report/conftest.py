"""The report of hostile and of ordinary records, built once, in a headless Chromium that may load nothing else."""

from __future__ import annotations

import dataclasses
import os
import shutil
from pathlib import Path

import pytest

from verify.paper import Paper
from verify.record import Record, Verdict
from verify.report.site import build

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HOSTILE = "<script>document.title = 'run'</script><img src=x onerror=\"document.title = 'run'\">"


def pytest_addoption(parser):
    parser.addoption(
        "--require-browser", action="store_true", help="fail where there is no Chromium instead of skipping"
    )


def find_chromium() -> str | None:
    """The Chromium of the variable CHROMIUM, of the system, or of playwright."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found:
        return found
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        bundled = driver.chromium.executable_path
    return bundled if Path(bundled).exists() else None


@pytest.fixture(scope="session")
def chromium(request):
    try:
        from playwright.sync_api import sync_playwright

        path = find_chromium()
        reason = "no Chromium: apt-get install chromium, or playwright install chromium, or name it in CHROMIUM"
    except ImportError:
        path, reason = None, "playwright is not installed: pip install 'paperchecks[browser]'"
    if path is None:
        (pytest.fail if request.config.getoption("--require-browser", default=False) else pytest.skip)(reason)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Path:
    """Two papers: one with every kind of verdict, evidence and a figure, one whose every string is hostile."""
    out = tmp_path_factory.mktemp("site")
    assert build({"demo": _paper()}, _records(), out) == []
    return out


@pytest.fixture
def open_page(chromium, site):
    """Opens a page of the site; at the end nothing may have been logged, thrown or asked of a network."""
    contexts, troubles = [], []

    def open_page(address="index.html", *, width=1280, height=900, **options):
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: troubles.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: troubles.append(f"thrown: {error}"))
        page.on("request", lambda request: _check(request.url))
        page.add_init_script(
            "window.shifted = 0; new PerformanceObserver(list => list.getEntries().forEach("
            "entry => { if (!entry.hadRecentInput) window.shifted += entry.value; })"
            ").observe({type: 'layout-shift', buffered: true});"
        )
        page.goto(f"{site.as_uri()}/{address}")
        page.evaluate("document.fonts.ready.then(() => true)")
        return page

    def _check(url: str) -> None:
        if not url.startswith((site.as_uri(), "data:")):
            troubles.append(f"asked for {url}")

    yield open_page
    for context in contexts:
        context.close()
    assert troubles == []


def _paper() -> Paper:
    paper = Paper("demo", arxiv="0000.00000", title="Squares and their products", authors=("A. Author",), year=2026)

    @paper.claim("Theorem 1", mutants={"doubled": {"formula": abs}}, tags=("identity",))
    def square_is_a_product(check, formula=abs):
        """The square."""

    @paper.figure(source="square_is_a_product")
    def square(tables):
        """The square of $x$."""
        from matplotlib.figure import Figure

        canvas = Figure(figsize=(5, 3))
        canvas.subplots().plot(tables["curve"]["x"], tables["curve"]["y"])
        return canvas

    @paper.claim("Theorem 2", mutants={"doubled": {"formula": abs}}, tags=("open",))
    def nobody_has_run_this(check, formula=abs):
        r"""Not run: $\sqrt{x} \le x$."""

    return paper


def _records() -> list[Record]:
    found = {
        "setup": {"data": "digits", "steps": 200},
        "seeds": list(range(5)),
        "measured": {
            f"error of a method with a long name, {k}": {
                "median": 0.125,
                "values": [0.123456789] * 5,
                "band": [0.1, 0.2],
                "printed": 0.15,
            }
            for k in range(3)
        },
    }
    holds = Record(
        id="demo.square_is_a_product",
        paper="demo",
        ref="Theorem 1",
        statement=r"With $\Delta \ne 0$ the zero has modulus $\sqrt{\delta^2 + \pi^2}/|\Delta|$." "\n\n" r"And $x^2$.",
        summary="The zero.",
        tags=["identity"],
        level="quick",
        seed=0,
        verdict=Verdict.HOLDS,
        expected=Verdict.HOLDS,
        strength="certified",
        evidence=[
            {"strength": "certified", "says": "a box", "outcome": "holds", "detail": "on [0, 1]", "numbers": {"n": 3}},
            {"strength": "reproduced", "says": "", "outcome": "holds", "detail": "5 seeds", "numbers": found},
        ],
        mutants=[{"name": "doubled", "killed": True, "by": ["certified: a box", "reproduced"]}],
        controls=[],
        counterexample=None,
        message=None,
        replay="python -m verify run --claim demo.square_is_a_product --level quick --seed 0 --fresh",
        seconds=1.0,
        versions={"python": "3.11.7", "machine": "x86_64"},
        commit="0123456789abcdef-dirty",
        fingerprint="f",
        tables={"curve": {"x": [0.0, 1.0, 2.0], "y": [0.0, 1.0, 4.0]}},
    )
    refuted = {"verdict": Verdict.FAILS, "expected": Verdict.FAILS, "strength": "proved", "tags": ["erratum"]}
    many = [
        dataclasses.replace(
            holds,
            id=f"demo.square_is_a_double_{k}",
            statement=f"For $n = {k}$ the square of $x$ is its double, $x^2 = 2x$.",
            counterexample={"x": 3, "shows": "each is a double"},
            controls=[{"name": "corrected", "survived": True}],
            tables={},
            **refuted,
        )
        for k in range(30)
    ]
    error = dataclasses.replace(holds, id="demo.crashed", verdict=Verdict.ERROR, strength=None, message="Traceback …")
    hostile = dataclasses.replace(
        holds,
        id=f"evil.{HOSTILE}",
        paper="evil",
        ref=HOSTILE,
        statement=f"{HOSTILE} $\\text{{{HOSTILE}}}$",
        tags=[HOSTILE],
        evidence=[
            {"strength": HOSTILE, "says": HOSTILE, "outcome": HOSTILE, "detail": HOSTILE, "numbers": {HOSTILE: HOSTILE}}
        ],
        mutants=[{"name": HOSTILE, "killed": True, "by": [HOSTILE]}],
        counterexample={HOSTILE: HOSTILE, "shows": HOSTILE},
        message=HOSTILE,
        replay=HOSTILE,
        tables={},
    )
    return [holds, *many, error, hostile]
