"""``python -m theory.setol`` as its user meets it."""

import csv
import io
import json
import subprocess
import sys

import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from theory.setol.__main__ import app
from theory.setol.analyze import COLUMNS, analyze


@pytest.fixture
def checkpoint(tmp_path):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(40, 30), nn.Conv2d(12, 10, 3), nn.Embedding(20, 9))
    state = model.state_dict() | {"eye.weight": torch.eye(10), "a/b.weight": torch.randn(12, 9)}
    torch.save(state | {"a_b.weight": torch.randn(12, 9)}, tmp_path / "m.pt")
    return tmp_path / "m.pt"


def run(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


def test_the_module_prints_a_table_and_accounts_for_every_tensor(checkpoint):
    done = subprocess.run(
        [sys.executable, "-m", "theory.setol", checkpoint], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split()[:6] == ["layer", "N", "M", "rf", "α", "σ"]
    layer = analyze(checkpoint)["0.weight"]
    (shown,) = [line.split() for line in lines if line.startswith("0.weight")]
    assert shown[:5] == ["0.weight", "40", "30", "1", f"{layer.alpha:.3f}"]
    assert "10 nonzero eigenvalues are equal" in " ".join(done.stdout.split())
    assert "skipped 2  1-dimensional: no matrix: 0.bias, 1.bias" in lines
    assert lines[-1] == "5 success · 1 degenerate · 2 skipped · eigenvalues in W^2"
    assert done.stderr == ""


def test_csv_and_json_are_the_table(checkpoint):
    expected = analyze(checkpoint, conv="flatten", scale="mean1", method="svd", traps=True, seed=5, min_evals=9)
    options = ("--conv", "flatten", "--scale", "mean1", "--method", "svd", "--traps", "--seed", 5, "--min-evals", 9)
    as_json = run(checkpoint, "--json", *options)
    as_csv = run(checkpoint, "--csv", *options)
    assert as_json.exit_code == as_csv.exit_code == 0
    assert as_json.stdout == expected.to_json() + "\n"
    assert as_csv.stdout == expected.to_csv()
    assert json.loads(as_json.stdout)[0]["units"] == "1"
    assert tuple(next(csv.reader(io.StringIO(as_csv.stdout)))) == COLUMNS


def test_p_values_have_a_column(checkpoint):
    fitted = [row["p_value"] for row in json.loads(run(checkpoint, "--p-values", 19, "--json").stdout) if row["alpha"]]
    assert fitted
    assert all(0 < p <= 1 for p in fitted)
    assert " p " in run(checkpoint, "--p-values", 19).stdout


def test_traps_have_a_column(checkpoint):
    assert "traps" not in run(checkpoint).stdout
    assert "traps" in run(checkpoint, "--traps").stdout


def test_slices_are_named(tmp_path):
    torch.save({"kernel.weight": torch.randn(9, 8, 2)}, tmp_path / "m.pt")
    done = run(tmp_path / "m.pt", "--conv", "slices", "--plots", tmp_path / "figures")
    assert "kernel.weight [1]" in done.stdout
    names = sorted(path.name for path in (tmp_path / "figures").iterdir())
    assert names == ["0000_0_kernel.weight.png", "0000_1_kernel.weight.png"]


def test_one_figure_a_layer_even_if_names_are_alike(checkpoint, tmp_path):
    done = run(checkpoint, "--plots", tmp_path / "figures", "--csv")
    assert done.exit_code == 0
    names = sorted(path.name for path in (tmp_path / "figures").iterdir())
    assert names == [
        "0000_0.weight.png",
        "0002_1.weight.png",
        "0004_2.weight.png",
        "0005_eye.weight.png",
        "0006_a_b.weight.png",
        "0007_a_b.weight.png",
    ]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in (tmp_path / "figures").iterdir())
    assert "6 figures in" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gone.pt"], "no file gone.pt"),
        (["{m}", "--json", "--csv"], "both were given"),
        (["{m}", "--conv", "fft"], "'fft' is not one of"),
        (["{m}", "--min-evals", "1"], "greater than or equal to 2"),
    ],
)
def test_mistakes_end_with_code_2_and_a_message(checkpoint, arguments, message):
    done = run(*[argument.format(m=checkpoint) for argument in arguments])
    assert done.exit_code == 2
    assert done.stdout == ""
    assert message in done.stderr


def test_a_corrupt_file_ends_with_code_2(tmp_path):
    (tmp_path / "m.pt").write_bytes(b"nothing")
    done = run(tmp_path / "m.pt")
    assert done.exit_code == 2
    assert "m.pt is " in done.stderr
    assert "Traceback" not in done.stderr
