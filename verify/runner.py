"""Run many claims: pick up stored records, judge the rest here or on workers, store each as it finishes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import joblib

from verify.check import Level
from verify.dispatch import Dispatch, judge_portion
from verify.fingerprint import fingerprint
from verify.paper import Claim
from verify.record import Record, Verdict
from verify.schedule import portions
from verify.store import Store, UnwritableError, check_writable
from verify.workers import connect


def run(
    claims: Sequence[Claim],
    store: Store,
    *,
    level: Level = "quick",
    seed: int | None = None,
    jobs: int = 1,
    backend: str = "loky",
    address: str | None = None,
    fresh: bool = False,
    on_start: Callable[[Claim], None] = lambda claim: None,
    on_done: Callable[[Record], None] = lambda record: None,
) -> list[Record]:
    """Judge claims, taking from the store what is still valid.

    Parameters
    ----------
    claims
        What to run.
    store
        Where records are kept. On this machine each is stored as soon as it is known, by the process that found it; a
        cluster's records come back a portion of claims at a time and are stored by the caller, so that the workers
        need no common folder, and killing the caller loses the portions in hand.
    level
        ``"quick"`` or ``"full"``.
    seed
        Overrides every claim's seed.
    jobs
        Number of workers (joblib's convention: −1 for all). Every worker computes on one thread, so that the records
        do not depend on ``jobs``. With one process of this machine, or one claim, no other process is started: a crash
        is then the caller's.
    backend, address
        The kind of workers and where they are, see :func:`verify.workers.connect`. The workers of a cluster need the
        same packages as the caller.
    fresh
        Run even what is stored.
    on_start, on_done
        Called when a claim is begun (on a cluster: when its portion is), and when its record is known.

    Returns
    -------
    list of Record
        In the order of ``claims``. A claim whose worker died twice has the verdict ``error``.

    Raises
    ------
    UnwritableError
        If a record cannot be stored. Nothing is begun if the folder is not writable from the start; later the run
        stops, and only records told to ``on_done`` last are not in the store.
    ClusterError
        If a cluster cannot be used.
    """
    records: dict[str, Record] = {}

    def settle(record: Record) -> None:
        records[record.id] = record
        on_done(record)

    waiting = []
    for claim in claims:
        stored = None if fresh else stored_record(claim, store, level, seed)
        if stored is None:
            waiting.append(claim)
        else:
            settle(stored)
    if not waiting:
        return [records[claim.id] for claim in claims]
    check_writable(store.folder)
    if backend == "loky" and address is None and (joblib.effective_n_jobs(jobs) == 1 or len(waiting) == 1):
        for claim in waiting:
            on_start(claim)
            (record,), unwritten = judge_portion([claim.id], level, seed, store)
            settle(record)
            if unwritten is not None:
                raise UnwritableError(unwritten)
    else:
        with connect(backend, jobs, address) as workers:
            took = {claim.id: store.seconds(claim.id, level, _seed(claim, seed)) for claim in waiting}
            found = portions(waiting, lambda claim: took[claim.id], workers.count())
            Dispatch(workers, store, level, seed, on_start, settle).run(found)
    return [records[claim.id] for claim in claims]


def stored_record(claim: Claim, store: Store, level: Level, seed: int | None = None) -> Record | None:
    """The record of an earlier run, if it ended in a verdict and nothing it depends on has changed since."""
    seed = _seed(claim, seed)
    record = store.load(claim.id, level, seed, fingerprint(claim, level, seed))
    return None if record is None or record.verdict is Verdict.ERROR else record


def _seed(claim: Claim, override: int | None) -> int:
    return claim.seed if override is None else override
