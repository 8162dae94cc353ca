"""Columns of responses: both paths of reading agree, nothing is lost or counted twice, sound rows survive."""

import gzip
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import secondlaw.behavior
from secondlaw.behavior import (
    FIVE,
    NO_CODE,
    ObservationsBuilder,
    content_id,
    group_hash,
    read_observations,
    read_transcripts,
    row_schema,
)
from secondlaw.behavior import collecting as collecting_module
from secondlaw.behavior.rows import ROW_FIELDS
from secondlaw.errors import InvalidInput, TooManyBadRows
from secondlaw.formats import BadRow, Row

QA = {"prompt": "Hi", "response": "Hello.", "label": "g1", "classifier": "c/1"}


def built(rows, **options):
    bad = []
    builder = ObservationsBuilder(bad=bad.append, **options)
    builder.add_rows([Row(n, row) for n, row in enumerate(rows, start=1)])
    return builder.build(), bad, builder.duplicates


def described(observations):
    """Everything measured of every row, by name."""
    o = observations
    return [
        (
            o.streams[o.stream[i]],
            o.models[o.model[i]],
            int(o.step[i]),
            int(o.group_hashes[o.group[i]]),
            int(o.intent[i]),
            int(o.label[i]),
            int(o.human_label[i]),
            o.classifiers[o.classifier[i]] if o.classifier[i] != NO_CODE else None,
            o.annotators[o.annotator[i]] if o.annotator[i] != NO_CODE else None,
            None if o.micros is None else int(o.micros[i]),
            None if o.label_probs is None else np.nan_to_num(o.label_probs[i], nan=-1).tolist(),
            None if o.inclusion_probability is None else float(np.nan_to_num(o.inclusion_probability[i], nan=-1)),
        )
        for i in range(len(o))
    ]


@pytest.mark.unit
def test_rows_become_codes_into_tables():
    rows = [
        QA | {"stream": "s", "model": "a", "step": 1, "prompt_id": "p1", "intent": "benign"},
        QA | {"label": "outside", "human_label": "g2", "annotator": "ann", "inclusion_probability": 0.5},
        {"prompt": "Hi", "response": "No", "label_probs": {"g1": 0.75, "g4": 0.25}, "conversation_id": "c"},
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yo"}], "ts": 1769860800},
    ]
    o, bad, duplicates = built(rows)
    assert (bad, duplicates, len(o)) == ([], 0, 4)
    assert (o.streams, o.models) == (("s", "default"), ("a", "unknown"))
    assert o.label.tolist() == [0, 5, NO_CODE, NO_CODE]
    assert o.human_label.tolist() == [NO_CODE, 1, NO_CODE, NO_CODE]
    assert o.group.tolist() == [0, 1, 2, 1]
    assert o.group_hashes.tolist() == [group_hash("p1"), group_hash(content_id("Hi")), group_hash("c")]
    assert o.label_probs[2].tolist() == [0.75, 0.0, 0.0, 0.25, 0.0]
    assert np.isnan(o.label_probs[0]).all()
    assert o.inclusion_probability[1] == 0.5
    assert o.micros[3] == 1769860800 * 10**6
    assert o.line.tolist() == [1, 2, 3, 4]
    assert o.needs_labels == 2


NAN = float("nan")
VALUES = st.sampled_from([
    None, "", "x", "y", "7", 0, 3, -1, 0.5, 7.0, True, [], 10**30, 2**54, NAN, {"g1": 1}, {"g1": 0.5, "g2": 0.5},
    {"g9": 1.0}, {"g1": NAN}, {"g2": NAN, "g1": 1.0}, {"g1": 0.5, "outside": 0.5}, {"g1": "1"}, {"g1": True}, "g2",
    "2026-01-31T12:00:00.25Z", "2026-01-31T12:00:00", "outside", "harmful",
])  # fmt: skip
ROWS = st.lists(
    st.builds(
        lambda base, change: base | change,
        st.sampled_from([QA, {}, {"prompt": "A", "response": "B"}, {"label": "g3", "prompt_id": "p"}]),
        st.dictionaries(st.sampled_from([*ROW_FIELDS, "output"]), VALUES, max_size=3),
    ),
    max_size=6,
)


@pytest.mark.law
@settings(max_examples=300)
@given(ROWS)
def test_the_fast_path_accepts_and_reads_what_transcripts_do(rows):
    rows = [{key: value for key, value in row.items() if key != "id"} for row in rows]
    fast, fast_bad, _ = built(rows)
    slow_bad = []
    builder = ObservationsBuilder(bad=slow_bad.append)
    builder.add_transcripts(read_transcripts([Row(n, row) for n, row in enumerate(rows, start=1)]))
    slow = builder.build()
    assert [row.line for row in fast_bad] == [row.line for row in slow_bad]
    assert described(fast) == described(slow)
    assert [(b.prompts, b.responses, b.intents) for b in fast.pending()] == [
        (b.prompts, b.responses, b.intents) for b in slow.pending()
    ]


@pytest.mark.unit
def test_identical_duplicates_count_once_and_contradictions_are_bad():
    ids = ({"id": "a"}, {"id": "b"}, {"id": "a"}, {"id": "a", "label": "g2"}, {}, {}, {"id": 7}, {"id": "7"})
    rows = [QA | change for change in ids]
    o, bad, duplicates = built(rows)
    assert o.line.tolist() == [1, 2, 5, 6, 7]
    assert duplicates == 2
    assert bad == [BadRow(4, "its id is that of line 1, which says something else; give every row its own", "")]


@pytest.mark.unit
def test_answers_that_happen_to_be_equal_are_all_counted():
    o, _, duplicates = built([{k: v for k, v in QA.items() if k != "id"}] * 50)
    assert (len(o), duplicates) == (50, 0)


@pytest.mark.unit
def test_duplicates_are_found_across_chunks_and_leave_no_text(monkeypatch):
    monkeypatch.setattr(collecting_module, "CHUNK_ROWS", 2)
    rows = [{"id": str(n % 5), "prompt": f"p{n % 5}", "response": "r"} for n in range(11)]
    o, _, duplicates = built(rows, rng=np.random.default_rng(0))
    assert (len(o), duplicates, o.needs_labels) == (5, 6, 5)
    (batch,) = o.pending()
    assert batch.prompts == [f"p{n}" for n in range(5)]
    assert batch.rows.tolist() == list(range(5))


@pytest.mark.unit
def test_cells_part_the_rows_and_groups_keep_their_codes():
    rng = np.random.default_rng(1)
    rows = [
        QA | {"model": "ab"[rng.integers(2)], "step": int(rng.integers(3)), "prompt_id": f"p{rng.integers(4)}"}
        | {"label": f"g{rng.integers(1, 6)}"}
        for _ in range(200)
    ]  # fmt: skip
    o = built(rows)[0].in_windows()
    cells = list(o.cells())
    assert sorted(np.concatenate([cell.rows for cell in cells]).tolist()) == list(range(200))
    assert [(c.model, c.step) for c in cells] == [(model, step) for model in o.models for step in range(3)]
    for cell in cells:
        counts = o.group_counts(cell.rows)
        for code, row in zip(counts.groups, counts.counts, strict=True):
            wanted = [r for r in rows if (r["model"], r["step"]) == (cell.model, cell.step)]
            wanted = [r for r in wanted if group_hash(r["prompt_id"]) == int(o.group_hashes[code])]
            assert row.tolist() == [sum(r["label"] == key for r in wanted) for key in FIVE.keys]


@pytest.mark.unit
def test_select_by_model_step_and_unknown_names():
    o = built([QA | {"model": m, "step": s} for m in "ab" for s in range(3)])[0]
    assert len(o.select(model="a")) == 3
    assert o.select(model="b", step=range(1, 3)).line.tolist() == [5, 6]
    assert len(o.select(step=0)) == 2
    with pytest.raises(InvalidInput, match="there is no model 'c'; there are: a, b"):
        o.select(model="c")


@pytest.mark.unit
def test_outside_is_counted_apart():
    o = built([QA, QA | {"label": "outside"}, {"prompt": "Hi", "response": "x"}])[0]
    counts = o.group_counts(np.arange(3))
    assert (counts.counts.tolist(), counts.outside.tolist()) == ([[1, 0, 0, 0, 0]], [1])


@pytest.mark.unit
def test_labels_of_different_versions_are_never_pooled():
    o = built([QA, QA | {"classifier": "c/2"}, {**QA, "classifier": None, "human_label": "g3"}])[0]
    assert o.classifier_versions(np.arange(3)) == ("unnamed", "c/1", "c/2")
    assert o.mixed_versions(np.array([0])) is None
    reason = o.mixed_versions(np.arange(2)).reason
    assert reason.startswith("labels of 2 classifiers in one cell (c/1, c/2) are never pooled")
    assert "--classifier NAME" in reason
    one = o.select(classifier="c/2")
    assert one.line.tolist() == [2, 3]
    assert one.label.tolist() == [0, NO_CODE]
    assert o.label.tolist() == [0, 0, 0]


@pytest.mark.unit
def test_pending_rows_get_their_labels_and_stay_in_place():
    rows = [QA, *({"prompt": f"p{n}", "response": f"r{n}", "intent": "harmful"} for n in range(5))]
    o = built(rows, rng=np.random.default_rng(0))[0]
    batches = list(o.pending(size=2))
    assert [len(batch.rows) for batch in batches] == [2, 2, 1]
    assert batches[0].intents == ["harmful", "harmful"]
    for batch in batches:
        o.set_labels(batch, [1] * len(batch.rows), classifier="e/1", probs=np.full((len(batch.rows), 5), 0.2))
    assert o.label.tolist() == [0, 1, 1, 1, 1, 1]
    assert o.needs_labels == 0
    assert o.classifier_versions(np.arange(1, 6)) == ("e/1",)
    assert np.isnan(o.label_probs[0]).all()
    assert {example.response for example in o.examples("unknown", "g2")} == {f"r{n}" for n in range(5)}
    with pytest.raises(InvalidInput, match="codes from 0 to 5"):
        o.set_labels(batches[0], [6, 0], classifier="e/1")


@pytest.mark.unit
def test_a_selection_keeps_the_texts_of_its_own_pending_rows():
    o = built([{"prompt": "p", "response": m, "model": m} for m in "abab"])[0]
    (batch,) = o.select(model="b").pending()
    assert (batch.rows.tolist(), batch.responses) == ([0, 1], ["b", "b"])


@pytest.mark.calibration
def test_every_row_is_equally_likely_to_be_an_example(monkeypatch):
    monkeypatch.setattr(collecting_module, "CHUNK_ROWS", 7)
    rows = [QA | {"response": str(n)} for n in range(20)]
    chosen = np.zeros(20)
    for seed in range(400):
        o = built(rows, examples=5, rng=np.random.default_rng(seed))[0]
        examples = o.examples("unknown", "g1")
        assert len(examples) == 5
        chosen[[int(example.response) for example in examples]] += 1
    # Each row is chosen with probability 1/4: 400 draws, standard deviation 8.7; 4 of them over 20 rows.
    assert np.abs(chosen - 100).max() < 35


@pytest.mark.unit
def test_no_examples_without_a_generator_and_long_ones_are_cut():
    assert built([QA])[0].examples("unknown", "g1") == []
    o = built([QA | {"response": "x" * 10**6}], rng=np.random.default_rng(0))[0]
    assert len(o.examples("unknown", "g1")[0].response) == 2000


def lines(rows):
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


@pytest.mark.unit
def test_bad_rows_are_quarantined_and_the_sound_ones_measured(tmp_path):
    path = tmp_path / "log.jsonl"
    changes = ({}, {"label": "g9"}, {"label_probs": {"g1": float("nan")}}, {"ts": "2026-01-31T12:00:00"})
    path.write_bytes(lines(QA | change for change in changes) + b"{\n" + lines([QA]))
    reading = read_observations(path)
    assert reading.observations.line.tolist() == [1, 6]
    assert reading.damage is None
    assert reading.bad.count == 4
    stored = [json.loads(line) for line in (tmp_path / "log.jsonl.bad.jsonl").read_text().splitlines()]
    reasons = {row["line"]: row["reason"] for row in stored}
    assert set(reasons) == {2, 3, 4, 5}
    assert "'g9' is not in taxonomy" in reasons[2]
    assert "NaN is no JSON number" in reasons[3]
    assert "--assume-utc" in reasons[4]
    assert len(read_observations(path, assume_utc=True).observations) == 3
    with pytest.raises(TooManyBadRows, match="more than 2 bad rows"):
        read_observations(path, max_bad=2)


@pytest.mark.unit
def test_a_broken_gzip_leaves_what_came_before(tmp_path):
    rows = [QA | {"id": str(n), "note": f"{n * 7919 % 10007:x}" * 9} for n in range(30_000)]
    packed = gzip.compress(lines(rows))
    path = tmp_path / "log.jsonl.gz"
    path.write_bytes(packed[: len(packed) // 2])
    reading = read_observations(path)
    n = len(reading.observations)
    assert 5000 < n < 30_000
    assert reading.observations.line.tolist() == list(range(1, n + 1))
    assert f"{n} rows before it were read" in str(reading.damage)
    assert reading.damage.exit_code == 13


@pytest.mark.unit
def test_an_empty_file_gives_no_rows(tmp_path):
    (tmp_path / "log.jsonl").write_bytes(b"")
    o = read_observations(tmp_path / "log.jsonl").observations.in_windows("1h")
    assert (len(o), list(o.cells()), list(o.pending()), o.needs_labels) == (0, [], [], 0)


@pytest.mark.unit
def test_a_ten_megabyte_response_is_kept_for_the_classifier(tmp_path):
    (tmp_path / "log.jsonl").write_bytes(lines([{"prompt": "Hi", "response": "é" * 10**7}, QA]))
    (batch,) = read_observations(tmp_path / "log.jsonl").observations.pending()
    assert len(batch.responses[0]) == 10**7


@pytest.mark.unit
def test_a_field_of_ids_where_a_name_belongs_is_said(monkeypatch):
    monkeypatch.setattr(collecting_module, "MAX_TABLE_NAMES", 10)
    with pytest.raises(InvalidInput, match="model has more than 10 different values, such as 'm11'"):
        built([QA | {"model": f"m{n}"} for n in range(12)])


@pytest.mark.unit
def test_group_codes_do_not_depend_on_the_process():
    assert group_hash("p1") == 0x91CE9478C96516E8


@pytest.mark.unit
def test_the_room_exports_what_it_says():
    names = secondlaw.behavior.__all__
    assert sorted(names) == sorted(set(names))
    assert all(hasattr(secondlaw.behavior, name) for name in names)
    assert row_schema(FIVE)["$defs"]["label"] == {"enum": [*FIVE.keys, "outside"]}
