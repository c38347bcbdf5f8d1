"""Readers of modules, state dicts and files: what they list, what they refuse, and how much they hold at a time."""

import json
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from theory.setol.weights import read_weights


def listed(model):
    return {weight.name: weight for weight in read_weights(model)}


def reasons(model):
    return {weight.name: weight.reason for weight in read_weights(model)}


def tensors(**shapes):
    generator = torch.Generator().manual_seed(0)
    return {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}


class Zoo(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 6)
        self.embedding = nn.Embedding(7, 4)
        self.conv1 = nn.Conv1d(3, 5, 2)
        self.conv2 = nn.Conv2d(3, 5, 2)
        self.conv3 = nn.Conv3d(3, 5, 2)
        self.lstm = nn.LSTM(4, 3, num_layers=2, bidirectional=True, proj_size=2)
        self.gru = nn.GRUCell(4, 3)
        self.attention = nn.MultiheadAttention(4, 2)
        self.norm = nn.BatchNorm1d(4)
        self.extra = nn.Parameter(torch.ones(2, 3, 4))
        self.register_buffer("mask", torch.ones(3, 3))


TYPES = {
    "linear.weight": "dense",
    "embedding.weight": "embedding",
    "conv1.weight": "conv1d",
    "conv2.weight": "conv2d",
    "conv3.weight": "conv3d",
    "lstm.weight_ih_l0": "recurrent",
    "lstm.weight_hh_l1_reverse": "recurrent",
    "lstm.weight_hr_l0": "recurrent",
    "gru.weight_ih": "recurrent",
    "attention.in_proj_weight": "dense",
    "attention.out_proj.weight": "dense",
}


def test_a_module_lists_all_its_tensors_with_their_types():
    model = Zoo()
    found = listed(model)
    assert found.keys() == model.state_dict().keys()
    for name, tensor in model.state_dict().items():
        assert found[name].shape == tuple(tensor.shape)
        assert torch.equal(found[name].load(), tensor)
    for name, layer_type in TYPES.items():
        assert (found[name].layer_type, found[name].reason) == (layer_type, "")
    assert found["linear.bias"].reason == "1-dimensional: no matrix"
    assert found["norm.num_batches_tracked"].reason == "buffer, not a parameter"
    assert found["mask"].reason == "buffer, not a parameter"
    assert found["extra"].reason == "3 axes and not called a weight: not known to be a kernel"


def test_a_state_dict_is_read_as_its_module_except_for_what_only_the_module_knows():
    model = Zoo()
    from_module, from_dict = listed(model), listed(model.state_dict())
    assert from_module.keys() == from_dict.keys()
    for name, weight in from_dict.items():
        if not from_module[name].reason.startswith("buffer"):
            assert weight.reason == from_module[name].reason
        if not weight.reason:
            assert weight.layer_type == from_module[name].layer_type or name == "mask"


def test_tied_weights_are_listed_once_and_named_again():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(9, 4)
            self.head = nn.Linear(4, 9, bias=False)
            self.head.weight = self.embed.weight

    for model in (Tied(), Tied().state_dict()):
        assert reasons(model) == {"embed.weight": "", "head.weight": "the same tensor as embed.weight"}


def test_a_module_used_twice_is_listed_under_both_names():
    layer = nn.Linear(4, 6, bias=False)
    assert reasons(nn.Sequential(layer, layer)) == {"0.weight": "", "1.weight": "the same tensor as 0.weight"}


def test_parametrized_weights_are_the_effective_ones():
    model = nn.Sequential(parametrizations.weight_norm(nn.Linear(4, 6)))
    found = listed(model)
    assert found["0.weight"].reason == ""
    assert torch.equal(found["0.weight"].load(), model[0].weight.detach())
    assert "raw part" in found["0.parametrizations.weight.original1"].reason


@pytest.mark.parametrize(
    ("tensor", "reason"),
    [
        (torch.zeros(3, 4, dtype=torch.int8), "dtype int8: not real floating"),
        (torch.zeros(3, 4, dtype=torch.bool), "dtype bool: not real floating"),
        (torch.zeros(3, 4, dtype=torch.complex64), "dtype complex64: not real floating"),
        (torch.zeros(0, 4), r"empty, shape (0, 4)"),
        (torch.tensor(1.0), "0-dimensional: no matrix"),
        (torch.zeros(2, 2, 2, 2, 2, 2), "6 axes"),
        (torch.eye(3).to_sparse(), "layout torch.sparse_coo, not dense"),
        (torch.zeros(3, 4, device="meta"), "on the meta device, without data"),
        (torch.zeros(3, 4, dtype=torch.float16), ""),
        (torch.zeros(3, 4, dtype=torch.bfloat16), ""),
        (torch.zeros(3, 4).to(torch.float8_e5m2), ""),
    ],
)
def test_tensors_without_a_spectrum_say_why(tensor, reason):
    found = reasons({"weight": tensor})["weight"]
    assert found.startswith(reason)
    assert bool(found) == bool(reason)


def test_a_training_checkpoint():
    model = nn.Linear(4, 6)
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(4)).sum().backward()
    optimizer.step()
    found = reasons({"model": model.state_dict(), "optim": optimizer.state_dict(), "epoch": 3, "more": [torch.eye(3)]})
    assert found["model.weight"] == found["more.0"] == ""
    assert found["optim.state.0.exp_avg"] == "state of an optimizer"


def test_numpy_arrays_count_as_tensors():
    array = np.arange(12.0).reshape(3, 4)
    found = listed({"W": array[::-1], "b": np.ones(3), "i": np.ones((2, 2), np.uint8), "text": "x", "s": np.array("x")})
    assert torch.equal(found["W"].load(), torch.tensor(array[::-1].copy()))
    assert {name: bool(weight.reason) for name, weight in found.items()} == {"W": False, "b": True, "i": True}


def test_names_that_collide():
    with pytest.raises(ValueError, match=r"two tensors are called 'a\.b'; expected one of each name"):
        read_weights({"a.b": torch.eye(2), "a": {"b": torch.eye(3)}})


@pytest.mark.parametrize("model", [None, 3, [torch.eye(3)], torch.eye(3)])
def test_other_objects_are_refused(model):
    with pytest.raises(TypeError, match=r"model is a \w+; expected a torch.nn.Module, a state dict or a path"):
        read_weights(model)


# PyTorch files


@pytest.mark.parametrize("legacy", [False, True])
def test_a_pytorch_file(tmp_path, legacy):
    state = Zoo().state_dict()
    torch.save({"state_dict": state, "step": 3}, tmp_path / "m.pth", _use_new_zipfile_serialization=not legacy)
    found = listed(tmp_path / "m.pth")
    assert found.keys() == {f"state_dict.{name}" for name in state}
    assert all(torch.equal(found[f"state_dict.{name}"].load(), tensor) for name, tensor in state.items())


def test_a_pytorch_file_of_one_tensor_or_a_list(tmp_path):
    torch.save(torch.eye(3), tmp_path / "one.pt")
    torch.save([torch.eye(3), torch.eye(4)], tmp_path / "two.pt")
    torch.save(3, tmp_path / "none.pt")
    assert listed(tmp_path / "one.pt").keys() == {"one"}
    assert listed(tmp_path / "two.pt").keys() == {"0", "1"}
    with pytest.raises(ValueError, match=r"none\.pt holds a int; expected tensors"):
        read_weights(tmp_path / "none.pt")


class Malicious:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


@pytest.mark.parametrize("writer", ["zip", "legacy", "pickle"])
def test_a_pickle_that_runs_code_is_refused_and_does_not_run(tmp_path, writer):
    trap, file = tmp_path / "ran", tmp_path / "m.pt"
    content = {"weight": torch.eye(3), "x": Malicious(str(trap))}
    if writer == "pickle":
        file.write_bytes(pickle.dumps(Malicious(str(trap)), protocol=2))
    else:
        torch.save(content, file, _use_new_zipfile_serialization=writer == "zip")
    trap.unlink(missing_ok=True)
    with pytest.raises(ValueError, match=r"m\.pt is not a plain checkpoint \(it asks for .*open\): refused"):
        read_weights(file)
    assert not trap.exists()


def test_a_pickled_module_is_refused_with_its_class_named(tmp_path):
    torch.save(nn.Linear(3, 3), tmp_path / "m.pt")
    with pytest.raises(
        ValueError, match=r"asks for torch\.nn\.modules\.linear\.Linear\): refused.*save model\.state_dict"
    ):
        read_weights(tmp_path / "m.pt")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_torchscript_is_refused(tmp_path):
    torch.jit.save(torch.jit.trace(nn.Linear(3, 3), torch.ones(3)), tmp_path / "m.pt")
    with pytest.raises(ValueError, match=r"m\.pt is a TorchScript archive; load it yourself"):
        read_weights(tmp_path / "m.pt")


@pytest.mark.parametrize("legacy", [False, True])
def test_truncated_and_corrupt_pytorch_files(tmp_path, legacy):
    torch.save(tensors(weight=(8, 6)), tmp_path / "good.pt", _use_new_zipfile_serialization=not legacy)
    good = (tmp_path / "good.pt").read_bytes()
    random = np.random.default_rng(0)
    bad = [good[:length] for length in range(0, len(good) - 1, 97)] + [random.bytes(200), b"\0" * 100]
    for content in bad:
        (tmp_path / "bad.pt").write_bytes(content)
        with pytest.raises(ValueError, match=r"bad\.pt is (truncated or no PyTorch checkpoint|not a plain checkpoint)"):
            read_weights(tmp_path / "bad.pt")


# Paths


def test_paths_that_are_no_model(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file .*gone\.pt; expected a \.safetensors"):
        read_weights(tmp_path / "gone.pt")
    with pytest.raises(FileNotFoundError, match=r"no model in .*; expected an index"):
        read_weights(tmp_path)
    (tmp_path / "m.h5").write_bytes(b"")
    with pytest.raises(ValueError, match=r"has suffix '\.h5'; expected a \.safetensors"):
        read_weights(str(tmp_path / "m.h5"))


def write_index(folder, weight_map, name="pytorch_model.bin.index.json"):
    (folder / name).write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    return folder / name


def test_shards_of_pytorch_files_by_index_and_by_folder(tmp_path):
    torch.save(tensors(a=(4, 3)), tmp_path / "1.bin")
    torch.save(tensors(b=(4, 3), c=(3,)), tmp_path / "2.bin")
    index = write_index(tmp_path, {"a": "1.bin", "b": "2.bin", "c": "2.bin"})
    assert listed(index).keys() == listed(tmp_path).keys() == {"a", "b", "c"}


def test_a_folder_with_one_file(tmp_path):
    torch.save(tensors(a=(4, 3)), tmp_path / "pytorch_model.bin")
    assert listed(tmp_path).keys() == {"a"}


def test_bad_indices(tmp_path):
    torch.save(tensors(a=(4, 3)), tmp_path / "1.bin")
    torch.save(tensors(a=(4, 3)), tmp_path / "2.bin")
    with pytest.raises(FileNotFoundError, match=r"no file .*gone\.bin"):
        read_weights(write_index(tmp_path, {"a": "gone.bin"}))
    with pytest.raises(ValueError, match=r"lists 'b', which is in none of its 1 shards"):
        read_weights(write_index(tmp_path, {"a": "1.bin", "b": "1.bin"}))
    with pytest.raises(ValueError, match=r"two tensors are called 'a'"):
        read_weights(write_index(tmp_path, {"a": "1.bin", "b": "2.bin"}))
    for outside in ("../1.bin", "/etc/passwd", "x/1.bin", "pytorch_model.bin.index.json"):
        with pytest.raises(ValueError, match=r"names the shard .*; expected the name of a tensor file beside it"):
            read_weights(write_index(tmp_path, {"a": outside}))
    for content in ("", "[]", "{}", '{"weight_map": [1]}', '{"weight_map": {"a": 1}}', '{"weight_map": {"a": []}}'):
        (tmp_path / "x.index.json").write_text(content)
        with pytest.raises(ValueError, match=r"is no index of shards .*; expected JSON with a weight_map"):
            read_weights(tmp_path / "x.index.json")
    with pytest.raises(ValueError, match=r"holds the indices pytorch_model\.bin\.index\.json, x\.index\.json"):
        read_weights(tmp_path)


# safetensors


@pytest.fixture
def save():
    torch_format = pytest.importorskip("safetensors.torch", reason="safetensors, the extra 'weights', is missing")
    return torch_format.save_file


def test_a_safetensors_file(tmp_path, save):
    state = {name: tensor.clone() for name, tensor in Zoo().state_dict().items()}
    state["half.weight"] = torch.eye(9).half()
    state["brain.weight"] = torch.eye(9).bfloat16()
    state["eight.weight"] = torch.eye(9).to(torch.float8_e4m3fn)
    state["int.weight"] = torch.eye(9).to(torch.int8)
    save(state, tmp_path / "model.safetensors")
    for path in (tmp_path / "model.safetensors", tmp_path):
        found = listed(path)
        assert found.keys() == state.keys()
        for name, tensor in state.items():
            assert torch.equal(found[name].load().double(), tensor.double())
    assert [found[f"{kind}.weight"].dtype for kind in ("half", "brain", "int")] == ["float16", "bfloat16", "int8"]
    assert [found[f"{kind}.weight"].reason for kind in ("half", "brain", "eight")] == [""] * 3
    assert found["int.weight"].reason == "dtype int8: not real floating (quantised weights need their scale)"


def test_truncated_and_corrupt_safetensors_files(tmp_path, save):
    save(tensors(weight=(8, 6)), tmp_path / "good.safetensors")
    good = (tmp_path / "good.safetensors").read_bytes()
    bad = [good[:length] for length in (0, 4, 8, 40, len(good) - 1)] + [b"\xff" * 100, b"\0" * 100]
    for content in bad:
        (tmp_path / "bad.safetensors").write_bytes(content)
        with pytest.raises(ValueError, match=r"bad\.safetensors is truncated or no safetensors file"):
            read_weights(tmp_path / "bad.safetensors")


def test_without_the_extra_the_message_names_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "onnx", None)
    for name, extra in (("m.safetensors", "weights"), ("m.onnx", "onnx")):
        (tmp_path / name).write_bytes(b"")
        with pytest.raises(ImportError, match=rf"reading .*{name} needs .*; install it with paperchecks\[{extra}\]"):
            read_weights(tmp_path / name)


PEAK = """
import resource, sys
from theory.setol.analyze import analyze
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
analyze(sys.argv[1])
before = peak()
analyze(sys.argv[2])
print((peak() - before) / 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux only")
def test_a_sharded_file_is_read_with_memory_for_its_largest_layer(tmp_path, save):
    layer = torch.randn(16384, 128)
    save({"w": layer[:2048].clone()}, tmp_path / "small.safetensors")
    for shard in range(4):
        save({f"{shard}.{i}": layer.clone() for i in range(8)}, tmp_path / f"{shard}.safetensors")
    index = write_index(tmp_path, {f"{shard}.{i}": f"{shard}.safetensors" for shard in range(4) for i in range(8)})
    arguments = [sys.executable, "-c", PEAK, str(tmp_path / "small.safetensors"), str(index)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 100.0, "MiB above a small file; the layer has 8, the checkpoint 256"


# ONNX


@pytest.fixture
def onnx():
    return pytest.importorskip("onnx", reason="onnx, the extra 'onnx', is missing")


def onnx_model(onnx, nodes, initializers, path, **options):
    helper = onnx.helper
    values = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in ("x", "y")]
    arrays = [onnx.numpy_helper.from_array(array, name) for name, array in initializers.items()]
    graph = helper.make_graph(nodes, "g", values[:1], values[1:], arrays)
    onnx.save(helper.make_model(graph), path, **options)
    return path


def test_an_onnx_file(tmp_path, onnx):
    node = onnx.helper.make_node
    rng = np.random.default_rng(0)
    arrays = {
        name: rng.normal(size=shape).astype(np.float32)
        for name, shape in {"gemm": (4, 3), "conv": (5, 2, 3), "W": (2, 12, 5), "R": (2, 12, 3), "B": (2, 24)}.items()
    } | {"table": rng.normal(size=(7, 4)), "ids": np.arange(3), "half": np.eye(4, dtype=np.float16)}
    arrays["outer"] = rng.normal(size=(5, 2, 3, 3)).astype(np.float32)
    inner = onnx.helper.make_graph(
        [node("MatMul", ["x", "deep"], ["z"]), node("Conv", ["x", "outer"], ["u"])],
        "inner",
        [],
        [],
        [onnx.numpy_helper.from_array(np.eye(3), "deep")],
    )
    nodes = [
        node("Gemm", ["x", "gemm"], ["a"]),
        node("Conv", ["x", "conv"], ["b"]),
        node("LSTM", ["x", "W", "R", "B"], ["c"], hidden_size=3, direction="bidirectional"),
        node("Gather", ["table", "ids"], ["d"]),
        node("Constant", [], ["constant"], value=onnx.numpy_helper.from_array(np.ones((3, 2), np.float32))),
        node("MatMul", ["x", "half"], ["e"]),
        node("If", ["x"], ["y"], name="if", then_branch=inner, else_branch=inner),
    ]
    found = listed(onnx_model(onnx, nodes, arrays, tmp_path / "m.onnx"))
    types = {name: weight.layer_type for name, weight in found.items() if not weight.reason}
    assert types == {
        "gemm": "dense",
        "conv": "conv1d",
        **{f"{name}[{direction}]": "recurrent" for name in "WR" for direction in (0, 1)},
        "B": "dense",
        "table": "embedding",
        "half": "dense",
        "outer": "conv2d",
        "constant": "dense",
        "if.then_branch.deep": "dense",
        "if.else_branch.deep": "dense",
    }
    assert found["ids"].reason == "1-dimensional: no matrix"
    assert (found["table"].dtype, found["half"].dtype) == ("float64", "float16")
    np.testing.assert_array_equal(found["W[1]"].load().numpy(), arrays["W"][1])
    np.testing.assert_array_equal(found["table"].load().numpy(), arrays["table"])


def test_external_data_of_onnx(tmp_path, onnx):
    arrays = {"gemm": np.random.default_rng(0).normal(size=(64, 32)).astype(np.float32)}
    nodes = [onnx.helper.make_node("MatMul", ["x", "gemm"], ["y"])]
    options = {"save_as_external_data": True, "location": "data.bin", "size_threshold": 0}
    path = onnx_model(onnx, nodes, arrays, tmp_path / "m.onnx", **options)
    np.testing.assert_array_equal(listed(path)["gemm"].load().numpy(), arrays["gemm"])
    (tmp_path / "data.bin").unlink()
    with pytest.raises(ValueError, match=r"the data of gemm in .*m\.onnx cannot be read"):
        listed(path)["gemm"].load()


def test_a_corrupt_onnx_file(tmp_path, onnx):
    (tmp_path / "m.onnx").write_bytes(b"\xff" * 50)
    with pytest.raises(ValueError, match=r"m\.onnx is truncated or no ONNX model"):
        read_weights(tmp_path / "m.onnx")
