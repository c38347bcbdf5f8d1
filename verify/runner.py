"""Run many claims: pick up stored records, fan the rest out over processes, store each as it finishes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import joblib
import torch
from threadpoolctl import threadpool_limits

from verify.check import Level
from verify.fingerprint import fingerprint
from verify.judge import judge
from verify.paper import Claim, find_claim
from verify.record import Record, Verdict
from verify.store import Store


def run(
    claims: Sequence[Claim],
    store: Store,
    *,
    level: Level = "quick",
    seed: int | None = None,
    jobs: int = 1,
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
        Where records are kept. Each is stored as soon as it is known, by the process that found it.
    level
        ``"quick"`` or ``"full"``.
    seed
        Overrides every claim's seed.
    jobs
        Number of processes (joblib's convention: −1 for all cores). Every process computes on one thread, so that
        the records do not depend on ``jobs``.
    fresh
        Run even what is stored.
    on_start, on_done
        Called when a claim is handed to a process, and when its record is known.

    Returns
    -------
    list of Record
        In the order of ``claims``.
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

    def tasks() -> Iterator[object]:
        for claim in waiting:
            on_start(claim)
            yield joblib.delayed(_judge_and_store)(claim.id, level, seed, store)

    if joblib.effective_n_jobs(jobs) == 1 or len(waiting) == 1:
        for claim in waiting:
            on_start(claim)
            settle(_judge_and_store(claim.id, level, seed, store))
    elif waiting:
        parallel = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered", pre_dispatch="n_jobs", batch_size=1)
        with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
            finished: Iterable[Record] = parallel(tasks())
            for record in finished:
                settle(record)
    return [records[claim.id] for claim in claims]


def stored_record(claim: Claim, store: Store, level: Level, seed: int | None = None) -> Record | None:
    """The record of an earlier run, if it ended in a verdict and nothing it depends on has changed since."""
    seed = claim.seed if seed is None else seed
    record = store.load(claim.id, level, seed, fingerprint(claim, level, seed))
    return None if record is None or record.verdict is Verdict.ERROR else record


def _judge_and_store(claim_id: str, level: Level, seed: int | None, store: Store) -> Record:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            record = judge(find_claim(claim_id), level, seed)
    finally:
        torch.set_num_threads(threads)
    if record.verdict is not Verdict.SKIPPED:
        store.save(record)
    return record
