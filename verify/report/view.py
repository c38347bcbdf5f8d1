"""What the pages say: papers, their sections and claims, environments, and what adds up over them."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import chain
from typing import Any

from markupsafe import Markup

from verify.paper import Claim, Paper
from verify.record import Record
from verify.report import numbers, words
from verify.report.figures import Drawn
from verify.report.names import anchor, file_name, sentence, spellings_in
from verify.report.runs import Run, by_claim
from verify.report.typeset import paragraphs, typeset

RESERVED_PAGES = frozenset({"index", "claims"})


@dataclass(frozen=True)
class EvidenceView:
    """One check: what it shows, how strong it is, what it found."""

    strength: str
    outcome: str
    says: Markup
    detail: str
    numbers: numbers.Numbers


@dataclass(frozen=True)
class Variant:
    """A mutant or a control, what became of it, and by which checks."""

    name: str
    fate: str
    as_it_should: bool
    by: list[str]


@dataclass(frozen=True)
class Environment:
    """Software and machine that some of a paper's records were made with."""

    anchor: str
    commit: str
    versions: dict[str, str]
    claims: int


@dataclass(frozen=True)
class ClaimView:
    """A claim as a page shows it.

    Attributes
    ----------
    id, anchor, page
        Identifier, fragment, and the file of its paper's page.
    title
        Its name as a sentence.
    ref, statement, tags
        Where it stands in the paper, what it says paragraph by paragraph, its kinds.
    verdict, expected
        In words; the verdict may be "not run".
    strength
        That of the evidence; empty without a verdict.
    record
        What the rest was taken from; ``None`` if it was not run.
    current
        Whether running it with what is installed now would give the same record; ``None`` if that is unknown.
    others
        Other runs of the claim, in words.
    environment
        Where the record was made.
    """

    id: str
    anchor: str
    page: str
    title: str
    ref: str
    statement: list[Markup]
    tags: list[str]
    verdict: str
    expected: str
    strength: str
    run_again: str
    record: Record | None = None
    current: bool | None = None
    others: list[str] = field(default_factory=list)
    environment: Environment | None = None
    evidence: list[EvidenceView] = field(default_factory=list)
    mutants: list[Variant] = field(default_factory=list)
    controls: list[Variant] = field(default_factory=list)
    counterexample: dict[str, str] = field(default_factory=dict)
    shows: Markup | None = None
    figures: list[Drawn] = field(default_factory=list)

    @property
    def is_unexpected(self) -> bool:
        """Whether a run reached a verdict that it should not have."""
        return self.record is not None and not self.record.as_expected

    @property
    def killed(self) -> int:
        """How many mutants were rejected."""
        return sum(mutant.as_it_should for mutant in self.mutants)


@dataclass(frozen=True)
class Section:
    """Claims that belong together, under the words that introduce them."""

    anchor: str
    title: Markup
    claims: list[ClaimView]


@dataclass(frozen=True)
class PaperView:
    """A paper's page."""

    slug: str
    page: str
    title: str
    authors: str
    year: str
    arxiv: str
    sections: list[Section]
    environments: list[Environment]
    levels: str
    seconds: float
    data: str

    @cached_property
    def claims(self) -> list[ClaimView]:
        """All claims in the order of the page."""
        return [claim for section in self.sections for claim in section.claims]

    @property
    def totals(self) -> Totals:
        """What adds up over the claims."""
        return Totals(self.claims)


class Totals:
    """Counts over claims: verdicts, strengths, mutants."""

    def __init__(self, claims: Iterable[ClaimView]) -> None:
        self.claims = list(claims)
        self.verdicts = Counter(claim.verdict for claim in self.claims)
        self.strengths = Counter(claim.strength for claim in self.claims if claim.strength)
        self.tags = Counter(tag for claim in self.claims for tag in claim.tags)
        self.mutants = sum(len(claim.mutants) for claim in self.claims)
        self.killed = sum(claim.killed for claim in self.claims)
        self.unexpected = [claim for claim in self.claims if claim.is_unexpected]
        self.outdated = sum(claim.current is False for claim in self.claims)

    def with_verdict(self, *verdicts: str) -> list[ClaimView]:
        """The claims that reached one of the verdicts."""
        return [claim for claim in self.claims if claim.verdict in verdicts]


@dataclass(frozen=True)
class Software:
    """Versions that records were made with, at how many commits, and how many claims these are."""

    versions: dict[str, str]
    commits: int
    claims: int


def software(pages: Iterable[PaperView]) -> list[Software]:
    """What the records of all pages were made with, the most frequent first."""
    found: dict[tuple[tuple[str, str], ...], list[Environment]] = {}
    for environment in chain.from_iterable(page.environments for page in pages):
        found.setdefault(tuple(environment.versions.items()), []).append(environment)
    kinds = [
        Software(dict(versions), len({one.commit for one in several}), sum(one.claims for one in several))
        for versions, several in found.items()
    ]
    return sorted(kinds, key=lambda kind: -kind.claims)


Illustrate = Callable[[Paper, str, list[Run]], list[Drawn]]
"""Draws the figures whose source is a claim, given by its name, from its runs."""


def papers(
    registered: Mapping[str, Paper], records: Sequence[Record], illustrate: Illustrate = lambda *_: []
) -> list[PaperView]:
    """One page a paper that has claims or records, those without an installed package last.

    Parameters
    ----------
    registered
        The installed papers by slug.
    records
        All records, in any order; several may be of one claim.
    illustrate
        Makes the figures of a claim.
    """
    claims = {claim.id: claim for paper in registered.values() for claim in paper.claims.values()}
    runs = by_claim(records, claims)
    strangers: dict[str, list[str]] = {}
    for identifier, found in runs.items():
        if identifier not in claims:
            strangers.setdefault(found[0].record.paper, []).append(identifier)
    slugs = [*registered, *sorted(strangers.keys() - registered.keys())]
    views = [_paper(slug, registered.get(slug), strangers.get(slug, []), runs, illustrate) for slug in slugs]
    return [view for view in views if view.claims]


def _paper(
    slug: str, paper: Paper | None, strangers: list[str], runs: Mapping[str, list[Run]], illustrate: Illustrate
) -> PaperView:
    page = f"{file_name(slug)}{'-paper' if slug in RESERVED_PAGES else ''}.html"
    own = list(paper.claims.values()) if paper else []
    shown = [runs[identifier][0].record for identifier in chain((c.id for c in own), strangers) if identifier in runs]
    environments = _environments(shown)
    texts = [text for claim in own for text in (claim.statement, _opening(claim.body.__module__))]
    spellings = spellings_in([*texts, *(record.statement for record in shown)])

    def view(identifier: str, claim: Claim | None) -> ClaimView:
        found = runs.get(identifier, [])
        figures = illustrate(paper, claim.name, found) if paper and claim else []
        return _claim(identifier, slug, page, claim, found, environments, figures, spellings)

    modules: dict[str, list[ClaimView]] = {}
    for claim in own:
        modules.setdefault(claim.body.__module__, []).append(view(claim.id, claim))
    titled = [(_opening(module), views) for module, views in modules.items()]
    if strangers:
        titled.append(("Records of claims that are not installed here", [view(name, None) for name in strangers]))
    return PaperView(
        slug=slug,
        page=page,
        title=paper.title if paper else slug,
        authors=", ".join(paper.authors) if paper else "",
        year=str(paper.year) if paper else "",
        arxiv=paper.arxiv if paper else "",
        sections=[
            Section(f"page-section-{number}", typeset(title), views)
            for number, (title, views) in enumerate(titled, start=1)
        ],
        environments=list(environments.values()),
        levels=" and ".join(sorted({record.level for record in shown})),
        seconds=sum(record.seconds for record in shown),
        data=f"data/{file_name(slug)}.json",
    )


def _opening(module: str) -> str:
    """The first sentence of a module's docstring, as a heading."""
    text = getattr(sys.modules.get(module), "__doc__", None) or module
    return " ".join(text.strip().split("\n\n")[0].split()).removesuffix(".")


def _environments(records: Iterable[Record]) -> dict[tuple[Any, ...], Environment]:
    counts = Counter(map(_environment_of, records))
    return {
        key: Environment(f"page-environment-{number}", key[0], dict(key[1:]), claims)
        for number, (key, claims) in enumerate(counts.items(), start=1)
    }


def _environment_of(record: Record) -> tuple[Any, ...]:
    return (record.commit or "not recorded", *((str(name), str(found)) for name, found in record.versions.items()))


def _claim(
    identifier: str,
    slug: str,
    page: str,
    claim: Claim | None,
    runs: Sequence[Run],
    environments: Mapping[tuple[Any, ...], Environment],
    figures: list[Drawn],
    spellings: Mapping[str, str],
) -> ClaimView:
    view = partial(
        ClaimView,
        id=identifier,
        anchor=anchor(identifier, slug),
        page=page,
        title=sentence(identifier.removeprefix(f"{slug}."), spellings),
        figures=figures,
    )
    if not runs:
        assert claim is not None, "a claim is known by its registration or by a record"
        return view(
            ref=claim.ref,
            statement=paragraphs(claim.statement),
            tags=list(claim.tags),
            verdict=words.NOT_RUN,
            expected=claim.expected,
            strength="",
            run_again=f"python -m verify run --claim {identifier}",
        )
    (shown, *others) = runs
    record = shown.record
    example = dict(record.counterexample or {})
    shows = example.pop("shows", None)
    return view(
        ref=record.ref,
        statement=paragraphs(record.statement),
        tags=[str(tag) for tag in record.tags],
        verdict=record.verdict,
        expected=record.expected,
        strength=record.strength or "",
        run_again=record.replay,
        record=record,
        current=shown.current,
        others=[_in_words(run) for run in others],
        environment=environments[_environment_of(record)],
        evidence=[
            EvidenceView(
                str(found["strength"]),
                str(found["outcome"]),
                typeset(str(found["says"])),
                str(found["detail"]),
                numbers.numbers(found["numbers"], told=str(found["detail"])),
            )
            for found in record.evidence
        ],
        mutants=[
            Variant(str(m["name"]), "rejected" if m["killed"] else "SURVIVED", bool(m["killed"]), _counted(m["by"]))
            for m in record.mutants
        ],
        controls=[
            Variant(str(c["name"]), "survives" if c["survived"] else "REJECTED", bool(c["survived"]), [])
            for c in record.controls
        ],
        counterexample=numbers.counterexample(example),
        shows=None if shows is None else typeset(str(shows)),
    )


def _counted(names: Iterable[Any]) -> list[str]:
    """Equal names once, with how often they occur."""
    return [name if times == 1 else f"{name} ({times} times)" for name, times in Counter(map(str, names)).items()]


def _in_words(run: Run) -> str:
    record = run.record
    age = " (out of date)" if run.current is False else ""
    return f"level {record.level}, seed {record.seed}: {record.verdict}{age}"
