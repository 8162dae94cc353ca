"""The memory of ``secondlaw classify`` does not grow with its file."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

JUDGE = "def judge(prompt, response, intent):\n    return [1, 0, 0], [1, 0]\n"
RUN = """
import resource, sys
from secondlaw.cli.main import app
app(["classify", sys.argv[1], "--out", sys.argv[2], "--engine", "own_judge:judge", "--quiet"], standalone_mode=False)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
FEW, MANY = 5_000, 40_000


def peak(folder: Path, rows: int) -> int:
    """Return the most memory that classifying so many rows takes, in KiB; prompts and sources all differ."""
    path, out = folder / f"{rows}.jsonl", folder / f"{rows}.out.jsonl"
    with path.open("w") as file:
        for i in range(rows):
            row = {
                "id": str(i),
                "prompt": f"Question {i}? " * 20,
                "response": "It depends. " * 30,
                "source": f"set {i}",
            }
            file.write(json.dumps(row) + "\n")
    environment = os.environ | {"PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(path), str(out)], env=environment, cwd=folder, capture_output=True, text=True,
        timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with out.open() as file:
        assert sum(1 for _ in file) == rows
    return int(done.stdout.split()[-1])


def test_memory_is_flat_in_the_rows(tmp_path) -> None:
    (tmp_path / "own_judge.py").write_text(JUDGE)
    few, many = peak(tmp_path, FEW), peak(tmp_path, MANY)
    assert many < few + 10_240  # 35,000 rows more of 850 bytes; held, they would take 30 MB and more
