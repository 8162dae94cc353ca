"""Bringing a store's tables up to this version of the program, step by step, in one transaction.

The steps are Alembic's, in ``migrations/versions``. One process migrates, others wait for it. A store that a newer
program wrote is refused rather than guessed at.
"""

import secrets
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, insert, inspect, select
from sqlalchemy.exc import DBAPIError

from secondlaw.errors import SchemaTooNew, StorageError
from secondlaw.storage.backend import Backend
from secondlaw.storage.schema import meta

__all__ = ["HEAD", "first_values", "migrate", "migrate_to", "revisions", "schema_version", "secret_of"]

HEAD = "0003"
"""The schema that this version of the program writes."""
MIGRATIONS = Path(__file__).parent / "migrations"
SECRET_BYTES = 32


def migrate(backend: Backend) -> None:
    """Bring a store up to date; make its tables where there are none.

    Raises
    ------
    SchemaTooNew
        If a newer program wrote it.
    StorageError
        If it holds something else, or cannot be opened.
    """
    try:
        with backend.reading.connect() as connection:
            if _version(connection) == HEAD:
                return
        with backend.writing.begin() as connection:
            backend.alone(connection)
            migrate_to(connection, HEAD, address=backend.address)
            first_values(connection)
    except DBAPIError as error:
        raise backend.failure(error) from error


def migrate_to(connection: Connection, revision: str, *, address: str) -> None:
    """Bring the tables up to a revision."""
    script = _script()
    version = _version(connection)
    if version is not None and version not in revisions():
        raise SchemaTooNew(
            f"{address} has the schema {version}, this secondlaw knows {HEAD} and older: upgrade secondlaw, or take "
            f"another store"
        )
    if version is None and "streams" in inspect(connection).get_table_names():
        raise StorageError(f"{address} has tables that are not ours; name an empty database")

    def steps(current: Any, _context: MigrationContext) -> Any:  # noqa: ANN401 - Alembic's own types
        return script._upgrade_revs(revision, current)

    environment = EnvironmentContext(script_config(), script, fn=steps, destination_rev=revision)
    with environment:
        environment.configure(connection=connection, transactional_ddl=True, transaction_per_migration=False)
        environment.run_migrations()


def revisions() -> frozenset[str]:
    """Return all schemas that this version of the program knows."""
    return frozenset(step.revision for step in _script().walk_revisions())


def schema_version(connection: Connection) -> str:
    """Return the revision of a store's tables."""
    return _version(connection) or ""


def secret_of(connection: Connection) -> bytes:
    """Return the key of the random order of texts, drawn when the store was made."""
    return bytes.fromhex(connection.execute(select(meta.c.value).where(meta.c.name == "secret")).scalar_one())


def script_config() -> Config:
    """Return Alembic's configuration."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _script() -> ScriptDirectory:
    return ScriptDirectory.from_config(script_config())


def _version(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def first_values(connection: Connection) -> None:
    """Write what a store needs from its beginning; a store that has it keeps it."""
    there = set(connection.execute(select(meta.c.name)).scalars())
    first = {"secret": secrets.token_hex(SECRET_BYTES), "names_version": "1", "latest_day": "0", "purged_day": "0"}
    missing = [{"name": name, "value": value} for name, value in first.items() if name not in there]
    if missing:
        connection.execute(insert(meta), missing)
