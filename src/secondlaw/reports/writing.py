"""Writing a report so that a reader sees the old file or the new one, never half of one."""

from datetime import datetime
from pathlib import Path

from secondlaw.drift.results import Measurement
from secondlaw.errors import SourceError
from secondlaw.formats.whole_files import replace_file
from secondlaw.reports.html import render_html

__all__ = ["write_page", "write_report"]


def write_report(
    measurement: Measurement, path: str | Path, *, created: datetime, version: str, examples: bool = True
) -> Path:
    """Write a measurement as one self-contained HTML file, replacing an older one in a single step.

    Parameters
    ----------
    measurement : Measurement
    path : str or Path
        Its folder is made if it does not exist.
    created : datetime
        With a zone; shown in the report.
    version : str
        Version of secondlaw; shown in the report.
    examples : bool
        Whether texts of responses are shown.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    SourceError
        If the file cannot be written.
    InvalidInput
        If `created` has no zone.
    """
    return write_page(render_html(measurement, created=created, version=version, examples=examples), path)


def write_page(page: str, path: str | Path) -> Path:
    """Write a text file, replacing an older one in a single step; its folder is made if it does not exist.

    Raises
    ------
    SourceError
        If the file cannot be written.
    """
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        replace_file(target, lambda part: part.write_bytes(page.encode()))
    except OSError as error:
        raise SourceError(f"the report {str(target)!r} cannot be written: {error.strerror or error}") from error
    return target
