"""A throw-away package with a paper of its own, installed the way any package registers papers."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

CLAIMS = '''
import time
import hypothesis.strategies as st
from demo_checks.formula import square
from verify import Paper

paper = Paper("demo", arxiv="0000.00000", title="Squares", authors=("A. Author",), year=2026)


@paper.claim("Eq. 1", mutants={"doubled": {"formula": lambda v: 2 * v}})
def square_is_a_product(check, formula=square):
    """The square of an integer is its product with itself."""
    check.forall(lambda v: formula(v) == v * v, v=st.integers(-99, 99))


@paper.refuted("Eq. 2", controls={"corrected": {"formula": square}})
def square_is_a_double(check, formula=lambda v: 2 * v):
    """The square of an integer is its double."""
    check.forall(lambda v: formula(v) == v * v, v=st.integers(-99, 99))
    check.table("double", v=[0.0, 1.0], value=[0.0, 2.0])


@paper.figure(source="square_is_a_double")
def double(tables):
    """The double."""
    from matplotlib.figure import Figure

    canvas = Figure()
    canvas.subplots().plot(tables["double"]["v"], tables["double"]["value"])
    return canvas


def slow(k):
    def body(check, shift=0.0):
        """Uniform draws have mean one half."""
        time.sleep(0.15)
        check.estimates(lambda rng, n: rng.random(n) + shift, bounds=(0, 2), band=(0.45, 0.55), draws=9000)

    body.__name__ = f"slow_{k}"
    return body


for k in range(8):
    paper.claim("Eq. 3", mutants={"shifted": {"shift": 0.5}}, seed=k)(slow(k))
'''


@dataclass(frozen=True)
class DemoPackage:
    """The folder that holds the package, and how to run the suite with it installed."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(self.folder), "OMP_NUM_THREADS": "1"}

    def verify(self, *arguments: str, module: str = "verify") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def demo(tmp_path: Path) -> DemoPackage:
    package = tmp_path / "demo_checks"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "formula.py").write_text("def square(v):\n    return v * v\n")
    (package / "claims.py").write_text(CLAIMS)
    metadata = tmp_path / "demo_checks-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: demo-checks\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[paperchecks.papers]\ndemo = demo_checks.claims:paper\n")
    return DemoPackage(tmp_path)
