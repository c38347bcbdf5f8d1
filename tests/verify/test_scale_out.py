"""Runs on several workers: what is computed once, workers that die, folders that cannot be written, clusters."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Future

import pytest
from joblib.externals.loky.process_executor import TerminatedWorkerError
from typer.testing import CliRunner

from verify import Paper, Store, run
from verify.__main__ import app
from verify.store import UnwritableError, write_atomically
from verify.workers import ClusterError, Dask, Processes, connect

TRAINED = '''
import functools
from pathlib import Path
import time
from demo_checks.claims import paper


@functools.cache
def training():
    with Path("trainings.txt").open("a") as log:
        log.write("trained\\n")
    time.sleep(0.5)
    return 1.0


def use(k):
    def body(check, value=1.0):
        """What the training gives is one."""
        check.proves(training() == value)

    body.__name__ = f"use_{k}"
    return body


for k in range(3):
    paper.claim("Eq. 4", mutants={"two": {"value": 2.0}})(use(k))
'''

DEADLY = '''
import os
import signal
import time
from pathlib import Path
from demo_checks.claims import paper


@paper.claim("Eq. 5", mutants={"false": {"value": False}})
def before_the_death(check, value=True):
    """True, and judged in the worker that dies next."""
    check.proves(value)


@paper.claim("Eq. 5", mutants={"false": {"value": False}})
def kills_its_worker(check, value=True):
    """Dies like a process that is out of memory."""
    os.kill(os.getpid(), signal.SIGKILL)


@paper.claim("Eq. 5", mutants={"false": {"value": False}})
def after_the_death(check, value=True):
    """True, and next in the portion of the worker that died."""
    check.proves(value)
'''

ONCE = '''
import os
import time
from pathlib import Path
from demo_checks.claims import paper


@paper.claim("Eq. 6", mutants={"false": {"value": False}})
def waits_to_be_killed_once(check, value=True):
    """True; the first time it says which process it is in, and waits."""
    place = Path("worker.pid")
    if not place.exists():
        place.write_text(str(os.getpid()))
        time.sleep(600)
    check.proves(value)
'''


NAMES = (
    *("square_is_a_product", "square_is_a_double", *(f"slow_{k}" for k in range(8)), *(f"use_{k}" for k in range(3))),
    *("before_the_death", "kills_its_worker", "after_the_death", "waits_to_be_killed_once"),
)
"""The claims of the demonstration package with all these modules."""


@pytest.fixture
def extended(demo):
    """The demonstration package with modules of claims added by name."""

    def extend(**modules):
        claims = demo.folder / "demo_checks" / "claims.py"
        for name, text in modules.items():
            (demo.folder / "demo_checks" / f"{name}.py").write_text(text)
        claims.write_text(claims.read_text() + "".join(f"import demo_checks.{name}\n" for name in modules))
        return demo

    return extend


def records(demo, name):
    return json.loads((demo.folder / name).read_text())


def start(demo, *arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "verify", "run", "--paper", "demo", *arguments],
        cwd=demo.folder,
        env=demo.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def kill_the_waiting_worker(demo, running):
    place = demo.folder / "worker.pid"
    while not (place.exists() and place.read_text()):
        assert running.poll() is None, running.communicate()
        time.sleep(0.05)
    os.kill(int(place.read_text()), signal.SIGKILL)


def check_the_records_of_a_run_with_deaths(demo, found):
    assert [record["id"] for record in found] == [f"demo.{name}" for name in NAMES]
    (dead,) = [record for record in found if record["verdict"] == "error"]
    assert dead["id"] == "demo.kills_its_worker"
    assert dead["message"].startswith("the worker that ran this claim died, and so did a second one")
    assert all(record["verdict"] == record["expected"] for record in found if record is not dead)
    assert all((demo.folder / "results" / "demo" / f"{r['id'][5:]}.quick.{r['seed']}.json").exists() for r in found)


def comparable(found):
    """Records without when they were made: the time, and the commit, which may be new."""
    return [record | {"seconds": None, "commit": None} for record in found]


def check_the_others_are_what_one_process_finds(demo, found):
    judged = [record for record in found if record["verdict"] != "error"]
    options = [option for record in judged for option in ("--claim", record["id"])]
    assert demo.verify("run", *options, "--jobs", "1", "--json", "here.json", "--results", "b").returncode == 0
    assert comparable(judged) == comparable(records(demo, "here.json"))


def test_dead_workers_are_retried_once_and_the_run_goes_on(extended):
    demo = extended(trained=TRAINED, deadly=DEADLY, once=ONCE)
    running = start(demo, "--jobs", "2", "--json", "out.json")
    kill_the_waiting_worker(demo, running)
    told, complaint = running.communicate()
    assert running.returncode == 1, complaint
    check_the_records_of_a_run_with_deaths(demo, records(demo, "out.json"))
    assert "TerminatedWorkerError" in told


def test_two_processes_train_what_a_module_shares_once_and_find_what_one_finds(extended, monkeypatch):
    demo = extended(trained=TRAINED)
    monkeypatch.chdir(demo.folder)
    for jobs in ("2", "1"):
        place = f"{jobs}.json"
        done = demo.verify("run", "--paper", "demo", "--seed", "7", "--jobs", jobs, "--json", place, "--results", jobs)
        assert done.returncode == 0, done.stdout
        if jobs == "2":
            assert (demo.folder / "trainings.txt").read_text() == "trained\n"
    assert comparable(records(demo, "2.json")) == comparable(records(demo, "1.json"))
    compared = CliRunner().invoke(app, ["diff", "2", "1.json"])
    assert (compared.exit_code, compared.stdout.splitlines()[-1]) == (0, "no differences")


def test_a_process_that_dies_before_a_task_is_handed_over_is_replaced(monkeypatch):
    class Executor:
        def __init__(self, *outcomes):
            self.outcomes = iter(outcomes)

        def submit(self, task, *arguments):
            for outcome in self.outcomes:
                raise outcome
            future = Future()
            future.set_result(task(*arguments))
            return future

    executors = iter([Executor(TerminatedWorkerError("out of memory")), Executor()])
    monkeypatch.setattr("verify.workers.get_reusable_executor", lambda *_, **__: next(executors))
    with Processes(2) as processes:
        assert processes.submit(abs, -1).result() == 1


def a_claim_that_counts(paper, calls, name):
    def body(check, value=True):
        """True."""
        calls.append(name)
        check.proves(value)

    body.__name__ = name
    paper.claim("Eq. 1", mutants={"false": {"value": False}})(body)


@pytest.fixture
def counted(monkeypatch):
    """A paper of two claims that this process can find, and the names of the claims that were run."""
    calls: list[str] = []
    paper = Paper("counted", arxiv="0000.00000", title="Counted", authors=("A. Author",), year=2026)
    for name in ("first", "second"):
        a_claim_that_counts(paper, calls, name)
    monkeypatch.setattr("verify.dispatch.find_claim", lambda identifier: paper.claims[identifier.partition(".")[2]])
    return list(paper.claims.values()), calls


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_run(tmp_path, counted):
    claims, calls = counted
    (tmp_path / "results").write_text("a file where a folder should be")
    with pytest.raises(UnwritableError, match=r"cannot write into .*results"):
        run(claims, Store(tmp_path / "results"))
    assert not calls


def test_a_disk_that_fills_stops_the_run_and_keeps_what_was_finished(tmp_path, counted, monkeypatch):
    claims, calls = counted
    store, told = Store(tmp_path), []

    def flush(descriptor):
        if "second" in calls:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", flush)
    with pytest.raises(UnwritableError, match=r"cannot write .*second\.quick\.0\.json: No space left on device"):
        run(claims, store, on_done=told.append)
    assert [record.id for record in told] == ["counted.first", "counted.second"]
    assert [path.name for path in (tmp_path / "counted").iterdir()] == ["first.quick.0.json"]


def test_no_draft_is_left_of_a_file_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "out.json").mkdir()
    with pytest.raises(UnwritableError, match=r"cannot write .*out\.json"):
        write_atomically(tmp_path / "out.json", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of half a megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(place)]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system needs Linux and root")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


FILLS = '''
from demo_checks.claims import paper


@paper.claim("Eq. 7", mutants={"false": {"value": False}})
def keeps_more_than_the_disk_holds(check, value=True):
    """True, with a large table."""
    check.proves(value)
    check.table("large", x=list(range(200_000)))
'''


def test_full_and_read_only_disks_end_a_run_with_one_message(extended, small_disk):
    demo = extended(fills=FILLS)
    done = demo.verify("run", "--paper", "demo", "--jobs", "2", "--results", str(small_disk / "results"))
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "keeps_more_than_the_disk_holds.quick.0.json: No space left on device" in done.stderr
    assert "demo.keeps_more_than_the_disk_holds [Eq. 7]" in done.stdout  # its story, which is nowhere else
    kept = [json.loads(path.read_text()) for path in small_disk.rglob("*.json")]
    assert all(record["verdict"] == record["expected"] for record in kept)
    assert not list(small_disk.rglob("*.part"))
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    done = demo.verify("run", "--paper", "demo", "--fresh", "--results", str(small_disk / "results"))
    assert done.returncode == 2
    assert done.stderr.startswith(f"cannot write into {small_disk / 'results'}: Read-only file system")
    assert not done.stdout


def test_a_results_file_that_cannot_be_written_does_not_lose_the_verdicts(demo):
    done = demo.verify("run", "--claim", "demo.square_is_a_product", "--json", "demo_checks")
    assert done.returncode == 2
    assert "cannot write demo_checks" in done.stderr
    assert "1 claims: 1 holds" in done.stdout


@pytest.mark.parametrize(
    ("backend", "address", "complaint"),
    [("spark", None, "backend is 'spark'"), ("dask", None, "address is None"), ("loky", "tcp://x:1", "expected none")],
)
def test_bad_engines_are_named(backend, address, complaint):
    with pytest.raises(ValueError, match=complaint):
        connect(backend, -1, address)


def test_a_cluster_that_does_not_answer_is_named():
    dask = pytest.importorskip("dask")
    pytest.importorskip("distributed")  # which fills in the settings that are restored below
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "200ms"}),
        pytest.raises(ClusterError, match="no dask scheduler answers at tcp://127"),
    ):
        Dask("tcp://127.0.0.1:9")


@pytest.mark.slow
def test_a_dask_cluster_gives_the_records_of_this_machine_though_workers_die(extended, monkeypatch):
    dask = pytest.importorskip("dask")
    distributed = pytest.importorskip("distributed")
    demo = extended(trained=TRAINED, deadly=DEADLY, once=ONCE)
    monkeypatch.chdir(demo.folder)
    monkeypatch.syspath_prepend(demo.folder)
    settings = {"distributed.scheduler.allowed-failures": 0}
    with (
        dask.config.set(settings),
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as cluster,
    ):
        there = ("--backend", "dask", "--address", cluster.scheduler_address)
        running = start(demo, *there, "--json", "dask.json")
        kill_the_waiting_worker(demo, running)
        told, complaint = running.communicate()
        assert running.returncode == 1, complaint
    check_the_records_of_a_run_with_deaths(demo, records(demo, "dask.json"))
    assert "KilledWorker" in told
    check_the_others_are_what_one_process_finds(demo, records(demo, "dask.json"))


@pytest.mark.slow
def test_a_ray_cluster_gives_the_records_of_this_machine_though_workers_die(extended, monkeypatch):
    ray = pytest.importorskip("ray", reason="ray is not installed: pip install 'paperchecks[ray]'")
    demo = extended(trained=TRAINED, deadly=DEADLY, once=ONCE)
    monkeypatch.chdir(demo.folder)
    monkeypatch.setenv("PYTHONPATH", demo.environment["PYTHONPATH"])
    context = ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        there = ("--backend", "ray", "--address", context.address_info["gcs_address"])
        running = start(demo, *there, "--json", "ray.json")
        kill_the_waiting_worker(demo, running)
        told, complaint = running.communicate()
        assert running.returncode == 1, complaint
    finally:
        ray.shutdown()
    check_the_records_of_a_run_with_deaths(demo, records(demo, "ray.json"))
    assert "WorkerCrashedError" in told
    check_the_others_are_what_one_process_finds(demo, records(demo, "ray.json"))
