"""The counts of a store: read, and added to by other stores, which is how stores are merged."""

from sqlalchemy import Connection, insert, select

from secondlaw.behavior.counts import Counts
from secondlaw.errors import InvalidInput
from secondlaw.storage.count_reading import latest_totals, read_counts, read_totals, summed_counts
from secondlaw.storage.counting import Tally
from secondlaw.storage.database import Database
from secondlaw.storage.identities import signed
from secondlaw.storage.names import KnownStream, Names, stream_of
from secondlaw.storage.plain_text import plain_text
from secondlaw.storage.schema import merged_sources, streams
from secondlaw.storage.settings import StreamSettings
from secondlaw.storage.streams import checked_name
from secondlaw.storage.totals import Totals

__all__ = ["KeptCounts"]


class KeptCounts:
    """The counts of a store."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def read(
        self,
        stream: str,
        windows: range | None = None,
        *,
        model: str | None = None,
        prompt_set: str | None = None,
        intent: str | None = None,
        classifier: str | None = None,
    ) -> Counts:
        """Return counts with their clusters; windows that were compacted have none (``Stream.compacted_before``).

        Parameters
        ----------
        stream : str
        windows : range, optional
            Numbers of windows since 1970, or steps; by default all.
        model, prompt_set, intent, classifier : str, optional
            Only those; by default all.

        Raises
        ------
        NotFound
            If there is no such stream.
        """
        chosen = {"model": model, "prompt_set": prompt_set, "intent": intent, "classifier": classifier}
        with self._db.reading() as connection:
            return read_counts(connection, stream_of(connection, stream), windows, chosen)

    def totals(
        self,
        stream: str,
        windows: range | None = None,
        *,
        model: str | None = None,
        prompt_set: str | None = None,
        intent: str | None = None,
        classifier: str | None = None,
    ) -> Totals:
        """Return counts summed over clusters; arguments as of :meth:`read`."""
        chosen = {"model": model, "prompt_set": prompt_set, "intent": intent, "classifier": classifier}
        with self._db.reading() as connection:
            return read_totals(connection, stream_of(connection, stream), windows, chosen)

    def latest(self, last: int = 48) -> dict[str, Totals]:
        """Return the totals of the last windows of every stream, those without counts included."""
        with self._db.reading() as connection:
            return latest_totals(connection, last)

    def sums(self) -> dict[str, dict[str, dict[int, int]]]:
        """Return how many responses were ever counted, by stream, model and number of the category.

        Categories are numbered as in the stream's settings, *outside* comes after them; those without any are left out.
        """
        with self._db.reading() as connection:
            return summed_counts(connection)

    def add(self, counts: Counts, *, source: str | None = None, who: str = "") -> bool:
        """Add counts, all or none; streams that are new are made with the counts' categories and windows.

        Parameters
        ----------
        counts : Counts
            Of one or several streams.
        source : str, optional
            What they come from, such as a file's hash: what has a source is added once.
        who : str
            Who adds them, for the record.

        Returns
        -------
        bool
            False if the source had been added before; then nothing happens.

        Raises
        ------
        InvalidInput
            If categories or windows are not those of the stream.
        """

        def work(connection: Connection) -> bool:
            now = self._db.now(connection)
            if source is not None:
                done = select(merged_sources.c.source).where(merged_sources.c.source == source)
                if connection.execute(done).first() is not None:
                    return False
                values = {"source": source, "at": now, "who": who, "n": counts.total}
                connection.execute(insert(merged_sources).values(**values))
            names = self._db.names(connection)
            tally, latest = _tally(connection, names, counts, now)
            tally.write(connection, self._db.backend)
            for stream, window in sorted(latest.items()):
                newer = (streams.c.latest_window.is_(None)) | (streams.c.latest_window < window)
                connection.execute(streams.update().where(streams.c.id == stream, newer).values(latest_window=window))
            return True

        return self._db.write(work)


def _tally(connection: Connection, names: Names, counts: Counts, now: int) -> tuple[Tally, dict[int, int]]:
    """Turn a table into what is added, and the latest window of each stream."""
    known = [_stream(connection, names, plain_text(name), counts, now) for name in counts.names[0]]
    tally, latest = Tally(), dict[int, int]()
    numbers: dict[tuple[int, ...], int] = {}
    rows = zip(
        counts.codes.tolist(), counts.windows.tolist(), counts.clusters.tolist(), counts.table.tolist(), strict=True
    )
    for codes, window, cluster, table in rows:
        stream, key = known[codes[0]], tuple(codes)
        if key not in numbers:
            texts = [plain_text(counts.names[k][codes[k]]) for k in range(1, 5)]
            number = names.series_number(connection, (stream.id, texts[0], texts[1], texts[2], texts[3]))
            if number is None:
                raise InvalidInput(f"the stream {stream.name!r} takes no more series")
            numbers[key] = number
        for category, n in enumerate(table):
            if n:
                tally.count(numbers[key], window, signed(cluster), category, n)
                tally.arrived(stream.id, window, received=n)
        latest[stream.id] = max(latest.get(stream.id, window), window)
    return tally, latest


def _stream(connection: Connection, names: Names, name: str, counts: Counts, now: int) -> KnownStream:
    known = names.stream(connection, name)
    if known is None:
        settings = StreamSettings(keys=counts.keys, every=counts.every)
        known = names.new_stream(connection, checked_name(name), settings, at=now)
    if (known.settings.keys, known.settings.every) != (counts.keys, counts.every):
        raise InvalidInput(
            f"the stream {name!r} counts {known.settings.keys} in windows of {known.settings.every} s, these counts "
            f"are of {counts.keys} in windows of {counts.every} s and cannot be added; name another stream"
        )
    return known
