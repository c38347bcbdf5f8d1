"""Papers, their claims and their figures, and how installed packages bring them in."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from verify.check import Level
from verify.record import Verdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

ENTRY_POINT_GROUP = "paperchecks.papers"
"""A package adds papers by an entry point of this group: ``slug = "module:paper"``."""

Body = Callable[..., None]
Replacements = Mapping[str, Mapping[str, Any]]
Decorator = Callable[[Body], Body]
Tables = Mapping[str, Mapping[str, list[float]]]


class Options(TypedDict, total=False):
    """What every kind of claim may state; see :class:`Claim`."""

    tags: tuple[str, ...]
    level: Level
    seed: int


class UnknownNameError(ValueError):
    """A paper, claim or figure that is not registered; the message gives the nearest names."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        super().__init__(kind, name, sorted(known))  # what pickle hands back to a worker's parent

    def __str__(self) -> str:
        kind, name, known = self.args
        nearest = difflib.get_close_matches(name, known, n=3, cutoff=0.3) or known[:5]
        return f"unknown {kind} {name!r}; nearest: {', '.join(nearest) or 'none are registered'}"


@dataclass(frozen=True, eq=False)
class Claim:
    """One statement of a paper, the check that decides it, and the false variants the check must reject.

    Attributes
    ----------
    paper
        The paper that makes the claim.
    body
        Takes a :class:`~verify.check.Check` and, with defaults, whatever a mutant may replace. Its docstring is the
        statement, with TeX between dollar signs.
    ref
        Where in the paper: "Theorem 4.3", "Eq. 10".
    expected
        The verdict a run should reach.
    mutants
        Nearby false variants, as replacements of the body's parameters. Each must be rejected.
    controls
        For a refuted claim: corrected variants that must survive the very same check.
    printed
        For a corrected claim: the replacements that restore what is printed, which must be rejected.
    tags
        Kinds to select by: "identity", "inequality", "erratum", "ours", "open", …
    level
        The lowest level at which the claim runs.
    seed
        The seed of all its randomness.
    """

    paper: Paper = field(repr=False)
    body: Body
    ref: str
    expected: Verdict
    mutants: Replacements
    controls: Replacements
    printed: Mapping[str, Any] | None
    tags: tuple[str, ...] = ()
    level: Level = "quick"
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.body.__doc__:
            raise ValueError(f"claim {self.id} has no docstring; expected the statement in plain language")
        parameters = list(inspect.signature(self.body).parameters.values())
        replaceable = {p.name for p in parameters[1:] if p.default is not p.empty}
        for kind, variants in (
            ("mutant", self.mutants),
            ("control", self.controls),
            ("printed form", {"": self.printed or {}}),
        ):
            for name, replacements in variants.items():
                if unknown := set(replacements) - replaceable:
                    raise ValueError(
                        f"{kind} {name!r} of claim {self.id} replaces {sorted(unknown)}; "
                        f"the body's parameters with defaults are {sorted(replaceable)}"
                    )

    @property
    def name(self) -> str:
        """The body's name."""
        return self.body.__name__

    @property
    def id(self) -> str:
        """``slug.name``, unique among all installed papers."""
        return f"{self.paper.slug}.{self.name}"

    @property
    def statement(self) -> str:
        """The whole docstring, its formulas as written."""
        return inspect.cleandoc(self.body.__doc__ or "")

    @property
    def summary(self) -> str:
        """The docstring's first paragraph on one line."""
        return " ".join(self.statement.split("\n\n")[0].split())


@dataclass(frozen=True)
class Figure:
    """A figure drawn from the tables that one claim's record keeps.

    Attributes
    ----------
    paper
        The paper it illustrates.
    draw
        Takes the tables by name, returns a matplotlib figure. Its docstring is the caption.
    source
        The name of the claim whose record holds the tables.
    """

    paper: Paper = field(repr=False)
    draw: Callable[[Tables], Canvas]
    source: str

    @property
    def name(self) -> str:
        """The drawing function's name, used for the file."""
        return self.draw.__name__


@dataclass(frozen=True, eq=False)
class Paper:
    """A bibliography entry, and the registry of the paper's claims and figures.

    Examples
    --------
    >>> paper = Paper("demo", arxiv="0000.00000", title="A demonstration", authors=("A. Author",), year=2026)
    >>> @paper.claim("Eq. 1", mutants={"twice": {"square": lambda x: 2 * x}})
    ... def square_is_a_product(check, square=lambda x: x**2):
    ...     '''The square of x is x times x.'''
    ...     x = sympy.Symbol("x", real=True)
    ...     check.proves(sympy.Eq(square(x), x * x))
    """

    slug: str
    arxiv: str
    title: str
    authors: tuple[str, ...]
    year: int
    claims: dict[str, Claim] = field(default_factory=dict, repr=False)
    figures: dict[str, Figure] = field(default_factory=dict, repr=False)

    def claim(self, ref: str, *, mutants: Replacements, **options: Unpack[Options]) -> Decorator:
        """Register a statement that is expected to hold as printed."""
        return self._register(Verdict.HOLDS, ref, mutants=mutants, **options)

    def corrected(
        self, ref: str, *, printed: Mapping[str, Any], mutants: Replacements, **options: Unpack[Options]
    ) -> Decorator:
        """Register the corrected form of a statement; the same check must reject the printed form."""
        return self._register(Verdict.CORRECTED, ref, mutants=mutants, printed=printed, **options)

    def refuted(
        self,
        ref: str,
        *,
        controls: Replacements,
        mutants: Replacements = MappingProxyType({}),
        **options: Unpack[Options],
    ) -> Decorator:
        """Register a statement that fails as printed; its corrected controls must survive the same check."""
        if not controls:
            raise ValueError("controls is empty; a refuted claim needs a corrected form that survives its check")
        return self._register(Verdict.FAILS, ref, mutants=mutants, controls=controls, **options)

    def conjecture(self, ref: str, *, mutants: Replacements, **options: Unpack[Options]) -> Decorator:
        """Register an open statement: searching it in vain leaves it inconclusive."""
        options["tags"] = ("open", *options.get("tags", ()))
        return self._register(Verdict.INCONCLUSIVE, ref, mutants=mutants, **options)

    def figure(self, *, source: str) -> Callable[[Callable[[Tables], Canvas]], Callable[[Tables], Canvas]]:
        """Register a figure drawn from the tables of claim ``source``."""

        def register(draw: Callable[[Tables], Canvas]) -> Callable[[Tables], Canvas]:
            if source not in self.claims:
                raise UnknownNameError("claim", source, self.claims)
            self.figures[draw.__name__] = Figure(self, draw, source)
            return draw

        return register

    def _register(
        self,
        expected: Verdict,
        ref: str,
        *,
        mutants: Replacements,
        controls: Replacements = MappingProxyType({}),
        printed: Mapping[str, Any] | None = None,
        **options: Unpack[Options],
    ) -> Decorator:
        if not mutants and not controls:
            raise ValueError(f"mutants is empty for {ref}; a check that cannot fail is no check")

        def register(body: Body) -> Body:
            claim = Claim(self, body, ref, expected, mutants, controls, printed, **options)
            if claim.name in self.claims:
                raise ValueError(f"claim {claim.id} is registered twice")
            self.claims[claim.name] = claim
            return body

        return register


@functools.cache
def registered() -> dict[str, EntryPoint]:
    """Entry points of installed packages' papers by slug, in alphabetical order; loads none of them.

    Raises
    ------
    ValueError
        If two packages register the same slug.
    """
    entries: dict[str, EntryPoint] = {}
    for entry in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda entry: entry.name):
        if entry.name in entries and entries[entry.name].value != entry.value:
            raise ValueError(
                f"two packages register a paper {entry.name!r}: {entries[entry.name].value}, {entry.value}"
            )
        entries[entry.name] = entry
    return entries


def discover() -> dict[str, Paper]:
    """All papers of installed packages by slug, in alphabetical order; see :func:`find_paper`."""
    return {slug: find_paper(slug) for slug in registered()}


def find_paper(slug: str) -> Paper:
    """The paper with this slug.

    Raises
    ------
    UnknownNameError
        If no installed package registers it.
    TypeError
        If its entry point does not lead to a :class:`Paper` of that slug.
    """
    entries = registered()
    if slug not in entries:
        raise UnknownNameError("paper", slug, entries)
    paper = entries[slug].load()
    if not isinstance(paper, Paper) or paper.slug != slug:
        raise TypeError(f"entry point {slug} = {entries[slug].value} gives {paper!r}; expected the Paper {slug!r}")
    return paper


def find_claim(identifier: str, paper: Paper | None = None) -> Claim:
    """The claim ``slug.name``, among those of ``paper`` if it is given; :class:`UnknownNameError` if there is none."""
    slug = identifier.partition(".")[0]
    if paper is None and slug in registered():
        paper = find_paper(slug)
    papers = discover().values() if paper is None else [paper]
    claims = {claim.id: claim for each in papers for claim in each.claims.values()}
    if identifier not in claims:
        raise UnknownNameError("claim", identifier, claims)
    return claims[identifier]
