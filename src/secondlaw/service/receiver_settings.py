"""How receivers of alerts are configured: one TOML table ``[[receivers]]`` each.

A secret is a string, or better ``{ env = "NAME" }`` or ``{ file = "PATH" }``; it is read once, kept as a
:class:`~pydantic.SecretStr`, and appears in no error, log or repr. The URL of a webhook counts as a secret, because it
often holds one; errors name its host alone.
"""

import fnmatch
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from secondlaw.errors import InvalidInput
from secondlaw.service.alerts import Alert
from secondlaw.service.receiver_fields import (
    LOOPBACK,
    Argv,
    Duration,
    Labels,
    MailAddress,
    MailAddresses,
    Names,
    Secret,
    Token,
    Url,
)

__all__ = [
    "AlertmanagerSettings",
    "CloudEventsSettings",
    "CommandSettings",
    "ReceiverSettings",
    "SmtpSettings",
    "WebhookSettings",
    "load_receivers",
]

TEST_ONLY = "Whether the certificate is checked; false only for tests."
CA_FILE = "Certificates to trust instead of the system's."


class _Common(BaseModel):
    """What every receiver has."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
    forgets: ClassVar[bool] = False
    """Whether it forgets alerts that are not sent again."""

    name: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$", description="Name, unique among receivers.")
    streams: Names = Field(("*",), min_length=1, description="Streams it hears of; * and ? are wildcards.")
    send_resolved: bool = Field(True, description="Whether it is told when an alarm is over.")
    repeat: Duration | None = Field(None, ge=1, description="Tell again while an alarm lasts: seconds, or 4h.")
    per_minute: float = Field(60.0, gt=0, le=6000, description="Messages a minute at most; the rest is grouped.")
    max_alerts: int = Field(100, ge=1, le=1000, description="Alerts in one message at most.")
    timeout: float = Field(10.0, gt=0, le=60, description="Seconds for one message, from connection to answer.")

    def wants(self, alert: Alert) -> bool:
        """Whether an alert is for this receiver."""
        heard = any(fnmatch.fnmatchcase(alert.stream, glob) for glob in self.streams)
        return (heard or alert.kind == "test") and (alert.firing or self.send_resolved)


class _Http(_Common):
    """What every receiver behind a URL has."""

    url: Url = Field(description="Where messages are posted.")
    bearer_token: Token | None = Field(None, description="Sent as Authorization: Bearer.")
    verify: bool = Field(True, description=TEST_ONLY)
    ca_file: Path | None = Field(None, description=CA_FILE)
    cert_file: Path | None = Field(None, description="Certificate of this client, PEM.")
    key_file: Path | None = Field(None, description="Its key, where it is not in the same file.")

    @property
    def address(self) -> str:
        """Scheme, host and port: what errors and logs may show."""
        parts = urlsplit(self.url.get_secret_value())
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")


class AlertmanagerSettings(_Http):
    """An Alertmanager: alerts are posted to its API v2 and sent again until they are resolved."""

    forgets: ClassVar[bool] = True
    type: Literal["alertmanager"]
    repeat: Duration | None = Field(60.0, ge=1, le=3600, description="Sent again after this, until resolved.")
    labels: Labels = Field({}, description="Added to every alert, for routing: severity, team.")


class WebhookSettings(_Http):
    """A webhook in the shape that Alertmanager sends, version 4."""

    type: Literal["webhook"]
    hmac_secret: Secret | None = Field(None, description="Signs messages as Standard Webhooks does.")
    labels: Labels = Field({}, description="Added to every alert.")


class CloudEventsSettings(_Http):
    """A webhook that takes CloudEvents 1.0, structured mode."""

    type: Literal["cloudevents"]
    hmac_secret: Secret | None = Field(None, description="Signs messages as Standard Webhooks does.")
    max_alerts: int = Field(1, ge=1, le=1000, description="Above 1: several alerts go as a batch of events.")


class SmtpSettings(_Common):
    """A mail server."""

    type: Literal["smtp"]
    host: str = Field(min_length=1, description="Of the mail server.")
    port: int | None = Field(None, ge=1, le=65535, description="587 for starttls, 465 for ssl, 25 for none.")
    security: Literal["starttls", "ssl", "none"] = Field("starttls", description="How the connection is protected.")
    username: str | None = Field(None, description="Who logs in.")
    password: Secret | None = Field(None, description="Their password.")
    sender: MailAddress = Field(description="Address that mails come from.")
    to: MailAddresses = Field(min_length=1, description="Addresses that mails go to.")
    verify: bool = Field(True, description=TEST_ONLY)
    ca_file: Path | None = Field(None, description=CA_FILE)

    @model_validator(mode="after")
    def _keeps_password(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password are given together, or neither")
        if self.password is not None and self.security == "none" and self.host not in LOOPBACK:
            raise ValueError("a password is not sent unprotected: use security = 'starttls' or 'ssl'")
        return self

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{self.host}:{self.port or {'starttls': 587, 'ssl': 465, 'none': 25}[self.security]}"


class CommandSettings(_Common):
    """A program on this machine, started without a shell; the alerts come on its standard input."""

    type: Literal["command"]
    argv: Argv = Field(min_length=1, description="The program and its arguments.")
    env: dict[str, Secret] = Field({}, description="Added to its environment, which is otherwise nearly empty.")

    @property
    def address(self) -> str:
        """The program."""
        return self.argv[0]


ReceiverSettings = AlertmanagerSettings | WebhookSettings | CloudEventsSettings | SmtpSettings | CommandSettings
TYPES: dict[str, TypeAdapter[Any]] = {
    "alertmanager": TypeAdapter(AlertmanagerSettings),
    "webhook": TypeAdapter(WebhookSettings),
    "cloudevents": TypeAdapter(CloudEventsSettings),
    "smtp": TypeAdapter(SmtpSettings),
    "command": TypeAdapter(CommandSettings),
}


def load_receivers(tables: Sequence[Mapping[str, Any]]) -> tuple[ReceiverSettings, ...]:
    """Check the tables ``[[receivers]]`` of the settings file.

    Parameters
    ----------
    tables : sequence of mappings

    Raises
    ------
    InvalidInput
        If one is wrong: says which receiver, which setting and why; never quotes a secret.

    Examples
    --------
    >>> load_receivers([{"type": "webhook", "name": "pager", "url": "https://example.org/T0KEN"}])[0].address
    'https://example.org'
    >>> load_receivers([{"type": "webhook", "name": "pager", "url": "example.org"}])
    Traceback (most recent call last):
        ...
    secondlaw.errors.InvalidInput: receiver 'pager': url: a URL starts with http:// or https:// and names a host
    """
    found: list[ReceiverSettings] = []
    for place, table in enumerate(tables, 1):
        one = _load(table, place)
        if any(one.name == other.name for other in found):
            raise InvalidInput(f"two receivers are named {one.name!r}: give each a name of its own")
        found.append(one)
    return tuple(found)


def _load(table: Mapping[str, Any], place: int) -> ReceiverSettings:
    if not isinstance(table, Mapping):
        raise InvalidInput(f"receiver {place} is no table: write [[receivers]] above its settings")
    kind, name = table.get("type"), table.get("name")
    which = f"receiver {name!r}" if isinstance(name, str) and len(name) <= 64 else f"receiver {place}"
    if not isinstance(kind, str) or kind not in TYPES:
        raise InvalidInput(f"{which}: type is one of {', '.join(TYPES)}, got {kind!r}")
    try:
        settings: ReceiverSettings = TYPES[kind].validate_python(dict(table))
    except ValidationError as error:
        problems = error.errors(include_input=False, include_context=False, include_url=False)
        first = min(problems, key=lambda problem: problem["type"] != "extra_forbidden")  # a misspelt name first
        where = ".".join(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        known = ", ".join(TYPES[kind].json_schema()["properties"])
        if first["type"] == "extra_forbidden":
            said = f"there is no such setting; those of {kind} are {known}"
        elif first["type"] == "missing":
            said = "this setting is needed"
        raise InvalidInput(f"{which}: {where + ': ' if where else ''}{said}") from None
    return settings
