"""Scoring: the counts of reading the same rows whole, whoever works, however it is cut, however often it is killed."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secondlaw.behavior import FIVE, Counts, read_observations
from secondlaw.behavior.windows import clock_of
from secondlaw.errors import FileFormatError, InvalidInput, NotEnoughData, SourceError, TooManyBadRows
from secondlaw.formats import Row, read_rows
from secondlaw.pipeline import scoring_blocks, scoring_local
from secondlaw.pipeline.scoring import score_files
from secondlaw.pipeline.scoring_blocks import cut_files, find_files, read_block
from secondlaw.pipeline.scoring_options import ScoreOptions
from secondlaw.pipeline.settings import load_settings

pytestmark = pytest.mark.unit

MINE = '''
import os
import time
from pathlib import Path

version = "1"

def says_no(prompt, response, intent):
    """Refusals are those that say so; a response may make the function fail or die, once or for ever."""
    if "dies once" in response:
        try:
            os.close(os.open("died", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            pass
        else:
            os.kill(os.getpid(), 9)
    if "waits" in response and not Path("go").exists():
        Path("waiting").write_text(str(os.getpid()))
        while True:
            time.sleep(0.01)
    if "fails" in response and not Path("mended").exists():
        raise ValueError("cannot read this")
    with open("asked", "a") as file:
        file.write(".")
    no = float("can't" in response)
    return (1 - no, no, 0.0), (0.5, 0.5)
'''
ENGINE = "mine:says_no"


@pytest.fixture
def work(tmp_path, monkeypatch):
    """Work in an empty folder with a classifier of one's own beside the data."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "mine.py").write_text(MINE)
    monkeypatch.chdir(folder)
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    return folder


def rows_of(n=300, *, seed=0, **common):
    """Make rows of all kinds: with and without id, label, conversation, prompt set; some repeat or contradict."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        row = {"prompt": f"question {i % 20}", "response": f"answer {i}" if rng.random() < 0.7 else "I can't.",
               "model": f"m{i % 2}", "step": int(i % 3), "intent": ("benign", "harmful")[i % 2]} | common  # fmt: skip
        if rng.random() < 0.8:
            row["id"] = f"r{i}"
        if rng.random() < 0.3:
            row |= {"label": str(rng.choice([*FIVE.keys, "outside"])), "classifier": "judge/1"}
        if rng.random() < 0.2:
            row |= {"conversation_id": f"c{i % 7}", "prompt_set": "talks"}
        if rng.random() < 0.1:
            row |= {"label": "g1"}
        rows.append(row)
    copies = [dict(rows[k]) for k in range(0, n, 37)]
    liars = [rows[k] | {"response": "another answer"} for k in range(5, n, 53)]
    return [*rows, *copies, *liars]


def write(path, rows):
    path = Path(path)
    if path.suffix == ".parquet":
        names = list(dict.fromkeys(name for row in rows for name in row))
        pq.write_table(pa.table({name: [row.get(name) for row in rows] for name in names}), path, row_group_size=64)
    else:
        path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return str(path)


def score(*sources, out="counts.parquet", workers=1, engine=ENGINE, options=None, **said):
    chosen = load_settings(workers=workers, engine=engine, **said)
    return score_files(list(sources), Path(out), chosen, ScoreOptions(**{"block_rows": 50} | (options or {})))


def expected(source, **said):
    """Count as the rest of the package does: all rows in one table."""
    from secondlaw.pipeline.engines import open_engine
    from secondlaw.pipeline.labelling import label_observations

    found = read_observations(source, **said).observations
    label_observations(found, open_engine(ENGINE, load_settings()))
    return Counts.from_observations(found.in_windows(None))


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.parquet"])
def test_the_counts_are_those_of_reading_all_rows_at_once(work, name):
    source = write(name, rows_of())
    found = score(source)
    whole = read_observations(source)
    assert found.counts == expected(source)
    assert found.counts == Counts.read_parquet("counts.parquet")
    assert (found.rows.used, found.rows.bad, found.rows.duplicates) == (
        len(whole.observations),
        whole.bad.count,
        whole.duplicates,
    )
    assert found.rows.bad > 0
    assert found.rows.duplicates > 0
    assert found.rows.read == found.rows.used + found.rows.bad + found.rows.duplicates
    assert not Path("counts.parquet.parts").exists()


def test_workers_cuts_formats_and_passes_change_nothing(work, monkeypatch):
    rows = rows_of()
    write("rows.jsonl", rows)
    write("rows.parquet", rows)
    Path("rows.jsonl.gz").write_bytes(gzip.compress(Path("rows.jsonl").read_bytes()))
    first = score("rows.jsonl")
    for k, (source, workers, size) in enumerate(
        [("rows.jsonl", 2, 50), ("rows.jsonl", 1, 7), ("rows.parquet", 1, 1000), ("rows.jsonl.gz", 1, 50)]
    ):
        again = score(source, out=f"{k}.parquet", workers=workers, options={"block_rows": size})
        assert again.counts == first.counts, (source, workers, size)
        assert Path(f"{k}.parquet").read_bytes() == Path("counts.parquet").read_bytes()
        assert again.rows.bad == first.rows.bad
    monkeypatch.setattr(scoring_local, "SETTLED_AT_ONCE", 40)
    assert score("rows.jsonl", out="passes.parquet").counts == first.counts


def test_an_id_is_one_response_in_all_files_of_a_stream(work):
    Path("in").mkdir()
    row = {"id": "a", "prompt": "q", "response": "r", "label": "g1", "stream": "s"}
    write("in/1.jsonl", [row, row | {"stream": "other"}])
    write("in/2.jsonl", [row, row | {"label": "g2"}, {"prompt": "q", "response": "r", "label": "g1"}])
    found = score("in")
    assert (found.rows.used, found.rows.duplicates, found.rows.bad) == (3, 1, 1)
    assert found.counts.table.sum(axis=0).tolist() == [3, 0, 0, 0, 0, 0]
    (bad,) = (json.loads(line) for line in Path("counts.parquet.bad.jsonl").read_text().splitlines())
    assert bad["line"] == 2
    assert "line 1 (in" in bad["reason"]
    assert bad["reason"].endswith("2.jsonl')")


def test_a_run_that_failed_goes_on_and_labels_nothing_twice(work):
    rows = [{"prompt": "q", "response": f"answer {i}"} for i in range(200)]
    rows[160]["response"] = "fails"
    source = write("rows.jsonl", rows)
    with pytest.raises(InvalidInput, match="cannot read this"):
        score(source)
    assert len(Path("asked").read_text()) == 160
    Path("mended").touch()
    Path("asked").write_text("")
    found = score(source, workers=2)
    assert len(Path("asked").read_text()) == 50
    assert (found.blocks, found.found_done, found.rows.used, found.rows.classified) == (4, 3, 200, 200)


def test_a_worker_that_dies_leaves_what_is_done_and_the_same_command_goes_on(work):
    rows = [{"prompt": "q", "response": f"answer {i}"} for i in range(400)]
    rows[330]["response"] = "dies once"
    source = write("rows.jsonl", rows)
    with pytest.raises(SourceError, match="a process that scored died"):
        score(source, workers=2)
    found = score(source, workers=2)
    assert found.found_done > 0
    assert found.counts == score(source, out="whole.parquet").counts


PROGRAM = str(Path(sys.executable).with_name("secondlaw"))


def test_kill_9_in_mid_run_costs_the_block_begun_and_leaves_no_process(work):
    rows = [{"prompt": f"q{i % 5}", "response": f"answer {i}"} for i in range(400)]
    rows[390]["response"] = "waits"
    source = write("rows.jsonl", rows)
    words = ["score", source, "--out", "counts.parquet", "--classifier-engine", ENGINE, "--block-rows", "50", "-q"]
    process = subprocess.Popen([PROGRAM, *words, "--workers", "2"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    _until(lambda: Path("waiting").exists() and _journal_lines() >= 7, process)
    worker = int(Path("waiting").read_text())
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    _until(lambda: not _is_alive(worker))
    Path("go").touch()
    found = score(source, workers=1)
    assert found.found_done >= 6
    Path("mine.py").write_text(MINE)
    assert found.counts == score(source, out="whole.parquet").counts
    assert found.counts.total == 400


def _journal_lines():
    path = Path("counts.parquet.parts/run.jsonl")
    return len(path.read_text().splitlines()) if path.exists() else 0


def _until(is_so, process=None):
    """Wait for something that happens, at most two minutes."""
    end = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < end, "it never happened"
        assert process is None or process.poll() is None, process.stderr.read()
        time.sleep(0.01)


def _is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_another_input_classifier_or_cut_is_another_run(work):
    rows = [{"prompt": "q", "response": "answer"}, {"prompt": "q", "response": "fails"}]
    source = write("rows.jsonl", rows)
    with pytest.raises(InvalidInput, match="cannot read this"):
        score(source, options={"block_rows": 2})
    assert not Path("counts.parquet.parts").exists()
    with pytest.raises(InvalidInput, match="cannot read this"):
        score(source, options={"block_rows": 1})
    write("rows.jsonl", [*rows, *rows])
    Path("mended").touch()
    with pytest.raises(InvalidInput, match="another run, or its input has changed; give --force"):
        score(source, options={"block_rows": 1})
    assert score(source, options={"replace_output": True}).rows.used == 4
    with pytest.raises(InvalidInput, match="exists; name another output"):
        score(source)


def test_labelled_rows_are_rows_again(work):
    source = write("rows.parquet", [*rows_of(), {"id": "x", "prompt": "q", "response": "r", "step": 0, "lang": "en"}])
    found = score(source, options={"labels": Path("labels")})
    table = pq.read_table("labels")
    assert table.num_rows == found.rows.used + found.rows.duplicates + found.rows.bad
    one = table.filter(pa.compute.equal(table["id"], "x")).to_pylist()[0]
    assert json.loads(one["other_fields"]) == {"lang": "en"}
    assert dict(one["label_probs"])["g1"] == 0.5
    again = score("labels", out="again.parquet")
    assert again.counts == found.counts
    assert again.rows.classified == 0


def test_labels_that_are_there_are_kept_unless_told(work):
    source = write("rows.jsonl", [{"prompt": "q", "response": "I can't.", "label": "g1", "classifier": "old/1"}] * 3)
    assert score(source).counts.names[4] == ("old/1",)
    fresh = score(source, out="fresh.parquet", options={"relabel": True})
    assert fresh.counts.names[4][0].startswith("says_no/")
    assert fresh.rows.classified == 3


def test_a_label_that_a_person_gave_is_said_and_not_counted(work):
    rows = [{"prompt": "q", "response": "r", "label": "g1", "human_label": "g2"}] * 2
    found = score(write("rows.jsonl", rows))
    assert found.counts.table.sum(axis=0).tolist() == [2, 0, 0, 0, 0, 0]
    assert any("2 rows carry a person's label" in said for said in found.warnings)


def test_times_become_windows_and_two_clocks_are_refused(work):
    hours = [{"prompt": "q", "response": "r", "label": "g1", "ts": f"2026-01-31T{h:02}:30:00Z"} for h in range(6)]
    source = write("rows.jsonl", hours)
    found = score(source, every="2h", options={"block_rows": 2})
    assert found.counts.every == 7200
    assert Counts.read_parquet("counts.parquet").every == 7200
    assert np.diff(np.unique(found.counts.windows)).tolist() == [1, 1]
    whole = read_observations(source).observations.in_windows("2h")
    assert found.counts == Counts.from_observations(whole)
    mixed = write("mixed.jsonl", [*hours, {"prompt": "q", "response": "r", "label": "g1", "step": 1}])
    with pytest.raises(InvalidInput, match="one clock"):
        score(mixed, out="mixed.parquet", every="2h", options={"block_rows": 1})
    with pytest.raises(InvalidInput, match="1 of 7 rows have no ts"):
        score(write("bare.jsonl", [*hours, {"prompt": "q", "response": "r"}]), out="bare.parquet", every="2h")


@pytest.mark.parametrize(
    ("rows", "stated", "timed", "every", "seconds"),
    [(4, 4, 0, "1h", None), (4, 0, 4, "1h", 3600), (4, 0, 4, None, None), (0, 0, 0, "1h", None)],
)
def test_the_clock(rows, stated, timed, every, seconds):
    assert clock_of(rows=rows, stated=stated, timed=timed, every=every) == seconds


def test_bad_rows_are_set_aside_with_their_line_and_too_many_end_the_run(work):
    rows = [{"prompt": "q", "response": "r", "label": "g1"}] * 6
    rows[2] = "{broken"
    rows[4] = {"prompt": "q"}
    source = write("rows.jsonl", rows)
    found = score(source, options={"block_rows": 3})
    lines = [json.loads(line)["line"] for line in Path("rows.jsonl.bad.jsonl").read_text().splitlines()]
    assert (lines, found.rows.bad, found.rows.used) == ([3, 5], 2, 4)
    with pytest.raises(TooManyBadRows, match="more than 1 bad rows"):
        score(source, out="strict.parquet", max_bad=1)
    assert not Path("strict.parquet").exists()


def test_what_cannot_be_scored_says_why(work):
    pq.write_table(pa.table({"question": ["q"], "answer": ["r"]}), "other.parquet")
    with pytest.raises(NotEnoughData, match="has the columns question, answer; wanted are prompt and response"):
        score("other.parquet")
    Path("empty.jsonl").touch()
    write("none.parquet", [{"prompt": "q", "response": "r"}])
    pq.write_table(pq.read_table("none.parquet").slice(0, 0), "none.parquet")
    Path("folder").mkdir()
    for source in ("empty.jsonl", "none.parquet", "folder"):
        with pytest.raises(NotEnoughData):
            score(source)
    Path("torn.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(FileFormatError, match="no sound Parquet"):
        score("torn.parquet")
    with pytest.raises(InvalidInput, match="no file fits"):
        score("*.nothing")
    with pytest.raises(InvalidInput, match="there is no file"):
        score("absent.parquet")
    with pytest.raises(NotEnoughData, match="none of 1 rows can be counted"):
        score(write("bad.jsonl", ["{"]))
    assert not Path("counts.parquet").exists()


def test_outputs_that_would_be_input_or_cannot_be_are_refused(work):
    Path("in").mkdir()
    write("in/rows.jsonl", rows_of(5))
    with pytest.raises(InvalidInput, match="lies in the input"):
        score("in", out="in/counts.parquet")
    with pytest.raises(InvalidInput, match="lies in the input"):
        score("in", options={"labels": Path("in/labels")})
    with pytest.raises(InvalidInput, match="name the output something"):
        score("in", out="counts.csv")
    with pytest.raises(InvalidInput, match="judge keeps one journal"):
        score("in", engine="judge", options={"place": "ray"})
    Path("labels").mkdir()
    write("labels/part-000000.parquet", rows_of(5))
    with pytest.raises(InvalidInput, match="holds labelled rows already"):
        score("in", options={"labels": Path("labels")})


def test_folders_and_patterns_name_the_same_files_in_one_order(work):
    Path("in/deep").mkdir(parents=True)
    for name in ("in/b.jsonl", "in/a.parquet", "in/deep/c.jsonl", "in/_SUCCESS.jsonl", "in/.hidden.jsonl",
                 "in/b.jsonl.bad.jsonl", "in/notes.txt"):  # fmt: skip
        write(name, rows_of(3))
    names = [path.name for path in find_files(["in"])]
    assert names == ["a.parquet", "b.jsonl", "c.jsonl"]
    asked_for = [path.name for path in find_files(["in/*.jsonl", "in/b.jsonl"])]
    assert asked_for == ["_SUCCESS.jsonl", "b.jsonl", "b.jsonl.bad.jsonl"]


@pytest.mark.law
@settings(max_examples=60)
@given(
    lines=st.lists(st.sampled_from(['{"id": 1}', "", "  ", "{broken", '{"t": "' + "x" * 40 + '"}', '{"id": "é"}\r'])),
    size=st.integers(1, 5),
    read=st.integers(1, 40),
    ended=st.booleans(),
)
def test_blocks_of_lines_hold_every_line_once_with_its_number(tmp_path_factory, lines, size, read, ended):
    path = tmp_path_factory.mktemp("cut") / "rows.jsonl"
    path.write_bytes("\n".join(lines).encode() + b"\n" * ended)
    whole = list(read_rows(path))
    usual = scoring_blocks.READ_BYTES
    scoring_blocks.READ_BYTES = read
    try:
        blocks = cut_files([path], block_rows=size)
        assert [row for block in blocks for row in read_block(block)] == whole
    finally:
        scoring_blocks.READ_BYTES = usual
    assert all(block.rows <= size for block in blocks)
    assert sum(block.stop - block.start for block in blocks) == path.stat().st_size


@pytest.mark.law
@settings(max_examples=30)
@given(rows=st.integers(1, 40), groups=st.integers(1, 15), size=st.integers(1, 20))
def test_blocks_of_parquet_hold_every_row_once(tmp_path_factory, rows, groups, size):
    path = tmp_path_factory.mktemp("cut") / "rows.parquet"
    table = pa.table({"prompt": ["q"] * rows, "response": [f"r{i}" for i in range(rows)], "label": [None] * rows})
    pq.write_table(table, path, row_group_size=groups)
    usual = scoring_blocks.READ_ROWS
    scoring_blocks.READ_ROWS = 3
    try:
        found = [row for block in cut_files([path], block_rows=size) for row in read_block(block)]
    finally:
        scoring_blocks.READ_ROWS = usual
    assert found == [Row(i + 1, {"prompt": "q", "response": f"r{i}"}) for i in range(rows)]
