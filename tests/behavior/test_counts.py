"""Counts add up: in any order, in any grouping, and to the counts of the union."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlaw.behavior import FIVE, HUMAN, CellKey, Counts, ObservationsBuilder, group_hash
from secondlaw.errors import FileFormatError, InvalidInput
from secondlaw.formats import Row

ROW = st.fixed_dictionaries(
    {
        "stream": st.sampled_from("st"),
        "model": st.sampled_from("ab"),
        "step": st.integers(0, 2),
        "prompt_id": st.sampled_from("pqr"),
        "label": st.sampled_from([*FIVE.keys, "outside"]),
        "classifier": st.sampled_from(["c/1", "c/2"]),
        "intent": st.sampled_from(["benign", "harmful", "unknown"]),
        "prompt_set": st.sampled_from(["easy", "hard", None]),
    }
)
NAMES = ("stream", "model", "prompt_set", "intent", "classifier")
LOGS = st.lists(ROW, max_size=12)


def observed(rows):
    builder = ObservationsBuilder()
    builder.add_rows([Row(n, row) for n, row in enumerate(rows, start=1)])
    return builder.build().in_windows()


def counted(rows, **options):
    return Counts.from_observations(observed(rows), **options)


@pytest.mark.law
@given(LOGS, LOGS, LOGS)
def test_addition_is_associative_commutative_and_counts_the_union(a, b, c):
    x, y, z = counted(a), counted(b), counted(c)
    assert x + y == y + x
    assert (x + y) + z == x + (y + z)
    assert x + y + z == counted(a + b + c)
    assert Counts.merge([x, y, z]).total == len(a) + len(b) + len(c)
    assert x + Counts.empty(FIVE.keys) == x


@pytest.mark.law
@given(LOGS)
def test_plain_values_bring_it_back(rows):
    counts = counted(rows)
    assert Counts.from_dict(counts.to_dict()) == counts
    assert Counts.from_rows(list(counts.rows()), keys=FIVE.keys) == counts


@pytest.mark.law
@given(LOGS)
def test_cells_hold_what_was_counted(rows):
    counts = counted(rows)
    total = 0
    for cell in counts.cells():
        wanted = [
            row for row in rows if cell == CellKey(window=row["step"], **{name: row[name] or "" for name in NAMES})
        ]
        table = counts.by_group(cell)
        assert table.shape == (len({r["prompt_id"] for r in wanted}), 5)
        assert table.sum(axis=0).tolist() == [sum(r["label"] == key for r in wanted) for key in FIVE.keys]
        assert counts.outside(cell) == sum(r["label"] == "outside" for r in wanted)
        total += len(wanted)
    assert total == len(rows)


@pytest.mark.unit
def test_parquet_brings_it_back(tmp_path):
    rows = [{"label": f"g{n % 5 + 1}", "prompt_id": str(n % 3), "ts": n * 3600} for n in range(10)]
    builder = ObservationsBuilder()
    builder.add_rows([Row(n, row) for n, row in enumerate(rows, start=1)])
    counts = Counts.from_observations(builder.build().in_windows("1h"))
    counts.write_parquet(tmp_path / "counts.parquet")
    assert Counts.read_parquet(tmp_path / "counts.parquet") == counts
    assert counts.every == 3600
    (tmp_path / "noise.parquet").write_bytes(b"noise")
    with pytest.raises(FileFormatError, match="holds no counts"):
        Counts.read_parquet(tmp_path / "noise.parquet")


@pytest.mark.unit
def test_windows_are_numbered_since_1970_so_that_files_merge():
    row = {"label": "g1", "prompt_id": "p"}
    files = []
    for hours in ([500_000, 500_001], [500_001, 500_002]):
        builder = ObservationsBuilder()
        builder.add_rows([Row(n, row | {"ts": hour * 3600}) for n, hour in enumerate(hours, start=1)])
        files.append(Counts.from_observations(builder.build().in_windows("1h")))
    merged = files[0] + files[1]
    assert merged.windows.tolist() == [500_000, 500_001, 500_002]
    assert merged.table[:, 0].tolist() == [1, 2, 1]
    assert merged.clusters.tolist() == [group_hash("p")] * 3


@pytest.mark.unit
def test_people_are_counted_apart_from_machines():
    o = observed([{"label": "g1", "human_label": "g2", "prompt_id": "p"}, {"label": "g1", "prompt_id": "p"}])
    human = Counts.from_observations(o, human=True)
    assert [cell.classifier for cell in human.cells()] == [HUMAN]
    assert human.table.tolist() == [[0, 1, 0, 0, 0, 0]]
    assert (human + Counts.from_observations(o)).total == 3


@pytest.mark.unit
def test_what_does_not_add_up_is_said():
    five, steps = counted([{"label": "g1", "prompt_id": "p"}]), Counts.empty(("a", "b"))
    with pytest.raises(InvalidInput, match="cannot be added to counts of"):
        five + steps
    hourly = Counts.from_rows(list(five.rows()), keys=FIVE.keys, every=3600)
    with pytest.raises(InvalidInput, match="different windows cannot be added"):
        five + hourly
    with pytest.raises(InvalidInput, match="no counts to merge"):
        Counts.merge([])
    with pytest.raises(InvalidInput, match="row 1 of the counts is wrong"):
        Counts.from_rows([{"window": 0, "cluster": "zz", "counts": {}}], keys=FIVE.keys)
    with pytest.raises(InvalidInput, match="row 1 of the counts is wrong"):
        Counts.from_rows([{"window": 0, "cluster": "a", "counts": {"g1": -1}}], keys=FIVE.keys)
    with pytest.raises(InvalidInput, match="counts need keys"):
        Counts.from_dict({})


@pytest.mark.unit
def test_an_unknown_cell_is_empty():
    counts = counted([{"label": "g1", "prompt_id": "p"}])
    assert counts.by_group(CellKey("s", "m", "", "benign", "c", 0)).shape == (0, 5)
    assert np.array_equal(counts.table, [[1, 0, 0, 0, 0, 0]])
