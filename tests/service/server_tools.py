"""Programs that tests talk to: skipped with the reason where absent, a failure where they are required."""

import os
import shutil

import pytest

__all__ = ["required"]


def required(program: str, package: str) -> str:
    """Return the path of a program; skip the test without it, or fail where servers are required."""
    found = shutil.which(program)
    if found is None:
        reason = f"{program} is not installed; it is in {package}"
        if os.environ.get("SECONDLAW_REQUIRE_SERVERS") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return found
