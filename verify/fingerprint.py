"""What a record depends on: the claim's code, the modules it uses, the engine, and the software underneath."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
import inspect
import json
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType

from verify.paper import Claim, registered

_PACKAGES = (
    "torch",
    "numpy",
    "scipy",
    "sympy",
    "mpmath",
    "python-flint",
    "z3-solver",
    "hypothesis",
    "scikit-learn",
    "diffrax",
    "jax",
    "torchdiffeq",
    "torchsde",
)
_ENGINE = "verify.judge"


@functools.cache
def versions() -> dict[str, str]:
    """Versions of Python and of the packages whose upgrade may change a record."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


@functools.cache
def commit() -> str | None:
    """The commit of the checkout this engine runs from (``-dirty`` if it has changes), if it is one."""
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()


def fingerprint(claim: Claim, level: str, seed: int) -> str:
    """Digest of all that a claim's record depends on.

    Covers the claim's own source with whatever its module defines besides other claims, the source of every
    first-party module it uses, directly or through others, the engine, the versions of the packages underneath, the
    level and the seed.
    """
    module = inspect.getmodule(claim.body)
    assert module is not None
    others = (claim.paper.claims.keys() | claim.paper.figures.keys()) - {claim.name}
    digest = hashlib.sha256(_source_without(module, others).encode())
    roots = _first_party()
    for name in sorted(_closure(module.__name__, roots) - {module.__name__} | _closure(_ENGINE, roots)):
        digest.update(_source(name).encode())
    digest.update(json.dumps([versions(), level, seed]).encode())
    return digest.hexdigest()


@functools.cache
def _first_party() -> frozenset[str]:
    return frozenset({"verify"} | {entry.value.partition(".")[0] for entry in registered().values()})


@functools.cache
def _closure(module: str, roots: frozenset[str]) -> frozenset[str]:
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += sorted(_uses(name, roots) - found)
    return frozenset(found)


@functools.cache
def _uses(name: str, roots: frozenset[str]) -> frozenset[str]:
    """First-party modules that a module imports; a re-exported function counts for the module that defines it."""
    used: set[str] = set()
    package = name if _is_package(name) else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(_source(name))):
        if isinstance(node, ast.Import):
            used |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            used |= {_definer(base, alias.name, roots) for alias in node.names}
    return frozenset(use for use in used if use.partition(".")[0] in roots and _source(use))


def _definer(module: str, attribute: str, roots: frozenset[str]) -> str:
    if module.partition(".")[0] not in roots:
        return module
    value = getattr(sys.modules.get(module), attribute, None)
    if isinstance(value, ModuleType):
        return value.__name__
    if inspect.isfunction(value) or inspect.isclass(value):
        return value.__module__
    submodule = f"{module}.{attribute}"
    return submodule if _file(submodule) else module


@functools.cache
def _file(name: str) -> str | None:
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    return spec.origin if spec and spec.origin and spec.origin.endswith(".py") else None


def _is_package(name: str) -> bool:
    file = _file(name)
    return file is not None and Path(file).name == "__init__.py"


@functools.cache
def _source(name: str) -> str:
    file = _file(name)
    return Path(file).read_text(encoding="utf-8") if file else ""


def _source_without(module: ModuleType, functions: set[str]) -> str:
    lines = inspect.getsource(module).splitlines()
    for name, first, last in _decorated_functions(module):
        if name in functions:
            lines[first:last] = [""] * (last - first)
    return "\n".join(line for line in lines if line.strip())


@functools.cache
def _decorated_functions(module: ModuleType) -> list[tuple[str, int, int]]:
    """Name, first and one past the last line of each decorated function, decorators included."""
    return [
        (node.name, node.decorator_list[0].lineno - 1, node.end_lineno or node.lineno)
        for node in ast.parse(inspect.getsource(module)).body
        if isinstance(node, ast.FunctionDef) and node.decorator_list
    ]
