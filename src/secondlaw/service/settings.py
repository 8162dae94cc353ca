"""Settings of ``secondlaw serve``: the table ``[service]`` of secondlaw.toml, or ``SECONDLAW_SERVICE_*``.

The command line goes over the environment, the environment over the file. Receivers of alerts are tables
``[[service.receivers]]``, the default monitor of all streams is the table ``[service.monitor]``.
"""

import difflib
import ipaddress
import os
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from secondlaw.behavior.windows import window_seconds
from secondlaw.errors import InvalidInput
from secondlaw.service.evaluation_settings import EvaluationSettings
from secondlaw.service.receiver_fields import Secret
from secondlaw.service.receiver_settings import ReceiverSettings, load_receivers
from secondlaw.storage import Retention, StoreSettings, StreamSettings

__all__ = ["PREFIX", "ServiceSettings", "is_loopback", "load_service_settings", "window_length"]

PREFIX = "SECONDLAW_SERVICE_"
MEBIBYTE = 1 << 20


def window_length(value: Any) -> Any:  # noqa: ANN401 - whatever a file says
    """Return seconds for ``"1h"``, and None for 0, where events state their step: TOML has no null.

    Examples
    --------
    >>> window_length("1h"), window_length(0), window_length(60)
    (3600, None, 60)
    """
    if isinstance(value, str):
        seconds = window_seconds(value)
        if seconds != int(seconds):
            raise ValueError(f"a window lasts whole seconds, got {value!r}")
        return int(seconds)
    return None if value == 0 and not isinstance(value, bool) else value


class ServiceSettings(BaseModel):
    """Everything that an operator may set."""

    model_config = ConfigDict(extra="forbid", frozen=True, title="secondlaw service settings")

    store: str = Field("sqlite:///secondlaw.db", description="SQLite file or PostgreSQL address.")
    host: str = Field("127.0.0.1", description="Address to listen on; others than loopback need tokens.")
    port: int = Field(8321, ge=0, le=65535, description="Port; 0 takes a free one.")
    external_url: str = Field("", description="Address under which people reach the service, for links.")
    base_path: str = Field("", pattern=r"^(/[A-Za-z0-9._~-]+)*$", description="Path before all others, behind a proxy.")
    forwarded_allow_ips: str = Field(
        "127.0.0.1", description="Proxies whose X-Forwarded-* headers are believed; * for any."
    )
    workers: int = Field(1, ge=0, le=64, description="Processes that label; 0: this replica labels nothing.")
    evaluate: bool = Field(True, description="Whether this replica decides on windows and delivers alerts.")
    lease: float = Field(
        30.0, ge=2, le=3600, description="Seconds after which another replica takes over from one that died."
    )
    evaluate_every: float = Field(5.0, gt=0, description="Seconds between two looks for closed windows.")
    body_bytes: int = Field(20 * MEBIBYTE, ge=1024, description="Largest body of a request.")
    body_seconds: float = Field(
        30.0, gt=0, description="Seconds for a body to arrive, or a piece of a stream of lines."
    )
    batch_events: int = Field(10_000, ge=1, description="Events of a request at most; streams have no limit.")
    rate: float = Field(0.0, ge=0, description="Requests a second for each token or client; 0: no limit.")
    burst: int = Field(200, ge=1, description="Requests at once before the rate counts.")
    fsync: Literal["full", "normal"] = Field("full", description="normal: the last moments may be lost with power.")
    horizon_days: int = Field(7, ge=1, description="Days within which an event id is known again.")
    queue_rows: int = Field(100_000, ge=1, description="Events that may wait for their label.")
    queue_bytes: int = Field(1 << 30, ge=1024, description="Bytes that they may take.")
    attempts: int = Field(5, ge=1, description="Tries to label an event before it is put aside.")
    queue_age: float = Field(600.0, gt=0, description="Seconds that an event may wait before an alarm is raised.")
    create_streams: bool = Field(True, description="Whether an event of an unknown stream makes it.")
    max_streams: int = Field(10_000, ge=1, description="Streams at most.")
    every: Annotated[int | None, BeforeValidator(window_length)] = Field(
        3600, ge=1, description='Window of new streams: seconds, or "1h"; 0: events state steps.'
    )
    texts: Literal["none", "sample", "all"] = Field("sample", description="Texts of new streams that are kept.")
    mask: bool = Field(True, description="Whether addresses, numbers and keys in texts are masked before storage.")
    purge_every: float = Field(3600.0, gt=0, description="Seconds between two rounds of retention.")
    write_back: str = Field(
        "", pattern=r"^(https?://\S+)?$", description="OTLP/HTTP address that verdicts are sent to, as log records."
    )
    write_back_headers: dict[str, Secret] = Field(
        default_factory=dict, description="Headers of these messages; a secret as { env = NAME } or { file = PATH }."
    )
    monitor: dict[str, Any] = Field(default_factory=dict, description="What streams are monitored by, unless they say.")
    receivers: tuple[dict[str, Any], ...] = Field((), description="Who is told of alarms.")

    @property
    def evaluation(self) -> EvaluationSettings:
        """The default monitor."""
        return EvaluationSettings().changed(self.monitor)

    @property
    def alert_receivers(self) -> tuple[ReceiverSettings, ...]:
        """Who is told of alarms."""
        return load_receivers(self.receivers)

    @property
    def new_streams(self) -> StreamSettings:
        """Settings of a stream that an event makes."""
        return StreamSettings(every=self.every, retention=Retention(texts=self.texts))

    @property
    def store_settings(self) -> StoreSettings:
        """Settings of the store."""
        return StoreSettings(
            fsync=self.fsync,
            horizon_days=self.horizon_days,
            queue_rows=self.queue_rows,
            queue_bytes=self.queue_bytes,
            new_streams=self.new_streams if self.create_streams else None,
            max_streams=self.max_streams,
            attempts=self.attempts,
        )


def load_service_settings(table: Mapping[str, Any] | None = None, **command_line: Any) -> ServiceSettings:  # noqa: ANN401
    """Merge command line (None: not said), environment, the file's table and defaults.

    Raises
    ------
    InvalidInput
        If a name is unknown or a value is wrong; names the setting.

    Examples
    --------
    >>> load_service_settings({"port": 9000}, host="::1").port
    9000
    """
    known = ServiceSettings.model_fields
    stated: dict[str, Any] = dict(table or {})
    for name, value in os.environ.items():
        field = name.removeprefix(PREFIX).lower()
        if not name.startswith(PREFIX):
            continue
        if field not in known:
            near = difflib.get_close_matches(field, known, n=1, cutoff=0.0)[0]
            raise InvalidInput(
                f"the environment sets {name}, which is no setting; did you mean {PREFIX}{near.upper()}? Correct or "
                "unset it"
            )
        stated[field] = _parsed(value) if known[field].annotation is not str else value
    stated |= {name: value for name, value in command_line.items() if value is not None}
    try:
        found = ServiceSettings(**stated)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InvalidInput(f"service setting {where}: {first['msg']}") from None
    _ = found.evaluation, found.alert_receivers, found.store_settings
    return found


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address.

    Examples
    --------
    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _parsed(value: str) -> Any:  # noqa: ANN401 - a value as TOML or plain text
    import tomllib

    try:
        return tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return value
