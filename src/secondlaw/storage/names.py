"""Numbers of streams and series, remembered so that an event costs no look-up of its names.

What is remembered is thrown away when a transaction is undone, and when the store's *names version* has moved: every
change or deletion of a stream, by whichever process, moves it.
"""

import json
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import Connection, func, select, update

from secondlaw.errors import NotFound
from secondlaw.storage.backend import Backend
from secondlaw.storage.schema import meta, series, streams
from secondlaw.storage.settings import StreamSettings, Texts

__all__ = ["KnownStream", "Names", "SeriesNames", "move_names", "stream_of"]

VERSION = "names_version"


@dataclass(frozen=True, slots=True)
class KnownStream:
    """A stream's number and settings."""

    id: int
    name: str
    settings: StreamSettings

    @classmethod
    def of(cls, row: Any) -> Self:  # noqa: ANN401 - a row
        """Build from a row of the streams."""
        return cls(row.id, row.name, StreamSettings.from_dict(json.loads(row.settings)))


SeriesNames = tuple[int, str, str, str, str]
"""Stream's number, model, prompt set, intent, classifier."""


class Names:
    """Streams and series by name, for one writer at a time.

    Parameters
    ----------
    backend : Backend
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._version: str | None = None
        self._streams: dict[str, KnownStream] = {}
        self._series: dict[SeriesNames, int] = {}
        self._series_of: dict[int, int] = {}

    def forget(self) -> None:
        """Forget everything."""
        self._version = None
        self._streams.clear()
        self._series.clear()
        self._series_of.clear()

    def begin(self, connection: Connection) -> None:
        """Start a transaction: forget what another process has changed, and keep names as they are until its end."""
        wanted = self._backend.shared(select(meta.c.value).where(meta.c.name == VERSION))
        version = connection.execute(wanted).scalar()
        if version != self._version:
            self.forget()
            self._version = version

    def texts_of(self, name: str) -> Texts | None:
        """Return what a remembered stream keeps of texts."""
        known = self._streams.get(name)
        return None if known is None else known.settings.retention.texts

    def stream(self, connection: Connection, name: str) -> KnownStream | None:
        """Return a stream, None if there is none of that name."""
        if name not in self._streams:
            known = _read(connection, name)
            if known is None:
                return None
            self._streams[name] = known
        return self._streams[name]

    def new_stream(self, connection: Connection, name: str, settings: StreamSettings, *, at: int) -> KnownStream:
        """Return a stream, made where there is none of that name."""
        values = {"name": name, "settings": json.dumps(settings.to_dict()), "created_at": at}
        connection.execute(self._backend.insert(streams).values(**values).on_conflict_do_nothing())
        made = self.stream(connection, name)
        if made is None:
            raise NotFound(f"the stream {name!r} was deleted while it was made; try again")
        return made

    def count_streams(self, connection: Connection) -> int:
        """Return how many streams the store has."""
        return int(connection.execute(select(func.count()).select_from(streams)).scalar_one())

    def series_number(self, connection: Connection, names: SeriesNames, *, most: int | None = None) -> int | None:
        """Return the number of a series, made where there is none; None where the stream has `most` of them already."""
        if names not in self._series:
            found = _series_id(connection, names)
            if found is None:
                if most is not None and self._many(connection, names[0]) >= most:
                    return None
                row = dict(zip(("stream_id", "model", "prompt_set", "intent", "classifier"), names, strict=True))
                connection.execute(self._backend.insert(series).values(**row).on_conflict_do_nothing())
                self._series_of[names[0]] = self._many(connection, names[0]) + 1
                found = _series_id(connection, names)
            if found is None:
                raise NotFound(f"a series of stream {names[0]} was deleted while it was made; try again")
            self._series[names] = found
        return self._series[names]

    def _many(self, connection: Connection, stream: int) -> int:
        if stream not in self._series_of:
            wanted = select(func.count()).select_from(series).where(series.c.stream_id == stream)
            self._series_of[stream] = int(connection.execute(wanted).scalar_one())
        return self._series_of[stream]


def move_names(connection: Connection) -> None:
    """Say that names or settings have changed: waits for transactions that rely on them, and holds up new ones."""
    value = connection.execute(select(meta.c.value).where(meta.c.name == VERSION).with_for_update()).scalar_one()
    connection.execute(update(meta).where(meta.c.name == VERSION).values(value=str(int(value) + 1)))


def stream_of(connection: Connection, name: str) -> KnownStream:
    """Return a stream by its name, read anew.

    Raises
    ------
    NotFound
        If there is none.
    """
    known = _read(connection, name)
    if known is None:
        raise NotFound(f"there is no stream {name!r}")
    return known


def _read(connection: Connection, name: str) -> KnownStream | None:
    columns = (streams.c.id, streams.c.name, streams.c.settings)
    row = connection.execute(select(*columns).where(streams.c.name == name)).first()
    return None if row is None else KnownStream.of(row)


def _series_id(connection: Connection, names: SeriesNames) -> int | None:
    stream, model, prompt_set, intent, classifier = names
    wanted = select(series.c.id).where(
        series.c.stream_id == stream,
        series.c.model == model,
        series.c.prompt_set == prompt_set,
        series.c.intent == intent,
        series.c.classifier == classifier,
    )
    found: int | None = connection.execute(wanted).scalar()
    return found
