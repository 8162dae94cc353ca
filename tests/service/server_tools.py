"""Programs that tests talk to: skipped with the reason where absent, a failure where they are required."""

import shutil

from absent_programs import absent

__all__ = ["required"]


def required(program: str, package: str) -> str:
    """Return the path of a program; skip the test without it, or fail where servers are required."""
    found = shutil.which(program)
    if found is None:
        absent(f"{program} is not installed; it is in {package}")
    return found
