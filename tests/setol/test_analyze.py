"""The table of a model against formulas written out here, its invariances, and every way a row can fail."""

import csv
import io
import json
import math

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from torch import nn

from theory.setol.analyze import COLUMNS, UNITS, analyze

INVARIANT = (
    "alpha",
    "D",
    "stable_rank",
    "entropy",
    "mp_softrank",
    "lambda_erg",
    "delta_lambda",
    "sigma",
    "sigma_exact",
)
COUNTS = ("num_pl_spikes", "matrix_rank", "rank_loss", "detX_num", "ERG_gap", "num_evals")


def heavy(rows, columns, seed=0, power=1.0):
    """A matrix with singular values ``i^{-power}`` in random directions."""
    random = np.random.default_rng(seed)
    left, _ = np.linalg.qr(random.normal(size=(rows, columns)))
    right, _ = np.linalg.qr(random.normal(size=(columns, columns)))
    return torch.tensor(left * np.arange(1.0, columns + 1.0) ** -power @ right)


def row(W, **options):
    (only,) = analyze({"weight": W}, **options)
    return only


def brute_force_fit(x):
    """α, xmin, D and the size of the tail by the definition: every cutoff, the first of least D."""
    x = np.sort(x)
    best = (math.inf,)
    for i in range(len(x) - 1):
        tail = x[i:]
        alpha = 1.0 + len(tail) / np.log(tail / x[i]).sum()
        D = np.abs(1.0 - (tail / x[i]) ** (1.0 - alpha) - np.arange(len(tail)) / len(tail)).max()
        if best[0] > D:
            best = (D, alpha, x[i], len(tail))
    return best


@pytest.mark.parametrize("method", ["gram", "svd"])
@pytest.mark.parametrize("shape", [(60, 40), (40, 60), (50, 50)])
def test_every_column_by_its_definition(shape, method):
    W = np.random.default_rng(0).standard_t(3, size=shape)
    found = row(torch.tensor(W), method=method)
    N, M = max(shape), min(shape)
    lam = np.linalg.svd(W, compute_uv=False)[::-1] ** 2
    p, mean_one = lam / lam.sum(), lam * M / lam.sum()
    D, alpha, xmin, tail = brute_force_fit(lam)
    k = int(np.argmax(np.cumprod(mean_one[::-1]) < 1.0)) + 1
    expected = {
        "N": N,
        "M": M,
        "Q": N / M,
        "rf": 1,
        "num_evals": M,
        "alpha": alpha,
        "xmin": xmin,
        "xmax": lam[-1],
        "D": D,
        "num_pl_spikes": tail,
        "sigma": (alpha - 1) / math.sqrt(tail),
        "norm": np.linalg.norm(W) ** 2,
        "log_norm": math.log10(np.linalg.norm(W) ** 2),
        "lambda_max": np.linalg.norm(W, 2) ** 2,
        "spectral_norm": lam[-1],
        "log_spectral_norm": math.log10(lam[-1]),
        "sv_max": np.linalg.norm(W, 2),
        "sv_min": np.linalg.norm(W, -2),
        "stable_rank": lam.sum() / lam[-1],
        "matrix_rank": np.linalg.matrix_rank(W),
        "rank_loss": 0,
        "entropy": -(p * np.log(p)).sum() / math.log(M),
        "alpha_weighted": alpha * math.log10(lam[-1]),
        "log_alpha_norm": math.log10((lam**alpha).sum()),
        "W_scale": math.sqrt(M / lam.sum()),
        "mp_softrank": (1 + math.sqrt(M / N)) ** 2 / mean_one[-1],
        "detX_num": k,
        "detX_val": lam[-k],
        "lambda_erg": mean_one[-k],
        "delta_lambda": xmin * M / lam.sum() - mean_one[-k],
        "ERG_gap": k - tail,
    }
    for column, value in expected.items():
        assert getattr(found, column) == pytest.approx(value, rel=1e-7), column
    assert (found.status, found.reason, found.units, found.layer_type) == ("success", "", "W^2", "dense")
    assert found.convention == f"matrix {shape[0]}x{shape[1]}"
    np.testing.assert_allclose(found.eigenvalues, lam, rtol=1e-7)


@given(seed=st.integers(0, 10**6), power=st.integers(-120, 120))
def test_scaling_changes_the_units_only(seed, power):
    W = torch.tensor(np.random.default_rng(seed).standard_t(3, size=(24, 16)))
    one, other = row(W), row(W * 2.0**power)
    for column in INVARIANT:
        assert getattr(other, column) == pytest.approx(getattr(one, column), rel=1e-9), column
    for column in COUNTS:
        assert getattr(other, column) == getattr(one, column), column
    assert other.alpha_weighted == pytest.approx(one.alpha_weighted + 2 * one.alpha * power * math.log10(2), abs=1e-8)


@given(power=st.integers(-120, 120))
@example(power=-2)
def test_the_gap_does_not_depend_on_a_power_of_two_in_the_last_digit(power):
    W = torch.tensor(np.random.default_rng(5591).normal(size=(40, 25)))
    assert row(W * 2.0**power).delta_lambda == row(W).delta_lambda


@given(seed=st.integers(0, 10**6))
def test_inequalities_between_metrics(seed):
    random = np.random.default_rng(seed)
    found = row(torch.tensor(random.standard_t(3, size=tuple(random.integers(8, 30, 2)))))
    assert 1.0 <= found.stable_rank <= found.matrix_rank <= found.M
    assert 0.0 <= found.entropy <= 1.0
    assert found.alpha_weighted <= found.log_alpha_norm + 1e-12
    assert found.log_alpha_norm <= found.alpha_weighted + math.log10(found.M) + 1e-12
    mean_log = math.log(found.xmin * found.W_scale**2) + 1.0 / (found.alpha - 1.0)
    assert abs(found.ERG_gap) <= 1 or (found.delta_lambda < 0.0) == (mean_log < 0.0)


def test_the_exponent_of_a_known_tail():
    found = row(heavy(300, 200, power=0.75))
    assert found.alpha == pytest.approx(1.0 + 1.0 / 1.5, abs=0.1), "σ_i² = i^{−3/2} has density exponent 1 + 2/3"


@pytest.mark.parametrize("scale", ["raw", "1/N", "mean1"])
def test_scales(scale):
    W = heavy(30, 20)
    raw, scaled = row(W), row(W, scale=scale)
    factor = {"raw": 1.0, "1/N": 1 / 30, "mean1": raw.W_scale**2}[scale]
    for column in ("xmin", "xmax", "norm", "lambda_max", "detX_val"):
        assert getattr(scaled, column) == pytest.approx(factor * getattr(raw, column))
    assert scaled.alpha == pytest.approx(raw.alpha)
    assert scaled.delta_lambda == pytest.approx(raw.delta_lambda)
    assert scaled.units == UNITS[scale]


class Zoo(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.embedding = nn.Embedding(40, 16)
        self.conv1 = nn.Conv1d(12, 16, 3)
        self.conv2 = nn.Conv2d(12, 16, 3)
        self.conv3 = nn.Conv3d(12, 16, 3)
        self.lstm = nn.LSTM(16, 12)
        self.gru = nn.GRU(16, 12)
        self.linear = nn.Linear(16, 12)


def test_all_layers_of_a_model():
    found = analyze(Zoo())
    fitted = {layer.longname: layer for layer in found if layer.status == "success"}
    shapes = {name: (layer.layer_type, layer.N, layer.M, layer.rf) for name, layer in fitted.items()}
    assert shapes == {
        "embedding.weight": ("embedding", 40, 16, 1),
        "conv1.weight": ("conv1d", 16, 12, 3),
        "conv2.weight": ("conv2d", 16, 12, 9),
        "conv3.weight": ("conv3d", 16, 12, 27),
        "lstm.weight_ih_l0": ("recurrent", 48, 16, 1),
        "lstm.weight_hh_l0": ("recurrent", 48, 12, 1),
        "gru.weight_ih_l0": ("recurrent", 36, 16, 1),
        "gru.weight_hh_l0": ("recurrent", 36, 12, 1),
        "linear.weight": ("dense", 16, 12, 1),
    }
    assert [fitted[name].name for name in ("linear.weight", "lstm.weight_hh_l0")] == ["linear", "weight_hh_l0"]
    assert len(found) == len(Zoo().state_dict())
    assert found["linear.bias"].status == "skipped"
    assert [layer.layer_id for layer in found] == list(range(len(found)))
    with pytest.raises(KeyError):
        found["linear"]


def test_conventions_for_kernels():
    W = torch.tensor(np.random.default_rng(0).standard_t(3, size=(16, 12, 3, 3)))
    pooled, flat = row(W), row(W, conv="flatten")
    assert (pooled.N, pooled.M, pooled.rf, pooled.num_evals) == (16, 12, 9, 108)
    assert pooled.convention == "9 matrices 16x12 pooled"
    assert (flat.N, flat.M, flat.rf, flat.num_evals) == (108, 16, 1, 16)
    assert flat.convention == "kernel flattened to 16x108"
    assert flat.norm == pytest.approx(pooled.norm)
    by_matrix = row(W.flatten(1))
    assert flat.alpha == pytest.approx(by_matrix.alpha)
    slices = list(analyze({"weight": W}, conv="slices"))
    assert [layer.slice_id for layer in slices] == list(range(9))
    assert slices[4].convention == "slice 4 of 9, 16x12"
    assert slices[4].alpha == pytest.approx(row(W[:, :, 1, 1]).alpha)
    assert sum(layer.norm for layer in slices) == pytest.approx(pooled.norm)


@pytest.mark.parametrize("file", ["m.pt", "m.safetensors"])
def test_a_file_gives_the_table_of_the_module(tmp_path, file):
    model = Zoo()
    if file.endswith(".pt"):
        torch.save(model.state_dict(), tmp_path / file)
    else:
        pytest.importorskip("safetensors.torch", reason="safetensors, the extra 'weights', is missing").save_file(
            model.state_dict(), tmp_path / file
        )
    expected = {layer["longname"]: layer for layer in analyze(model).records() if layer["status"] == "success"}
    found = {layer["longname"]: layer for layer in analyze(tmp_path / file).records() if layer["status"] == "success"}
    assert found.keys() == expected.keys()
    for name, layer in found.items():
        for column in set(COLUMNS) - {"layer_id", "p_value", "trap_z", "rand_lambda_max"}:
            assert layer[column] == expected[name][column], column


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_narrow_types_are_analysed_as_the_numbers_they_hold(dtype):
    W = heavy(60, 40).to(dtype)
    narrow, wide = row(W), row(W.double())
    assert narrow.alpha == wide.alpha
    assert narrow.dtype == str(dtype).removeprefix("torch.")


@pytest.mark.parametrize("method", ["gram", "svd"])
@pytest.mark.parametrize(
    ("W", "reason"),
    [
        (torch.zeros(10, 10), "all 10 eigenvalues are 0"),
        (torch.eye(10), "10 nonzero eigenvalues are equal to the precision of float32"),
        (
            torch.linalg.qr(torch.randn(100, 100, generator=torch.Generator().manual_seed(0)))[0],
            "equal to the precision",
        ),
        (heavy(40, 30, power=0.0), "30 nonzero eigenvalues are equal to the precision of float64"),
        (heavy(40, 30, power=0.0).bfloat16(), "equal to the precision of bfloat16"),
        (torch.ones(10, 10), "1 nonzero eigenvalues are equal to the precision of float32"),
        (torch.diag(torch.tensor([3.0] * 4 + [0.0] * 6)), "4 nonzero eigenvalues are equal"),
    ],
)
def test_degenerate_spectra(W, reason, method):
    found = row(W, method=method)
    assert found.status == "degenerate"
    assert reason in found.reason
    for column in ("alpha", "xmin", "D", "sigma", "alpha_weighted", "log_alpha_norm", "delta_lambda"):
        assert math.isnan(getattr(found, column)), column
    assert (found.num_pl_spikes, found.ERG_gap, found.warning) == (None, None, "")
    assert found.norm == pytest.approx(float(W.double().square().sum()), rel=1e-12)


@pytest.mark.parametrize("method", ["gram", "svd"])
def test_rank(method):
    random = np.random.default_rng(0)
    W = random.normal(size=(40, 9)) @ random.normal(size=(9, 30))
    for dtype in (torch.float64, torch.float32):
        found = row(torch.tensor(W).to(dtype), method=method)
        assert (found.matrix_rank, found.rank_loss) == (9, 21)
        assert found.num_pl_spikes <= 9


@pytest.mark.parametrize(
    ("W", "reason"),
    [
        (torch.full((10, 10), math.nan), "W contains nan; expected finite entries"),
        (torch.full((10, 10), -math.inf), "W contains -inf; expected finite entries"),
        (torch.full((10, 10), 1e200, dtype=torch.float64), "outside the range of float64"),
        (torch.ones(10, 10, dtype=torch.int8), "dtype int8"),
        (torch.ones(10, 7), "too few eigenvalues: 7, min_evals is 8"),
        (torch.ones(10), "1-dimensional"),
    ],
)
def test_one_bad_tensor_is_a_row_and_the_others_are_analysed(W, reason):
    found = analyze({"bad.weight": W, "good.weight": heavy(20, 10)})
    assert [layer.status for layer in found] == ["skipped", "success"]
    assert reason in found["bad.weight"].reason
    assert len(found["bad.weight"].eigenvalues) == 0


def test_the_entropy_of_a_deficient_matrix_is_relative_to_its_rank():
    flat = torch.diag(torch.tensor([2.0] * 5 + [1.0] * 4 + [0.0] * 3))
    p = np.array([4.0] * 5 + [1.0] * 4) / 24.0
    assert row(flat).entropy == pytest.approx(-(p * np.log(p)).sum() / math.log(9))
    assert row(torch.ones(10, 10)).entropy == 0.0


def test_every_eigenvalue_counts_in_the_alpha_norm():
    found = row(heavy(30, 20, power=0.02))
    assert found.log_alpha_norm == pytest.approx(math.log10((found.eigenvalues**found.alpha).sum()), abs=1e-9)


@pytest.mark.parametrize("power", np.linspace(0.05, 0.6, 12))
def test_warnings_start_at_two_and_six(power):
    found = row(heavy(300, 200, power=power))
    expected = "over-trained" if found.alpha < 2.0 else "under-trained" if found.alpha > 6.0 else ""
    assert found.warning == expected


def test_warnings_in_the_words_of_weightwatcher():
    assert row(heavy(30, 20, power=2.0)).warning == "over-trained"
    assert row(heavy(30, 20, power=0.02)).warning == "under-trained"
    assert row(heavy(200, 150, power=0.75)).warning == "over-trained"
    assert row(heavy(300, 200, power=0.3)).warning == ""


def test_traps():
    random = np.random.default_rng(0)
    noise = random.normal(size=(120, 80))
    table = {"noise": noise, "mean": noise + 0.5, "row": noise[:1].repeat(9, 0), "flat": np.ones((9, 9))}
    found = analyze({name: torch.tensor(W) for name, W in table.items()}, traps=True)
    assert (found["noise"].num_traps, found["mean"].num_traps, found["flat"].num_traps) == (0, 1, None)
    assert found["noise"].trap_z < 2.03 < found["mean"].trap_z
    assert row(torch.tensor(noise)).num_traps is None
    kernel = torch.tensor(noise.reshape(120, 10, 8))
    assert row(kernel, traps=True).trap_z == pytest.approx(found["noise"].trap_z)
    slices = list(analyze({"weight": kernel}, conv="slices", traps=True, seed=3))
    assert slices[2].trap_z == pytest.approx(row(kernel[..., 2], traps=True, seed=3).trap_z)
    assert row(torch.ones(1, 3, 9), traps=True, min_evals=2).num_traps is None


def test_the_table_as_columns_csv_and_json():
    found = analyze({"a.weight": heavy(20, 10), "b": torch.eye(9), "c": torch.ones(3)})
    assert len(found) == 3
    np.testing.assert_array_equal(found.column("num_evals"), [10.0, 9.0, np.nan])
    assert found.column("shape").tolist() == ["20x10", "9x9", "3"]
    with pytest.raises(ValueError, match="name is 'beta'; expected one of layer_id, name"):
        found.column("beta")
    lines = list(csv.DictReader(io.StringIO(found.to_csv())))
    rows = json.loads(found.to_json(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert list(lines[0]) == list(rows[0]) == list(COLUMNS)
    assert float(lines[0]["alpha"]) == rows[0]["alpha"] == found["a.weight"].alpha
    assert (lines[1]["alpha"], lines[1]["num_pl_spikes"], rows[1]["alpha"]) == ("nan", "", None)
    assert rows[2]["reason"] == "1-dimensional: no matrix"


def test_progress_sees_every_weight():
    seen = []

    def track(weights):
        for weight in weights:
            seen.append((weight.name, len(weights)))
            yield weight

    analyze({"a": torch.eye(9), "b": torch.ones(3)}, track=track)
    assert seen == [("a", 2), ("b", 2)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "eig"}, "method is 'eig'"),
        ({"conv": "fft"}, "conv is 'fft'"),
        ({"scale": "M"}, "scale is 'M'"),
        ({"min_evals": 1}, "min_evals is 1; expected an integer of at least 2"),
        ({"min_evals": 2.5}, "min_evals is 2.5"),
        ({"traps": True, "level": 0.0}, "level is 0.0"),
        ({"n_boot": -1}, "n_boot is -1"),
        ({"traps": True, "seed": -1}, "seed is -1"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        analyze({"weight": torch.eye(9)}, **options)
