"""Whichever workers die, every claim is told once: its verdict, or that it killed two workers."""

import queue
import random
import tempfile
import threading
from concurrent.futures import Future
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from verify import Paper, Store, Verdict
from verify.dispatch import Dispatch, judge_portion
from verify.workers import ClusterError, Workers


class DiedError(Exception):
    """A worker died."""


class FragileWorkers(Workers):
    """Workers in one thread that die of certain claims.

    As processes of this machine they take all other tasks in hand with them, each somewhere in its portion; as a
    cluster's they die alone.
    """

    died = (DiedError,)

    def __init__(self, number: int, deadly: set[str], *, local: bool, seed: int) -> None:
        self.local, self._number, self._deadly = local, number, deadly
        self._tasks: queue.SimpleQueue = queue.SimpleQueue()
        self._random = random.Random(seed)
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def count(self) -> int:
        return self._number

    def submit(self, task, identifiers, *arguments):
        assert task is judge_portion
        future: Future = Future()
        self._tasks.put((future, identifiers, arguments))
        return future

    def __exit__(self, *_):
        self._tasks.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            future, identifiers, arguments = task
            records = []
            for identifier in identifiers:
                if identifier in self._deadly:
                    self._die(future)
                    break
                records += judge_portion([identifier], *arguments)[0]
            else:
                future.set_result((records, None))

    def _die(self, victim: Future) -> None:
        while self.local and not self._tasks.empty():
            future, identifiers, arguments = self._tasks.get()
            done = identifiers[: self._random.randrange(len(identifiers) + 1)]
            for identifier in done:
                if identifier in self._deadly:
                    break
                judge_portion([identifier], *arguments)
            future.set_exception(DiedError("together with another"))
        victim.set_exception(DiedError("out of memory"))


@pytest.fixture(scope="module")
def paper():
    paper = Paper("fragile", arxiv="0000.00000", title="Truths", authors=("A. Author",), year=2026)
    for k in range(9):

        def body(check, value=True, skipped=k % 3 == 1):
            """True."""
            if skipped:
                check.skip("wants something")
            check.proves(value)

        body.__name__ = f"truth_{k}"
        paper.claim("Eq. 1", mutants={"false": {"value": False}})(body)
    return paper


@pytest.fixture(scope="module")
def found_here(paper):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("verify.dispatch.find_claim", lambda identifier: paper.claims[identifier.partition(".")[2]])
        patch.setattr("verify.dispatch.LOOK_AGAIN", 0.001)
        yield


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 6), min_size=1, max_size=3),
    deadly=st.sets(st.integers(0, 8), max_size=4),
    workers=st.integers(1, 3),
    local=st.booleans(),
    seed=st.integers(0, 99),
)
def test_every_claim_is_told_once(paper, found_here, sizes, deadly, workers, local, seed):
    claims = iter(paper.claims.values())
    portions = [[claim for _, claim in zip(range(size), claims, strict=False)] for size in sizes]
    portions = [portion for portion in portions if portion]
    killers = {f"fragile.truth_{k}" for k in deadly}
    told = []
    with (
        tempfile.TemporaryDirectory() as folder,
        FragileWorkers(workers, killers, local=local, seed=seed) as fragile,
    ):
        store = Store(Path(folder))
        Dispatch(fragile, store, "quick", None, lambda claim: None, told.append).run(portions)
        identifiers = [claim.id for portion in portions for claim in portion]
        assert sorted(record.id for record in told) == identifiers
        for record in told:
            if record.id in killers:
                assert record.verdict is Verdict.ERROR
            elif record.id[-1] in "147":
                assert record.verdict is Verdict.SKIPPED
                continue
            else:
                assert record.verdict is Verdict.HOLDS
            assert store.load(record.id, "quick", 0, record.fingerprint) == record


def test_claims_are_begun_one_after_another_as_far_as_can_be_seen(paper, found_here, tmp_path):
    events = []
    claims = list(paper.claims.values())[:3]
    with FragileWorkers(1, set(), local=False, seed=0) as cluster:
        dispatch = Dispatch(
            cluster,
            Store(tmp_path),
            "quick",
            None,
            lambda claim: events.append(("start", claim.name)),
            lambda record: events.append(("done", record.id.partition(".")[2])),
        )
        dispatch.run([claims])
    assert events == [(event, claim.name) for event in ("start", "done") for claim in claims]


def test_a_worker_with_other_software_is_named(paper, found_here, tmp_path, monkeypatch):
    fingerprints = iter(("ours", "theirs"))
    monkeypatch.setattr("verify.dispatch.fingerprint", lambda *_: next(fingerprints))
    with (
        FragileWorkers(1, set(), local=False, seed=0) as cluster,
        pytest.raises(ClusterError, match="a worker runs other software"),
    ):
        Dispatch(cluster, Store(tmp_path), "quick", None, print, print).run([list(paper.claims.values())[:1]])


@pytest.mark.parametrize(
    ("error", "complaint"),
    [(ImportError("no module named demo"), "lacks what this process has .no module named demo"), (None, "dropped")],
)
def test_a_cluster_that_cannot_do_it_is_named(paper, found_here, tmp_path, error, complaint):
    class Failing(FragileWorkers):
        def submit(self, *_):
            future: Future = Future()
            if error is None:
                future.cancel()
                future.set_running_or_notify_cancel()
            else:
                future.set_exception(error)
            return future

    with Failing(1, set(), local=False, seed=0) as cluster, pytest.raises(ClusterError, match=complaint):
        Dispatch(cluster, Store(tmp_path), "quick", None, print, print).run([list(paper.claims.values())[:1]])
