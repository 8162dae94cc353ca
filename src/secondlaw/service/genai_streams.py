"""Names of streams: which deployment a response belongs to, from the resource that sent it.

The rule: ``secondlaw.stream`` where it is set (on the span, the log record or the resource); else ``service.name``,
followed by ``@`` and the deployment's environment where the resource names one; else ``default``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from secondlaw.errors import InvalidInput

__all__ = ["StreamNaming"]

LONGEST_NAME = 200
_OLDER = {"deployment.environment.name": "deployment.environment"}
"""Attributes that were renamed, by their name of today."""


@dataclass(frozen=True, slots=True)
class StreamNaming:
    """How a stream is named where ``secondlaw.stream`` does not say.

    Parameters
    ----------
    attributes : tuple of str
        Attributes of the resource whose values make up the name; those that are absent are left out.
    separator : str
        Between the values.
    fallback : str
        The name where the resource has none of the attributes.

    Raises
    ------
    InvalidInput
        If there are no attributes, or no fallback.

    Examples
    --------
    >>> StreamNaming().name({"service.name": "shop", "deployment.environment": "production"})
    'shop@production'
    """

    attributes: tuple[str, ...] = ("service.name", "deployment.environment.name")
    separator: str = "@"
    fallback: str = "default"

    def __post_init__(self) -> None:
        if not self.attributes or not self.fallback.strip():
            raise InvalidInput("a stream is named by at least one attribute of the resource, and a fallback")

    def name(self, resource: Mapping[str, Any], stated: object = None) -> str:
        """Return the name of a stream.

        Parameters
        ----------
        resource : mapping
            Attributes of the resource.
        stated : object
            ``secondlaw.stream``, where it is set.
        """
        parts = [stated] if stated is not None else [_value(resource, name) for name in self.attributes]
        texts = [_printable(str(part)) for part in parts if isinstance(part, str | int)]
        return self.separator.join(text for text in texts if text)[:LONGEST_NAME].strip() or self.fallback


def _value(resource: Mapping[str, Any], name: str) -> object:
    value = resource.get(name)
    return resource.get(_OLDER.get(name, "")) if value is None else value


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text).strip()
