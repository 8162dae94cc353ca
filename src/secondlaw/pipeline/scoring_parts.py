"""What a block leaves behind: one small row of numbers and names for every response, in a Parquet file of its own.

Of a response is kept what counting needs: its cell, the hash of its prompt or conversation, its label, and two hashes
that tell a repetition from a contradiction; no text.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["CELL", "PART_COLUMNS", "SHARDS", "PartColumns", "bad_path", "part_path", "settled_path"]

SHARDS = 256
"""Into how many shards responses fall by their ids: what has one id falls into one shard, and a shard fits in memory.
It is part of the files, so that a run goes on whoever goes on with it."""
CELL = ("stream", "model", "prompt_set", "intent", "classifier")
"""Names that a cell of counts is told by."""
PART_COLUMNS = {
    "shard": "int32", "place": "int64", "line": "int64", "id": "int64", "content": "int64",
    **dict.fromkeys(CELL, "string"),
    "window": "int64", "cluster": "int64", "label": "int16", "fresh": "bool_",
}  # fmt: skip
"""Columns and Arrow types of a part. `id`, `content` and `cluster` are 64-bit hashes read as signed numbers, `place`
orders the responses of all blocks, `label` is a category's code and -1 for none, `fresh` says that it was labelled in
this run."""
_HASHES = ("id", "content", "cluster")


@dataclass(slots=True)
class PartColumns:
    """The rows of a block's part, column by column; hashes are not negative here."""

    line: list[int] = field(default_factory=list)
    id: list[int] = field(default_factory=list)
    content: list[int] = field(default_factory=list)
    stream: list[str] = field(default_factory=list)
    model: list[str] = field(default_factory=list)
    prompt_set: list[str] = field(default_factory=list)
    intent: list[str] = field(default_factory=list)
    classifier: list[str] = field(default_factory=list)
    window: list[int] = field(default_factory=list)
    cluster: list[int] = field(default_factory=list)
    label: list[int] = field(default_factory=list)
    fresh: list[bool] = field(default_factory=list)

    def write(self, path: Path, *, block: int) -> None:
        """Write the part of a block."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        columns: dict[str, Any] = {name: getattr(self, name, None) for name in PART_COLUMNS}
        for name in _HASHES:
            columns[name] = np.array(columns[name], dtype=np.uint64)
        # Without an id a response repeats nothing: its prompt's hash spreads such responses as well as any.
        spread = np.where(columns["id"] != 0, columns["id"], columns["cluster"]) % SHARDS
        columns |= {name: columns[name].view(np.int64) for name in _HASHES}
        columns |= {"shard": spread.astype(np.int32), "place": (block << 32) + np.arange(len(self.line))}
        table = {name: pa.array(columns[name], getattr(pa, kind)()) for name, kind in PART_COLUMNS.items()}
        pq.write_table(pa.table(table), path)


def part_path(folder: Path, block: int) -> Path:
    """Return where the responses of a block are kept."""
    return folder / f"block-{block:06d}.parquet"


def bad_path(folder: Path, block: int) -> Path:
    """Return where the bad rows of a block are kept, if it has any."""
    return folder / f"block-{block:06d}.bad.jsonl"


def settled_path(folder: Path, shard: int) -> Path:
    """Return where is kept what became of a shard's repetitions and contradictions."""
    return folder / f"shard-{shard:03d}.json"
