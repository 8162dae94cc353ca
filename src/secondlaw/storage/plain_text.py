"""Texts that every database takes."""

from sqlalchemy import Dialect, Text
from sqlalchemy.types import TypeDecorator

__all__ = ["PlainText", "plain_text"]


def plain_text(text: str) -> str:
    r"""Return a text without NUL, which PostgreSQL refuses, and without halves of surrogate pairs, which UTF-8 does.

    Examples
    --------
    >>> plain_text("a\0b\ud800c")
    'a�b?c'
    """
    if "\0" in text:
        text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    if text.isascii():
        return text
    return text.encode("utf-8", "replace").decode("utf-8")


class PlainText(TypeDecorator[str]):
    """A column of texts; what is written to it, or compared with it, goes through :func:`plain_text`."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Return a value as it is stored."""
        return None if value is None else plain_text(value)
