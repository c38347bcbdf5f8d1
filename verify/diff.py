"""``python -m verify diff``: compare two runs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from verify.console import console
from verify.differences import (
    RELATIVE_TOLERANCE,
    ROUNDING,
    Difference,
    Kind,
    differences,
    environment,
    load,
)
from verify.reading import UnreadableError


def diff(
    old: Annotated[Path, typer.Argument(metavar="A", help="Records: a file of run --json, or a results folder.")],
    new: Annotated[Path, typer.Argument(metavar="B", help="The records to compare with them.")],
    rtol: Annotated[
        float, typer.Option(min=0, help=f"Relative drift allowed to numbers without a band (beyond {ROUNDING:g}).")
    ] = RELATIVE_TOLERANCE,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare two runs: verdicts, new and vanished claims, statements, evidence, and numbers that drifted.

    A claim is compared at the same level and seed. An experiment's number may move within the band its claim states.
    Times, versions and commits are told, and are no differences. The exit code is 1 if a verdict changed, 2 if a run
    cannot be read, and 0 otherwise.
    """
    try:
        before, after = load(old), load(new)
    except UnreadableError as error:
        console(stderr=True).print(str(error), soft_wrap=True, markup=False)
        raise typer.Exit(2) from error
    found = differences(before, after, rtol)
    places = {"A": environment(before), "B": environment(after)}
    if as_json:
        told = {"environment": places, "differences": [dataclasses.asdict(difference) for difference in found]}
        print(json.dumps(told, ensure_ascii=False, indent=1))
    else:
        _print(found, places)
    raise typer.Exit(int(any(difference.kind is Kind.VERDICT for difference in found)))


def _print(found: Sequence[Difference], places: Mapping[str, Mapping[str, Any]]) -> None:
    out = console()
    for name, place in places.items():
        told = f"{place['claims']} claims, {place['seconds']} s, commit {place['commit']}"
        out.print(f"{name}: {told}", soft_wrap=True, markup=False)
    ours, theirs = (place["versions"] for place in places.values())
    for package in dict.fromkeys((*ours, *theirs)):
        if ours.get(package) != theirs.get(package):
            told = f"{package} {ours.get(package, 'unknown')} → {theirs.get(package, 'unknown')}"
            out.print(f"   {told}", soft_wrap=True, markup=False)
    if not found:
        out.print("\nno differences")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("kind", "claim", "what", "A", "B"):
        table.add_column(heading, overflow="fold")
    for difference in found:
        cells = (difference.kind, difference.claim, difference.what, _brief(difference.old), _brief(difference.new))
        table.add_row(*map(escape, cells), style="bold red" if difference.kind is Kind.VERDICT else None)
    out.print()
    out.print(table)
    claims = len({difference.claim for difference in found})
    out.print(f"\n{len(found)} differences in {claims} claims", markup=False)


def _brief(value: Any, most: int = 160) -> str:
    text = "–" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= most else f"{text[: most - 1]}…"
