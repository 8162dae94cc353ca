"""Processes that judge events: each holds a classifier, and ends with the service."""

import multiprocessing
import os
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, NamedTuple

from secondlaw.behavior.classifiers import Classifier
from secondlaw.behavior.taxonomy import Intent, Taxonomy
from secondlaw.errors import InvalidInput, SecondLawError
from secondlaw.pipeline.settings import Settings

__all__ = ["ClassifierPool", "Label", "Task"]

DIGITS = 6
"""Of probabilities."""


class Task(NamedTuple):
    """One event for a process: what to judge and the taxonomy of its stream."""

    id: int
    prompt: str
    response: str
    intent: Intent
    taxonomy: Taxonomy


class Label(NamedTuple):
    """What a process says of an event; no label, and the reason, where the classifier gave none."""

    id: int
    label: str | None
    probabilities: dict[str, float] | None
    reason: str


class ClassifierPool:
    """Processes that each hold a classifier.

    Parameters
    ----------
    settings : Settings
        Of which the engine and what it needs are used.
    workers : int
    """

    def __init__(self, settings: Settings, *, workers: int = 1) -> None:
        if workers < 1:
            raise InvalidInput(f"at least one process labels, got {workers}")
        self._settings, self.workers = settings, workers
        self._pool = self._new()

    def submit(self, tasks: Sequence[Task]) -> "Future[tuple[str, list[Label]]]":
        """Judge events in some process; the result is the classifier's identity and one label each."""
        try:
            return self._pool.submit(judge, list(tasks))
        except BrokenProcessPool:
            self.renew()
            return self._pool.submit(judge, list(tasks))

    def renew(self) -> None:
        """Start new processes in place of those that died."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = self._new()

    def close(self) -> None:
        """End the processes; what they are at is thrown away."""
        processes = list((self._pool._processes or {}).values())
        self._pool.shutdown(wait=False, cancel_futures=True)
        for one in processes:  # a batch under way would hold up the end of the service
            one.kill()

    def _new(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self.workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=open_classifier,
            initargs=(self._settings.model_dump(),),
        )


class _Process:
    """What a labelling process holds: its classifier, or why there is none."""

    classifier: Classifier | None = None
    failure: str = ""


def open_classifier(values: dict[str, Any]) -> None:
    """Open the classifier of this process; why it cannot be opened is told with the first batch."""
    import signal

    from secondlaw.pipeline.engines import open_engine

    for number in (signal.SIGINT, signal.SIGTERM):  # the service ends its processes itself
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    settings = Settings.model_construct(None, **values)
    try:
        _Process.classifier = open_engine(settings.engine, settings.model_copy(update={"workers": 1}))
    except SecondLawError as error:
        _Process.failure = str(error)


def _end_with_parent() -> None:
    """End this process when the service is gone: nobody else would, after a kill."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def judge(tasks: list[Task]) -> tuple[str, list[Label]]:
    """Judge some events with the classifier of this process."""
    classifier = _Process.classifier
    if classifier is None:
        raise SecondLawError(f"the classifier cannot be opened: {_Process.failure}")
    judged = classifier.judge(
        [one.prompt for one in tasks], [one.response for one in tasks], [one.intent for one in tasks]
    )
    taxonomies = {one.taxonomy.name: one.taxonomy for one in tasks}
    labels = {name: judged.labels(taxonomy) for name, taxonomy in taxonomies.items()}
    rows = {name: judged.category_probabilities(taxonomy) for name, taxonomy in taxonomies.items()}
    found: list[Label] = []
    for place, task in enumerate(tasks):
        label, row = labels[task.taxonomy.name][place], rows[task.taxonomy.name][place]
        reason = judged.unlabelled.get(place, "no label was given")
        probabilities = {key: round(float(p), DIGITS) for key, p in zip(task.taxonomy.keys, row, strict=True)}
        found.append(Label(task.id, label, None if label is None else probabilities, "" if label else reason))
    return judged.classifier, found
