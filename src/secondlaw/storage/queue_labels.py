"""The transaction in which waiting events get their labels: off the queue, into the counts, texts kept or dropped."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, bindparam, select, update

from secondlaw.behavior.hashing import group_hash
from secondlaw.errors import InvalidInput
from secondlaw.storage.arriving import NAME_CHARACTERS, kept_event
from secondlaw.storage.counting import Tally
from secondlaw.storage.database import Database
from secondlaw.storage.identities import signed
from secondlaw.storage.instants import micros_of
from secondlaw.storage.names import KnownStream
from secondlaw.storage.placing import category_code
from secondlaw.storage.plain_text import plain_text
from secondlaw.storage.poisoning import leave_queue
from secondlaw.storage.schema import human_labels, streams
from secondlaw.storage.text_keeping import Offered, keep_texts

__all__ = ["Label", "count_labelled"]


class Label(NamedTuple):
    """A category, and the probabilities where they are known."""

    category: str
    probs: Mapping[str, float] | None


def count_labelled(
    connection: Connection,
    database: Database,
    rows: Sequence[Row[Any]],
    labels: Mapping[int, Label],
    *,
    classifier: str,
) -> None:
    """Count rows of the queue by their labels and take them off it.

    Raises
    ------
    InvalidInput
        If a label is no category of its stream.
    """
    if not classifier or len(classifier) > NAME_CHARACTERS:
        raise InvalidInput(f"a classifier is named by 1 to {NAME_CHARACTERS} characters, got {len(classifier)}")
    names = database.names(connection)
    known = _streams(connection, {row.stream_id for row in rows})
    now = database.now(connection)
    tally = Tally()
    offered: list[Offered] = []
    labelled: list[dict[str, Any]] = []
    for row in rows:
        stream, label, event = known[row.stream_id], labels[row.id], kept_event(row.event)
        category = category_code(label.category, stream.settings.keys)
        model, prompt_set = plain_text(event.model), plain_text(str(event.extra.get("prompt_set") or ""))
        number = names.series_number(connection, (stream.id, model, prompt_set, event.intent, classifier))
        if number is None:
            raise InvalidInput(f"the stream {stream.name!r} takes no more series")
        cluster = signed(group_hash(event.group))
        tally.count(number, row.window, cluster, category)
        probs = None if label.probs is None else json.dumps({key: float(p) for key, p in label.probs.items()})
        at = row.queued_at if event.ts is None else micros_of(event.ts)
        texts = (event.prompt, event.response)
        place = (stream, row.window, category, number, cluster)
        offered.append(Offered(*place, row.hash, plain_text(event.id), at, *texts, probs))
        labelled.append({"s": stream.id, "h": row.hash, "machine": category, "number": number, "given": probs})
    tally.write(connection, database.backend)
    keep_texts(connection, database, offered, now=now)
    connection.execute(_MACHINE, labelled)
    leave_queue(connection, rows)


def _streams(connection: Connection, ids: set[int]) -> dict[int, KnownStream]:
    rows = connection.execute(select(streams.c.id, streams.c.name, streams.c.settings).where(streams.c.id.in_(ids)))
    return {row.id: KnownStream.of(row) for row in rows}


_MACHINE = (
    update(human_labels)
    .where(human_labels.c.stream_id == bindparam("s"), human_labels.c.hash == bindparam("h"))
    .where(human_labels.c.machine_label.is_(None))
    .values(machine_label=bindparam("machine"), series_id=bindparam("number"), label_probs=bindparam("given"))
)
"""A person's label that came with the event learns what the machine said."""
