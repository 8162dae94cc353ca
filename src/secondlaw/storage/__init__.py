"""The store: events counted once, labels, monitors and alarms, in SQLite or PostgreSQL. SQL is in this room only."""

from secondlaw.storage.administration import Administration, Sizes
from secondlaw.storage.alarm_values import (
    Alarm,
    DecisionRecord,
    Delivery,
    MonitorRecord,
    MonitorStep,
    NewAlarm,
    NewDelivery,
)
from secondlaw.storage.arriving import COMPLETES
from secondlaw.storage.audit import AuditEntry
from secondlaw.storage.events import Arrivals
from secondlaw.storage.human_labels import HumanLabel, LabelledSample
from secondlaw.storage.leases import Lease
from secondlaw.storage.masking import mask_private
from secondlaw.storage.placing import Accepted, Rejected
from secondlaw.storage.queue_values import Batch, Poisoned, QueueDepth, QueuedEvent
from secondlaw.storage.retention import Purged
from secondlaw.storage.settings import Retention, StoreSettings, StreamSettings
from secondlaw.storage.store import Store, open_store
from secondlaw.storage.stored_texts import StoredText
from secondlaw.storage.streams import Stream, stream_lease
from secondlaw.storage.tokens import Token
from secondlaw.storage.totals import Series, Totals

__all__ = [
    "COMPLETES",
    "Accepted",
    "Administration",
    "Alarm",
    "Arrivals",
    "AuditEntry",
    "Batch",
    "DecisionRecord",
    "Delivery",
    "HumanLabel",
    "LabelledSample",
    "Lease",
    "MonitorRecord",
    "MonitorStep",
    "NewAlarm",
    "NewDelivery",
    "Poisoned",
    "Purged",
    "QueueDepth",
    "QueuedEvent",
    "Rejected",
    "Retention",
    "Series",
    "Sizes",
    "Store",
    "StoreSettings",
    "StoredText",
    "Stream",
    "StreamSettings",
    "Token",
    "Totals",
    "mask_private",
    "open_store",
    "stream_lease",
]
