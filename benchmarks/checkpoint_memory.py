"""Memory that `analyze` needs for a sharded checkpoint of 2 GB, beside its largest layer; prints Markdown.

Run with ``OMP_NUM_THREADS=1 python benchmarks/checkpoint_memory.py [--traps] [--gigabytes 2]``; it needs the extra
``weights`` and that much room in the temporary folder. Each shard holds three float32 matrices with heavy-tailed
columns, one of them the largest layer (250 MiB). A fresh process imports the package, analyses one small matrix so
that all libraries are loaded, and then the checkpoint; the rise of its resident memory to the peak is reported. Linux.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from safetensors.torch import save_file

SHAPES = {"embedding": (64_000, 1024), "down": (8192, 2048), "up": (2048, 8192)}
MEASURE = """
import sys, torch
from theory.setol import analyze

def resident(kind):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(kind)) / 1024

torch.set_num_threads(1)
traps = sys.argv[2] == "True"
analyze({"weight": torch.randn(600, 300)}, traps=traps)
with open("/proc/self/clear_refs", "w") as clear:
    clear.write("5")  # the peak so far is forgotten
before = resident("VmRSS")
rows = analyze(sys.argv[1], traps=traps)
print(len(rows), sum(row.status == "success" for row in rows))
print(resident("VmHWM") - before, before)
"""


def write_checkpoint(folder: Path, gigabytes: float) -> int:
    """Write shards until ``gigabytes`` is reached, and their index; returns the bytes of the tensors."""
    weight_map, written, generator = {}, 0, torch.Generator().manual_seed(0)
    while written < gigabytes * 1e9:
        shard = f"model-{len(weight_map) // len(SHAPES):05d}.safetensors"
        tensors = {}
        for kind, shape in SHAPES.items():
            lengths = torch.empty(shape[1]).exponential_(generator=generator).div_(3).exp_()
            name = f"layers.{len(weight_map) // len(SHAPES)}.{kind}.weight"
            tensors[name] = torch.randn(shape, generator=generator).mul_(lengths)
            written += tensors[name].nbytes
        save_file(tensors, folder / shard)
        weight_map |= dict.fromkeys(tensors, shard)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    return written


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--gigabytes", type=float, default=2.0)
    arguments.add_argument("--traps", action="store_true")
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as made:
        written = write_checkpoint(Path(made), chosen.gigabytes)
        start = time.perf_counter()
        command = [sys.executable, "-c", MEASURE, made, str(chosen.traps)]
        counts, memory = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
        duration = time.perf_counter() - start
    rows, fitted = counts.split()
    extra, baseline = map(float, memory.split())
    largest = max(rows * columns for rows, columns in SHAPES.values()) * 4 / 2**20
    print("| checkpoint, GB | tensors (fitted) | largest layer, MiB | peak above baseline, MiB | baseline, MiB | s |")
    print("|---|---|---|---|---|---|")
    print(
        f"| {written / 1e9:.2f} | {rows} ({fitted}) | {largest:.0f} | {extra:.0f} | {baseline:.0f} | {duration:.0f} |"
    )


if __name__ == "__main__":
    main()
