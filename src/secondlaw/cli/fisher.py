"""``secondlaw fisher``: the Fisher spectrum of a network on texts."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from secondlaw.cli.guard import guarded
from secondlaw.cli.options import FileFormat, Json, Level, Quiet, Report, Seed, option

__all__ = ["fisher"]

_MATRIX, _DATA, _NUMBERS = "Matrix", "Data", "Numbers"


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
        option("--kind", "exact, monte-carlo (labels drawn) or empirical (labels of the data).", _MATRIX),
    ] = "exact",
    parameters: Annotated[
        list[str] | None,
        option("--parameters", "Only parameters whose names match, as model.layers.0.*; several.", _MATRIX),
    ] = None,
    normalise: Annotated[
        Literal["token", "sample"], option("--normalise", "Mean per token, or per text.", _MATRIX)
    ] = "token",
    draws: Annotated[int, option("--draws", "Labels drawn a token (monte-carlo).", _MATRIX, 1)] = 1,
    texts: Annotated[int, option("--texts", "Texts drawn from the data, at most.", _DATA, 1)] = 32,
    batch: Annotated[int, option("--batch", "Texts of a mini-batch.", _DATA, 1)] = 4,
    max_tokens: Annotated[int, option("--max-tokens", "Longer texts are cut.", _DATA, 2)] = 128,
    field: Annotated[
        str | None, option("--field", "Field of the text (default: text, response, content or prompt).", _DATA)
    ] = None,
    file_format: FileFormat = None,
    tolerance: Annotated[float, option("--tolerance", "Residual of lambda_max, as a share of it.", _NUMBERS)] = 1e-3,
    most_products: Annotated[int, option("--most-products", "Products for lambda_max.", _NUMBERS, 1)] = 100,
    top: Annotated[int, option("--top", "Leading eigenvalues.", _NUMBERS, 1)] = 5,
    probes: Annotated[int, option("--probes", "Random vectors for the trace.", _NUMBERS, 6)] = 30,
    density_probes: Annotated[
        int, option("--density-probes", "Random vectors for the density; 0: none.", _NUMBERS)
    ] = 2,
    steps: Annotated[int, option("--steps", "Lanczos steps of the density.", _NUMBERS, 2)] = 20,
    folds: Annotated[int, option("--folds", "Parts of the data for the interval over data; 0: none.", _NUMBERS)] = 4,
    memory: Annotated[float, option("--memory", "Gigabytes for linearised batches.", "Machine")] = 4.0,
    device: Annotated[str, option("--device", "cpu, cuda, ...", "Machine")] = "cpu",
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
    from secondlaw.cli.output import check_outputs, show, write_html
    from secondlaw.cli.progress import progress_bars
    from secondlaw.pipeline.network_spectrum import measure_network
    from secondlaw.pipeline.network_texts import read_texts, shipped_texts
    from secondlaw.pipeline.settings import load_settings
    from secondlaw.reports.fisher_page import render_fisher_page
    from secondlaw.reports.fisher_text import render_fisher_text

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
        found = measure_network(
            model, read, options, allow_download=allow_download, offline=settings.offline, device=device, progress=bars
        )
    write_html(found, render_fisher_page, report)
    show(found, render_fisher_text, as_json=as_json, written={"report": report}, schema="secondlaw/fisher/1")
