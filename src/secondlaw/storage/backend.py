"""What the two databases do differently, as one Protocol; everything else of the store is the same for both."""

from pathlib import Path
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine, Select, Table
from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert

from secondlaw.errors import StorageError

__all__ = ["AnyInsert", "Backend"]

AnyInsert = SqliteInsert | PostgresInsert
Chosen = TypeVar("Chosen", bound=Select[Any])


class Backend(Protocol):
    """A database: how to connect, and the few statements that differ."""

    @property
    def name(self) -> str:
        """``sqlite`` or ``postgresql``."""
        ...

    @property
    def address(self) -> str:
        """The URL, without its password."""
        ...

    @property
    def one_writer(self) -> bool:
        """Whether one transaction at a time may write."""
        ...

    @property
    def writing(self) -> Engine:
        """Connections whose transactions may write."""
        ...

    @property
    def reading(self) -> Engine:
        """Connections for reading."""
        ...

    @staticmethod
    def insert(table: Table) -> AnyInsert:
        """Return an insert that knows ``on_conflict_do_update``."""
        ...

    def locked(self, rows: Chosen, *, skip: bool = False) -> Chosen:
        """Hold the selected rows until the transaction ends; with `skip`, those that nobody holds."""
        ...

    def shared(self, rows: Chosen) -> Chosen:
        """Keep the selected rows from being changed until the transaction ends."""
        ...

    def now(self, connection: Connection) -> int:
        """Return the time that leases go by, in microseconds since 1970: the same for all who share the store."""
        ...

    def alone(self, connection: Connection) -> None:
        """Wait until no other process migrates, until the transaction ends."""
        ...

    def failure(self, error: BaseException) -> StorageError:
        """Return a driver's error as one of ours."""
        ...

    def is_conflict(self, error: BaseException) -> bool:
        """Whether a transaction was only broken off because of another one, and may be run again."""
        ...

    def size(self, connection: Connection) -> int:
        """Return the bytes that the store takes on the disk."""
        ...

    def check(self, connection: Connection) -> tuple[str, ...]:
        """Return what is wrong with the files of the database; nothing if all is well."""
        ...

    def backup(self, path: Path) -> None:
        """Copy the store while it is in use."""
        ...

    def after_restore(self, connection: Connection) -> None:
        """Let numbers given to new rows go on after those restored."""
        ...

    def close(self) -> None:
        """Close all connections."""
        ...
