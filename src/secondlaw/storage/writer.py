"""One thread that writes, many waiting works in one transaction: a commit costs the same for one batch and for fifty.

Works that wait are done together; nobody waits for others to come. Each work is a function of the connection. *Merged*
works of one kind are handed over together, as a list. Whoever asked is answered after the commit, so that what is
answered is durable. A work that fails is undone alone, by a savepoint; if the transaction fails, all in it are told.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from secondlaw.errors import StorageError, StorageUnavailable

__all__ = ["Outcome", "Writer"]

T = TypeVar("T")
Item = TypeVar("Item")
Outcome = Any
"""Of a merged work: its result, or the exception that its asker gets."""
Merged = Callable[[Connection, Sequence[Any]], Sequence[Outcome]]

MOST_TOGETHER = 64
"""Works in a transaction, so that the first of them need not wait long for the last."""
ATTEMPTS = 5
"""Times that a work is begun anew when another transaction stood in its way."""


class Translates(Protocol):
    """What the writer needs to know of a database."""

    def failure(self, error: BaseException) -> StorageError:
        """Return a driver's error as one of ours."""
        ...

    def is_conflict(self, error: BaseException) -> bool:
        """Whether a transaction may be run again."""
        ...


@dataclass(slots=True)
class _Work:
    merged: Merged | None
    item: Any
    future: "Future[Any]"


class Writer:
    """A thread that writes.

    Parameters
    ----------
    engine : Engine
        Its connections write; one is used at a time.
    database : Translates
        Knows the driver's errors.
    undone : callable
        Called whenever something was rolled back, so that what was remembered of it is forgotten.
    """

    def __init__(self, engine: Engine, database: Translates, *, undone: Callable[[], None]) -> None:
        self._engine = engine
        self._database = database
        self._undone = undone
        self._works: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._loop, name="secondlaw-store-writer", daemon=True)
        self._thread.start()

    def run(self, work: Callable[[Connection], T]) -> T:
        """Do a work in a transaction and return its result once it is durable."""
        return self._ask(_Work(None, work, Future()))  # type: ignore[no-any-return]

    def run_merged(self, merged: Callable[[Connection, Sequence[Item]], Sequence[Outcome]], item: Item) -> Any:  # noqa: ANN401
        """Do a work together with all others of its kind that wait."""
        return self._ask(_Work(merged, item, Future()))

    def close(self) -> None:
        """Finish what waits, then stop."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
            self._works.put(None)
        self._thread.join()

    def _ask(self, work: _Work) -> Any:  # noqa: ANN401
        with self._closing:
            if self._closed:
                raise StorageUnavailable("the store is closed; open it again")
            self._works.put(work)
        return work.future.result()

    def _loop(self) -> None:
        while (first := self._works.get()) is not None:
            group, last = [first], False
            while len(group) < MOST_TOGETHER:
                try:
                    more = self._works.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    last = True
                    break
                group.append(more)
            try:
                self._do(group)
            except BaseException as error:
                for work in group:
                    if not work.future.done():
                        work.future.set_exception(error)
            if last:
                return

    def _do(self, group: list[_Work], *, attempt: int = 0) -> None:
        """Do a group in one transaction; if that only met another one, do each work in a transaction of its own."""
        try:
            answers = self._transaction(group)
        except Exception as error:
            self._undone()
            if self._database.is_conflict(error) and attempt < ATTEMPTS:
                for work in group:
                    self._do([work], attempt=attempt + 1)
                return
            answers = [self._told(error) for _ in group]
        for work, answer in zip(group, answers, strict=True):
            if isinstance(answer, BaseException):
                work.future.set_exception(answer)
            else:
                work.future.set_result(answer)

    def _transaction(self, group: list[_Work]) -> list[Outcome]:
        answers: dict[int, Outcome] = {}
        kinds: dict[Merged, list[int]] = {}
        for place, work in enumerate(group):
            if work.merged is not None:
                kinds.setdefault(work.merged, []).append(place)
        with self._engine.begin() as connection:
            for merged, places in kinds.items():
                answers |= zip(places, self._merged(connection, merged, [group[p].item for p in places]), strict=True)
            for place, work in enumerate(group):
                if work.merged is None:
                    answers[place] = self._alone(connection, work.item)
        return [answers[place] for place in range(len(group))]

    def _merged(self, connection: Connection, merged: Merged, items: list[Any]) -> Sequence[Outcome]:
        """Do works together; where one of them breaks all, do each alone."""
        together = self._alone(connection, lambda inside: merged(inside, items))
        if not isinstance(together, BaseException):
            return together  # type: ignore[no-any-return]
        if len(items) == 1:
            return [together]
        one_by_one = [self._alone(connection, partial(_one, merged, item)) for item in items]
        return [found if isinstance(found, BaseException) else found[0] for found in one_by_one]

    def _alone(self, connection: Connection, work: Callable[[Connection], Any]) -> Outcome:
        """Do a work within a savepoint; return its result or its error. Errors of the database itself are raised."""
        savepoint = connection.begin_nested()
        try:
            found = work(connection)
            savepoint.commit()
        except (IntegrityError, DataError, ProgrammingError) as error:
            savepoint.rollback()
            self._undone()
            return self._told(error)
        except DBAPIError:
            raise
        except Exception as error:
            savepoint.rollback()
            self._undone()
            return error
        return found

    def _told(self, error: Exception) -> Exception:
        """Return an error as one of ours, with the driver's as its cause."""
        if isinstance(error, PoolTimeout):
            return StorageUnavailable("all connections are in use; try again, or allow more readers")
        if not isinstance(error, DBAPIError):
            return error
        told = self._database.failure(error)
        told.__cause__ = error
        return told


def _one(merged: Merged, item: Any, connection: Connection) -> Sequence[Outcome]:  # noqa: ANN401
    return merged(connection, [item])
