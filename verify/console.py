"""Records on the terminal: the verdict table, the full story of one record, the progress bar."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from verify.mathematics import to_text
from verify.paper import Claim
from verify.record import Record, Verdict
from verify.verdicts import HEADINGS, brief, verdict_rows

_COLOUR = {
    Verdict.HOLDS: "green",
    Verdict.CORRECTED: "cyan",
    Verdict.FAILS: "magenta",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.SKIPPED: "bright_black",
    Verdict.ERROR: "bold red",
}
_WIDTH_WITHOUT_TERMINAL = 150


def console(*, stderr: bool = False) -> Console:
    """A console that keeps the table readable when the output is a pipe or a file."""
    made = Console(stderr=stderr, highlight=False)
    if not made.is_terminal:
        made.width = _WIDTH_WITHOUT_TERMINAL
    return made


def verdict_table(records: Iterable[Record]) -> Table:
    """The rows of :func:`~verify.verdicts.verdict_rows` for a terminal, in colour."""
    table = Table(box=None, pad_edge=False, header_style="bold", expand=True)
    for heading in HEADINGS:
        table.add_column(
            heading,
            no_wrap=True,
            overflow="ellipsis",
            max_width=52 if heading == "claim" else None,
            ratio=1 if heading == "statement" else None,
            justify="right" if heading == "s" else "left",
        )
    records = list(records)
    for record, (claim, verdict, *rest) in zip(records, verdict_rows(records), strict=True):
        table.add_row(escape(claim), Text(verdict, style=_COLOUR[record.verdict]), *map(escape, rest))
    return table


def totals(records: Sequence[Record], folder: str) -> str:
    """One line: how many claims reached which verdict, and how many mutants died."""
    counts = Counter(record.verdict for record in records)
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict])
    mutants = sum(len(record.mutants) for record in records)
    killed = sum(record.killed for record in records)
    return f"{len(records)} claims: {told or 'none'}; mutants killed {killed}/{mutants}; records in {folder}"


def story(record: Record) -> RenderableType:
    """Everything a reader needs to see why a record says what it says."""
    lines: list[RenderableType] = [
        Text(f"{record.id} [{record.ref}]", style="bold"),
        Padding(Text(to_text(record.statement)), (0, 0, 0, 2)),
        Text(f"verdict   {record.verdict} (expected {record.expected})", style=_COLOUR[record.verdict]),
    ]
    if record.message:
        lines.append(Text(f"because   {record.message.strip()}"))
    for evidence in record.evidence:
        what = f": {evidence['says']}" if evidence["says"] else ""
        lines.append(Text(f"evidence  {evidence['strength']}{what}: {evidence['outcome']}, {evidence['detail']}"))
        lines.extend(_numbers(evidence["numbers"]))
    for mutant in record.mutants:
        first, *others = mutant["by"] or ("",)
        fate = f"killed by {first}{f' and {len(others)} more' if others else ''}" if mutant["killed"] else "SURVIVED"
        lines.append(Text(f"mutant    {mutant['name']}: {fate}"))
    for control in record.controls:
        lines.append(Text(f"control   {control['name']}: {'survives' if control['survived'] else 'REJECTED'}"))
    if record.counterexample is not None:
        values = ", ".join(f"{name} = {value!r}" for name, value in record.counterexample.items())
        lines.append(Text(f"counterexample  {values}"))
    lines.append(Text(f"replay    {record.replay}"))
    return Group(*lines)


def _numbers(numbers: Mapping[str, Any]) -> Iterator[RenderableType]:
    """What an evidence measured: a table of an experiment's numbers, a line for everything else."""
    for name, value in numbers.items():
        if name == "measured":
            yield Padding(_measured(value), (0, 0, 0, 10))
        else:
            yield Text(f"          {name}: {brief(value)}")


def _measured(measured: Mapping[str, Mapping[str, Any]]) -> Table:
    """One row a number: median over seeds, band, the printed value, every seed's value."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("measured", "median", "band", "printed", "by seed"):
        table.add_column(heading)
    for name, row in measured.items():
        cells = (brief(row[key]) if key in row else "–" for key in ("median", "band", "printed", "values"))
        table.add_row(escape(name), *map(escape, cells))
    return table


class RunProgress:
    """A progress bar that names the claims in hand; a context manager."""

    def __init__(self, target: Console, total: int) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=target,
            transient=True,
            disable=not target.is_terminal,
        )
        self._task = self._progress.add_task("starting", total=total)
        self._in_hand: dict[str, None] = {}

    def __enter__(self) -> RunProgress:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def start(self, claim: Claim) -> None:
        """Name a claim as being in hand."""
        self._in_hand[claim.id] = None
        self._show()

    def done(self, record: Record) -> None:
        """Count a finished claim."""
        self._in_hand.pop(record.id, None)
        self._progress.advance(self._task)
        self._show()

    def _show(self, most: int = 4) -> None:
        named = list(self._in_hand)[:most]
        more = f" and {len(self._in_hand) - most} more" if len(self._in_hand) > most else ""
        self._progress.update(self._task, description=escape(", ".join(named) + more or "stored records"))
