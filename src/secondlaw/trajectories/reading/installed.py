"""Packages that only some file formats need."""

import importlib
from typing import Any

from secondlaw.errors import InvalidInput

__all__ = ["required"]


def required(package: str, purpose: str, *, remedy: str) -> Any:  # noqa: ANN401 - a module
    """Import a package, or say what needs it and how to get it.

    Raises
    ------
    InvalidInput
        If it is not installed.

    Examples
    --------
    >>> required("json", "JSON", remedy="pip install json").dumps(1)
    '1'
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise InvalidInput(f"{purpose} needs the package {package}: {remedy}") from error
