"""How often each category occurred, in a table that adds up: two stores, two workers or two windows merge by addition.

The key of a row is (stream, model, prompt set, intent, classifier, window, cluster); the cluster is the prompt or
conversation as a 64-bit hash, so that no id and no text needs to be kept. Adding is associative and commutative, and
equal to counting the union, because a table is always in its canonical form: sorted, one row a key.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from secondlaw.behavior.observations import NO_CODE, UNNAMED, Observations
from secondlaw.behavior.taxonomy import INTENTS, OUTSIDE
from secondlaw.errors import FileFormatError, InvalidInput

__all__ = ["HUMAN", "CellKey", "Counts"]

HUMAN = "human"
"""Classifier of counts that people's labels gave."""
_NAMES = ("stream", "model", "prompt_set", "intent", "classifier")


class CellKey(NamedTuple):
    """What the rows of a cell have in common; `window` is the step, or the number of the window since 1970."""

    stream: str
    model: str
    prompt_set: str
    intent: str
    classifier: str
    window: int


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Counts of categories by cell and cluster, in canonical form.

    Parameters
    ----------
    keys : tuple of str
        The K categories, in order.
    every : int or None
        Length of a window in seconds; None: windows are steps.
    names : tuple of five tuples of str
        Sorted names of streams, models, prompt sets, intents and classifiers.
    codes : int32 array, shape (rows, 5)
        Codes into `names`.
    windows : int64 array, shape (rows,)
        Step, or number of the window since 1970.
    clusters : uint64 array, shape (rows,)
        Hashes of prompts or conversations.
    table : int64 array, shape (rows, K + 1)
        Counts of the categories and, last, of responses outside.

    Examples
    --------
    >>> row = {"stream": "s", "model": "m", "window": 0, "cluster": "00000000000000a1", "counts": {"g1": 3, "g3": 1}}
    >>> counts = Counts.from_rows([row], keys=("g1", "g2", "g3"))
    >>> (counts + counts).total
    8
    """

    keys: tuple[str, ...]
    every: int | None
    names: tuple[tuple[str, ...], ...]
    codes: NDArray[np.int32]
    windows: NDArray[np.int64]
    clusters: NDArray[np.uint64]
    table: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.windows)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Counts):
            return NotImplemented
        same = (self.keys, self.every, self.names) == (other.keys, other.every, other.names)
        return same and all(
            np.array_equal(getattr(self, name), getattr(other, name))
            for name in ("codes", "windows", "clusters", "table")
        )

    __hash__ = None  # type: ignore[assignment]

    def __add__(self, other: "Counts") -> "Counts":
        return Counts.merge([self, other])

    @property
    def total(self) -> int:
        """All responses, those outside included."""
        return int(self.table.sum())

    @classmethod
    def empty(cls, keys: Sequence[str], *, every: int | None = None) -> Self:
        """Return a table without rows: adding it changes nothing."""
        return cls._canonical(
            tuple(keys),
            every,
            [((), np.zeros(0, dtype=np.int64))] * len(_NAMES),
            [],
            [],
            np.zeros((0, len(keys) + 1), dtype=np.int64),
        )

    @classmethod
    def merge(cls, tables: Sequence["Counts"]) -> Self:
        """Return the sum of tables.

        Raises
        ------
        InvalidInput
            If their categories or their windows differ, or there are none.
        """
        if not tables:
            raise InvalidInput("no counts to merge; start from Counts.empty(taxonomy.keys)")
        first = tables[0]
        filled = [table for table in tables if len(table)] or [first]
        for table in tables:
            if table.keys != first.keys:
                raise InvalidInput(
                    f"counts of {table.keys} cannot be added to counts of {first.keys}; use one taxonomy"
                )
        spans = sorted({table.every or 0 for table in filled})
        if len(spans) > 1:
            raise InvalidInput(
                f"counts of different windows cannot be added, got {spans} seconds (0: steps); count anew"
            )
        columns = [_joined([(table.names[k], table.codes[:, k]) for table in filled]) for k in range(len(_NAMES))]
        return cls._canonical(
            first.keys,
            filled[0].every,
            columns,
            np.concatenate([table.windows for table in filled]),
            np.concatenate([table.clusters for table in filled]),
            np.concatenate([table.table for table in filled]),
        )

    @classmethod
    def from_observations(cls, observations: Observations, *, human: bool = False) -> Self:
        """Count observations by the machine's labels, or by people's; rows without such a label are not counted.

        Steps must be settled before, by :meth:`Observations.in_windows`.
        """
        o = observations
        label = o.human_label if human else o.label
        rows = np.nonzero(label != NO_CODE)[0]
        if (o.step[rows] < 0).any():
            raise InvalidInput("rows without a step cannot be counted; call in_windows() first")
        table = np.zeros((len(rows), len(o.taxonomy.keys) + 1), dtype=np.int64)
        table[np.arange(len(rows)), label[rows]] = 1
        classifiers = np.full(len(rows), 0) if human else o.classifier[rows] + 1
        columns: list[_Coded] = [
            (o.streams, o.stream[rows]),
            (o.models, o.model[rows]),
            (("", *o.prompt_sets), o.prompt_set[rows] + 1),
            (INTENTS, o.intent[rows]),
            ((HUMAN,) if human else (UNNAMED, *o.classifiers), classifiers),
        ]
        every, first = (o.windows.every, o.windows.first) if o.windows else (None, 0)
        return cls._canonical(
            o.taxonomy.keys, every, columns, o.step[rows] + first, o.group_hashes[o.group[rows]], table
        )

    def cells(self) -> Iterator[CellKey]:
        """Yield the keys of the cells, in order."""
        if not len(self):
            return
        cell = np.column_stack([self.codes.astype(np.int64), self.windows])
        new = np.concatenate([[True], (np.diff(cell, axis=0) != 0).any(axis=1)])
        for i in np.nonzero(new)[0].tolist():
            names = {name: self.names[k][self.codes[i, k]] for k, name in enumerate(_NAMES)}
            yield CellKey(**names, window=int(self.windows[i]))

    def by_group(self, cell: CellKey) -> NDArray[np.int64]:
        """Return a cell's counts, shape (groups, K): one row a cluster, responses outside left out."""
        return self.table[self._rows_of(cell), :-1]

    def outside(self, cell: CellKey) -> int:
        """Return how many responses of a cell are in no category."""
        return int(self.table[self._rows_of(cell), -1].sum())

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the table's rows as plain JSON values; categories that did not occur are left out."""
        for codes, window, cluster, counts in zip(
            self.codes.tolist(), self.windows.tolist(), self.clusters.tolist(), self.table.tolist(), strict=True
        ):
            row: dict[str, Any] = {name: self.names[k][codes[k]] for k, name in enumerate(_NAMES)}
            row |= {"window": window, "cluster": f"{cluster:016x}"}
            row["counts"] = {key: n for key, n in zip((*self.keys, OUTSIDE), counts, strict=True) if n}
            yield row

    @classmethod
    def from_rows(cls, rows: Sequence[Mapping[str, Any]], *, keys: Sequence[str], every: int | None = None) -> Self:
        """Build a table from :meth:`rows`; equal keys are added.

        Raises
        ------
        InvalidInput
            If a row is wrong; the message shows it.
        """
        codes = {key: k for k, key in enumerate((*keys, OUTSIDE))}
        table = np.zeros((len(rows), len(codes)), dtype=np.int64)
        names: list[list[str]] = [[] for _ in _NAMES]
        windows, clusters = [], []
        for i, row in enumerate(rows):
            try:
                windows.append(int(row["window"]))
                clusters.append(int(row["cluster"], 16))
                for key, n in row["counts"].items():
                    if n is not None and (isinstance(n, bool) or int(n) != n or n < 0):
                        raise ValueError(f"{n!r} counts nothing")
                    table[i, codes[key]] = n or 0
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise InvalidInput(f"row {i + 1} of the counts is wrong ({error!r}), got {str(row)[:120]}") from error
            for k, name in enumerate(_NAMES):
                names[k].append(str(row.get(name, _ABSENT[name])))
        return cls._canonical(tuple(keys), every, [_coded(column) for column in names], windows, clusters, table)

    @classmethod
    def from_columns(
        cls,
        keys: Sequence[str],
        *,
        every: int | None,
        series: Sequence[tuple[str, str, str, str, str]],
        code: NDArray[np.integer[Any]],
        windows: NDArray[np.int64],
        clusters: NDArray[np.uint64],
        table: NDArray[np.int64],
    ) -> Self:
        """Build a table from columns; rows with equal keys are added.

        Parameters
        ----------
        keys : sequence of str
            The K categories.
        every : int or None
            Length of a window in seconds; None: windows are steps.
        series : sequence of (stream, model, prompt set, intent, classifier)
        code : int array, shape (rows,)
            Into `series`.
        windows, clusters : int64 and uint64 arrays, shape (rows,)
        table : int64 array, shape (rows, K + 1)
        """
        columns: list[_Coded] = [([part[k] for part in series], np.asarray(code)) for k in range(len(_NAMES))]
        return cls._canonical(tuple(keys), every, columns, windows, clusters, table)

    def to_dict(self) -> dict[str, Any]:
        """Return the table as plain JSON values."""
        return {"keys": list(self.keys), "every": self.every, "rows": list(self.rows())}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild a table from :meth:`to_dict`."""
        try:
            return cls.from_rows(values["rows"], keys=values["keys"], every=values.get("every"))
        except (KeyError, TypeError) as error:
            raise InvalidInput(f"counts need keys, every and rows; missing or wrong: {error}") from error

    def write_parquet(self, path: str | Path) -> None:
        """Write the table to a Parquet file: one column a part of the key, one a category."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        columns: dict[str, Any] = {
            name: pa.DictionaryArray.from_arrays(pa.array(self.codes[:, k]), pa.array(self.names[k], pa.string()))
            for k, name in enumerate(_NAMES)
        }
        columns |= {"window": pa.array(self.windows), "cluster": pa.array(self.clusters)}
        columns |= {f"count_{key}": self.table[:, k] for k, key in enumerate((*self.keys, OUTSIDE))}
        meta = {"secondlaw.every": str(self.every or 0)}
        pq.write_table(pa.table(columns).replace_schema_metadata(meta), path)

    @classmethod
    def read_parquet(cls, path: str | Path) -> Self:
        """Read a table that :meth:`write_parquet` wrote.

        Raises
        ------
        FileFormatError
            If the file is no such table.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            stored = pq.read_table(path)
            counted = [name for name in stored.column_names if name.startswith("count_")]
            every = int((stored.schema.metadata or {})[b"secondlaw.every"]) or None
            names = [_coded(stored[name].cast(pa.string()).to_pylist()) for name in _NAMES]
            table = np.column_stack([stored[name].to_numpy() for name in counted]).astype(np.int64)
            windows, clusters = stored["window"].to_numpy(), stored["cluster"].to_numpy()
        except (pa.ArrowException, KeyError, OSError, ValueError) as error:
            raise FileFormatError(f"{path} holds no counts ({error}); it is written by Counts.write_parquet") from error
        keys = tuple(name.removeprefix("count_") for name in counted[:-1])
        return cls._canonical(keys, every, names, windows, clusters, table)

    def _rows_of(self, cell: CellKey) -> NDArray[np.bool_]:
        hit: NDArray[np.bool_] = self.windows == cell.window
        for k, name in enumerate(_NAMES):
            wanted = getattr(cell, name)
            if wanted not in self.names[k]:
                return np.zeros(len(self), dtype=bool)
            hit &= self.codes[:, k] == self.names[k].index(wanted)
        return hit

    @classmethod
    def _canonical(
        cls,
        keys: tuple[str, ...],
        every: int | None,
        columns: Sequence["_Coded"],
        windows: Any,  # noqa: ANN401 - list or array
        clusters: Any,  # noqa: ANN401
        table: NDArray[np.int64],
    ) -> Self:
        """Sort by key, add what has the same key, leave out rows that count nothing."""
        something = table.any(axis=1)
        window = np.asarray(windows, dtype=np.int64)[something]
        cluster = np.asarray(clusters, dtype=np.uint64)[something]
        table = table[something]
        names, codes = [], np.zeros((len(window), len(_NAMES)), dtype=np.int32)
        for k, (given, code) in enumerate(columns):
            used = np.unique(code[something])
            ordered = sorted({given[c] for c in used.tolist()})
            place = {name: c for c, name in enumerate(ordered)}
            names.append(tuple(ordered))
            lookup = np.array([place.get(name, -1) for name in given] or [0], dtype=np.int32)
            codes[:, k] = lookup[code[something]]
        order = np.lexsort((cluster, window, *codes.T[::-1]))
        codes, window, cluster, table = codes[order], window[order], cluster[order], table[order]
        if len(window):
            changes = (np.diff(codes, axis=0) != 0).any(axis=1) | (np.diff(window) != 0) | (cluster[1:] != cluster[:-1])
            opens = np.concatenate([[0], np.nonzero(changes)[0] + 1])
            codes, window, cluster = codes[opens], window[opens], cluster[opens]
            table = np.add.reduceat(table, opens, axis=0)
        return cls(keys, every, tuple(names), codes, window, cluster, table)


_ABSENT = {"stream": "default", "model": "unknown", "prompt_set": "", "intent": "unknown", "classifier": UNNAMED}

_Coded = tuple[Sequence[str], NDArray[Any]]
"""Names, and codes that point into them."""


def _coded(values: Sequence[str]) -> _Coded:
    codes: dict[str, int] = {}
    column = np.array([codes.setdefault(value, len(codes)) for value in values], dtype=np.int64)
    return list(codes), column


def _joined(columns: Sequence[_Coded]) -> _Coded:
    """Join columns that have tables of their own into one with a common table."""
    codes: dict[str, int] = {}
    parts = []
    for names, column in columns:
        lookup = np.array([codes.setdefault(name, len(codes)) for name in names] or [0], dtype=np.int64)
        parts.append(lookup[column])
    return list(codes), np.concatenate(parts)
