"""Reading what a measurement is made of: one file or several, some of their models, bad rows set aside."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from secondlaw.behavior import ObservationsBuilder, load_taxonomy, plain_rows
from secondlaw.behavior.observations import Observations
from secondlaw.drift.results import RowSummary
from secondlaw.errors import FileFormatError, InvalidInput, NotEnoughData
from secondlaw.formats import BadRow, Format, Quarantine, Row, quarantine_path, read_rows
from secondlaw.pipeline.settings import Settings

__all__ = ["Loaded", "Source", "load", "parse_source"]


@dataclass(frozen=True, slots=True)
class Source:
    """A file, which of its models is wanted, and under which names its rows go on.

    Parameters
    ----------
    path : str
        A file, or ``-`` for standard input.
    model : str or None
        Only rows of this model.
    stream, name : str or None
        What the rows' stream and model are called from here on; None keeps them.
    """

    path: str
    model: str | None = None
    stream: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """Observations, what became of the rows, and what the reader must know."""

    observations: Observations
    rows: RowSummary
    warnings: tuple[str, ...]


def parse_source(text: str) -> Source:
    """Read ``FILE`` or ``FILE#MODEL``; a file whose own name holds ``#`` is taken as it is.

    Examples
    --------
    >>> parse_source("run.jsonl#tuned").model
    'tuned'
    """
    if "#" in text and not Path(text).exists():
        path, _, model = text.rpartition("#")
        return Source(path, model)
    return Source(text)


def load(
    sources: Sequence[Source],
    settings: Settings,
    *,
    file_format: Format | None = None,
    bad_rows: Path | None = None,
    partial: bool = False,
    examples: int = 5,
) -> Loaded:
    """Read sources into one set of observations.

    Parameters
    ----------
    sources : sequence of Source
    settings : Settings
        Of which taxonomy, assume_utc, max_bad, groups and seed are used.
    file_format : str, optional
        Where the file's name does not tell.
    bad_rows : Path, optional
        Where bad rows go.
    partial : bool
        Whether the rows before the damage of a damaged file are used; otherwise damage is an error.
    examples : int
        Example texts kept of each model and category.

    Returns
    -------
    Loaded

    Raises
    ------
    NotEnoughData
        If there is no row at all, or none can be used.
    FileFormatError
        If a file is damaged and `partial` is false.
    """
    rng = np.random.default_rng([settings.seed, 1])
    warnings: list[str] = []
    paths = [Path(bad_rows or quarantine_path(one.path)) for one in sources]
    quarantines = {path: Quarantine(path, max_bad=settings.max_bad) for path in paths}
    open_now: list[Quarantine] = []
    builder = ObservationsBuilder(
        taxonomy=load_taxonomy(settings.taxonomy),
        bad=lambda row: open_now[-1].add(row),
        assume_utc=settings.assume_utc,
        examples=examples,
        rng=rng,
    )
    read = 0
    with ExitStack() as stack:
        for quarantine in quarantines.values():
            stack.enter_context(quarantine)
        for number, (source, path) in enumerate(zip(sources, paths, strict=True)):
            open_now.append(quarantines[path])
            counted = _Counter(read_rows(source.path, file_format=file_format))
            shaped = _Counter(_shaped(counted, source, settings, scope=f"{number}:" if len(sources) > 1 else ""))
            try:
                builder.add_rows(shaped)
            except FileFormatError as damage:
                if not partial:
                    raise FileFormatError(
                        f"{damage}; {counted.rows} rows were read before that: --partial uses them"
                    ) from damage
                warnings.append(f"{damage}; the {counted.rows} rows before that are used")
            read += counted.rows
            if source.model is not None and counted.rows and not shaped.rows:
                raise InvalidInput(f"{source.path}: none of {counted.rows} rows is of the model {source.model}")
        observations = builder.build()
    found = [one for one in quarantines.values() if one.count]
    warnings += [f"{one.describe()}; all of them are in {one.path}" for one in found]
    names = ", ".join(source.path for source in sources)
    first_bad = found[0].first[0] if found else None
    _refuse_nothing(names, sources, read, len(observations), first_bad)
    bad = sum(one.count for one in found)
    rows = RowSummary(read, len(observations), bad, builder.duplicates, 0, str(found[0].path) if found else None)
    if builder.duplicates:
        warnings.append(f"{builder.duplicates} rows repeat another row's id and content and are counted once")
    return Loaded(observations, rows, tuple(warnings))


def _refuse_nothing(names: str, sources: Sequence[Source], read: int, used: int, first_bad: BadRow | None) -> None:
    if used:
        return
    if not read:
        raise NotEnoughData(f"{names} is empty: there is no row; give a file with one response a line")
    if first_bad is not None:
        raise NotEnoughData(
            f"{names}: none of {read} rows can be used; the first bad one is line {first_bad.line}: {first_bad.reason}"
        )
    models = [source.model for source in sources if source.model]
    raise InvalidInput(f"{names}: none of {read} rows is of the model {', '.join(models) or 'asked for'}")


class _Counter:
    """Counts rows as they pass."""

    def __init__(self, rows: Iterable[Row | BadRow]) -> None:
        self.rows = 0
        self._source = rows

    def __iter__(self) -> Iterator[Row | BadRow]:
        for row in self._source:
            self.rows += 1
            yield row


def _shaped(rows: Iterable[Row | BadRow], source: Source, settings: Settings, *, scope: str) -> Iterable[Row | BadRow]:
    """Choose, rename and regroup rows, and keep ids apart between files; the plain case passes them untouched."""
    regroup = settings.groups == "prompt"
    if source.model is source.stream is source.name is None and not regroup and not scope:
        return rows
    return _renamed(plain_rows(rows), source, regroup=regroup, scope=scope)


def _renamed(rows: Iterable[Row | BadRow], source: Source, *, regroup: bool, scope: str) -> Iterator[Row | BadRow]:
    first_model: object = None
    for number, row in enumerate(rows):
        if isinstance(row, BadRow):
            yield row
            continue
        if source.name is not None and source.model is None:
            model = row.value.get("model")
            first_model = model if number == 0 else first_model
            if model is not None and first_model is not None and model != first_model:
                raise InvalidInput(
                    f"{source.path} holds several models ({first_model}, {model}); name one: {source.path}#{model}"
                )
        value: dict[str, Any] = dict(row.value)
        if source.model is not None and str(value.get("model")) != source.model:
            continue
        if source.stream is not None:
            value["stream"] = source.stream
        if source.name is not None:
            value["model"] = source.name
        if scope and value.get("id") is not None:
            value["id"] = f"{scope}{value['id']}"
        if regroup:
            value.pop("conversation_id", None)
        yield Row(row.line, value)
