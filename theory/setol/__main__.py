"""The command line: ``python -m theory.setol MODEL`` prints the spectral diagnostics of every layer of a model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from theory.setol.analyze import Analysis, Layer, analyze
from theory.setol.eigenvalues import Convolution, Method, Scale
from theory.setol.plots import save_plots
from theory.setol.weights import Weight

_WIDTH_WITHOUT_TERMINAL = 400
_NAMES = 4


class MethodName(StrEnum):
    """How eigenvalues are computed."""

    gram = "gram"
    svd = "svd"


class ConvolutionName(StrEnum):
    """What a convolution kernel means."""

    pool = "pool"
    flatten = "flatten"
    slices = "slices"


class ScaleName(StrEnum):
    """Unit of the eigenvalues."""

    raw = "raw"
    per_row = "1/N"
    mean1 = "mean1"


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    model: Annotated[Path, typer.Argument(help=".safetensors, .pt, .pth, .bin, .onnx, an index .json, or a folder.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print all columns as JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print all columns as CSV.")] = False,
    plots: Annotated[Path | None, typer.Option(metavar="DIR", help="Draw each layer into this folder.")] = None,
    method: Annotated[MethodName, typer.Option(help="Eigenvalues by the Gram matrix or by singular values.")] = (
        MethodName.gram
    ),
    conv: Annotated[ConvolutionName, typer.Option(help="What a kernel means.")] = ConvolutionName.pool,
    scale: Annotated[ScaleName, typer.Option(help="Unit of the eigenvalues.")] = ScaleName.raw,
    min_evals: Annotated[int, typer.Option(help="Skip layers with fewer eigenvalues.", min=2)] = 8,
    traps: Annotated[bool, typer.Option("--traps", help="Look for correlation traps in shuffled weights.")] = False,
    p_values: Annotated[int, typer.Option(metavar="N", help="p-value of each fit from N refits.", min=0)] = 0,
    seed: Annotated[int, typer.Option(help="Seed of the shuffles and the refits.", min=0)] = 0,
) -> None:
    """Fit the spectrum of every layer of MODEL and print a table, one row a layer.

    Tensors without a spectrum are counted by reason here and listed in full by --json and --csv. A model that
    cannot be read gives exit code 2.
    """
    if as_json and as_csv:
        raise typer.BadParameter("both were given; expected one of them", param_hint="--json, --csv")
    terminal = Console(stderr=True, highlight=False)

    def bar(weights: Sequence[Weight]) -> Iterable[Weight]:
        return track(weights, description="layers", console=terminal, transient=True, disable=not terminal.is_terminal)

    chosen: tuple[Method, Convolution, Scale] = (method.value, conv.value, scale.value)
    try:
        found = analyze(
            model,
            method=chosen[0],
            conv=chosen[1],
            scale=chosen[2],
            min_evals=min_evals,
            traps=traps,
            n_boot=p_values,
            seed=seed,
            track=bar,
        )
    except (ValueError, OSError, ImportError) as error:
        terminal.print(str(error), markup=False, soft_wrap=True)
        raise typer.Exit(2) from error
    if as_json:
        print(found.to_json())
    elif as_csv:
        print(found.to_csv(), end="")
    else:
        _print(found, traps=traps, p_values=p_values > 0)
    if plots is not None:
        written = save_plots(list(found), plots)
        terminal.print(f"{len(written)} figures in {plots}", markup=False, soft_wrap=True)


def _print(found: Analysis, *, traps: bool, p_values: bool) -> None:
    out = Console(highlight=False)
    if not out.is_terminal:
        out.width = _WIDTH_WITHOUT_TERMINAL
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("layer", overflow="fold")
    for heading in ("N", "M", "rf", "α", "σ", "D", "tail", "α log λmax", "log norm", "stable rank", "ERG tail", "Δλ"):
        table.add_column(heading, justify="right", no_wrap=True)
    if p_values:
        table.add_column("p", justify="right", no_wrap=True)
    if traps:
        table.add_column("traps", justify="right", no_wrap=True)
    table.add_column("remark", overflow="fold")
    fitted = [layer for layer in found if layer.status != "skipped"]
    for layer in fitted:
        table.add_row(*_cells(layer, traps=traps, p_values=p_values))
    out.print(table)
    out.print()
    skipped = [layer for layer in found if layer.status == "skipped"]
    for reason in dict.fromkeys(layer.reason for layer in skipped):
        names = [layer.longname for layer in skipped if layer.reason == reason]
        shown = ", ".join(names[:_NAMES]) + (" …" if len(names) > _NAMES else "")
        out.print(f"[bold]skipped {len(names)}[/]  {escape(reason)}: [dim]{escape(shown)}[/]", soft_wrap=True)
    counts = {status: sum(layer.status == status for layer in found) for status in ("success", "degenerate", "skipped")}
    unit = f" · eigenvalues in {fitted[0].units}" if fitted else ""
    out.print(f"{' · '.join(f'{count} {status}' for status, count in counts.items())}{unit}", soft_wrap=True)


def _cells(layer: Layer, *, traps: bool, p_values: bool) -> list[str]:
    slice_id = "" if layer.slice_id is None else f" [{layer.slice_id}]"
    cells = [escape(layer.longname + slice_id), str(layer.N), str(layer.M), str(layer.rf)]
    cells += [f"{layer.alpha:.3f}", f"{layer.sigma:.3f}", f"{layer.D:.4f}", _count(layer.num_pl_spikes)]
    cells += [f"{layer.alpha_weighted:.3f}", f"{layer.log_norm:.3f}", f"{layer.stable_rank:.2f}"]
    cells += [_count(layer.detX_num), f"{layer.delta_lambda:+.3f}"]
    cells += [f"{layer.p_value:.3f}"] if p_values else []
    cells += [_count(layer.num_traps)] if traps else []
    return [*cells, escape(layer.reason or layer.warning)]


def _count(value: int | None) -> str:
    return "–" if value is None else str(value)


if __name__ == "__main__":
    app()
