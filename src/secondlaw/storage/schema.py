"""The tables. Times are microseconds since 1970 in UTC, hashes are bytes, lists and settings are JSON text.

::

    streams ── series ── counts (window, cluster, category)     one row per cell, cluster and category: adds up
       │         └────── totals (window, category)              the same, summed over clusters: read by overviews
       ├── arrivals (window)                                    what came: received, without text, late ...
       ├── event_ids, textless                                  hashes of ids within the horizon; those without text
       ├── queue, poison                                        events that wait for a label, and those that broke it
       ├── texts, text_strata                                   kept texts, and the thresholds of their samples
       ├── human_labels
       ├── monitors, decisions, alarms ── audit, deliveries
    leases  tokens  meta  merged_sources
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    UniqueConstraint,
)

from secondlaw.storage.plain_text import PlainText as Text

__all__ = ["EVERY_TABLE", "metadata"]

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

textless = Table(
    "textless",
    metadata,
    _stream(key=True),
    Column("hash", LargeBinary, primary_key=True),
    Column("window", BigInteger, nullable=False),
    Column("late", Integer, nullable=False),
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

EVERY_TABLE: tuple[Table, ...] = tuple(metadata.tables.values())
"""In the order in which an export writes them."""
