"""What may be chosen about scoring, and what is refused before any work is done."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from secondlaw.behavior import window_seconds
from secondlaw.errors import InvalidInput
from secondlaw.formats import Format
from secondlaw.pipeline.scoring_blocks import BLOCK_ROWS
from secondlaw.pipeline.settings import Settings

__all__ = ["PLACES", "Place", "ScoreOptions", "check_request"]

Place = Literal["local", "ray"]
PLACES: tuple[Place, ...] = get_args(Place)


@dataclass(frozen=True, slots=True)
class ScoreOptions:
    """How to score.

    Parameters
    ----------
    place : {"local", "ray"}
        In processes on this machine, or by actors of a Ray cluster.
    address : str or None
        Of a running Ray cluster; None starts Ray on this machine.
    labels : Path or None
        Folder for the labelled rows.
    relabel : bool
        Whether rows that a machine labelled before are labelled again.
    replace_output : bool
        Whether an output that exists may be replaced, and another run that was not finished thrown away.
    block_rows : int
        Most rows of a block: what a kill costs, and what a worker takes at a time.
    bad_rows : Path or None
        Where bad rows go; beside the only file, else beside the output.
    file_format : str or None
        Where the files' names do not tell.
    """

    place: Place = "local"
    address: str | None = None
    labels: Path | None = None
    relabel: bool = False
    replace_output: bool = False
    block_rows: int = BLOCK_ROWS
    bad_rows: Path | None = None
    file_format: Format | None = None


def check_request(
    sources: Sequence[str], paths: Sequence[Path], out: Path, settings: Settings, options: ScoreOptions
) -> None:
    """Refuse what could not end well.

    Parameters
    ----------
    sources : sequence of str
        As they were given.
    paths : sequence of Path
        The files that they stand for.
    out : Path
    settings : Settings
    options : ScoreOptions

    Raises
    ------
    InvalidInput
        With what to do.
    """
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise InvalidInput("score writes Parquet, which needs: pip install 'secondlaw[parquet]'") from error
    if options.place not in PLACES:
        raise InvalidInput(
            f"--engine of score says where it runs, local or ray, got {options.place!r}; what labels the rows is "
            "--classifier-engine"
        )
    if options.place == "ray" and settings.engine == "judge":
        raise InvalidInput("the judge keeps one journal and one budget, which actors cannot share: use --engine local")
    if options.address is not None and options.place != "ray":
        raise InvalidInput(f"--address {options.address} names a Ray cluster; say --engine ray, too")
    if settings.every is not None:
        window_seconds(settings.every)
    if out.suffix != ".parquet":
        raise InvalidInput(f"score writes counts as Parquet: name the output something.parquet, got {out.name!r}")
    if not out.parent.is_dir():
        raise InvalidInput(f"{out.parent} is no folder; make it first")
    if out.is_dir() or (out.exists() and not options.replace_output):
        raise InvalidInput(f"{out} exists; name another output, or give --force to replace it")
    if options.labels is not None and options.labels.exists() and not options.labels.is_dir():
        raise InvalidInput(f"--labels-out names a folder, and {options.labels} is a file")
    folders = [Path(source).resolve() for source in sources if Path(source).is_dir()]
    for one in (out, options.labels):
        where = None if one is None else one.resolve()
        if where is not None and (where in paths or any(where.is_relative_to(folder) for folder in folders)):
            raise InvalidInput(f"{one} lies in the input, where the next run would read it; write somewhere else")
