"""What can be set: of a store as a whole, and of each stream; plain values that survive as JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from secondlaw.behavior.taxonomy import FIVE, OUTSIDE
from secondlaw.errors import InvalidInput

__all__ = ["Fsync", "Retention", "StoreSettings", "StreamSettings", "Texts"]

Texts = Literal["none", "sample", "all"]
Fsync = Literal["full", "normal"]

HOUR = 3600
GIBIBYTE = 1 << 30


@dataclass(frozen=True, slots=True)
class Retention:
    """How much of a stream is kept, and how long. Window totals, decisions and alarms are kept for good.

    Parameters
    ----------
    texts : {"none", "sample", "all"}
        Whether prompts and responses stay after they have their label: not at all; a uniform random sample of each
        window and a few examples of each category; all.
    texts_per_window : int
        Size of the uniform sample of a window.
    examples_per_category : int
        Texts of each category kept in a window beside the uniform sample, so that rare categories can be shown.
    text_days : int
        Days after which a text goes.
    cluster_days : int or None
        Days after which counts by prompt and conversation are added up to counts by window; None: never.
    """

    texts: Texts = "none"
    texts_per_window: int = 200
    examples_per_category: int = 20
    text_days: int = 30
    cluster_days: int | None = 90

    def __post_init__(self) -> None:
        if self.texts not in get_args(Texts):
            raise InvalidInput(f"texts are kept as none, sample or all, got {self.texts!r}")
        for name in ("texts_per_window", "examples_per_category"):
            if getattr(self, name) < 0:
                raise InvalidInput(f"{name} is 0 or more, got {getattr(self, name)}")
        if self.text_days < 1 or (self.cluster_days is not None and self.cluster_days < 1):
            raise InvalidInput(f"retention is 1 day or more, got {self.text_days} and {self.cluster_days}")


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """What is set for one stream.

    Parameters
    ----------
    keys : tuple of str
        The K categories of its taxonomy, in order.
    every : int or None
        Length of a window in seconds; None: every event states its step, and windows are steps.
    retention : Retention
        What is kept.
    monitors : mapping of name to settings
        Monitors that the service runs; the store only keeps them.
    extra : mapping
        Whatever else belongs to the stream, as plain JSON.

    Examples
    --------
    >>> settings = StreamSettings(every=900, retention=Retention(texts="sample"))
    >>> StreamSettings.from_dict(settings.to_dict()) == settings
    True
    """

    keys: tuple[str, ...] = FIVE.keys
    every: int | None = HOUR
    retention: Retention = Retention()
    monitors: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.keys) < 2 or len(set(self.keys)) != len(self.keys) or OUTSIDE in self.keys:
            raise InvalidInput(f"a stream needs two or more different categories, not {OUTSIDE!r}, got {self.keys}")
        if self.every is not None and self.every < 1:
            raise InvalidInput(f"a window lasts 1 second or more, got {self.every}")

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain JSON values."""
        return {
            "keys": list(self.keys),
            "every": self.every,
            "retention": asdict(self.retention),
            "monitors": {name: dict(settings) for name, settings in self.monitors.items()},
            "extra": dict(self.extra),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "StreamSettings":
        """Rebuild settings from :meth:`to_dict`; what is left out has its default.

        Raises
        ------
        InvalidInput
            If a name is unknown or a value is wrong.
        """
        known = dict(values)
        try:
            if "retention" in known:
                known["retention"] = Retention(**known["retention"])
            if "keys" in known:
                known["keys"] = tuple(known["keys"])
            return cls(**known)
        except TypeError as error:
            raise InvalidInput(
                f"the settings of a stream are wrong ({error}), got {str(dict(values))[:200]}"
            ) from error


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """What is set for a store.

    Parameters
    ----------
    fsync : {"full", "normal"}
        When a batch counts as durable. ``full``: when it is on the disk, so that it survives a loss of power.
        ``normal``: when the operating system has it, so that it survives ``kill -9`` and, after a loss of power, the
        last moments may be missing. Never anything torn.
    horizon_days : int
        Days, at least, for which an event's id is remembered: sent again within them, it is counted once.
    queue_rows, queue_bytes : int
        Events, and bytes of text, that may wait for their label.
    attempts : int
        Attempts to label an event before it is put aside as poisonous.
    new_streams : StreamSettings or None
        Settings of a stream that an event names first; None: events of unknown streams are rejected.
    max_streams, max_series : int
        Streams of the store, and (model, prompt set, intent, classifier) combinations of a stream: events that would
        make more are rejected, so that one client's mistake does not fill the store with names.
    ahead_days : float
        How far an event's own time may lie in the future before it is rejected as a mistake of its clock.
    readers : int
        Connections for reading.
    """

    fsync: Fsync = "full"
    horizon_days: int = 7
    queue_rows: int = 100_000
    queue_bytes: int = GIBIBYTE
    attempts: int = 5
    new_streams: StreamSettings | None = StreamSettings()
    max_streams: int = 10_000
    max_series: int = 10_000
    ahead_days: float = 1.0
    readers: int = 8

    def __post_init__(self) -> None:
        if self.fsync not in get_args(Fsync):
            raise InvalidInput(f"fsync is full or normal, got {self.fsync!r}")
        for name in ("horizon_days", "queue_rows", "queue_bytes", "attempts", "max_streams", "max_series", "readers"):
            if getattr(self, name) < 1:
                raise InvalidInput(f"{name} is 1 or more, got {getattr(self, name)}")
