"""What the README shows must work as written."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


def printed_by(example):
    (code,) = re.findall(rf"<!-- {example} -->\n```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_the_import_example_runs_and_prints_what_it_says():
    printed = printed_by("example")
    certified, looseness = map(float, printed.split())
    assert certified > 0.99
    assert looseness > 1


def test_the_controller_example_takes_a_shortened_step():
    report = dict(re.findall(r"(\w+)=([\d.e+-]+)", printed_by("controller")))
    assert 0.99 < float(report["r"]) <= 1
    assert float(report["scale"]) < 1


def test_the_bottleneck_example_fits_its_data():
    divergence, information = map(float, re.findall(r"-?\d+\.\d+", printed_by("bottleneck")))
    assert 0 <= divergence < 0.02
    assert 0 < information < 1.2


def test_the_noisy_label_example_beats_the_labels_it_was_given():
    assert float(printed_by("noisy-labels")) > 0.9


def test_the_neural_ode_example_ends_with_fewer_evaluations():
    pytest.importorskip("torchdiffeq", reason="torchdiffeq, of the extra 'ode', is missing")
    assert int(printed_by("neural-ode")) <= 26


def test_the_lagrangian_example_is_accurate_and_sound():
    printed = printed_by("lagrangian-pinn")
    assert float(printed.split(",")[0]) < 1e-2
    assert "spurious: False" in printed
