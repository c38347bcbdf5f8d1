"""Inputs on which a peer was seen to give a wrong answer, and ours for the same input.

What WeightWatcher 0.7.7 and powerlaw 2.0.0 return is said at each test; ``benchmarks/peer_defects.py`` runs them.
"""

import csv
import math

import numpy as np
import pytest
import torch
from flint import arb
from torch import nn

from theory.setol import analyze, correlation_traps, erg_cut, fit_power_law


def row(W, **options):
    (only,) = analyze({"weight": torch.as_tensor(W)}, **options)
    return only


def gaussian(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def power_law_matrix(columns=200):
    """Singular values 1/i in random directions: λ from 1 down to 1/columns²."""
    left, _ = np.linalg.qr(gaussian(columns + 100, columns))
    right, _ = np.linalg.qr(gaussian(columns, columns, seed=1))
    return left / np.arange(1.0, columns + 1.0) @ right


def test_determinant_of_thousands_of_eigenvalues_where_a_product_leaves_float64():
    """WeightWatcher's product overflows: 5604 eigenvalues of 8192, without a warning, where 4443 are right."""
    spectrum = (1.0 - (np.arange(8192) + 0.5) / 8192) ** (-1.0 / 1.5)
    mean, total, exact = arb(math.fsum(spectrum)) / 8192, arb(0), 0
    while exact == 0 or total > 0:
        exact += 1
        total += (arb(float(spectrum[-exact])) / mean).log()
    assert erg_cut(spectrum).k == exact == 4443


def test_the_cut_is_named_by_its_unit():
    """WeightWatcher's ``detX_val_unrescaled`` is the rescaled value, ``detX_val`` the raw one."""
    layer = row(power_law_matrix())
    assert layer.detX_val == layer.eigenvalues[-layer.detX_num]
    assert layer.lambda_erg == pytest.approx(layer.detX_val * layer.num_evals / layer.norm)


@pytest.mark.parametrize("scale", [1e-1, 1e-3, 1e-5, 1e-20])
def test_small_weights_keep_their_exponent_where_an_absolute_threshold_cuts_the_tail(scale):
    """WeightWatcher drops λ ≤ 1e-5 before the fit: another α for W/10, no fit for W/1000 ("over-trained", α = −1)."""
    layer, small = row(power_law_matrix()), row(power_law_matrix() * scale)
    assert small.status == "success"
    assert small.num_pl_spikes == layer.num_pl_spikes
    assert small.alpha == pytest.approx(layer.alpha, rel=1e-9)


@pytest.mark.parametrize(
    "W",
    [np.eye(100), np.linalg.qr(gaussian(100, 100))[0].astype(np.float32), np.zeros((100, 100))],
    ids=["identity: inf, success", "orthogonal: 1e7, success", "zero: -1, over-trained, alpha-hat inf"],
)
def test_spectra_without_a_power_law_are_degenerate_where_the_peer_reports_a_number(W):
    """WeightWatcher's α, status and warning are in the name of the case."""
    layer = row(W)
    assert (layer.status, layer.warning) == ("degenerate", "")
    assert layer.reason
    assert all(map(math.isnan, (layer.alpha, layer.alpha_weighted, layer.log_alpha_norm, layer.D)))


def test_one_layer_of_nan_does_not_end_the_analysis():
    """WeightWatcher raises ``array must not contain infs or NaNs`` for the whole model."""
    model = {"bad.weight": torch.full((100, 100), math.nan), "good.weight": torch.tensor(gaussian(100, 100))}
    assert [layer.status for layer in analyze(model)] == ["skipped", "success"]


def test_small_layers_are_fitted_like_all_others_and_nothing_is_printed(capfd):
    """Below 20 eigenvalues WeightWatcher minimises another criterion, with ``n − 1`` for n, and prints to stdout."""
    W = gaussian(12, 12)
    layer = row(W)
    lam = np.linalg.svd(W, compute_uv=False) ** 2
    tail = lam[lam >= layer.xmin * (1 - 1e-9)]
    assert layer.alpha == pytest.approx(1 + len(tail) / np.log(tail / tail.min()).sum(), rel=1e-9)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("shape", [(60_000, 20), (200, 7), (16_000, 16_000)])
def test_every_layer_has_a_row_where_the_peer_leaves_out_long_and_small_ones(shape):
    """WeightWatcher's table has no row for N > 50,000, M rf > 15,000 or M rf < 8, and no reason."""
    W = torch.empty(shape, device="meta") if min(shape) > 1000 else torch.tensor(gaussian(*shape))
    layer = row(W)
    assert layer.status == "success" if shape == (60_000, 20) else layer.reason


def test_kernels_on_one_axis_and_recurrent_layers_are_analysed():
    """WeightWatcher's table has no row for ``Conv1d`` and ``LSTM``."""
    torch.manual_seed(0)
    table = analyze(nn.ModuleDict({"conv": nn.Conv1d(32, 64, 3), "lstm": nn.LSTM(32, 64)}))
    fitted = {layer.longname for layer in table if layer.status == "success"}
    assert fitted == {"conv.weight", "lstm.weight_ih_l0", "lstm.weight_hh_l0"}


def test_one_trap_counts_once_where_five_shuffles_are_pooled():
    """With fewer than 100 columns WeightWatcher adds up five shuffles: 5 traps here, and 44 of 40 in a real layer."""
    traps = correlation_traps(gaussian(200, 40) + 0.5)
    assert traps.count == len(traps.outliers) == 1


@pytest.mark.parametrize("shape", [(32, 64, 4, 4), (64, 32, 4, 4), (32, 64, 3, 3)])
def test_narrow_kernels_keep_the_longer_side_as_n(shape):
    """WeightWatcher swaps N and M once a slice: Q = 0.5 and some 20 false traps for the first shape."""
    layer = row(gaussian(*shape), traps=True)
    assert (layer.N, layer.M, layer.Q, layer.num_traps) == (64, 32, 2.0, 0)


@pytest.mark.parametrize("alpha", [4.0, 6.0])
def test_exponents_above_three(alpha):
    """powerlaw returns 3.0000 and a cutoff several times too large, for its default range of exponents ends at 3."""
    fit = fit_power_law(np.random.default_rng(0).pareto(alpha - 1.0, 2000) + 1.0)
    assert abs(fit.alpha - alpha) < 4.0 * fit.sigma
    assert fit.xmin < 1.1


def test_equal_values_are_one_cutoff_with_all_of_them_in_the_tail():
    """WeightWatcher scans equal values one by one, so that a tail can begin amid them."""
    x = np.round(np.random.default_rng(1).lognormal(0.0, 1.0, 200), 1) + 0.1
    assert fit_power_law(x).n_tail == np.count_nonzero(x >= fit_power_law(x).xmin)


def test_the_columns_a_reader_of_the_peer_expects_are_there():
    header = next(csv.reader([analyze({"weight": torch.tensor(gaussian(20, 10))}).to_csv().splitlines()[0]]))
    assert {"alpha", "alpha_weighted", "D", "num_pl_spikes", "log_norm", "stable_rank", "detX_num", "num_traps"} <= {
        *header
    }
