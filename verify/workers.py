"""Where claims are judged: processes of this machine (loky), or the workers of a dask or ray cluster.

Each kind of workers is an existing engine behind the same few methods; a task is a module-level function with plain
arguments, and comes back as a :class:`concurrent.futures.Future` of its own, so that the death of one worker does not
take the tasks of the others with it. joblib's interface to dask and ray is not used: it waits for ever for a task whose
dask worker died, and hands back nothing from ray before everything is done.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Protocol, cast

import joblib
from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import TerminatedWorkerError
from joblib.parallel import ParallelBackendBase


class ClusterError(RuntimeError):
    """A cluster that cannot be reached or used; the message says which and why."""


class Workers(AbstractContextManager["Workers"], Protocol):
    """What the runner asks of an engine; leaving the context cancels what is still running.

    Attributes
    ----------
    local
        Whether the workers see the caller's files under the same names.
    died
        The exceptions of a task whose worker died.
    """

    local: bool
    died: tuple[type[BaseException], ...]

    def count(self) -> int:
        """How many tasks can run at once now, at least one."""

    def submit(self, task: Callable[..., Any], *arguments: object) -> Future[Any]:
        """Start a task as soon as a worker is free."""


def connect(backend: str, jobs: int, address: str | None) -> Workers:
    """Workers of the named engine.

    Parameters
    ----------
    backend
        ``"loky"``: processes of this machine; ``"dask"`` or ``"ray"``: an existing cluster.
    jobs
        Largest number of tasks at once; −1 for all cores or workers.
    address
        Of the cluster: ``tcp://host:8786`` of a dask scheduler; ``ray://host:10001``, ``host:6379``, or ``auto`` on a
        machine of the ray cluster. ``None`` for loky.

    Raises
    ------
    ValueError
        See :func:`check_backend`.
    ClusterError
        If the engine is not installed or nothing answers at the address.
    """
    check_backend(backend, address)
    if backend == "loky":
        return Processes(jobs)
    return (Dask if backend == "dask" else Ray)(cast(str, address), jobs)


def check_backend(backend: str, address: str | None) -> None:
    """Raise ``ValueError`` if the backend is unknown, or its address is missing or given in vain."""
    if backend not in ("loky", "dask", "ray"):
        raise ValueError(f"backend is {backend!r}; expected 'loky', 'dask' or 'ray'")
    if (address is None) != (backend == "loky"):
        needed = "none, its processes are of this machine" if backend == "loky" else "the address of the cluster"
        raise ValueError(f"address is {address!r} with backend {backend!r}; expected {needed}")


class Processes(Workers):
    """Processes of this machine, each computing on one thread."""

    local = True
    died = (TerminatedWorkerError,)

    def __init__(self, jobs: int = -1) -> None:
        self._jobs: int = joblib.effective_n_jobs(jobs)
        self._futures: set[Future[Any]] = set()
        # loky replaces a process that has kept 300 MB, as one that caches trainings does; nothing is lost by it
        warnings.filterwarnings("ignore", "A worker stopped while some jobs were given", UserWarning)

    def count(self) -> int:
        """The number of processes."""
        return self._jobs

    def submit(self, task: Callable[..., Any], *arguments: object) -> Future[Any]:
        """Start a task; after a process has died, in a new set of processes."""
        one_thread = dict.fromkeys(ParallelBackendBase.MAX_NUM_THREADS_VARS, "1")
        future: Future[Any] | None = None
        while future is None:
            self._executor = get_reusable_executor(self._jobs, timeout=300, env=one_thread)
            with contextlib.suppress(*self.died):  # a process may die between the two calls
                future = self._executor.submit(task, *arguments)
        self._futures.add(future)
        future.add_done_callback(self._futures.discard)
        return future

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kill the processes if they are still at work."""
        if self._futures:
            self._executor.shutdown(kill_workers=True)


class Dask(Workers):
    """The workers of a dask cluster, one task at a time in each."""

    local = False

    def __init__(self, address: str, jobs: int = -1) -> None:
        try:
            from distributed import Client, KilledWorker
        except ImportError as error:
            raise ClusterError(_missing("dask", "distributed")) from error
        self.died = (KilledWorker,)
        self._jobs = jobs
        try:
            self._client = Client(address, set_as_default=False)
        except (OSError, ValueError) as error:
            raise ClusterError(f"no dask scheduler answers at {address}: {error}") from error
        self._executor = self._client.get_executor(pure=False)

    def count(self) -> int:
        """The number of workers there are now, if ``jobs`` does not say fewer."""
        return _at_most(self._jobs, len(self._client.ncores()))

    def submit(self, task: Callable[..., Any], *arguments: object) -> Future[Any]:
        """Start a task; dask itself tries it on other workers (``allowed-failures``) before it gives up."""
        return cast("Future[Any]", self._executor.submit(task, *arguments))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Cancel what has not finished and leave the cluster running."""
        self._executor.shutdown(wait=False)
        self._client.close()


class Ray(Workers):
    """The worker processes of a ray cluster, one processor each."""

    local = False

    def __init__(self, address: str, jobs: int = -1) -> None:
        try:
            import ray
        except ImportError as error:
            raise ClusterError(_missing("ray", "ray")) from error
        lost = ray.exceptions
        self.died = (lost.WorkerCrashedError, lost.OutOfMemoryError, lost.NodeDiedError, lost.ObjectLostError)
        self._jobs = jobs
        self._ray = ray
        self._running: dict[Future[Any], Any] = {}
        try:
            ray.init(address=address, log_to_driver=False)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise ClusterError(f"no ray cluster answers at {address}: {error}") from error

    def count(self) -> int:
        """The number of processors there are now, if ``jobs`` does not say fewer."""
        return _at_most(self._jobs, int(self._ray.cluster_resources().get("CPU", 0)))

    def submit(self, task: Callable[..., Any], *arguments: object) -> Future[Any]:
        """Start a task, which ray does not try again by itself."""
        reference = self._ray.remote(max_retries=0)(task).remote(*arguments)
        future: Future[Any] = reference.future()
        self._running[future] = reference
        future.add_done_callback(lambda done: self._running.pop(done, None))
        return future

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Cancel what has not finished and leave the cluster running."""
        for reference in list(self._running.values()):
            self._ray.cancel(reference, force=True)
        self._ray.shutdown()


def _at_most(jobs: int, available: int) -> int:
    return max(1, available if jobs < 0 else min(jobs, available))


def _missing(backend: str, package: str) -> str:
    return f"--backend {backend} needs the package {package}: pip install 'paperchecks[{backend}]'"
