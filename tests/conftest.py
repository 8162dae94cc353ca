"""What tests of several rooms share."""

import gzip
import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from loopback_server import Loopback

settings.register_profile("fixed", derandomize=True, deadline=None)
settings.load_profile("fixed")

KEYS = ("g1", "g2", "g3", "g4", "g5")


@pytest.fixture
def write_rows(tmp_path) -> Callable[..., Path]:
    """Write rows as JSONL, compressed if the name ends in .gz."""

    def write(rows: list[Any], name: str = "rows.jsonl") -> Path:
        path = tmp_path / name
        content = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
        data = content.encode("utf-8", "surrogatepass")
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return write


@pytest.fixture
def labelled_rows() -> Callable[..., list[dict[str, Any]]]:
    """Make labelled rows: models with shares that move from one step to the last."""

    def make(
        models: dict[str, tuple[list[float], list[float]]],
        *,
        steps: int = 3,
        prompts: int = 20,
        k: int = 5,
        classifier: str = "judge/1",
        seed: int = 0,
    ) -> list[dict[str, Any]]:
        rng = np.random.default_rng(seed)
        rows = []
        for model, (first, last) in models.items():
            for step in range(steps):
                shares = np.array(first) + (np.array(last) - np.array(first)) * step / max(steps - 1, 1)
                for prompt in range(prompts):
                    rows += [
                        {"prompt": f"question {prompt}", "response": f"answer {i}", "prompt_id": f"p{prompt}",
                         "model": model, "stream": "test", "step": step, "label": KEYS[rng.choice(5, p=shares)],
                         "classifier": classifier}
                        for i in range(k)
                    ]  # fmt: skip
        return rows

    return make


STEADY = [0.85, 0.03, 0.06, 0.04, 0.02]
MIXED = [0.45, 0.2, 0.1, 0.15, 0.1]


@pytest.fixture
def loopback():
    server = Loopback()
    yield server
    server.close()


@pytest.fixture
def nobody():
    """Return the URL of a port on which nobody listens."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    url = f"http://127.0.0.1:{server.server_port}/v1"
    server.server_close()
    return url
