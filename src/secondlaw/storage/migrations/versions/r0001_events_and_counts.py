"""Streams, events, counts, queue, texts and labels.

Revision ID: 0001
"""

from alembic import op
from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

revision = "0001"
down_revision: str | None = None
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


meta = Table("meta", metadata, Column("name", Text, primary_key=True), Column("value", Text, nullable=False))

streams = Table(
    "streams",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False, unique=True),
    Column("settings", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("latest_window", BigInteger),
    Column("last_event_at", BigInteger),
    Column("last_received_at", BigInteger),
    Column("queued", BigInteger, nullable=False, server_default="0"),
    Column("queued_bytes", BigInteger, nullable=False, server_default="0"),
    Column("compacted_before", BigInteger),
    Column("deleted_at", BigInteger),  # being deleted, in pieces, under a name that none can have
    sqlite_autoincrement=True,
)

series = Table(
    "series",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    _stream(),
    Column("model", Text, nullable=False),
    Column("prompt_set", Text, nullable=False),
    Column("intent", Text, nullable=False),
    Column("classifier", Text, nullable=False),
    UniqueConstraint("stream_id", "model", "prompt_set", "intent", "classifier", name="series_names"),
    sqlite_autoincrement=True,
)

event_ids = Table(
    "event_ids",
    metadata,
    _stream(key=True),
    Column("hash", LargeBinary, primary_key=True),
    Column("day", Integer, nullable=False),
    sqlite_with_rowid=False,
)

counts = Table(
    "counts",
    metadata,
    Column("series_id", Integer, primary_key=True, autoincrement=False),
    Column("window", BigInteger, primary_key=True, autoincrement=False),
    Column("cluster", BigInteger, primary_key=True, autoincrement=False),
    Column("category", SmallInteger, primary_key=True, autoincrement=False),
    Column("n", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

totals = Table(
    "totals",
    metadata,
    Column("series_id", Integer, primary_key=True, autoincrement=False),
    Column("window", BigInteger, primary_key=True, autoincrement=False),
    Column("category", SmallInteger, primary_key=True, autoincrement=False),
    Column("n", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

arrivals = Table(
    "arrivals",
    metadata,
    _stream(key=True),
    Column("window", BigInteger, primary_key=True, autoincrement=False),
    Column("received", BigInteger, nullable=False, server_default="0"),
    Column("no_text", BigInteger, nullable=False, server_default="0"),
    Column("queued", BigInteger, nullable=False, server_default="0"),
    Column("late", BigInteger, nullable=False, server_default="0"),
    Column("poisoned", BigInteger, nullable=False, server_default="0"),
    sqlite_with_rowid=False,
)

queue = Table(
    "queue",
    metadata,
    _key(),
    _stream(),
    Column("window", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("event", Text, nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("queued_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("free_at", BigInteger, nullable=False, server_default="0"),
    Column("taken_at", BigInteger, nullable=False, server_default="0"),
    Column("token", Text),
    Column("reason", Text),
    sqlite_autoincrement=True,
)
Index("queue_stream", queue.c.stream_id)
Index("queue_token", queue.c.token)

poison = Table(
    "poison",
    metadata,
    _key(),
    _stream(),
    Column("window", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("event", Text, nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
Index("poison_stream", poison.c.stream_id)

texts = Table(
    "texts",
    metadata,
    _key(),
    _stream(),
    Column("window", BigInteger, nullable=False),
    Column("priority", Float, nullable=False),
    Column("category", SmallInteger, nullable=False),
    Column("series_id", Integer, nullable=False),
    Column("cluster", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("at", BigInteger),
    Column("received_at", BigInteger, nullable=False),
    Column("prompt", Text, nullable=False),
    Column("response", Text, nullable=False),
    Column("label_probs", Text),
    sqlite_autoincrement=True,
)
Index("texts_random", texts.c.stream_id, texts.c.window, texts.c.priority)
Index("texts_event", texts.c.stream_id, texts.c.hash, unique=True)

text_strata = Table(
    "text_strata",
    metadata,
    _stream(key=True),
    Column("window", BigInteger, primary_key=True, autoincrement=False),
    Column("category", SmallInteger, primary_key=True, autoincrement=False),  # -1: the uniform sample of the window
    Column("seen", BigInteger, nullable=False),
    Column("kept", BigInteger, nullable=False),
    Column("threshold", Float, nullable=False),
    sqlite_with_rowid=False,
)

human_labels = Table(
    "human_labels",
    metadata,
    _key(),
    _stream(),
    Column("window", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("annotator", Text, nullable=False),
    Column("label", SmallInteger),  # null: the annotator could not say
    Column("machine_label", SmallInteger),
    Column("label_probs", Text),
    Column("series_id", Integer, nullable=False),
    Column("cluster", BigInteger, nullable=False),
    Column("priority", Float),
    Column("inclusion_probability", Float),
    Column("seconds", Float),
    Column("at", BigInteger, nullable=False),
    UniqueConstraint("stream_id", "hash", "annotator", name="human_labels_once"),
    sqlite_autoincrement=True,
)
Index("human_labels_window", human_labels.c.stream_id, human_labels.c.window)


def upgrade() -> None:
    """Make the tables."""
    metadata.create_all(op.get_bind())
