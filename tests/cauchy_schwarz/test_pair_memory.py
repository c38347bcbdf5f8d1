"""Peak memory, in a process of its own: Python's tracer does not see tensors."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import resource, torch
from theory.cauchy_schwarz import conditional_divergence, mutual_information

def task(n):
    x, t, y = torch.randn(n, 16), torch.randn(n, 16, requires_grad=True), torch.randn(n)
    if {name!r} == "mutual_information":
        mutual_information(x, t, 5.0, 5.0).backward()
    else:
        conditional_divergence(x, y, t[:, 0], 5.0, 1.0).backward()

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

torch.set_num_threads(1)
task(300)
before = peak()
task(16384)
print(peak() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the unit of the peak is that of Linux")
@pytest.mark.parametrize("name", ["mutual_information", "conditional_divergence"])
def test_sixteen_thousand_points_fit_in_64_mib(name):
    done = subprocess.run([sys.executable, "-c", SCRIPT.format(name=name)], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 64.0
