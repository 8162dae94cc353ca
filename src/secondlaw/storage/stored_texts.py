"""Reading the texts that are kept."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from secondlaw.behavior.taxonomy import OUTSIDE
from secondlaw.errors import NotFound
from secondlaw.storage.database import Database
from secondlaw.storage.events import within
from secondlaw.storage.identities import unsigned
from secondlaw.storage.instants import instant_of
from secondlaw.storage.names import KnownStream, stream_of
from secondlaw.storage.placing import category_code
from secondlaw.storage.schema import human_labels, series, text_strata, texts
from secondlaw.storage.text_keeping import WHOLE

__all__ = ["StoredText", "Texts", "category_name", "labelling_order", "text_of", "texts_of"]


@dataclass(frozen=True, slots=True)
class StoredText:
    """A response that was kept, masked.

    Parameters
    ----------
    id : int
        Its number in the store.
    event : str
        The event's id, as it was sent.
    stream, model, prompt_set, intent, classifier, category : str
        The classifier's label is `category`, or ``"outside"``.
    window : int
    at : datetime
        When the response was given, or received.
    cluster : int
        Hash of its prompt or conversation.
    prompt, response : str
    label_probs : mapping or None
    priority : float
        Its place in the random order, uniform on [0, 1).
    inclusion_probability : float or None
        With which it came into the uniform sample of its window; None: it is kept only as an example of its category.
    """

    id: int
    event: str
    stream: str
    model: str
    prompt_set: str
    intent: str
    classifier: str
    category: str
    window: int
    at: datetime
    cluster: int
    prompt: str
    response: str
    label_probs: Mapping[str, float] | None
    priority: float
    inclusion_probability: float | None


class Texts:
    """The texts of a store."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def read(
        self,
        stream: str,
        windows: range | None = None,
        *,
        category: str | None = None,
        model: str | None = None,
        limit: int = 20,
        sampled_only: bool = False,
    ) -> tuple[StoredText, ...]:
        """Return texts in random order: the first n are a uniform random choice among those of the category.

        Parameters
        ----------
        stream : str
        windows : range, optional
        category, model : str, optional
        limit : int
        sampled_only : bool
            Whether to leave out those kept only as examples of their category.
        """
        with self._db.reading() as connection:
            known = stream_of(connection, stream)
            wanted = texts_of(known, windows).order_by(texts.c.priority).limit(limit)
            if category is not None:
                wanted = wanted.where(texts.c.category == category_code(category, known.settings.keys))
            if model is not None:
                wanted = wanted.where(series.c.model == model)
            if sampled_only:
                wanted = wanted.where(texts.c.priority < text_strata.c.threshold)
            return tuple(text_of(row, known) for row in connection.execute(wanted))

    def get(self, stream: str, text: int) -> StoredText:
        """Return a text of a stream by its number.

        Raises
        ------
        NotFound
            If there is none: it may have been deleted after the days that texts are kept.
        """
        with self._db.reading() as connection:
            known = stream_of(connection, stream)
            row = connection.execute(texts_of(known, None).where(texts.c.id == text)).first()
            if row is None:
                raise NotFound(f"there is no text {text} in the stream {stream!r} (any more)")
            return text_of(row, known)


def texts_of(stream: KnownStream, windows: range | None) -> Select[Any]:
    """Return the query for a stream's texts with their series and their windows' thresholds."""
    whole = (
        (text_strata.c.stream_id == texts.c.stream_id)
        & (text_strata.c.window == texts.c.window)
        & (text_strata.c.category == WHOLE)
    )
    columns = (series.c.model, series.c.prompt_set, series.c.intent, series.c.classifier, text_strata.c.threshold)
    return (
        select(texts, *columns)
        .join(series, series.c.id == texts.c.series_id)
        .join(text_strata, whole)
        .where(texts.c.stream_id == stream.id, *within(texts.c.window, windows))
    )


def labelling_order(
    connection: Connection, stream: KnownStream, windows: range | None, *, annotator: str, limit: int
) -> tuple[StoredText, ...]:
    """Return the texts of the uniform sample that an annotator has not labelled, in the random order of the period."""
    done = select(human_labels.c.hash).where(
        human_labels.c.stream_id == stream.id, human_labels.c.annotator == annotator
    )
    wanted = texts_of(stream, windows).where(texts.c.priority < text_strata.c.threshold, texts.c.hash.not_in(done))
    return tuple(text_of(row, stream) for row in connection.execute(wanted.order_by(texts.c.priority).limit(limit)))


def text_of(row: Row[Any], stream: KnownStream) -> StoredText:
    """Return a row of :func:`texts_of` as a text."""
    return StoredText(
        id=row.id,
        event=row.event_id,
        stream=stream.name,
        model=row.model,
        prompt_set=row.prompt_set,
        intent=row.intent,
        classifier=row.classifier,
        category=category_name(row.category, stream.settings.keys),
        window=row.window,
        at=instant_of(row.at),
        cluster=unsigned(row.cluster),
        prompt=row.prompt,
        response=row.response,
        label_probs=None if row.label_probs is None else json.loads(row.label_probs),
        priority=row.priority,
        inclusion_probability=row.threshold if row.priority < row.threshold else None,
    )


def category_name(code: int, keys: tuple[str, ...]) -> str:
    """Return the key of a category by its number; K is *outside*."""
    return OUTSIDE if code == len(keys) else keys[code]
