"""Monitors, alarms, deliveries, leases and tokens.

Revision ID: 0002
"""

from alembic import op
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

revision = "0002"
down_revision: str | None = "0001"
branch_labels: str | None = None
depends_on: str | None = None

metadata = MetaData()

# SQLite numbers rows by itself only where the key is called INTEGER.
Big = BigInteger().with_variant(Integer, "sqlite")


def _key(name: str = "id") -> Column[int]:
    return Column(name, Big, primary_key=True, autoincrement=True)


def _stream(*, key: bool = False) -> Column[int]:
    # No foreign key: rows of a stream are written a thousand times as often as a stream is deleted.
    return Column("stream_id", Integer, primary_key=key, nullable=False, autoincrement=False)


monitors = Table(
    "monitors",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    _stream(),
    Column("name", Text, nullable=False),
    Column("settings", Text, nullable=False),
    Column("state", Text),
    Column("last_window", BigInteger),
    Column("updated_at", BigInteger, nullable=False),
    UniqueConstraint("stream_id", "name", name="monitors_names"),
    sqlite_autoincrement=True,
)

decisions = Table(
    "decisions",
    metadata,
    Column("monitor_id", Integer, primary_key=True, autoincrement=False),
    Column("window", BigInteger, primary_key=True, autoincrement=False),
    Column("verdict", Text, nullable=False),
    Column("alarm", Boolean, nullable=False),
    Column("log_evidence", Float),
    Column("log_threshold", Float),
    Column("n", BigInteger),
    Column("score", Text),
    Column("since", BigInteger),
    Column("change_point", BigInteger),
    Column("reason", Text, nullable=False),
    sqlite_with_rowid=False,
)

alarms = Table(
    "alarms",
    metadata,
    _key(),
    _stream(),
    Column("monitor", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("window", BigInteger, nullable=False),
    Column("summary", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("acknowledged_at", BigInteger),
    Column("acknowledged_by", Text),
    Column("resolved_at", BigInteger),
    UniqueConstraint("stream_id", "monitor", "kind", "window", name="alarms_once"),
    sqlite_autoincrement=True,
)
Index("alarms_status", alarms.c.status, alarms.c.stream_id)

audit = Table(
    "audit",
    metadata,
    _key(),
    Column("at", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("stream", Text),
    Column("alarm_id", BigInteger),
    Column("data", Text, nullable=False),
    sqlite_autoincrement=True,
)
Index("audit_alarm", audit.c.alarm_id)
Index("audit_stream", audit.c.stream)

deliveries = Table(
    "deliveries",
    metadata,
    _key(),
    Column("alarm_id", BigInteger),
    Column("receiver", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("created_at", BigInteger, nullable=False),
    Column("next_at", BigInteger, nullable=False),
    Column("taken_at", BigInteger, nullable=False, server_default="0"),
    Column("token", Text),
    Column("last_error", Text),
    Column("finished_at", BigInteger),
    sqlite_autoincrement=True,
)
Index("deliveries_due", deliveries.c.status, deliveries.c.next_at)
Index("deliveries_alarm", deliveries.c.alarm_id)

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("token", BigInteger, nullable=False),
    Column("taken_at", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    _key(),
    Column("name", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("scopes", Text, nullable=False),
    Column("streams", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
    Column("last_used_at", BigInteger),
    sqlite_autoincrement=True,
)

merged_sources = Table(
    "merged_sources",
    metadata,
    Column("source", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("n", BigInteger, nullable=False),
)


def upgrade() -> None:
    """Make the tables."""
    metadata.create_all(op.get_bind())
