"""A function of the user's, named ``MODULE:FUNCTION``; importing it runs its module."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from secondlaw.errors import InvalidInput

__all__ = ["import_function"]


def import_function(spec: str, *, option: str) -> Callable[..., Any]:
    """Import a function.

    Parameters
    ----------
    spec : str
        ``MODULE:FUNCTION``, in the working folder or installed.
    option : str
        What the user named it by, for messages.

    Raises
    ------
    InvalidInput
        If there is no such function, or its module fails.

    Examples
    --------
    >>> import_function("math:sqrt", option="--judge")(9.0)
    3.0
    """
    module, _, name = spec.rpartition(":")
    if not module or not name.isidentifier():
        raise InvalidInput(f"{option} is MODULE:FUNCTION, got {spec!r}")
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        found = getattr(importlib.import_module(module), name, None)
    except Exception as error:  # whatever a module of the user's raises
        raise InvalidInput(f"{option} {spec}: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(here)
    if not callable(found):
        raise InvalidInput(f"{option} {spec}: the module has no function {name}")
    function: Callable[..., Any] = found
    return function
