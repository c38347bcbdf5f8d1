"""The command line: ``python -m verify list``, ``run``, ``diff`` and ``report``."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.markup import escape

from verify.check import Level
from verify.console import RunProgress, console, story, totals, verdict_table
from verify.diff import diff
from verify.mathematics import to_text
from verify.paper import Claim, UnknownNameError, discover, find_claim, find_paper
from verify.record import Record, Verdict
from verify.report.command import report
from verify.runner import run as run_claims
from verify.store import DEFAULT_FOLDER, Store, UnwritableError, write_atomically
from verify.verdicts import markdown as as_markdown
from verify.workers import ClusterError, check_backend

app = typer.Typer(help=__doc__, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
app.command()(diff)
app.command()(report)


class LevelName(StrEnum):
    """The levels as the command line spells them."""

    quick = "quick"
    full = "full"


class BackendName(StrEnum):
    """The engines that run claims, as the command line spells them."""

    loky = "loky"
    dask = "dask"
    ray = "ray"


PaperOption = Annotated[str | None, typer.Option("--paper", metavar="SLUG", help="Only this paper.")]
ResultsOption = Annotated[Path, typer.Option("--results", metavar="DIR", help="Where records are kept.")]


@app.command("list")
def list_claims(
    paper: PaperOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the papers and their claims without running anything."""
    claims = _select(paper, [])
    if as_json:
        print(json.dumps([_listed(claim) for claim in claims], ensure_ascii=False, indent=1))
        return
    out = console()
    current = None
    for claim in claims:
        if claim.paper is not current:
            current = claim.paper
            out.print(f"[bold]{current.slug}[/]  {escape(current.title)} (arXiv {current.arxiv})", soft_wrap=True)
        out.print(f"  {claim.id}  [dim]{escape(claim.ref)} · expected {claim.expected}[/]")
        out.print(f"    {escape(to_text(claim.summary))}")


@app.command()
def run(
    paper: PaperOption = None,
    claim: Annotated[
        list[str] | None, typer.Option("--claim", metavar="ID", help="Only this claim; repeatable.")
    ] = None,
    level: Annotated[LevelName, typer.Option(help="Sizes and number of seeds.")] = LevelName.quick,
    seed: Annotated[int | None, typer.Option(help="Override every claim's seed.", min=0)] = None,
    jobs: Annotated[int, typer.Option(help="Processes; -1 for one a core, or for all workers of a cluster.")] = -1,
    backend: Annotated[
        BackendName, typer.Option(help="Processes of this machine (loky), or a cluster that is up.")
    ] = BackendName.loky,
    address: Annotated[
        str | None,
        typer.Option(help="Of the cluster: tcp://host:8786 (dask); ray://host:10001, host:6379 or auto (ray)."),
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the records.")] = None,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the verdicts as Markdown, a table a paper.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Run again what is stored.")] = False,
    results: ResultsOption = DEFAULT_FOLDER,
) -> None:
    """Run claims and print their verdicts.

    Records are kept, and taken from there unless what they depend on has changed. A claim whose worker dies is tried
    once more by itself and then has the verdict error. The exit code is 0 if every verdict is the expected one, 1 if
    not, and 2 if the run could not be done or stored; what had finished by then is printed.
    """
    if jobs == 0:
        raise typer.BadParameter("0 processes cannot run anything; expected -1 or at least 1", param_hint="--jobs")
    try:
        check_backend(backend.value, address)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--address") from error
    claims = _select(paper, claim or [])
    store = Store(results)
    chosen: Level = level.value
    known: dict[str, Record] = {}
    trouble: Exception | None = None
    with RunProgress(console(stderr=True), len(claims)) as progress:

        def done(record: Record) -> None:
            known[record.id] = record
            progress.done(record)

        try:
            run_claims(
                claims,
                store,
                level=chosen,
                seed=seed,
                jobs=jobs,
                backend=backend.value,
                address=address,
                fresh=fresh,
                on_start=progress.start,
                on_done=done,
            )
        except (UnwritableError, ClusterError) as error:
            trouble = error
    records = [known[claim.id] for claim in claims if claim.id in known]
    if records or trouble is None:
        _report(records, store, in_full=bool(claim))
    if trouble is not None:
        _give_up(f"{trouble}. {len(records)} of {len(claims)} claims had finished", results)
    try:
        if json_file is not None:
            write_atomically(json_file, "[" + ",\n".join(record.to_json() for record in records) + "]\n")
        if markdown is not None:
            write_atomically(markdown, as_markdown(records, discover()))
    except UnwritableError as error:
        _give_up(f"{error}. All claims have finished", results)
    raise typer.Exit(0 if all(record.as_expected for record in records) else 1)


def _give_up(told: str, folder: Path) -> NoReturn:
    safe = f"{told}; their records are in {folder}, or told in full above, and the next run picks up from there."
    console(stderr=True).print(safe, soft_wrap=True, markup=False)
    raise typer.Exit(2)


def _report(records: list[Record], store: Store, *, in_full: bool) -> None:
    out = console()
    out.print(verdict_table(records))
    for record in records:
        if in_full or not record.as_expected or not _is_kept(record, store):
            out.print()
            out.print(story(record), soft_wrap=True)
    out.print(f"\n{totals(records, str(store.folder))}", soft_wrap=True)


def _is_kept(record: Record, store: Store) -> bool:
    kept = store.load(record.id, record.level, record.seed, record.fingerprint)
    return kept is not None or record.verdict is Verdict.SKIPPED


def _select(slug: str | None, identifiers: list[str]) -> list[Claim]:
    claims = _find(slug, identifiers)
    for claim in claims:  # before anything runs
        try:
            to_text(claim.statement)
        except ValueError as error:
            console(stderr=True).print(f"claim {claim.id}: {error}", soft_wrap=True, markup=False)
            raise typer.Exit(2) from error
    return claims


def _find(slug: str | None, identifiers: list[str]) -> list[Claim]:
    try:
        paper = None if slug is None else find_paper(slug)
        if identifiers:
            return [find_claim(identifier, paper) for identifier in dict.fromkeys(identifiers)]
        papers = discover().values() if paper is None else [paper]
        return [claim for each in papers for claim in each.claims.values()]
    except UnknownNameError as error:
        console(stderr=True).print(str(error), soft_wrap=True, markup=False)
        raise typer.Exit(2) from error


def _listed(claim: Claim) -> dict[str, object]:
    return {
        "id": claim.id,
        "paper": claim.paper.slug,
        "ref": claim.ref,
        "statement": claim.statement,
        "tags": list(claim.tags),
        "level": claim.level,
        "seed": claim.seed,
        "expected": claim.expected.value,
        "mutants": list(claim.mutants),
        "controls": list(claim.controls),
    }


if __name__ == "__main__":
    app(prog_name="python -m verify")
