"""Figures of the report, drawn from the tables of records and from nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from markupsafe import Markup

from verify.figures import as_csv, save
from verify.paper import Figure
from verify.report.names import file_name
from verify.report.typeset import paragraphs
from verify.store import UnwritableError, write_atomically

FOLDER = "figures"
_POINTS = re.compile(r"([\d.]+)pt")
_PIXELS_PER_POINT = 4 / 3


@dataclass(frozen=True)
class Data:
    """A table behind a figure, for download."""

    name: str
    href: str
    rows: int


@dataclass(frozen=True)
class Drawn:
    """A figure on a page.

    Attributes
    ----------
    name, caption
        What it is called and what it shows.
    href
        The image, relative to the page; ``None`` if it could not be drawn.
    width, height
        In CSS pixels, so that the page keeps its place before the image is there.
    data
        The tables it was drawn from.
    failure
        Why there is no image.
    """

    name: str
    caption: list[Markup]
    href: str | None
    width: int
    height: int
    data: list[Data]
    failure: str | None = None


def draw(figure: Figure, tables: Mapping[str, Mapping[str, list[Any]]], out: Path) -> Drawn:
    """Draw a figure into ``out/figures/<paper>/`` with its tables beside it.

    Never raises for what the figure's own code does: its error is shown in the figure's place.

    Raises
    ------
    UnwritableError
        If a file cannot be written.
    """
    folder = Path(FOLDER) / file_name(figure.paper.slug)
    caption = paragraphs(figure.draw.__doc__ or "")
    data = []
    for name, columns in tables.items():
        place = folder / f"{figure.name}.{file_name(name)}.csv"
        write_atomically(out / place, as_csv(columns))
        data.append(Data(name, place.as_posix(), max(map(len, columns.values()), default=0)))
    place = folder / f"{figure.name}.svg"
    try:
        save(figure, tables, out / place)
    except UnwritableError:
        raise
    except Exception as error:
        return Drawn(figure.name, caption, None, 0, 0, data, f"{type(error).__name__}: {error}")
    return Drawn(figure.name, caption, place.as_posix(), *_size(out / place), data)


def _size(svg: Path) -> tuple[int, int]:
    for _, root in ElementTree.iterparse(svg, events=("start",)):
        sides = [_POINTS.fullmatch(root.get(side, "")) for side in ("width", "height")]
        width, height = (round(float(side[1]) * _PIXELS_PER_POINT) if side else 0 for side in sides)
        return width, height
    return 0, 0
