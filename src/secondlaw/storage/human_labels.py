"""Labels that people give, and which of them are a random sample."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from secondlaw.errors import InvalidInput, NotFound
from secondlaw.storage.arriving import NAME_CHARACTERS
from secondlaw.storage.database import Database
from secondlaw.storage.events import within
from secondlaw.storage.identities import unsigned
from secondlaw.storage.instants import instant_of
from secondlaw.storage.names import KnownStream, stream_of
from secondlaw.storage.placing import category_code
from secondlaw.storage.plain_text import plain_text
from secondlaw.storage.schema import human_labels, series, text_strata, texts
from secondlaw.storage.stored_texts import StoredText, category_name, labelling_order
from secondlaw.storage.text_keeping import WHOLE

__all__ = ["HumanLabel", "HumanLabels", "LabelledSample"]


@dataclass(frozen=True, slots=True)
class HumanLabel:
    """A person's label of a response, beside the machine's.

    Parameters
    ----------
    event : str
        Hash of the event's id.
    label : str or None
        Category, ``"outside"``, or None: the annotator could not say.
    machine_label : str or None
        None while the classifier has not seen it.
    priority : float or None
        Its place in the random order; None: the label came with the event.
    inclusion_probability : float or None
        As stated by the event that the label came with; for labels given here, see :meth:`HumanLabels.sample`.
    """

    id: int
    event: str
    stream: str
    model: str
    prompt_set: str
    intent: str
    classifier: str
    window: int
    cluster: int
    label: str | None
    machine_label: str | None
    label_probs: Mapping[str, float] | None
    annotator: str
    at: datetime
    seconds: float | None
    priority: float | None
    inclusion_probability: float | None


@dataclass(frozen=True, slots=True)
class LabelledSample:
    """Labels that form a uniform random sample of the texts of a period.

    Parameters
    ----------
    labels : tuple of HumanLabel
        Of all events whose priority is below the inclusion probability; an event that several annotators labelled has
        several. Those who could not say are among them, with label None.
    inclusion_probability : float
        With which each text of the period came into the sample, given the threshold.
    population : int
        Texts of the period, labelled by the machine, that the sample is of.
    left_out : int
        Labels of the period that are no part of the sample: labelled out of order, or chosen otherwise.
    """

    labels: tuple[HumanLabel, ...]
    inclusion_probability: float
    population: int
    left_out: int


class HumanLabels:
    """The labels of people in a store."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def to_label(
        self, stream: str, windows: range | None = None, *, annotator: str, limit: int = 20
    ) -> tuple[StoredText, ...]:
        """Return what an annotator should label next: the uniform sample of the period in one random order.

        Whoever labels in this order may stop at any time: what was labelled is a uniform random sample of the period.
        """
        with self._db.reading() as connection:
            known = stream_of(connection, stream)
            return labelling_order(connection, known, windows, annotator=annotator, limit=limit)

    def add(
        self, stream: str, text: int, *, label: str | None, annotator: str, seconds: float | None = None
    ) -> HumanLabel:
        """Label a stored text; an annotator who labels it again changes the label.

        Parameters
        ----------
        stream : str
        text : int
            Its number.
        label : str or None
            Category, ``"outside"``, or None: cannot say.
        annotator : str
        seconds : float, optional
            Time that it took.

        Raises
        ------
        NotFound
            If there is no such text any more.
        """
        by = plain_text(annotator)
        if not by or len(by) > NAME_CHARACTERS:
            raise InvalidInput(f"an annotator has a name of 1 to {NAME_CHARACTERS} characters, got {annotator[:80]!r}")

        def work(connection: Connection) -> HumanLabel:
            known = stream_of(connection, stream)
            found = connection.execute(select(texts).where(texts.c.stream_id == known.id, texts.c.id == text)).first()
            if found is None:
                raise NotFound(f"there is no text {text} in the stream {stream!r} (any more)")
            said = {
                "label": None if label is None else category_code(label, known.settings.keys),
                "at": self._db.now(connection), "seconds": seconds, "machine_label": found.category,
                "label_probs": found.label_probs, "series_id": found.series_id, "priority": found.priority,
            }  # fmt: skip
            key = {"stream_id": known.id, "hash": found.hash, "annotator": by}
            made = self._db.backend.insert(human_labels).values(
                **key, **said, window=found.window, cluster=found.cluster
            )
            connection.execute(made.on_conflict_do_update(index_elements=list(key), set_=said))
            same = [human_labels.c[name] == value for name, value in key.items()]
            return _label(connection.execute(_labels(known, None).where(*same)).one(), known)

        return self._db.write(work)

    def list(
        self, stream: str, windows: range | None = None, *, annotator: str | None = None
    ) -> tuple[HumanLabel, ...]:
        """Return labels in the order in which they were first given."""
        with self._db.reading() as connection:
            known = stream_of(connection, stream)
            wanted = _labels(known, windows, annotator=annotator)
            return tuple(_label(row, known) for row in connection.execute(wanted.order_by(human_labels.c.id)))

    def sample(self, stream: str, windows: range | None = None, *, annotator: str | None = None) -> LabelledSample:
        """Return the labels that form a uniform random sample of a period.

        The sample is of all texts whose priority is below t, the smallest priority of the period that was turned away
        or is not labelled yet; each text is in it with probability t. What was labelled beyond t is left out.

        Parameters
        ----------
        stream : str
        windows : range, optional
        annotator : str, optional
            One person's labels; by default those of all, a text being labelled when one of them has labelled it.
        """
        with self._db.reading() as connection:
            known = stream_of(connection, stream)
            wanted = _labels(known, windows, annotator=annotator).order_by(human_labels.c.priority, human_labels.c.id)
            given = [_label(row, known) for row in connection.execute(wanted)]
            bound = _first_unlabelled(connection, known, windows, annotator)
            population = connection.execute(_of_period(func.sum(text_strata.c.seen), known, windows)).scalar()
        inside = tuple(one for one in given if one.priority is not None and one.priority < bound)
        return LabelledSample(inside, bound, int(population or 0), len(given) - len(inside))


def _first_unlabelled(
    connection: Connection, stream: KnownStream, windows: range | None, annotator: str | None
) -> float:
    """Return the smallest priority of the period that was turned away or has no label."""
    done = select(human_labels.c.hash).where(human_labels.c.stream_id == stream.id)
    if annotator is not None:
        done = done.where(human_labels.c.annotator == annotator)
    kept = select(func.min(texts.c.priority)).where(
        texts.c.stream_id == stream.id, texts.c.hash.not_in(done), *within(texts.c.window, windows)
    )
    # A text that somebody else labelled may be gone by now.
    by_others = select(func.min(human_labels.c.priority)).where(
        human_labels.c.stream_id == stream.id, human_labels.c.hash.not_in(done),
        *within(human_labels.c.window, windows),
    )  # fmt: skip
    turned_away = _of_period(func.min(text_strata.c.threshold), stream, windows)
    found = [connection.execute(wanted).scalar() for wanted in (kept, by_others, turned_away)]
    return min((float(value) for value in found if value is not None), default=1.0)


def _of_period(value: Any, stream: KnownStream, windows: range | None) -> Select[Any]:  # noqa: ANN401 - an SQL expression
    return select(value).where(
        text_strata.c.stream_id == stream.id,
        text_strata.c.category == WHOLE,
        *within(text_strata.c.window, windows),
    )


def _labels(stream: KnownStream, windows: range | None, *, annotator: str | None = None) -> Select[Any]:
    columns = (series.c.model, series.c.prompt_set, series.c.intent, series.c.classifier)
    wanted = (
        select(human_labels, *columns)
        .join(series, series.c.id == human_labels.c.series_id)
        .where(human_labels.c.stream_id == stream.id, *within(human_labels.c.window, windows))
    )
    return wanted if annotator is None else wanted.where(human_labels.c.annotator == annotator)


def _label(row: Row[Any], stream: KnownStream) -> HumanLabel:
    keys = stream.settings.keys
    return HumanLabel(
        id=row.id,
        event=bytes(row.hash).hex(),
        stream=stream.name,
        model=row.model,
        prompt_set=row.prompt_set,
        intent=row.intent,
        classifier=row.classifier,
        window=row.window,
        cluster=unsigned(row.cluster),
        label=None if row.label is None else category_name(row.label, keys),
        machine_label=None if row.machine_label is None else category_name(row.machine_label, keys),
        label_probs=None if row.label_probs is None else json.loads(row.label_probs),
        annotator=row.annotator,
        at=instant_of(row.at),
        seconds=row.seconds,
        priority=row.priority,
        inclusion_probability=row.inclusion_probability,
    )
