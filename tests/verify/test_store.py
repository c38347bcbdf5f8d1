"""Records on disk survive whatever happens to the process that writes them."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from verify import Paper, Store, judge

KILLS = 3


@pytest.fixture
def record():
    paper = Paper("demo", arxiv="0000.00000", title="Truth", authors=("A. Author",), year=2026)

    @paper.claim("Eq. 1", mutants={"false": {"value": False}})
    def truth_is_true(check, value=True):
        """Truth is true."""
        check.proves(value)

    return judge(paper.claims["truth_is_true"], "quick")


def test_what_is_saved_is_loaded(tmp_path, record):
    store = Store(tmp_path)
    store.save(record)
    assert store.load(record.id, "quick", 0, record.fingerprint) == record


def test_a_record_of_something_that_changed_is_not_loaded(tmp_path, record):
    store = Store(tmp_path)
    store.save(record)
    assert store.load(record.id, "quick", 0, "another fingerprint") is None


def test_a_record_can_be_read_by_whom_the_umask_allows(tmp_path, record):
    store = Store(tmp_path)
    store.save(record)
    (tmp_path / "ordinary").touch()
    written = store.path(record.id, "quick", 0)
    assert written.stat().st_mode == (tmp_path / "ordinary").stat().st_mode


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"id": 1}', "null"])
def test_an_unreadable_record_is_no_record(tmp_path, record, text):
    store = Store(tmp_path)
    store.save(record)
    store.path(record.id, "quick", 0).write_text(text)
    assert store.load(record.id, "quick", 0, record.fingerprint) is None


def test_no_reader_ever_sees_part_of_a_record(tmp_path, record, monkeypatch):
    store = Store(tmp_path)
    store.save(record)

    def crash(*_):
        raise OSError("killed while flushing")

    monkeypatch.setattr(os, "fsync", crash)
    with pytest.raises(OSError, match="killed"):
        store.save(record)
    assert store.load(record.id, "quick", 0, record.fingerprint) == record


def without_times(path):
    return [record | {"seconds": None, "commit": None} for record in json.loads(path.read_text())]


def stored(demo):
    return {path.name: path.read_text() for path in (demo.folder / "killed").rglob("[!.]*.json")}


def test_killed_runs_lose_nothing_finished_and_resume_to_the_same_records(demo):
    arguments = ["run", "--paper", "demo", "--results", "killed"]
    moments = random.Random(0)
    finished: dict[str, str] = {}
    for _ in range(KILLS):
        victim = subprocess.Popen(
            [sys.executable, "-m", "verify", *arguments, "--jobs", "2"],
            cwd=demo.folder,
            env=demo.environment,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while victim.poll() is None and stored(demo).keys() <= finished.keys():
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 0.4))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(victim.pid, signal.SIGKILL)
        victim.wait()
        kept = stored(demo)
        assert all(json.loads(text)["verdict"] for text in kept.values())
        assert finished.items() <= kept.items()
        finished = kept
    assert finished
    assert demo.verify(*arguments, "--jobs", "1", "--json", "resumed.json").returncode == 0
    assert finished.items() <= stored(demo).items()
    assert demo.verify("run", "--paper", "demo", "--jobs", "1", "--json", "whole.json").returncode == 0
    assert without_times(demo.folder / "resumed.json") == without_times(demo.folder / "whole.json")
