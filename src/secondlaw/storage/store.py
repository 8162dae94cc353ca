"""Opening a store, and its parts."""

from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Self

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from secondlaw.errors import InvalidInput
from secondlaw.storage.administration import Administration
from secondlaw.storage.alarming import Alarms
from secondlaw.storage.audit import Audit
from secondlaw.storage.backend import Backend
from secondlaw.storage.counts_kept import KeptCounts
from secondlaw.storage.database import Database
from secondlaw.storage.delivering import Deliveries
from secondlaw.storage.events import Events
from secondlaw.storage.human_labels import HumanLabels
from secondlaw.storage.leases import Leases
from secondlaw.storage.masking import Mask, mask_private
from secondlaw.storage.migrating import migrate, secret_of
from secondlaw.storage.monitoring import Monitors
from secondlaw.storage.queueing import Queue
from secondlaw.storage.settings import StoreSettings
from secondlaw.storage.stored_texts import Texts
from secondlaw.storage.streams import Streams
from secondlaw.storage.tokens import Tokens

__all__ = ["Store", "open_store"]


class Store:
    """A store that is open: its parts, each with its own idea. Made by :func:`open_store`.

    Attributes
    ----------
    streams : Streams
        What is watched, with its settings.
    events : Events
        Where events come in.
    queue : Queue
        Events that wait for their label.
    counts : KeptCounts
        The counts: the primary record.
    texts, labels : Texts, HumanLabels
        Kept texts, and what people said of them.
    monitors, alarms, deliveries : Monitors, Alarms, Deliveries
        Decisions, what they raised, and the outbox.
    leases, tokens, audit : Leases, Tokens, Audit
        Who works on what, who may do what, who did what.
    admin : Administration
        Backup, export, retention, checks.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.streams = Streams(database)
        self.events = Events(database)
        self.queue = Queue(database)
        self.counts = KeptCounts(database)
        self.texts = Texts(database)
        self.labels = HumanLabels(database)
        self.monitors = Monitors(database)
        self.alarms = Alarms(database)
        self.deliveries = Deliveries(database)
        self.leases = Leases(database)
        self.tokens = Tokens(database)
        self.audit = Audit(database)
        self.admin = Administration(database)

    @property
    def address(self) -> str:
        """The store's URL, without its password."""
        return self._database.backend.address

    @property
    def settings(self) -> StoreSettings:
        """The store's settings."""
        return self._database.settings

    def close(self) -> None:
        """Finish what waits and close all connections; closing twice does nothing."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_store(
    url: str,
    *,
    settings: StoreSettings | None = None,
    clock: Callable[[], datetime] | None = None,
    mask: Mask | None = mask_private,
) -> Store:
    """Open a store; make it where there is none, and bring an older one up to date.

    Parameters
    ----------
    url : str
        ``sqlite:///relative/path``, ``sqlite:////absolute/path`` or ``postgresql://user:password@host/database``.
    settings : StoreSettings, optional
    clock : callable, optional
        Returns the time, aware; by default the database's.
    mask : callable or None
        Takes what is private out of every text before it touches the disk; None: texts stay as they are.

    Raises
    ------
    InvalidInput
        If the URL is none of these.
    SchemaTooNew
        If a newer secondlaw wrote the store.
    StorageUnavailable
        If the database cannot be reached.

    Examples
    --------
    >>> import tempfile
    >>> from secondlaw.behavior import Transcript
    >>> with tempfile.TemporaryDirectory() as folder, open_store(f"sqlite:///{folder}/store.db") as store:
    ...     event = Transcript("Hi", "Hello.", id="r1", prompt_id="p1", stream="chat", label="g1", classifier="judge/1")
    ...     store.events.add([event]).accepted, store.events.add([event]).duplicates, store.counts.read("chat").total
    (1, 1, 1)
    """
    wanted = settings or StoreSettings()
    backend = _backend(url, wanted)
    try:
        migrate(backend)
        with backend.reading.connect() as connection:
            secret = secret_of(connection)
    except BaseException:
        backend.close()
        raise
    return Store(Database(backend, wanted, clock=clock, mask=mask, secret=secret))


def _backend(url: str, settings: StoreSettings) -> Backend:
    try:
        parsed: URL = make_url(url)
    except ArgumentError as error:
        raise InvalidInput(
            "a store is named by a URL such as sqlite:///store.db or postgresql://user@host/database"
        ) from error
    kind = parsed.drivername.partition("+")[0]
    if kind == "sqlite":
        from secondlaw.storage.sqlite import SqliteBackend

        return SqliteBackend(parsed, settings)
    if kind in ("postgresql", "postgres"):
        from secondlaw.storage.postgresql import PostgresBackend

        return PostgresBackend(parsed, settings)
    raise InvalidInput(f"a store is sqlite:///path or postgresql://..., got {kind}://")
