"""Rows as they are sent, made into events of the store; what cannot be one is rejected with its place and reason."""

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from secondlaw.behavior import FIVE, Taxonomy, Transcript, plain_rows, to_transcript
from secondlaw.behavior.classifiers.told_share import under_share
from secondlaw.errors import InvalidInput, NotFound
from secondlaw.formats import BadRow, Row
from secondlaw.service.evaluation_settings import taxonomy_of
from secondlaw.storage import Store

__all__ = ["Ingest", "Taken", "rows_of_body"]

REMEMBERED = 10.0
"""Seconds for which a stream's categories are not looked up again."""
SHOWN = 100
"""Rejections that an answer names."""


@dataclass(slots=True)
class Taken:
    """What became of the rows of a request.

    Parameters
    ----------
    rows : int
        Rows read.
    accepted, duplicates, late, queued, no_text : int
        See :class:`secondlaw.storage.Accepted`.
    without_id : int
        Events that state no id: sent again, they would be counted again.
    rejected : int
    reasons : list of dict
        Place and reason of the first that were rejected.
    """

    rows: int = 0
    accepted: int = 0
    duplicates: int = 0
    late: int = 0
    queued: int = 0
    no_text: int = 0
    without_id: int = 0
    rejected: int = 0
    reasons: list[dict[str, Any]] = field(default_factory=list)

    def reject(self, index: int, reason: str) -> None:
        """Count a row that was rejected."""
        self.rejected += 1
        if len(self.reasons) < SHOWN:
            self.reasons.append({"index": index, "reason": reason})

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}


class Ingest:
    """Puts rows into a store.

    Parameters
    ----------
    store : Store
    arrived : callable
        Called when events wait for their label.
    monotonic : callable
        Seconds that never go back.
    share : float or None
        Share of harmful requests under which labels of the classifiers that ship are taken, as those made here are.
    """

    def __init__(
        self,
        store: Store,
        *,
        arrived: Callable[[], object] = lambda: None,
        monotonic: Callable[[], float] = time.monotonic,
        share: float | None = None,
    ) -> None:
        self._share = share
        self._store, self._arrived, self._monotonic = store, arrived, monotonic
        self._taxonomies: dict[str, tuple[float, Taxonomy]] = {}
        self._lock = threading.Lock()

    def take(
        self,
        rows: Sequence[Any],
        *,
        permits: Callable[[str], bool],
        taken: Taken | None = None,
        stream: str | None = None,
    ) -> Taken:
        """Store rows, all in one transaction.

        Parameters
        ----------
        rows : sequence
            JSON values, each an event in the row format.
        permits : callable
            Whether the caller may write to a stream.
        taken : Taken, optional
            What earlier parts of the request came to; added to.
        stream : str, optional
            Stream of rows that name none.

        Returns
        -------
        Taken

        Raises
        ------
        StorageError
            If they could not be stored; none of these rows was.
        """
        found = taken if taken is not None else Taken()
        events: list[Transcript] = []
        places: list[int] = []
        refused: list[tuple[int, str]] = []
        without_id = 0
        for place, row in enumerate(rows, found.rows):
            for one in self._events(row, place, stream):
                if isinstance(one, str):
                    refused.append((place, one))
                elif not permits(one.stream):
                    refused.append((place, f"this token may not write to the stream {one.stream!r}"))
                else:
                    events.append(one)
                    places.append(place)
                    without_id += isinstance(row, dict) and row.get("id") is None and "custom_id" not in row
        if events:
            stored = self._store.events.add(events)
            if stored.queued:
                self._arrived()
            for name in ("accepted", "duplicates", "late", "queued", "no_text"):
                setattr(found, name, getattr(found, name) + getattr(stored, name))
            refused += [(places[rejected.index], rejected.reason) for rejected in stored.rejected]
        for place, reason in sorted(refused):
            found.reject(place, reason)
        found.rows += len(rows)
        found.without_id += without_id
        return found

    def _events(self, row: Any, place: int, stream: str | None) -> list[Transcript | str]:  # noqa: ANN401 - JSON
        if isinstance(row, BadRow):
            return [row.reason]
        if not isinstance(row, dict):
            return ["an event is a JSON object"]
        if stream is not None and "stream" not in row:
            row = row | {"stream": stream}
        found: list[Transcript | str] = []
        for one in plain_rows([Row(place, row)]):
            if isinstance(one, BadRow):
                found.append(one.reason)
                continue
            try:
                taxonomy = self._taxonomy(one.value.get("stream"))
                event = under_share(to_transcript(one.value, taxonomy=taxonomy), self._share, taxonomy)
            except InvalidInput as error:
                found.append(str(error))
                continue
            if one.value.get("id") is None:  # equal answers are different events
                event = replace(event, id=f"unnamed-{uuid.uuid4()}")
            found.append(event)
        return found

    def _taxonomy(self, stream: Any) -> Taxonomy:  # noqa: ANN401 - as sent
        name = stream if isinstance(stream, str) else "default"
        now = self._monotonic()
        with self._lock:
            known = self._taxonomies.get(name)
        if known is not None and now - known[0] < REMEMBERED:
            return known[1]
        try:
            found = taxonomy_of(self._store.streams.get(name).settings)
        except (NotFound, InvalidInput):
            found = FIVE
        with self._lock:
            if len(self._taxonomies) > 20_000:
                self._taxonomies.clear()
            self._taxonomies[name] = (now, found)
        return found


def rows_of_body(body: bytes) -> list[Any]:
    """Return the rows of a JSON body: one event, a list of events, or an object that holds ``events``.

    Raises
    ------
    InvalidInput
        If it is no JSON.

    Examples
    --------
    >>> rows_of_body(b'{"events": [{"id": "a"}, {"id": "b"}]}')
    [{'id': 'a'}, {'id': 'b'}]
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"the body is no JSON: {error}; many events one a line are application/x-ndjson") from error
    if isinstance(value, dict) and isinstance(value.get("events"), list):
        return list(value["events"])
    if isinstance(value, list):
        return value
    return [value]
