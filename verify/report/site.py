"""Write the site: templates, what they need beside them, and a policy that lets a page load nothing else."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.resources import as_file, files
from pathlib import Path
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from verify.paper import Paper
from verify.record import Record
from verify.report import words
from verify.report.figures import Drawn, draw
from verify.report.runs import Run
from verify.report.view import PaperView, Totals, papers, software
from verify.store import UnwritableError

_CONTROLS = {code: "\ufffd" for code in range(32) if chr(code) not in "\t\n\r"}
_ASSETS = files("verify.report") / "assets"


def build(
    registered: Mapping[str, Paper],
    records: Sequence[Record],
    out: Path,
    *,
    with_figures: bool = True,
    unreadable: Sequence[str] = (),
) -> list[str]:
    """Make the site below a folder.

    Parameters
    ----------
    registered
        The installed papers by slug; claims of theirs without a record are shown as not run.
    records
        What is shown. Nothing is run.
    out
        The folder; ``index.html`` in it is the first page. Files of earlier reports are replaced.
    with_figures
        Whether figures are drawn, which takes most of the time.
    unreadable
        What is to be said on the first page about files that hold no record.

    Returns
    -------
    list of str
        Which figures could not be drawn, and why.

    Raises
    ------
    UnwritableError
        If a page or a file beside it cannot be written.
    """
    failures: list[str] = []

    def illustrate(paper: Paper, source: str, runs: list[Run]) -> list[Drawn]:
        tables = next((run.record.tables for run in runs if run.record.tables), None)
        if tables is None or not with_figures:
            return []
        drawn = [draw(figure, tables, out) for figure in paper.figures.values() if figure.source == source]
        failures.extend(f"{paper.slug}/{figure.name}: {figure.failure}" for figure in drawn if figure.failure)
        return drawn

    pages = papers(registered, records, illustrate)
    totals = Totals(claim for page in pages for claim in page.claims)
    templates = _templates()
    shared = {"papers": pages, "all": totals}
    _write(
        out / "index.html",
        templates.get_template("index.html").render(shared, software=software(pages), unreadable=unreadable),
    )
    _write(out / "claims.html", templates.get_template("claims.html").render(shared))
    one = templates.get_template("paper.html")
    for page in pages:
        _write(out / page.page, one.render(shared, paper=page))
        _write(out / page.data, _data(page))
    _copy_fonts(out / "fonts")
    return failures


def _write(place: Path, text: str) -> None:
    _write_bytes(place, text.translate(_CONTROLS).encode("utf-8", "replace"))


def _write_bytes(place: Path, content: bytes) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    except OSError as error:
        raise UnwritableError(f"cannot write {place}: {error.strerror or error}") from error


def _data(page: PaperView) -> str:
    """The records a page was made from, in the form of ``run --json``."""
    shown = [dataclasses.asdict(claim.record) for claim in page.claims if claim.record]
    return json.dumps(shown, allow_nan=False, separators=(",", ":"))


def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("verify.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, first, script = (_asset(name) for name in ("report.css", "theme.js", "report.js"))
    environment.globals.update(
        style=style,
        first_script=first,
        script=script,
        policy=_policy(style, (first, script)),
        words=words,
        query=urlencode,
    )
    environment.filters.update(key=words.key, plural=words.plural)
    return environment


def _asset(name: str) -> Markup:
    return Markup((_ASSETS / name).read_text(encoding="utf-8"))


def _policy(style: str, scripts: Sequence[str]) -> str:
    """Only the styles and scripts of this package run; fonts and images come from beside the page."""
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src {_hash(style)}",
            f"script-src {' '.join(map(_hash, scripts))}",
            "font-src 'self' file:",
            "img-src 'self' file: data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _copy_fonts(out: Path) -> None:
    with as_file(_ASSETS / "fonts") as folder:
        for place in sorted(folder.iterdir()):
            if place.suffix in (".woff2", ".txt"):
                _write_bytes(out / place.name, place.read_bytes())
