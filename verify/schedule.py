"""In which portions claims go to workers: whole modules or folders of modules, the longest first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import takewhile

from verify.paper import Claim

EXPERIMENT = 8.0
"""How many other claims a claim tagged ``empirical`` is taken to last, the ratio of their means in the papers here."""


def portions(
    claims: Iterable[Claim], seconds: Callable[[Claim], float | None], workers: int
) -> list[tuple[Claim, ...]]:
    """Divide claims into portions that one worker takes one after another.

    The claims of a module share what they train or compute in the process, as do the modules of a folder of their own
    below the folder of all the paper's claims, so they stay together. A group that would take longer than an even share
    of the whole is cut into runs of neighbouring claims, since otherwise the other workers would wait for it.

    Parameters
    ----------
    claims
        What is to be run.
    seconds
        How long a claim took last time, or ``None`` where that is not known; such a claim counts like the others,
        an ``empirical`` one as :data:`EXPERIMENT` of them.
    workers
        How many workers there are, at least one.

    Returns
    -------
    list of tuple of Claim
        Longest first; portions that are expected to take equally long stay in the given order, as do the claims within
        a portion.
    """
    claims = list(claims)
    cost = _costs(claims, seconds)
    share = sum(cost.values()) / workers
    found = [part for group in _groups(claims) for part in _cut(group, cost, share)]
    return sorted(found, key=lambda part: -sum(cost[claim.id] for claim in part))


def _groups(claims: Sequence[Claim]) -> Iterator[list[Claim]]:
    """Claims by paper and, below the folder that holds all of the paper's claims, by module or folder."""
    groups: dict[tuple[str, str], list[Claim]] = {}
    for claim in claims:
        modules = [other.body.__module__.split(".") for other in claim.paper.claims.values()]
        depth = sum(1 for _ in takewhile(lambda names: len(set(names)) == 1, zip(*modules, strict=False)))
        below = claim.body.__module__.split(".")[depth : depth + 1]
        groups.setdefault((claim.paper.slug, "".join(below)), []).append(claim)
    yield from groups.values()


def _costs(claims: Sequence[Claim], seconds: Callable[[Claim], float | None]) -> dict[str, float]:
    known = {claim.id: took for claim in claims if (took := seconds(claim)) is not None}
    weights = {claim.id: EXPERIMENT if "empirical" in claim.tags else 1.0 for claim in claims}
    unit = sum(known.values()) / sum(weights[name] for name in known) if known else 1.0
    return {claim.id: known.get(claim.id, unit * weights[claim.id]) for claim in claims}


def _cut(group: Sequence[Claim], cost: dict[str, float], share: float) -> Iterator[tuple[Claim, ...]]:
    """Neighbouring claims of a group in as few pieces of about equal cost as keep each near ``share``."""
    whole = sum(cost[claim.id] for claim in group)
    pieces = max(1, math.ceil(whole / share - 1e-9)) if share > 0 else 1
    piece: list[Claim] = []
    spent, cuts = 0.0, 1
    for claim in group:
        if piece and spent + cost[claim.id] / 2 > whole * cuts / pieces:
            yield tuple(piece)
            piece, cuts = [], cuts + 1
        piece.append(claim)
        spent += cost[claim.id]
    yield tuple(piece)
