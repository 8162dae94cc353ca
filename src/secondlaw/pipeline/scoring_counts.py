"""The reduction: responses become counts that add up, each response once.

Responses that state an id are told apart by (stream, id), over all files: one that repeats another's id and content is
counted once, and one that has another's id and says something else contradicts it, so that the first stays and it is a
bad row. First is who stands first in the files, whoever read it. Responses without an id are never repetitions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from secondlaw.behavior import NO_CODE, Counts
from secondlaw.behavior.duplicates import settle
from secondlaw.formats import replace_file
from secondlaw.pipeline.scoring_parts import CELL, settled_path

__all__ = ["Settled", "counts_of_table", "read_settled", "settle_responses", "table_of_counts"]

_KEY = (*CELL, "window", "cluster")
_COUNT = "count_"


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of the responses.

    Parameters
    ----------
    used, silent : int
        Those counted, and those that have no label and are in no count.
    classified : int
        Of those counted, the ones labelled in this run.
    repeated : int
        Repetitions, left out.
    contradictions : tuple of (place, line, place of the first, its line)
        Responses with the id of another that says something else, left out.
    """

    used: int
    silent: int
    classified: int
    repeated: int
    contradictions: tuple[tuple[int, int, int, int], ...]


def settle_responses(rows: Any, *, categories: Sequence[str], folder: Path) -> Counts:  # noqa: ANN401 - an Arrow table
    """Count the responses of one or more whole shards, and note in the folder what was left out.

    Parameters
    ----------
    rows : pyarrow.Table
        In any order; with the columns of :data:`~secondlaw.pipeline.scoring_parts.PART_COLUMNS`.
    categories : sequence of str
        Keys of the taxonomy.
    folder : Path
        Where the note goes; doing the same again leaves the same note.
    """
    import pyarrow as pa

    if not rows.num_rows:
        return Counts.empty(categories)
    rows = rows.sort_by("place")
    place, line, label = (rows[name].to_numpy() for name in ("place", "line", "label"))
    keep, repeated, pairs = settle(rows["id"].to_numpy(), rows["content"].to_numpy(), np.arange(len(place)))
    counted = keep & (label != NO_CODE)
    note = {
        "used": int(counted.sum()),
        "silent": int((keep & ~counted).sum()),
        "classified": int((rows["fresh"].to_numpy(zero_copy_only=False) & counted).sum()),
        "repeated": repeated,
        "contradictions": [[int(place[i]), int(line[i]), int(place[j]), int(line[j])] for i, j in pairs],
    }
    shard = int(rows["shard"].to_numpy().min())
    replace_file(settled_path(folder, shard), lambda path: path.write_bytes(orjson.dumps(note)))
    found = rows.filter(pa.array(counted)).group_by([*_KEY, "label"]).aggregate([([], "count_all")])
    table = np.zeros((found.num_rows, len(categories) + 1), dtype=np.int64)
    table[np.arange(found.num_rows), found["label"].to_numpy()] = found["count_all"].to_numpy()
    return _counts(found, table, categories)


def read_settled(folder: Path) -> Settled:
    """Add up the notes of all shards."""
    notes = [orjson.loads(path.read_bytes()) for path in folder.glob(settled_path(Path(), 0).name.replace("000", "*"))]
    used, silent, classified, repeated = (
        sum(note[name] for note in notes) for name in ("used", "silent", "classified", "repeated")
    )
    found = sorted(tuple(one) for note in notes for one in note["contradictions"])
    return Settled(used, silent, classified, repeated, tuple(found))


def table_of_counts(counts: Counts) -> Any:  # noqa: ANN401 - an Arrow table
    """Return counts as an Arrow table whose rows of one key may be summed column by column."""
    import pyarrow as pa

    columns: dict[str, Any] = {
        name: pa.array([counts.names[k][code] for code in counts.codes[:, k].tolist()], pa.string())
        for k, name in enumerate(CELL)
    }
    columns |= {"window": pa.array(counts.windows), "cluster": pa.array(counts.clusters.view(np.int64))}
    return pa.table(columns | {f"{_COUNT}{k}": pa.array(counts.table[:, k]) for k in range(counts.table.shape[1])})


def counts_of_table(table: Any, *, categories: Sequence[str], column: str = "{}") -> Counts:  # noqa: ANN401
    """Return the counts of an Arrow table; `column` says what summing called a column, such as ``"sum({})"``."""
    if not table.num_rows:
        return Counts.empty(categories)
    columns = [table[column.format(f"{_COUNT}{k}")].to_numpy() for k in range(len(categories) + 1)]
    return _counts(table, np.column_stack(columns).astype(np.int64), categories)


def _counts(rows: Any, table: NDArray[np.int64], categories: Sequence[str]) -> Counts:  # noqa: ANN401
    coded = [rows[name].combine_chunks().dictionary_encode() for name in CELL]
    codes = np.column_stack([column.indices.to_numpy() for column in coded])
    distinct, code = np.unique(codes, axis=0, return_inverse=True)
    names = [column.dictionary.to_pylist() for column in coded]
    return Counts.from_columns(
        categories,
        every=None,
        series=[tuple(names[k][c] for k, c in enumerate(one)) for one in distinct.tolist()],
        code=code.ravel(),
        windows=rows["window"].to_numpy().astype(np.int64),
        clusters=rows["cluster"].to_numpy().astype(np.int64).view(np.uint64),
        table=table,
    )
