"""Hand portions of claims to workers, take their records as they finish, and survive the death of a worker."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait

import torch
from threadpoolctl import threadpool_limits

from verify.check import Level
from verify.fingerprint import fingerprint, versions
from verify.judge import judge, not_judged
from verify.paper import Claim, UnknownNameError, find_claim
from verify.record import Record, Verdict
from verify.store import Store, UnwritableError
from verify.workers import ClusterError, Workers

LOOK_AGAIN = 0.3
"""Seconds between two looks at what the processes of this machine have stored."""

_one_at_a_time = threading.Lock()  # claims share torch's generator and other state of the process

Finished = tuple[list[Record], str | None]


def judge_portion(identifiers: Sequence[str], level: Level, seed: int | None, store: Store | None) -> Finished:
    """Judge claims one after another on one thread, and store each record as it is known if there is a ``store``.

    Runs in a worker. The second value is why the last record could not be stored, which ends the portion.
    """
    records: list[Record] = []
    with _one_at_a_time:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            for identifier in identifiers:
                with threadpool_limits(1):
                    records.append(judge(find_claim(identifier), level, seed))
                if store is not None:
                    keep(records[-1], store)
        except UnwritableError as error:
            return records, str(error)
        finally:
            torch.set_num_threads(threads)
    return records, None


def keep(record: Record, store: Store) -> None:
    """Store a record, unless it was skipped for want of something that may be there next time."""
    if record.verdict is not Verdict.SKIPPED:
        store.save(record)


class _Portion:
    """Claims in the hands of one worker, as far as they are not known to be finished."""

    def __init__(self, claims: Iterable[Claim], *, alone: bool = False) -> None:
        self.ahead = list(claims)
        self.passed: list[Claim] = []  # finished, but not seen in the store
        self.alone = alone
        self.stamps: dict[str, tuple[int, int] | None] = {}


class Dispatch:
    """One run of claims on workers.

    Each portion goes to one worker. Processes of this machine store their records themselves, claim by claim, and are
    followed by looking at the store; records from a cluster come back with their portion and are stored here. After a
    worker has died, the claim it was running (of a cluster's portion: every claim) is tried once more with nothing
    beside it, and is in error if that worker dies too; the other claims go on.

    Parameters
    ----------
    workers, store, level, seed
        Where to run, where to keep records, and how.
    on_start, on_done
        Called when a claim is begun (on a cluster: when its portion is), and when its record is known.
    """

    def __init__(
        self,
        workers: Workers,
        store: Store,
        level: Level,
        seed: int | None,
        on_start: Callable[[Claim], None],
        on_done: Callable[[Record], None],
    ) -> None:
        self._workers, self._store, self._level, self._seed = workers, store, level, seed
        self._on_start, self._on_done = on_start, on_done
        self._waiting: deque[_Portion] = deque()
        self._suspects: deque[Claim] = deque()
        self._running: dict[Future[Finished], _Portion] = {}
        self._told: set[str] = set()

    def run(self, portions: Iterable[Sequence[Claim]]) -> None:
        """Run all portions, the first ones first.

        Raises
        ------
        UnwritableError
            If a record could not be stored. It and all that finished before have been told to ``on_done``.
        ClusterError
            If a worker lacks the caller's software or runs another version of it.
        """
        self._waiting.extend(map(_Portion, portions))
        while self._waiting or self._suspects or self._running:
            while self._waiting and len(self._running) < self._workers.count():
                self._submit(self._waiting.popleft())
            if not self._running and self._suspects:
                self._submit(_Portion([self._suspects.popleft()], alone=True))
            done, _ = wait(self._running, LOOK_AGAIN if self._workers.local else None, FIRST_COMPLETED)
            for portion in self._running.values():
                self._look(portion)
            for future in done:
                self._finish(self._running.pop(future), future)

    def _submit(self, portion: _Portion) -> None:
        local = self._workers.local
        if local:
            portion.stamps = {claim.id: self._stamp(claim) for claim in portion.ahead}
        identifiers = [claim.id for claim in portion.ahead]
        store = self._store if local else None
        future = self._workers.submit(judge_portion, identifiers, self._level, self._seed, store)
        self._running[future] = portion
        for claim in portion.ahead[: 1 if local else None]:
            self._on_start(claim)

    def _look(self, portion: _Portion) -> None:
        """Tell what a process of this machine has stored since the last look."""
        for claim in list(portion.ahead) if self._workers.local else ():
            if self._stamp(claim) == portion.stamps[claim.id]:
                continue
            record = self._store.load(claim.id, self._level, self._seed_of(claim), self._fingerprint(claim))
            if record is not None:
                self._tell(record)
                position = portion.ahead.index(claim)
                portion.passed += portion.ahead[:position]
                portion.ahead = portion.ahead[position + 1 :]
                for begun in portion.ahead[:1]:
                    self._on_start(begun)

    def _finish(self, portion: _Portion, future: Future[Finished]) -> None:
        try:
            records, unwritten = future.result()
        except self._workers.died as error:
            self._bury(portion, error)
            return
        except (UnknownNameError, ImportError) as error:
            if self._workers.local:
                raise
            raise ClusterError(f"a worker lacks what this process has ({error}); expected the same packages") from error
        except CancelledError as error:
            raise ClusterError(
                "the cluster dropped a portion of the claims; expected its scheduler to stay up"
            ) from error
        claims = {claim.id: claim for claim in (*portion.passed, *portion.ahead)}
        for record in records:
            if not self._workers.local:
                self._check_software(claims[record.id], record)
            if record.id not in self._told:
                self._tell(record)
        if not self._workers.local:
            for record in records:
                keep(record, self._store)
        if unwritten is not None:
            raise UnwritableError(unwritten)

    def _bury(self, portion: _Portion, error: BaseException) -> None:
        """Decide what becomes of the claims of a worker that died."""
        if portion.alone:
            reason = "the worker that ran this claim died, and so did a second one that ran nothing else"
            for claim in portion.ahead:
                record = not_judged(claim, self._level, self._seed, f"{reason}: {type(error).__name__}: {error}")
                self._tell(record)
                keep(record, self._store)
            return
        running = 1 if self._workers.local else len(portion.ahead)
        self._suspects += portion.ahead[:running]
        if others := portion.passed + portion.ahead[running:]:
            self._waiting.appendleft(_Portion(others))

    def _tell(self, record: Record) -> None:
        self._told.add(record.id)
        self._on_done(record)

    def _check_software(self, claim: Claim, record: Record) -> None:
        if record.fingerprint == self._fingerprint(claim):
            return
        theirs, ours = record.versions, versions()
        found = [
            f"{name} {theirs.get(name)} there, {ours[name]} here" for name in ours if theirs.get(name) != ours[name]
        ]
        told = ", ".join(found) or "the source of the claims or of the engine"
        raise ClusterError(f"a worker runs other software than this process ({told}); expected the same everywhere")

    def _stamp(self, claim: Claim) -> tuple[int, int] | None:
        return self._store.stamp(claim.id, self._level, self._seed_of(claim))

    def _fingerprint(self, claim: Claim) -> str:
        return fingerprint(claim, self._level, self._seed_of(claim))

    def _seed_of(self, claim: Claim) -> int:
        return claim.seed if self._seed is None else self._seed
