"""Scoring on a real Ray of two actors: one is killed in mid-run, and the counts are those of one process."""

import json
import os
import sys
import threading
import warnings
from contextlib import ExitStack
from pathlib import Path

import pytest

pytest.importorskip("ray", reason="Ray is not installed: pip install 'secondlaw[cluster]'")

from secondlaw.errors import InvalidInput, TooManyBadRows
from secondlaw.pipeline.scoring import score_files
from secondlaw.pipeline.scoring_options import ScoreOptions
from secondlaw.pipeline.scoring_ray import ray_cluster
from secondlaw.pipeline.settings import load_settings

pytestmark = [
    pytest.mark.unit,
    pytest.mark.timeout(1500),  # minutes on a slow machine: Ray's processes alone are dozens
    # Ray's own: settings of Ray Data that its own module reads, and sockets and files that its processes leave open.
    pytest.mark.filterwarnings(r"ignore:`use_\w+` is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

MINE = '''
import os
import time

version = "1"

def says_no(prompt, response, intent):
    """Refusals are those that say so; one response kills the process that reads it first.

    Where a file says so, nobody goes on before a second process has begun.
    """
    with open("asked", "a") as file:
        file.write(f"{os.getpid()}\\n")
    while os.path.exists("together") and len(set(open("asked").read().split())) < 2:
        time.sleep(0.01)
    if "kills" in response:
        try:
            os.close(os.open("killed", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            pass
        else:
            os.kill(os.getpid(), 9)
    no = float("can't" in response)
    return (1 - no, no, 0.0), (0.5, 0.5)
'''


@pytest.fixture(scope="module")
def cluster():
    """Start Ray once, with two processors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        # On a busy machine Ray takes its own processes for dead and ends ours with them.
        os.environ.setdefault("RAY_health_check_failure_threshold", "60")
        for name in (
            "gcs_server_port_wait_time_s",
            "gcs_server_request_timeout_seconds",
            "worker_register_timeout_seconds",
        ):
            os.environ.setdefault(f"RAY_{name}", "300")
        with ExitStack() as stack:
            yield _started(stack)


def _started(stack):
    """Start Ray; its limit of half a minute for a node cannot be set, and a busy machine may need longer."""
    import ray

    for tries in range(1, 5):
        try:
            return stack.enter_context(ray_cluster(address=None, workers=2))
        except Exception as error:
            if tries == 4 or "timed out during startup" not in str(error):
                raise
            ray.shutdown()
    raise AssertionError


@pytest.fixture
def work(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    return tmp_path


def rows_of(n):
    rows = [
        {"id": f"r{i}", "prompt": f"q{i % 30}", "response": "I can't." if i % 4 == 0 else f"answer {i}",
         "model": f"m{i % 2}", "step": i % 3, "stream": ("a", "b")[i % 2]}
        for i in range(n)
    ]  # fmt: skip
    rows += rows[::40]  # repeated
    rows += [rows[7] | {"response": "something else"}, {"prompt": "no response"}]
    return rows


def score(source, out, place, *, block_rows=50, **said):
    options = ScoreOptions(place=place, block_rows=block_rows)
    settings = load_settings(workers=2 if place == "ray" else 1, engine="mine:says_no", **said)
    return score_files([source], Path(out), settings, options)


def test_an_actor_killed_in_mid_run_changes_no_count(cluster, work):
    rows = rows_of(400)
    rows[230]["response"] = "this kills"
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    Path("together").touch()
    found = score("rows.jsonl", "ray.parquet", "ray")
    Path("together").unlink()
    assert Path("killed").exists()
    asked = Path("asked").read_text().split()
    assert len(set(asked)) >= 3  # two actors, and the one that took the place of the dead one
    assert str(os.getpid()) not in asked
    one = score("rows.jsonl", "local.parquet", "local")
    assert found.counts == one.counts
    assert found.rows == one.rows
    assert (found.rows.used, found.rows.duplicates, found.rows.bad) == (400, 10, 2)
    assert Path("ray.parquet").read_bytes() == Path("local.parquet").read_bytes()
    assert (found.workers, found.blocks, found.place) == (2, 9, "ray")


def test_ray_goes_on_with_a_run_begun_here_and_says_what_actors_find_wrong(cluster, work, monkeypatch):
    rows = rows_of(200)
    rows[180] = "{broken"
    Path("rows.jsonl").write_text("".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in rows))
    with pytest.raises(TooManyBadRows, match="more than 0 bad rows"):
        score("rows.jsonl", "counts.parquet", "local", max_bad=0)
    begun = len(Path("asked").read_text().split())
    assert 0 < begun < 205
    found = score("rows.jsonl", "counts.parquet", "ray")
    assert found.found_done == 4
    assert len(Path("asked").read_text().split()) < 205 + 2
    assert found.rows.bad == 3
    # An actor that would label with another classifier than the run began with refuses.
    Path("mine.py").write_text(MINE + "\nsays_no.version = f'of process {os.getpid()}'\n")
    monkeypatch.delitem(sys.modules, "mine")
    with pytest.raises(InvalidInput, match=r"a worker has the classifier says_no/of .*, the run began with says_no/of"):
        score("rows.jsonl", "other.parquet", "ray")
    # Nothing reads on: a thread that calls on Ray after its shutdown makes Ray end this process.
    assert not {"iter_threaded", "Prefetcher"} & {thread.name for thread in threading.enumerate()}
