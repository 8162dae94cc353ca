"""Programs that tests talk to and that are not installed: tests are skipped, or fail where servers are required."""

import os
from typing import NoReturn

import pytest

__all__ = ["absent"]


def absent(reason: str) -> NoReturn:
    """Skip the test; fail it with ``SECONDLAW_REQUIRE_SERVERS=1``."""
    if os.environ.get("SECONDLAW_REQUIRE_SERVERS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
