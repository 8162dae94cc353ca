"""``secondlaw fisher``: the Fisher spectrum of a network on texts."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from secondlaw.cli.guard import guarded
from secondlaw.cli.options import FileFormat, Json, Level, Quiet, Report, Seed

if TYPE_CHECKING:
    from secondlaw.alignment.fisher import NetworkSpectrum

__all__ = ["fisher"]

_MATRIX, _DATA, _NUMBERS = "Matrix", "Data", "Numbers"


def _option(name: str, words: str, panel: str, least: int | None = None) -> typer.models.OptionInfo:
    found: typer.models.OptionInfo = typer.Option(name, help=words, rich_help_panel=panel, min=least)
    return found


@guarded
def fisher(
    model: Annotated[
        str,
        typer.Argument(
            help="Causal language model or sequence classifier of transformers: a folder, a .gguf file, gemma-3-270m "
            "(extra local-model), REPOSITORY or REPOSITORY@REVISION of a hub."
        ),
    ],
    data: Annotated[
        Path | None,
        typer.Argument(help="Texts: JSONL, CSV, Parquet, or .txt with one a line (default: prompts that ship)."),
    ] = None,
    kind: Annotated[
        Literal["exact", "monte-carlo", "empirical"],
        _option("--kind", "exact, monte-carlo (labels drawn) or empirical (labels of the data).", _MATRIX),
    ] = "exact",
    parameters: Annotated[
        list[str] | None,
        _option("--parameters", "Only parameters whose names match, as model.layers.0.*; several.", _MATRIX),
    ] = None,
    normalise: Annotated[
        Literal["token", "sample"], _option("--normalise", "Mean per token, or per text.", _MATRIX)
    ] = "token",
    draws: Annotated[int, _option("--draws", "Labels drawn a token (monte-carlo).", _MATRIX, 1)] = 1,
    texts: Annotated[int, _option("--texts", "Texts drawn from the data, at most.", _DATA, 1)] = 32,
    batch: Annotated[int, _option("--batch", "Texts of a mini-batch.", _DATA, 1)] = 4,
    max_tokens: Annotated[int, _option("--max-tokens", "Longer texts are cut.", _DATA, 2)] = 128,
    field: Annotated[
        str | None, _option("--field", "Field of the text (default: text, response, content or prompt).", _DATA)
    ] = None,
    file_format: FileFormat = None,
    tolerance: Annotated[float, _option("--tolerance", "Residual of lambda_max, as a share of it.", _NUMBERS)] = 1e-3,
    most_products: Annotated[int, _option("--most-products", "Products for lambda_max.", _NUMBERS, 1)] = 100,
    top: Annotated[int, _option("--top", "Leading eigenvalues.", _NUMBERS, 1)] = 5,
    probes: Annotated[int, _option("--probes", "Random vectors for the trace.", _NUMBERS, 6)] = 30,
    density_probes: Annotated[
        int, _option("--density-probes", "Random vectors for the density; 0: none.", _NUMBERS)
    ] = 2,
    steps: Annotated[int, _option("--steps", "Lanczos steps of the density.", _NUMBERS, 2)] = 20,
    folds: Annotated[int, _option("--folds", "Parts of the data for the interval over data; 0: none.", _NUMBERS)] = 4,
    memory: Annotated[float, _option("--memory", "Gigabytes for linearised batches.", "Machine")] = 4.0,
    device: Annotated[str, _option("--device", "cpu, cuda, ...", "Machine")] = "cpu",
    allow_download: Annotated[
        bool, typer.Option("--allow-download", help="Fetch a repository of a hub.", rich_help_panel="Machine")
    ] = False,
    as_json: Json = False,
    report: Report = None,
    quiet: Quiet = False,
    level: Level = None,
    seed: Seed = None,
) -> None:
    """Measure largest eigenvalue, trace, effective rank and density of a network's Fisher matrix.

    Each number has its error; the largest eigenvalue also an interval over texts. Needs the extra alignment.

    Exit code 2 for a model without a Fisher matrix, 12 without texts, 13 where the model cannot be loaded.
    """
    from secondlaw.alignment.fisher import SpectrumOptions
    from secondlaw.cli.output import check_outputs, print_json
    from secondlaw.cli.progress import progress_bars
    from secondlaw.pipeline.network_spectrum import measure_network
    from secondlaw.pipeline.network_texts import read_texts, shipped_texts
    from secondlaw.pipeline.settings import load_settings

    check_outputs(report)
    settings = load_settings(level=level, seed=seed)
    options = SpectrumOptions(
        kind=kind, normalise=normalise, parameters=tuple(parameters or ("all",)), most_texts=texts, batch=batch,
        most_tokens=max_tokens, draws=draws, tolerance=tolerance, leading=top, most_products=most_products,
        trace_probes=probes, density_probes=density_probes, density_steps=steps, folds=folds, level=settings.level,
        memory=memory * 1e9, seed=settings.seed,
    )  # fmt: skip
    read = shipped_texts() if data is None else read_texts(data, field=field, file_format=file_format)
    with progress_bars(quiet=quiet) as bars:
        found = measure_network(model, read, options, allow_download=allow_download, device=device, progress=bars)
    if report is not None:
        _write_report(found, report)
    if as_json:
        print_json({"schema": "secondlaw/fisher/1", **found.to_dict()})
        return
    from rich.console import Console

    from secondlaw.reports.fisher_text import render_fisher_text

    Console().print(render_fisher_text(found))
    if report is not None:
        typer.echo(f"report: {report}")


def _write_report(found: "NetworkSpectrum", report: Path) -> None:
    from datetime import UTC, datetime

    import secondlaw
    from secondlaw.reports.fisher_page import write_fisher_page

    write_fisher_page(found, report, created=datetime.now(UTC), version=secondlaw.__version__)
