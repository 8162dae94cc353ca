"""Inner loops in machine code where numba is installed, the same loops in plain Python where it is not.

Both draw the same numbers from the same generator, so a seed means the same trajectory either way; without numba it
takes some hundred times longer.
"""

import importlib
from collections.abc import Callable
from functools import cache
from typing import Any

__all__ = ["compiled"]


@cache
def compiled(loop: Callable[..., Any]) -> Callable[..., Any]:
    """Return `loop` compiled by numba, or `loop` itself where numba is not installed.

    The machine code is kept on disk, beside the source or in the user's cache directory, where either can be written.

    Parameters
    ----------
    loop : callable
        A function of arrays, numbers and generators that calls no other function of ours.
    """
    try:
        numba: Any = importlib.import_module("numba")
    except ImportError:
        return loop
    try:
        made: Callable[..., Any] = numba.njit(loop, cache=True, nogil=True)
    except RuntimeError:  # no directory for the machine code can be written
        made = numba.njit(loop, nogil=True)
    return made
