"""The example scripts run, for one epoch."""

import re
import runpy
import sys
from pathlib import Path

import pytest
import torch

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("penalty", ["2.0", "0"])
def test_the_digits_example_trains_for_an_epoch(penalty, monkeypatch, capsys):
    """Two evaluations start a solve of Tsit5, and each step takes six; chance is right on a tenth."""
    monkeypatch.setattr(sys, "argv", ["digits_neural_ode.py", "--epochs", "1", "--penalty", penalty])
    with torch.random.fork_rng(devices=[]), pytest.raises(SystemExit) as ended:
        runpy.run_path(str(EXAMPLES / "digits_neural_ode.py"), run_name="__main__")
    assert not ended.value.code
    shown = re.findall(r"loss (\S+)\s+(\d+) evaluations\s+(\S+) % right", capsys.readouterr().out)
    loss, evaluations, right = map(float, shown[-1])
    assert loss > 0
    assert (evaluations - 2) % 6 == 0
    assert right > 20
