"""Verdicts as rows of text, and all of them as a Markdown page; values in brief."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from verify.mathematics import to_text
from verify.paper import Paper
from verify.record import Record, Verdict

HEADINGS = ("claim", "verdict", "evidence", "killed", "s", "statement")


def verdict_rows(records: Iterable[Record]) -> Iterator[tuple[str, ...]]:
    """One row a claim, see :data:`HEADINGS`: verdict, strength of evidence, mutants killed (+ controls surviving)."""
    for record in records:
        unexpected = "" if record.as_expected else f" (expected {record.expected})"
        survived = sum(control["survived"] for control in record.controls)
        controls = f"+{survived}/{len(record.controls)}" if record.controls else ""
        yield (
            record.id,
            f"{record.verdict}{unexpected}",
            record.strength or "–",
            f"{record.killed}/{len(record.mutants)}{controls}",
            f"{record.seconds:.1f}",
            to_text(record.summary),
        )


def brief(value: Any, most: int = 8) -> str:
    """Four digits of numbers, and the first entries of what is long."""
    match value:
        case bool() | int() | str() | None:
            return str(value)
        case float():
            return f"{value:.4g}"
        case Mapping():
            return ", ".join(f"{key} = {brief(entry)}" for key, entry in value.items())
        case _:
            more = f", … ({len(value)})" if len(value) > most else ""
            return f"[{', '.join(map(brief, value[:most]))}{more}]"


def markdown(records: Sequence[Record], papers: Mapping[str, Paper]) -> str:
    """A table of totals, one row a paper, and below it a table of claims for each of ``papers`` that has records."""
    verdicts = [verdict for verdict in Verdict if any(record.verdict is verdict for record in records)]
    by_paper: dict[str, list[Record]] = {}
    for record in records:
        by_paper.setdefault(record.paper, []).append(record)
    rows: list[tuple[str, ...]] = []
    sections = []
    for slug, own in by_paper.items():
        counts = Counter(record.verdict for record in own)
        killed, mutants = sum(record.killed for record in own), sum(len(record.mutants) for record in own)
        title = f"{papers[slug].title} (arXiv {papers[slug].arxiv})"
        rows.append((title, *(str(counts[verdict]) for verdict in verdicts), f"{killed}/{mutants}"))
        sections.append(f"\n## {title}\n\n{_table(HEADINGS, verdict_rows(own))}")
    return _table(("paper", *verdicts, "mutants killed"), rows) + "".join(sections)


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ("---",) * len(headings), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)
