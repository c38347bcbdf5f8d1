"""``python -m verify.figures``: draw every paper's figures from stored records, each with its data beside it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import matplotlib as mpl
import typer
from rich.progress import track

from verify.check import Skip
from verify.console import console, story
from verify.paper import Figure, Tables, UnknownNameError, discover, find_paper
from verify.record import Verdict
from verify.runner import run, stored_record
from verify.store import DEFAULT_FOLDER, Store, UnwritableError, check_writable, write_atomically

STYLE: dict[Any, Any] = {
    "figure.dpi": 110,
    "savefig.dpi": 200,
    "savefig.bbox": "tight",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "svg.hashsalt": "paperchecks",
}


class NoDataError(Exception):
    """The claim behind a figure kept no data, since its check ended in an error."""


class Format(StrEnum):
    """File formats a figure can be written in."""

    svg = "svg"
    png = "png"
    pdf = "pdf"


def draw(figure: Figure, store: Store, out: Path, file_format: Format) -> Path:
    """Draw one figure into ``out/<paper>/<figure>.<format>`` and its data into ``<figure>.<table>.csv`` beside it.

    The claim behind the figure is run only if the store has no valid record of it.

    Raises
    ------
    Skip
        If that claim is skipped, with its reason.
    NoDataError
        If that claim's record holds no data, with the record's story.
    UnwritableError
        If a file cannot be written.
    """
    claim = figure.paper.claims[figure.source]
    record = stored_record(claim, store, "full") or stored_record(claim, store, "quick")
    record = record or run([claim], store)[0]
    if record.verdict is Verdict.SKIPPED:
        raise Skip(record.message)
    if not record.tables:
        with (told := console(stderr=True)).capture() as capture:
            told.print(story(record))
        raise NoDataError(capture.get().rstrip())
    folder = out / figure.paper.slug
    for name, columns in record.tables.items():
        write_atomically(folder / f"{figure.name}.{name}.csv", as_csv(columns))
    place = folder / f"{figure.name}.{file_format}"
    save(figure, record.tables, place)
    return place


def save(figure: Figure, tables: Tables, place: Path) -> None:
    """Draw a figure from its claim's tables into a file; the suffix gives the format.

    Raises
    ------
    UnwritableError
        If the file cannot be written.
    """
    with mpl.rc_context(STYLE):
        canvas = figure.draw(tables)
        try:
            canvas.savefig(place, metadata={"Date": None} if place.suffix == ".svg" else None)
        except OSError as error:
            raise UnwritableError(f"cannot write {place}: {error.strerror or error}") from error


def as_csv(columns: Mapping[str, Sequence[float]]) -> str:
    """A table with a line of headings."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue()


def main(
    paper: Annotated[str | None, typer.Option("--paper", metavar="SLUG", help="Only this paper.")] = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where to write.")] = Path("figures"),
    file_format: Annotated[Format, typer.Option("--format", help="File format.")] = Format.svg,
    results: Annotated[Path, typer.Option("--results", metavar="DIR", help="The records.")] = DEFAULT_FOLDER,
) -> None:
    """Draw the figures from stored records; a claim whose record is missing is run first.

    The exit code is 1 if a claim ended in an error and kept no data for its figure, and 2 if the paper is unknown or
    something cannot be written.
    """
    try:
        papers = [find_paper(paper)] if paper is not None else list(discover().values())
        check_writable(out)
        figures = [figure for each in papers for figure in each.figures.values()]
        complete = _draw_all(figures, Store(results), out, file_format)
    except (UnknownNameError, UnwritableError) as error:
        console(stderr=True).print(str(error), soft_wrap=True, markup=False)
        raise typer.Exit(2) from error
    if not complete:
        raise typer.Exit(1)


def _draw_all(figures: Sequence[Figure], store: Store, out: Path, file_format: Format) -> bool:
    """Draw what has data, tell of the others, and return whether no claim was in error."""
    mpl.use("agg")
    progress, complete = console(stderr=True), True
    for figure in track(figures, "figures", console=progress, transient=True, disable=not progress.is_terminal):
        try:
            told = str(draw(figure, store, out, file_format))
        except Skip as reason:
            told = f"{figure.paper.slug}/{figure.name} is not drawn: {reason}"
        except NoDataError as error:
            complete = False
            told = f"{figure.paper.slug}/{figure.name} is not drawn, its claim kept no data:\n{error}"
        console().print(told, soft_wrap=True, markup=False)
    return complete


if __name__ == "__main__":
    typer.run(main)
