"""Functions and values of the user's, named ``MODULE:NAME``; importing one runs its module."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from secondlaw.errors import InvalidInput

__all__ = ["import_function", "import_named"]


def import_named(spec: str, *, option: str) -> tuple[Any, ModuleType]:
    """Import what a module beside the working folder or installed has under a name, and the module.

    Parameters
    ----------
    spec : str
        ``MODULE:NAME``; the name may have dots.
    option : str
        What the user named it by, for messages.

    Raises
    ------
    InvalidInput
        If there is no such module or name, or the module fails.
    """
    module_name, _, name = spec.rpartition(":")
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and module_name.split(".")[0] == error.name.split(".")[0]:
            raise InvalidInput(f"{option} {spec}: there is no module {error.name} here ({here}) or installed") from None
        raise InvalidInput(f"{option} {spec} needs the module {error.name}, which is missing") from error
    except Exception as error:  # whatever a module of the user's raises
        raise InvalidInput(
            f"{option} {spec}: the module fails when it is imported: {type(error).__name__}: {error}"
        ) from error
    finally:
        sys.path.remove(here)
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is None:
        raise InvalidInput(f"{option} {spec}: the module has no {name}")
    return found, module


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
    function: Callable[..., Any] = import_named(spec, option=option)[0]
    if not callable(function):
        raise InvalidInput(f"{option} {spec}: the module has no function {name}")
    return function
