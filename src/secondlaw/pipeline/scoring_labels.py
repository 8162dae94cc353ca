"""Labelled rows as Parquet, one file a block, all of one schema: any program that reads Parquet reads the folder.

Fields of the row format are columns; what else a row says stands in ``other_fields`` as JSON text. The files are rows
for ``secondlaw measure`` again.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from secondlaw.behavior import Transcript

__all__ = ["LabelWriter", "LabelledRow", "labels_path"]

_NOT_OTHER = ("prompt", "response", "prompt_set")


class LabelledRow(NamedTuple):
    """A response on its way: its line, the id that it states, itself, and whether it was labelled now."""

    line: int
    id: str | None
    transcript: Transcript
    is_fresh: bool = False

    def labelled(
        self, label: str, classifier: str, keys: Sequence[str], probabilities: NDArray[np.float64]
    ) -> "LabelledRow":
        """Return the row with its label."""
        shares = dict(zip(keys, probabilities.round(6).tolist(), strict=True))
        done = replace(self.transcript, label=label, classifier=classifier, label_probs=shares)
        return self._replace(transcript=done, is_fresh=True)


def labels_path(folder: Path, block: int) -> Path:
    """Return where the labelled rows of a block go."""
    return folder / f"part-{block:06d}.parquet"


class LabelWriter:
    """Writes the rows of a block; the file appears when :meth:`close` is called, whole.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        import pyarrow.parquet as pq

        self.path = path
        self._part = path.with_name(f".{path.name}.part")
        self._schema = _schema()
        self._writer: Any = pq.ParquetWriter(self._part, self._schema)

    def write(self, rows: Sequence[LabelledRow]) -> None:
        """Write rows."""
        import pyarrow as pa

        values = [_row(one) for one in rows]
        try:
            table = pa.Table.from_pylist(values, schema=self._schema)
        except UnicodeEncodeError:  # half a character, which UTF-8 cannot carry
            table = pa.Table.from_pylist([_mended(value) for value in values], schema=self._schema)
        self._writer.write_table(table)

    def close(self) -> None:
        """Let the file appear under its name."""
        self._writer.close()
        self._part.replace(self.path)

    def discard(self) -> None:
        """Remove what was not closed."""
        self._writer.close()
        self._part.unlink(missing_ok=True)


def _schema() -> Any:  # noqa: ANN401 - a pyarrow schema
    import pyarrow as pa

    text = ("id", "stream", "model", "prompt_set", "prompt_id", "prompt", "response", "conversation_id")
    fields = [(name, pa.string()) for name in text]
    fields += [("step", pa.int64()), ("ts", pa.timestamp("us", tz="UTC")), ("intent", pa.string())]
    fields += [("label", pa.string()), ("classifier", pa.string()), ("label_probs", pa.map_(pa.string(), pa.float64()))]
    fields += [("human_label", pa.string()), ("annotator", pa.string()), ("inclusion_probability", pa.float64())]
    return pa.schema([*fields, ("other_fields", pa.string())])


def _row(one: LabelledRow) -> dict[str, Any]:
    t = one.transcript
    prompt_set = t.extra.get("prompt_set")
    others = {name: value for name, value in t.extra.items() if name not in _NOT_OTHER}
    texts = {"prompt": t.prompt, "response": t.response} if t.prompt or t.response else {}
    return {
        "id": one.id,
        "stream": t.stream,
        "model": t.model,
        "prompt_set": prompt_set if isinstance(prompt_set, str) else None,
        "prompt_id": t.prompt_id,
        **texts,
        "conversation_id": t.conversation_id,
        "step": t.step,
        "ts": t.ts,
        "intent": None if t.intent == "unknown" else t.intent,
        "label": t.label,
        "classifier": t.classifier,
        "label_probs": None if t.label_probs is None else list(t.label_probs.items()),
        "human_label": t.human_label,
        "annotator": t.annotator,
        "inclusion_probability": t.inclusion_probability,
        "other_fields": _json(others) if others else None,
    }


def _json(values: dict[str, Any]) -> str:
    """Return JSON text; numbers beyond 64 bits stay exact, what JSON lacks becomes text."""
    try:
        return orjson.dumps(values, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except orjson.JSONEncodeError:
        return json.dumps(values, default=str)


def _mended(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
        for name, value in row.items()
    }
