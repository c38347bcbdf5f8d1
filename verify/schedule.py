"""In which portions claims go to workers: whole modules, the longest first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

from verify.paper import Claim

EXPERIMENT = 8.0
"""How many other claims a claim tagged ``empirical`` is taken to last, the ratio of their means in the papers here."""


def portions(
    claims: Iterable[Claim], seconds: Callable[[Claim], float | None], workers: int
) -> list[tuple[Claim, ...]]:
    """Divide claims into portions that one worker takes one after another.

    The claims of a module share what they train or compute in the process, so a module stays together. A module that
    would take longer than an even share of the whole is cut into runs of neighbouring claims, since otherwise the
    other workers would wait for it.

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
    modules: dict[str, list[Claim]] = {}
    for claim in claims:
        modules.setdefault(claim.body.__module__, []).append(claim)
    cost = _costs([claim for module in modules.values() for claim in module], seconds)
    share = sum(cost.values()) / workers
    found = [part for module in modules.values() for part in _cut(module, cost, share)]
    return sorted(found, key=lambda part: -sum(cost[claim.id] for claim in part))


def _costs(claims: Sequence[Claim], seconds: Callable[[Claim], float | None]) -> dict[str, float]:
    known = {claim.id: took for claim in claims if (took := seconds(claim)) is not None}
    weights = {claim.id: EXPERIMENT if "empirical" in claim.tags else 1.0 for claim in claims}
    unit = sum(known.values()) / sum(weights[name] for name in known) if known else 1.0
    return {claim.id: known.get(claim.id, unit * weights[claim.id]) for claim in claims}


def _cut(module: Sequence[Claim], cost: dict[str, float], share: float) -> Iterator[tuple[Claim, ...]]:
    """Neighbouring claims of a module in as few pieces of about equal cost as keep each near ``share``."""
    whole = sum(cost[claim.id] for claim in module)
    pieces = min(math.ceil(whole / share - 1e-9), len(module)) if share > 0 else 1
    piece: list[Claim] = []
    spent, cuts = 0.0, 1
    for claim in module:
        if piece and spent + cost[claim.id] / 2 > whole * cuts / pieces:
            yield tuple(piece)
            piece, cuts = [], cuts + 1
        piece.append(claim)
        spent += cost[claim.id]
    yield tuple(piece)
