"""What an evidence measured, as rows for a table and lines for a list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from verify.verdicts import brief


@dataclass(frozen=True)
class Measured:
    """One number of an experiment as text: median over seeds, band, printed value, each seed's value; empty without."""

    name: str
    median: str
    band: str
    printed: str
    values: str


@dataclass(frozen=True)
class Numbers:
    """The numbers of one evidence.

    Attributes
    ----------
    setup
        What was run, by name.
    seeds
        The seeds, as text; empty if there are none.
    measured
        The numbers of an experiment.
    others
        Everything else, by name.
    """

    setup: dict[str, str] = field(default_factory=dict)
    seeds: str = ""
    measured: list[Measured] = field(default_factory=list)
    others: dict[str, str] = field(default_factory=dict)


def numbers(found: Mapping[str, Any], told: str = "") -> Numbers:
    """Sort the numbers of an evidence by what they are; those which the words ``told`` say already are left out."""
    said = set(told.split())
    shown = Numbers(seeds=brief(found["seeds"]) if "seeds" in found else "")
    for name, value in found.items():
        match name, value:
            case "seeds", _:
                pass
            case "setup", {}:
                shown.setup.update({key: brief(entry) for key, entry in value.items()})
            case "measured", {}:
                shown.measured.extend(_measured(key, row) for key, row in value.items())
            case _, {"median": _}:
                shown.measured.append(_measured(name, value))
            case "printed", {}:
                shown.others.update({f"printed: {key}": brief(entry) for key, entry in value.items()})
            case _, int() if str(value) in said:
                pass
            case _:
                shown.others[name] = brief(value)
    return shown


def counterexample(found: Mapping[str, Any]) -> dict[str, str]:
    """Where a statement fails, by name: scalars in full so that they can be typed in again, the rest in brief."""
    told = {}
    for name, value in found.items():
        match value:
            case {"median": median, "band": band}:
                told[name] = f"median {brief(median)}, outside {brief(band)}"
            case bool() | int() | float() | str() | None:
                told[name] = str(value)
            case _:
                told[name] = brief(value)
    return told


def _measured(name: str, row: Any) -> Measured:
    cells = row if isinstance(row, Mapping) else {"median": row}
    texts = {key: brief(cells[key]) for key in ("median", "band", "printed", "values") if key in cells}
    return Measured(
        name,
        median=texts.get("median", ""),
        band=texts.get("band", ""),
        printed=texts.get("printed", ""),
        values=texts.get("values", "").strip("[]"),
    )
