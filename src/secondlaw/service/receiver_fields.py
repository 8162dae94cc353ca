"""Values of the receivers' settings that are checked as they are read: secrets, URLs, durations, labels, addresses."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr

from secondlaw.behavior.windows import window_seconds

__all__ = [
    "LOOPBACK",
    "Argv",
    "Duration",
    "Labels",
    "MailAddress",
    "MailAddresses",
    "Names",
    "Secret",
    "Token",
    "Url",
]

LOOPBACK = ("localhost", "127.0.0.1", "::1")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_ADDRESS = re.compile(r"[^\s<>@,;]+@[^\s<>@,;]+")
_RESERVED = ("alertname", "stream", "model", "monitor")


def _secret(value: Any) -> Any:  # noqa: ANN401 - whatever a file says
    """Read ``{env = "NAME"}`` and ``{file = "PATH"}``; anything else is pydantic's to judge."""
    if not isinstance(value, Mapping):
        return value
    if len(value) == 1 and isinstance(value.get("env"), str):
        found = os.environ.get(value["env"])
        if not found:
            raise ValueError(f"the environment variable {value['env']} is not set")
        return found
    if len(value) == 1 and isinstance(value.get("file"), str):
        try:
            found = Path(value["file"]).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            raise ValueError(f"the file {value['file']!r} cannot be read ({type(error).__name__})") from None
        if not found:
            raise ValueError(f"the file {value['file']!r} is empty")
        return found
    raise ValueError('a secret is a string, { env = "NAME" } or { file = "PATH" }')


def _seconds(value: Any) -> Any:  # noqa: ANN401
    if not isinstance(value, str):
        return value
    try:
        return window_seconds(value)
    except ValueError:
        raise ValueError(f"a time is a number of seconds, or a whole number and s, m, h or d, got {value!r}") from None


def _several(value: Any) -> Any:  # noqa: ANN401
    return (value,) if isinstance(value, str) else value


def _url(url: SecretStr) -> SecretStr:
    text = url.get_secret_value()
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or not text.isprintable() or " " in text:
        raise ValueError("a URL starts with http:// or https:// and names a host")
    return url


def _token(token: SecretStr) -> SecretStr:
    text = token.get_secret_value()
    if not text or not text.isascii() or not text.isprintable():
        raise ValueError("a token holds printable ASCII characters alone, and one at least")
    return token


def _labels(labels: dict[str, str]) -> dict[str, str]:
    for name, value in labels.items():
        if not _LABEL.fullmatch(name) or name in _RESERVED or name.startswith("__") or not value:
            raise ValueError(
                f"{name!r} = {value!r} cannot be a label: a name of letters, digits and _, none of "
                f"{', '.join(_RESERVED)}, with a value"
            )
    return labels


def _address(address: str) -> str:
    if not address.isascii() or not _ADDRESS.fullmatch(address):
        raise ValueError(f"{address!r} is no mail address such as oncall@example.org")
    return address


def _argv(argv: tuple[str, ...]) -> tuple[str, ...]:
    if not argv or not argv[0] or any("\0" in part for part in argv):
        raise ValueError('argv is a list that begins with the program to start, such as ["/usr/local/bin/page"]')
    return argv


Secret = Annotated[SecretStr, BeforeValidator(_secret)]
Url = Annotated[Secret, AfterValidator(_url)]
Token = Annotated[Secret, AfterValidator(_token)]
Duration = Annotated[float, BeforeValidator(_seconds)]
Labels = Annotated[dict[str, str], AfterValidator(_labels)]
Names = Annotated[tuple[str, ...], BeforeValidator(_several)]
MailAddress = Annotated[str, AfterValidator(_address)]
MailAddresses = Annotated[tuple[MailAddress, ...], BeforeValidator(_several)]
Argv = Annotated[tuple[str, ...], AfterValidator(_argv)]
