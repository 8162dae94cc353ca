"""A database in use: reading, writing, and what all parts of the store share."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from secondlaw.errors import StorageUnavailable
from secondlaw.storage.backend import Backend
from secondlaw.storage.instants import micros_of
from secondlaw.storage.masking import Mask
from secondlaw.storage.names import Names
from secondlaw.storage.settings import StoreSettings, Texts
from secondlaw.storage.writer import ATTEMPTS, Outcome, Writer

__all__ = ["Database"]

T = TypeVar("T")
Item = TypeVar("Item")


class Database:
    """A backend with its writer.

    Parameters
    ----------
    backend : Backend
    settings : StoreSettings
    clock : callable, optional
        Returns the time, aware; by default the database's own, so that the clocks of replicas do not matter.
    mask : callable, optional
        Takes what is private out of every text before it is stored.
    secret : bytes
        Key of the random order of texts.
    """

    def __init__(
        self,
        backend: Backend,
        settings: StoreSettings,
        *,
        clock: Callable[[], datetime] | None,
        mask: Mask | None,
        secret: bytes,
    ) -> None:
        self.backend = backend
        self.settings = settings
        self.mask = mask
        self.secret = secret
        self._names = Names(backend)
        self._clock = clock
        self._writer = Writer(backend.writing, backend, undone=self._names.forget)

    def now(self, connection: Connection) -> int:
        """Return the time in microseconds since 1970."""
        return self.backend.now(connection) if self._clock is None else micros_of(self._clock())

    def names(self, connection: Connection, *, merged: bool = False) -> Names:
        """Return the names of streams and series for a transaction that writes; they stay as they are until its end.

        Only the writer's thread (`merged`, or any work where there is one writer) may remember them between
        transactions: it hears when one of its own is undone.
        """
        names = self._names if merged or self.backend.one_writer else Names(self.backend)
        names.begin(connection)
        return names

    def texts_of(self, stream: str) -> Texts | None:
        """Return what a stream keeps of texts as it was last seen, None if it was not; for any thread."""
        return self._names.texts_of(stream)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the store."""
        try:
            with self.backend.reading.begin() as connection:
                yield connection
        except PoolTimeout as error:
            raise StorageUnavailable(
                f"all {self.settings.readers} connections for reading are in use; try again, or allow more readers"
            ) from error
        except DBAPIError as error:
            raise self.backend.failure(error) from error

    def write(self, work: Callable[[Connection], T]) -> T:
        """Do a work in a transaction; it is durable when this returns.

        With one writer it waits its turn; otherwise it has a connection of its own, and is begun anew where another
        transaction stood in its way.
        """
        if self.backend.one_writer:
            return self._writer.run(work)
        for attempt in range(ATTEMPTS):
            try:
                with self.backend.writing.begin() as connection:
                    return work(connection)
            except PoolTimeout as error:
                raise StorageUnavailable("all connections are in use; try again, or allow more readers") from error
            except DBAPIError as error:
                if not self.backend.is_conflict(error) or attempt == ATTEMPTS - 1:
                    raise self.backend.failure(error) from error
        raise AssertionError("unreachable")

    def write_merged(self, merged: Callable[[Connection, Sequence[Item]], Sequence[Outcome]], item: Item) -> Any:  # noqa: ANN401
        """Do a work together with all others of its kind that wait."""
        return self._writer.run_merged(merged, item)

    def close(self) -> None:
        """Finish what waits and close all connections."""
        self._writer.close()
        self.backend.close()
