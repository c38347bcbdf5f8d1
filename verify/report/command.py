"""The command ``python -m verify report``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import matplotlib as mpl
import typer

from verify.console import console
from verify.paper import discover
from verify.reading import UnreadableError, read_file, read_folder
from verify.report.site import build
from verify.store import DEFAULT_FOLDER, UnwritableError, check_writable


def report(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where to write.")] = Path("report"),
    results: Annotated[Path, typer.Option("--results", metavar="DIR", help="The records.")] = DEFAULT_FOLDER,
    json_files: Annotated[
        list[Path] | None, typer.Option("--json", metavar="FILE", help="More records, of run --json; repeatable.")
    ] = None,
    figures: Annotated[bool, typer.Option(help="Draw the figures, which takes most of the time.")] = True,
) -> None:
    """Make a static site from stored records; nothing is run.

    The exit code is 2 if there is nothing to read or the site cannot be written, and 0 otherwise, whatever the verdicts
    are.
    """
    told = console(stderr=True)
    started = time.perf_counter()
    try:
        records, unreadable = read_folder(results)
        records += [record for place in json_files or [] for record in read_file(place)]
    except UnreadableError as error:
        told.print(str(error), soft_wrap=True, markup=False)
        raise typer.Exit(2) from error
    for complaint in unreadable:
        told.print(complaint, soft_wrap=True, markup=False)
    if not records:
        told.print(f"no records in {results}; make some with python -m verify run", soft_wrap=True, markup=False)
        raise typer.Exit(2)
    mpl.use("agg")
    try:
        check_writable(out)
        failures = build(discover(), records, out, with_figures=figures, unreadable=unreadable)
    except UnwritableError as error:
        told.print(str(error), soft_wrap=True, markup=False)
        raise typer.Exit(2) from error
    for failure in failures:
        told.print(f"not drawn: {failure}", soft_wrap=True, markup=False)
    seconds = time.perf_counter() - started
    console().print(f"{out / 'index.html'} ({len(records)} records, {seconds:.1f} s)", soft_wrap=True, markup=False)
