"""The manifest of a sampling run: what defines it, and who went on with it when, beside its rows.

``<file>.run.json`` holds ``run``, which a resume compares with what is asked for, and ``sessions``: one entry for each
time that the run was started or resumed.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from secondlaw.errors import FileFormatError, InvalidInput
from secondlaw.formats import replace_file
from secondlaw.sampling.run import SamplingRun

__all__ = ["check_manifest", "manifest_path", "record_session"]

OTHER_FORMATS = frozenset({".bz2", ".csv", ".gz", ".parquet", ".xz", ".zst"})


def manifest_path(out: Path) -> Path:
    """Return where the parameters of a run stand: beside its rows."""
    return out.with_name(out.name + ".run.json")


def check_manifest(run: SamplingRun, out: Path) -> None:
    """See that a file is free for a run, or holds this very run; nothing is written.

    More samples than before are allowed: a run can be enlarged.

    Raises
    ------
    InvalidInput
        If the file holds a run with other parameters, or content without a manifest, or cannot hold JSON lines.
    FileFormatError
        If the manifest is unreadable.
    """
    if out.suffix in OTHER_FORMATS:
        raise InvalidInput(f"{out}: a run is appended to as plain JSON lines; give a name that ends in .jsonl")
    if out.is_dir():
        raise InvalidInput(f"{out} is a folder; name a file for the rows")
    path = manifest_path(out)
    if path.exists():
        known, asked = _read(path)["run"], _plain(run.describe())
        differing = sorted(key for key in asked | known if asked.get(key) != known.get(key))
        if differing and not (differing == ["samples"] and known["samples"] < asked["samples"]):
            shown = "; ".join(_difference(key, known.get(key), asked.get(key)) for key in differing)
            raise InvalidInput(
                f"{out} holds a run with other parameters ({shown}); repeat its options to go on, or name another file"
            )
    elif out.exists() and out.stat().st_size > 0:
        raise InvalidInput(f"{out} holds data but there is no {path.name}; name another file, so that nothing is mixed")


def record_session(run: SamplingRun, out: Path, session: Mapping[str, Any]) -> None:
    """Write the manifest: the run as it is now, and one more session.

    Parameters
    ----------
    run : SamplingRun
        As :func:`check_manifest` has passed it.
    out : Path
        File of the rows.
    session : mapping
        Plain JSON values: when, by which version, against which endpoint.
    """
    path = manifest_path(out)
    record = _read(path) if path.exists() else {}
    sessions = [*record.get("sessions", []), dict(session)]
    content = orjson.dumps({**record, "run": run.describe(), "sessions": sessions}, option=orjson.OPT_INDENT_2)
    replace_file(path, lambda part: part.write_bytes(content + b"\n"))


def _read(path: Path) -> dict[str, Any]:
    try:
        record: dict[str, Any] = orjson.loads(path.read_bytes())
        sound = isinstance(record["run"]["samples"], int) and isinstance(record.get("sessions", []), list)
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise FileFormatError(f"{path} is no manifest of a run: {error}; move it and its rows aside") from error
    if not sound:
        raise FileFormatError(f"{path} is no manifest of a run; move it and its rows aside")
    return record


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Return values as they come back from JSON: tuples as lists, for a comparison."""
    plain: dict[str, Any] = orjson.loads(orjson.dumps(values))
    return plain


def _difference(key: str, known: object, asked: object) -> str:
    """Name a parameter that differs, with both values where they are short."""
    short = all(isinstance(value, str | int | float | None) and len(str(value)) < 40 for value in (known, asked))
    return f"{key}: {known} there, {asked} now" if short else key
