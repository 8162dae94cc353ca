"""Nothing is reported to anyone: official builds of ONNX Runtime would keep a device id and send events."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.unit

EMBED = """
from secondlaw.language import SentenceEmbedder
embedder = SentenceEmbedder(cached_texts=0, workers={workers})
assert embedder.embed(["How do I boil an egg?", "For eight minutes."] * {texts}).shape[1] == 384
embedder.close()
"""


@pytest.mark.parametrize(("workers", "texts"), [(1, 1), (2, 200)])
def test_no_device_id_and_no_events_are_kept(tmp_path, workers: int, texts: int) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "ORT_"))}
    environment = kept | {"HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
    code = EMBED.format(workers=workers, texts=texts)
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=120)
    assert not [path for path in tmp_path.rglob("*") if "onnxruntime" in str(path).lower()]
