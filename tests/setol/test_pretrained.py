"""The kept eigenvalues of pretrained layers: their form and provenance, and, from the wheels, their values."""

import numpy as np
import pytest

from theory.setol import eigenvalues
from theory.setol.claims.pretrained import FIXED, FIXED_POOLED, FOLDER, MODELS, TRAINED
from verify.check import Skip

TENSORS = (*TRAINED, FIXED, FIXED_POOLED)


def test_each_tensor_has_its_table_and_each_table_its_tensor():
    assert sorted(FOLDER.iterdir()) == sorted(tensor.table for tensor in TENSORS)


@pytest.mark.parametrize("tensor", TENSORS, ids=str)
def test_a_table_names_its_wheel_and_holds_a_spectrum(tensor):
    header = [line for line in tensor.table.read_text().splitlines() if line.startswith("#")]
    wheel = MODELS[tensor.model].wheel
    assert header[0] == f"# wheel {wheel.name} {wheel.version} sha256 {wheel.sha256}"
    assert tensor.name in header[1]
    spectrum = tensor.spectrum()
    assert (np.diff(spectrum) >= 0.0).all()
    assert spectrum[0] >= 0.0
    assert not spectrum.flags.writeable
    assert tensor.table.stat().st_size < 12_000


@pytest.mark.slow
@pytest.mark.parametrize("tensor", TENSORS, ids=str)
def test_a_table_is_that_of_the_wheel(tensor):
    """Needs the package index, or the wheel in the cache."""
    try:
        W = tensor.weight().load()
    except Skip as reason:
        pytest.skip(str(reason))
    kept = tensor.spectrum()
    error = np.abs(eigenvalues(W, "svd", tensor.conv) - kept)
    assert (error <= 1e-12 * np.sqrt(kept * kept[-1])).all(), "σ to 1e-12 σ_max"
