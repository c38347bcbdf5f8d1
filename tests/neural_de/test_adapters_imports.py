"""An adapter whose library is missing says what to install."""

import importlib
import sys

import pytest


@pytest.mark.parametrize("library", ["diffrax", "torchdiffeq", "torchsde"])
def test_a_missing_library_is_named(library, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    for name in [name for name in sys.modules if name.startswith(f"{library}.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, f"sciml.neural_de.adapters.{library}", raising=False)
    with pytest.raises(ImportError, match=rf"needs {library}: pip install .paperchecks\[ode\]"):
        importlib.import_module(f"sciml.neural_de.adapters.{library}")
