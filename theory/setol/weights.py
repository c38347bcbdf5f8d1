"""The tensors of a model, listed without being loaded: modules, state dicts, safetensors, PyTorch and ONNX files.

A file is opened for its names, shapes and dtypes; each tensor is read when it is asked for and may be dropped before
the next. No file can run code: pickles are read with ``weights_only=True`` or not at all.
"""

from __future__ import annotations

import importlib
import json
import math
import pickle
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.utils import parametrize

_CONVOLUTIONS = {3: "conv1d", 4: "conv2d", 5: "conv3d"}
_RECURRENT = re.compile(r"weight_(ih|hh|hr)(_l\d+(_reverse)?)?$")
_EMBEDDING = re.compile(r"emb|^w[tp]e$", re.IGNORECASE)
_READABLE = re.compile(r"b?float(16|32|64)|float8\w*")
_SINGLE_FILES = ("model.safetensors", "pytorch_model.bin")
_ACCEPTED = "a .safetensors, .pt, .pth, .bin or .onnx file, an index .json of shards, or a folder that holds a model"


@dataclass(frozen=True)
class Weight:
    """A tensor of a model that need not be in memory.

    Attributes
    ----------
    name
        Its full name, unique within the model.
    shape, dtype
        As stored.
    layer_type
        ``"dense"``, ``"conv1d"``, ``"conv2d"``, ``"conv3d"``, ``"recurrent"``, ``"embedding"``, or ``"unknown"``. From
        the module or the graph where there is one, else guessed from the name and the number of axes.
    reason
        Why it has no spectrum to look at; empty if it has.
    load
        Returns the tensor. Reads it from the file where there is one.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    layer_type: str
    reason: str
    load: Callable[[], torch.Tensor]


def read_weights(model: nn.Module | Mapping[str, Any] | str | PathLike[str]) -> tuple[Weight, ...]:
    """List every tensor of a model, parameters and buffers, those without a spectrum with the reason.

    Parameters
    ----------
    model
        ``torch.nn.Module``
            A parametrized weight (`torch.nn.utils.parametrize`) is the effective one.
        mapping
            A state dict, of tensors or NumPy arrays. Mappings and lists inside it are followed, and their keys joined
            by dots; other values are left out. The state of an optimizer (a mapping with ``"state"`` and
            ``"param_groups"``) is listed, with that as the reason not to look at it.
        ``.safetensors``
            Read tensor by tensor; needs the ``weights`` extra.
        ``.pt``, ``.pth``, ``.bin``
            Loaded with ``weights_only=True`` and memory-mapped where the format allows.
        ``.onnx``
            The initializers, and the constants of at least 2 axes, of the graph and its subgraphs; needs the ``onnx``
            extra. External data is read tensor by tensor. A recurrent node's weights are split by direction.
        ``.json``
            The index of a sharded checkpoint, with a ``weight_map`` from tensor names to files beside it.
        folder
            One that holds exactly one index ``*.index.json``, or else ``model.safetensors`` or ``pytorch_model.bin``.

    Raises
    ------
    TypeError
        For another kind of ``model``.
    FileNotFoundError
        For a missing file, folder or shard.
    ImportError
        If the extra for this file is not installed.
    ValueError
        For a file that is truncated, corrupt, of an unknown kind, a TorchScript archive, or a pickle that needs more
        than tensors and containers (refused, since that could run code); for an index that names a file outside its
        folder or a tensor its shards do not hold; for two tensors of one name.
    """
    if isinstance(model, nn.Module):
        weights = _of_module(model)
    elif isinstance(model, Mapping):
        weights = _of_mapping(model)
    elif isinstance(model, str | PathLike):
        weights = _of_path(Path(model))
    else:
        raise TypeError(f"model is a {type(model).__name__}; expected a torch.nn.Module, a state dict or a path")
    return _unique(weights)


def _unique(weights: Iterable[Weight]) -> tuple[Weight, ...]:
    by_name: dict[str, Weight] = {}
    for weight in weights:
        if weight.name in by_name:
            raise ValueError(f"two tensors are called {weight.name!r}; expected one of each name")
        by_name[weight.name] = weight
    return tuple(by_name.values())


# Modules and state dicts


def _of_module(model: nn.Module) -> Iterator[Weight]:
    seen: dict[Any, str] = {}
    for prefix, module in model.named_modules(remove_duplicate=False):
        if isinstance(module, parametrize.ParametrizationList):
            raw = "raw part of a parametrized weight; the effective weight is listed"
            yield from (
                _in_memory(f"{prefix}.{name}", tensor, "unknown", raw)
                for name, tensor in (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False))
            )
            continue
        for name, tensor in _own_tensors(module):
            full = f"{prefix}.{name}" if prefix else name
            reason = _shared(full, tensor, seen)
            if not reason and name in module._buffers:
                reason = "buffer, not a parameter"
            yield _in_memory(full, tensor, _type_in_module(module, name, tensor), reason)


def _own_tensors(module: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    yield from module.named_parameters(recurse=False, remove_duplicate=False)
    if parametrize.is_parametrized(module):
        for name in module.parametrizations:  # type: ignore[union-attr]
            with torch.no_grad():
                yield name, getattr(module, name)
    yield from module.named_buffers(recurse=False, remove_duplicate=False)


def _type_in_module(module: nn.Module, name: str, tensor: torch.Tensor) -> str:
    if isinstance(module, nn.Embedding | nn.EmbeddingBag):
        return "embedding"
    if isinstance(module, nn.RNNBase | nn.RNNCellBase):
        return "recurrent"
    if isinstance(module, nn.modules.conv._ConvNd):
        return _CONVOLUTIONS.get(tensor.ndim, "unknown")
    return "dense" if isinstance(module, nn.Linear) else _guess(name, tuple(tensor.shape))


def _of_mapping(mapping: Mapping[str, Any]) -> Iterator[Weight]:
    seen: dict[Any, str] = {}
    for name, tensor, reason in _flatten("", mapping, ""):
        yield _in_memory(name, tensor, _guess(name, tuple(tensor.shape)), reason or _shared(name, tensor, seen))


def _flatten(prefix: str, value: Any, reason: str) -> Iterator[tuple[str, torch.Tensor, str]]:
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiubc":
        value = torch.from_numpy(np.ascontiguousarray(value).reshape(value.shape))
    if isinstance(value, torch.Tensor):
        yield prefix, value, reason
    elif isinstance(value, Mapping | list | tuple):
        if isinstance(value, Mapping) and {"state", "param_groups"} <= value.keys():
            reason = "state of an optimizer"
        for key, inner in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from _flatten(f"{prefix}.{key}" if prefix else str(key), inner, reason)


def _in_memory(name: str, tensor: torch.Tensor, layer_type: str, reason: str) -> Weight:
    if not reason and tensor.layout is not torch.strided:
        reason = f"layout {tensor.layout}, not dense"
    if not reason and tensor.is_meta:
        reason = "on the meta device, without data"
    return _weight(
        name, tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."), layer_type, reason, tensor.detach
    )


def _shared(name: str, tensor: torch.Tensor, seen: dict[Any, str]) -> str:
    """Return a reason if this very memory was seen under another name."""
    if tensor.layout is not torch.strided or tensor.is_meta or tensor.numel() == 0:
        return ""
    first = seen.setdefault((tensor.data_ptr(), tensor.device, tensor.dtype, tensor.shape, tensor.stride()), name)
    return "" if first == name else f"the same tensor as {first}"


# What has a spectrum


def _weight(
    name: str, shape: tuple[int, ...], dtype: str, layer_type: str, reason: str, load: Callable[[], torch.Tensor]
) -> Weight:
    return Weight(name, shape, dtype, layer_type, reason or _without_spectrum(shape, dtype, layer_type), load)


def _without_spectrum(shape: tuple[int, ...], dtype: str, layer_type: str) -> str:
    if len(shape) < 2:
        return f"{len(shape)}-dimensional: no matrix"
    if math.prod(shape) == 0:
        return f"empty, shape {shape}"
    if not _READABLE.fullmatch(dtype):
        return f"dtype {dtype}: not real floating (quantised weights need their scale)"
    if len(shape) > 5:
        return f"{len(shape)} axes: not a kernel of up to 3 positions"
    if layer_type == "unknown":
        return f"{len(shape)} axes and not called a weight: not known to be a kernel"
    return ""


def _guess(name: str, shape: tuple[int, ...]) -> str:
    """Guess the type of a layer from the last parts of its name and the number of axes."""
    *parents, own = name.split(".")
    if len(shape) == 2:
        if _RECURRENT.search(own):
            return "recurrent"
        return "embedding" if any(map(_EMBEDDING.search, [*parents[-1:], own])) else "dense"
    return _CONVOLUTIONS.get(len(shape), "unknown") if "weight" in own else "unknown"


# Files


def _of_path(path: Path) -> Iterator[Weight]:
    if path.is_dir():
        path = _model_in(path)
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}; expected {_ACCEPTED}")
    match path.suffix.lower():
        case ".safetensors":
            return _of_safetensors(path)
        case ".pt" | ".pth" | ".bin":
            return _of_pickle(path)
        case ".onnx":
            return _of_onnx(path)
        case ".json":
            return _of_index(path)
    raise ValueError(f"{path} has suffix {path.suffix!r}; expected {_ACCEPTED}")


def _model_in(folder: Path) -> Path:
    indices = sorted(folder.glob("*.index.json"))
    found = indices or [folder / name for name in _SINGLE_FILES if (folder / name).is_file()]
    if not found:
        raise FileNotFoundError(f"no model in {folder}; expected an index *.index.json or {' or '.join(_SINGLE_FILES)}")
    if len(indices) > 1:
        names = ", ".join(index.name for index in indices)
        raise ValueError(f"{folder} holds the indices {names}; expected one, or the path of the one meant")
    return found[0]


def _of_index(path: Path) -> Iterator[Weight]:
    try:
        weight_map = json.loads(path.read_text(encoding="utf-8"))["weight_map"]
        shards = sorted(set(weight_map.values()))
        if not all(isinstance(shard, str) for shard in shards):
            raise TypeError("file names that are not strings")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{path} is no index of shards ({error}); expected JSON with a weight_map") from error
    held = set()
    for shard in shards:
        if Path(shard).name != shard or Path(shard).suffix.lower() == ".json":
            raise ValueError(f"{path} names the shard {shard!r}; expected the name of a tensor file beside it")
        for weight in _of_path(path.parent / shard):
            held.add(weight.name)
            yield weight
    if missing := weight_map.keys() - held:
        raise ValueError(f"{path} lists {min(missing)!r}, which is in none of its {len(shards)} shards")


def _require(module: str, extra: str, path: Path) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(f"reading {path} needs {module}; install it with paperchecks[{extra}]") from error


def _of_safetensors(path: Path) -> Iterator[Weight]:
    safetensors = _require("safetensors", "weights", path)

    def load(name: str) -> torch.Tensor:
        with safetensors.safe_open(path, framework="pt") as file:  # opened for each tensor: closing it frees the pages
            tensor: torch.Tensor = file.get_tensor(name)
            return tensor

    try:
        with safetensors.safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118  (the file is not iterable)
                view = file.get_slice(name)
                shape, dtype = tuple(view.get_shape()), _spelt_out(view.get_dtype())
                yield _weight(name, shape, dtype, _guess(name, shape), "", partial(load, name))
    except safetensors.SafetensorError as error:
        raise ValueError(f"{path} is truncated or no safetensors file: {error}") from error


def _spelt_out(code: str) -> str:
    """Write a dtype code of safetensors as torch does: ``BF16`` as ``bfloat16``, ``F8_E4M3`` as ``float8_e4m3``."""
    for short, long in (("BF", "bfloat"), ("F", "float"), ("I", "int"), ("U", "uint"), ("C", "complex")):
        if code.startswith(short):
            return long + code.removeprefix(short).lower()
    return code.lower()


def _of_pickle(path: Path) -> Iterator[Weight]:
    content = _unpickle(path)
    if isinstance(content, torch.Tensor):
        content = {path.stem: content}
    if isinstance(content, list | tuple):
        content = {str(index): value for index, value in enumerate(content)}
    if not isinstance(content, Mapping):
        raise ValueError(f"{path} holds a {type(content).__name__}; expected tensors")
    return _of_mapping(content)


def _unpickle(path: Path) -> Any:
    for mapped in (True, False):
        try:
            with warnings.catch_warnings(action="ignore"):  # torch also warns of what the error below says
                return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
        except pickle.UnpicklingError as error:
            raise ValueError(_refusal(path, str(error))) from error
        except PermissionError:
            raise
        except Exception as error:  # a corrupt file raises whatever its bytes happen to ask for
            if "TorchScript" in str(error):
                raise ValueError(
                    f"{path} is a TorchScript archive; load it yourself and pass its state_dict()"
                ) from error
            if not mapped:
                raise ValueError(f"{path} is truncated or no PyTorch checkpoint: {error}") from error
    raise AssertionError("unreachable")


def _refusal(path: Path, explanation: str) -> str:
    needed = sorted(set(re.findall(r"GLOBAL ([\w.]+)", explanation)))
    wanted = f" (it asks for {', '.join(needed)})" if needed else ""
    return (
        f"{path} is not a plain checkpoint{wanted}: refused, since unpickling it could run code or it is corrupt. "
        "Expected tensors in plain containers; save model.state_dict(), or convert to safetensors"
    )


# ONNX


def _of_onnx(path: Path) -> Iterator[Weight]:
    onnx = _require("onnx", "onnx", path)
    try:
        model = onnx.load(path, load_external_data=False)
    except Exception as error:  # whichever protobuf implementation is installed has its own
        raise ValueError(f"{path} is truncated or no ONNX model: {error}") from error
    return _of_graph(onnx, model.graph, path, "")


def _uses(onnx: Any, graph: Any) -> dict[str, tuple[str, int]]:
    """Map each name to a node type and the place of the input it is, in the graph or a subgraph."""
    uses: dict[str, tuple[str, int]] = {}
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                uses |= _uses(onnx, attribute.g)
        uses |= {name: (node.op_type, place) for place, name in enumerate(node.input)}
    return uses


def _of_graph(onnx: Any, graph: Any, path: Path, prefix: str) -> Iterator[Weight]:
    used_by = _uses(onnx, graph)
    for tensor in graph.initializer:
        yield from _of_initializer(onnx, tensor, path, f"{prefix}{tensor.name}", used_by.get(tensor.name, ("", 0)))
    for index, node in enumerate(graph.node):
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.TENSOR and len(attribute.t.dims) > 1:
                name = node.output[0]
                yield from _of_initializer(onnx, attribute.t, path, f"{prefix}{name}", used_by.get(name, ("", 0)))
            elif attribute.type == onnx.AttributeProto.GRAPH:
                inner = f"{prefix}{node.name or f'{node.op_type}_{index}'}.{attribute.name}."
                yield from _of_graph(onnx, attribute.g, path, inner)


def _of_initializer(onnx: Any, tensor: Any, path: Path, name: str, use: tuple[str, int]) -> Iterator[Weight]:
    operation, place = use
    shape = tuple(tensor.dims)
    dtype = _spelt_out_onnx(onnx, tensor.data_type)
    load = partial(_load_onnx, onnx, tensor, path)
    if operation in ("LSTM", "GRU", "RNN") and place in (1, 2) and len(shape) == 3:
        for direction in range(shape[0]):
            yield _weight(
                f"{name}[{direction}]", shape[1:], dtype, "recurrent", "", partial(_direction, load, direction)
            )
        return
    if operation in ("Conv", "ConvTranspose") and place == 1:
        layer_type = _CONVOLUTIONS.get(len(shape), "unknown")
    elif operation in ("MatMul", "Gemm", "Gather"):
        layer_type = ("embedding" if operation == "Gather" else "dense") if len(shape) == 2 else "unknown"
    else:
        layer_type = _guess(name, shape)
    yield _weight(name, shape, dtype, layer_type, "", load)


def _spelt_out_onnx(onnx: Any, data_type: int) -> str:
    name = str(onnx.TensorProto.DataType.Name(data_type)).lower()
    return {"float": "float32", "double": "float64"}.get(name, name)


def _load_onnx(onnx: Any, tensor: Any, path: Path) -> torch.Tensor:
    try:
        array = onnx.numpy_helper.to_array(tensor, base_dir=str(path.parent))
    except Exception as error:  # those of the compiled checker of external data share no base class
        raise ValueError(f"the data of {tensor.name} in {path} cannot be read: {error}") from error
    return torch.from_numpy(array.astype("float64" if array.dtype.itemsize == 8 else "float32"))


def _direction(load: Callable[[], torch.Tensor], direction: int) -> torch.Tensor:
    return load()[direction]
