"""Rows as columns, some thousands at a time: the fast path of reading.

Each field is checked for all rows of a chunk at once. A row that the fast path does not know to be sound (a chat, a
number written as text, anything wrong) is left to :func:`secondlaw.behavior.rows.to_transcript`, which accepts it or
says what is wrong; so both paths accept the same rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secondlaw.behavior.hashing import GroupHashes, PromptHashes, group_hash
from secondlaw.behavior.row_fields import LARGEST_STEP, PROBABILITY_TOLERANCE, instant
from secondlaw.behavior.taxonomy import INTENTS, OUTSIDE, Taxonomy
from secondlaw.behavior.transcripts import Transcript
from secondlaw.behavior.windows import NO_TIME
from secondlaw.errors import InvalidInput

__all__ = ["Chunk", "ChunkReader", "Names", "empty_chunk"]

NO_CODE = -1
NOT_FAST = -2
"""Code of a value that the fast path does not know."""


class Names(dict[object, int]):
    """Codes of names in the order in which they first occur; `NOT_FAST` for what is no name."""

    def __missing__(self, key: object) -> int:
        if type(key) is not str or not key:
            return NOT_FAST
        code = self[key] = len(self) - (None in self and self[None] < 0)
        return code

    def names(self) -> tuple[str, ...]:
        """Return the names in the order of their codes."""
        return tuple(key for key, code in self.items() if code >= 0 and type(key) is str)


@dataclass(slots=True)
class Chunk:
    """Columns of a chunk's rows, see :class:`secondlaw.behavior.Observations`; `fast` marks those that are sound."""

    columns: dict[str, NDArray[Any]]
    fast: NDArray[np.bool_]
    prompts: list[Any]
    responses: list[Any]

    def put(self, i: int, values: Mapping[str, Any], *, prompt: str, response: str) -> None:
        """Put one row's values in its place."""
        for name, value in values.items():
            self.columns[name][i] = value
        self.prompts[i], self.responses[i] = prompt, response
        self.fast[i] = True


class ChunkReader:
    """Turns rows into columns; names and hashes are shared by all chunks.

    Parameters
    ----------
    taxonomy : Taxonomy
        What labels must belong to.
    assume_utc : bool
        Whether a ``ts`` without zone is UTC.
    """

    def __init__(self, taxonomy: Taxonomy, *, assume_utc: bool) -> None:
        self.taxonomy, self.assume_utc = taxonomy, assume_utc
        self.keys = taxonomy.keys
        self.streams, self.models = Names(), Names()
        self.classifiers, self.annotators, self.prompt_sets = (Names({None: -1}) for _ in range(3))
        labels: dict[object, int] = {None: -1, OUTSIDE: len(self.keys)}
        self.labels = labels | {key: code for code, key in enumerate(self.keys)}
        self.intents: dict[object, int] = {intent: code for code, intent in enumerate(INTENTS)}
        self.intents[None] = self.intents["unknown"]
        self.groups, self.prompts = GroupHashes(), PromptHashes()

    def read(self, values: Sequence[dict[str, Any]]) -> Chunk:
        """Return the columns of some rows."""
        try:
            return self._read(values)
        except (TypeError, OverflowError):  # an unhashable name, a step beyond 64 bits: one by one
            return empty_chunk(len(values), len(self.keys))

    def place(self, chunk: Chunk, i: int, transcript: Transcript) -> None:
        """Put a transcript in the place of row `i`, exactly as the fast path would have."""
        t = transcript
        chunk.put(
            i,
            {
                "stream": self.streams[t.stream],
                "model": self.models[t.model],
                "classifier": self.classifiers[t.classifier],
                "annotator": self.annotators[t.annotator],
                "prompt_set": _prompt_sets(self.prompt_sets, [t.extra.get("prompt_set")])[0],
                "intent": self.intents[t.intent],
                "label": self.labels[t.label],
                "human_label": self.labels[t.human_label],
                "step": -1 if t.step is None else t.step,
                "micros": NO_TIME if t.ts is None else round(t.ts.timestamp() * 1e6),
                "hash": group_hash(t.group),
                "inclusion_probability": np.nan if t.inclusion_probability is None else t.inclusion_probability,
                "label_probs": [np.nan] * len(self.keys)
                if t.label_probs is None
                else [t.label_probs.get(key, 0.0) for key in self.keys],
            },
            prompt=t.prompt,
            response=t.response,
        )

    def _read(self, values: Sequence[dict[str, Any]]) -> Chunk:
        n = len(values)
        get = {name: [value.get(name) for value in values] for name in _FIELDS}
        prompts, responses, groups = get["prompt"], get["response"], self._groups(get)
        streams, models = self.streams, self.models
        steps = [
            s if type(s) is int and 0 <= s <= LARGEST_STEP else (-1 if s is None else NOT_FAST) for s in get["step"]
        ]
        chunk = empty_chunk(n, len(self.keys))
        columns = chunk.columns
        columns["stream"][:] = [streams["default" if name is None else name] for name in get["stream"]]
        columns["model"][:] = [models["unknown" if name is None else name] for name in get["model"]]
        columns["step"][:] = steps
        columns["hash"][:] = groups
        columns["intent"][:] = [self.intents.get(intent, NOT_FAST) for intent in get["intent"]]
        for name, codes in (("label", self.labels), ("human_label", self.labels)):
            columns[name][:] = [codes.get(label, NOT_FAST) for label in get[name]]
        for name, names in (("classifier", self.classifiers), ("annotator", self.annotators)):
            columns[name][:] = [names[value] for value in get[name]]
        columns["prompt_set"][:] = _prompt_sets(self.prompt_sets, get["prompt_set"])
        fast = np.array(
            [type(p) is str and type(r) is str for p, r in zip(prompts, responses, strict=True)], dtype=bool
        )
        if not fast.all():
            fast |= self._textless(values, columns)
        fast &= np.array([i is None or (type(i) is str and i != "") for i in get["id"]], dtype=bool)
        fast &= columns["hash"] != 0
        for name in _CODED:
            fast &= columns[name] != NOT_FAST
        self._read_times(get["ts"], columns, fast)
        self._read_numbers(get, columns, fast)
        chunk.fast, chunk.prompts, chunk.responses = fast, prompts, responses
        return chunk

    def _textless(self, values: Sequence[dict[str, Any]], columns: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
        """Tell which rows state no text in any shape but a label, which is all that is measured."""
        bare = np.array([_NO_TEXT.isdisjoint(value) for value in values], dtype=bool)
        return bare & ((columns["label"] >= 0) | (columns["human_label"] >= 0))

    def _groups(self, get: Mapping[str, list[Any]]) -> list[int]:
        """Return the hashes of the rows' groups: the conversation, else the stated prompt, else the prompt's text."""
        by_id, by_prompt = self.groups, self.prompts
        return [
            (by_id[p] and by_id[c]) if c is not None and p is not None
            else by_id[c] if c is not None
            else by_id[p] if p is not None
            else by_prompt[text]
            for c, p, text in zip(get["conversation_id"], get["prompt_id"], get["prompt"], strict=True)
        ]  # fmt: skip

    def _read_times(self, times: list[Any], columns: dict[str, NDArray[Any]], fast: NDArray[np.bool_]) -> None:
        if times.count(None) == len(times):
            return
        micros = columns["micros"]
        for i, value in enumerate(times):
            if value is None:
                continue
            try:
                micros[i] = round(instant(value, assume_utc=self.assume_utc).timestamp() * 1e6)
            except (InvalidInput, OverflowError):
                fast[i] = False

    def _read_numbers(
        self, get: Mapping[str, list[Any]], columns: dict[str, NDArray[Any]], fast: NDArray[np.bool_]
    ) -> None:
        chances = get["inclusion_probability"]
        if chances.count(None) != len(chances):
            known = [p is None or (type(p) in _NUMBERS and 0.0 < p <= 1.0) for p in chances]
            fast &= known
            columns["inclusion_probability"][:] = [
                np.nan if p is None or not ok else p for p, ok in zip(chances, known, strict=True)
            ]
        tables = get["label_probs"]
        if tables.count(None) != len(tables):
            keys, wanted, nothing = self.keys, frozenset(self.keys), [np.nan] * len(self.keys)
            known = [
                p is None or (type(p) is dict and p.keys() <= wanted and _NUMBERS.issuperset(map(type, p.values())))
                for p in tables
            ]
            probs = np.array(
                [
                    nothing if p is None or not ok else [p.get(key, 0.0) for key in keys]
                    for p, ok in zip(tables, known, strict=True)
                ],
                dtype=np.float64,
            )
            stated = np.array([p is not None for p in tables], dtype=bool)
            fast &= known
            sound = (probs >= 0).all(axis=1) & (np.abs(probs.sum(axis=1) - 1) <= PROBABILITY_TOLERANCE)  # NaN is not
            fast &= sound | ~stated
            columns["label_probs"][:] = probs


_FIELDS = (
    "id", "stream", "prompt", "response", "prompt_id", "model", "step", "ts", "conversation_id", "intent", "label",
    "classifier", "label_probs", "human_label", "annotator", "inclusion_probability", "prompt_set",
)  # fmt: skip
_CODED = ("stream", "model", "step", "intent", "label", "human_label", "classifier", "annotator", "prompt_set")
_NO_TEXT = frozenset(("prompt", "response", "input", "output", "messages"))
_NUMBERS = frozenset((float, int))


def _prompt_sets(names: Names, values: list[Any]) -> list[int]:
    """Return codes of prompt sets; a field of that name that holds no name is not ours."""
    return [max(names[value], -1) if value is None or type(value) is str else -1 for value in values]


def empty_chunk(n: int, categories: int) -> Chunk:
    """Return a chunk of `n` rows of which nothing is known yet."""
    columns: dict[str, NDArray[Any]] = {
        name: np.full(n, -1, dtype=np.int32) for name in ("stream", "model", "classifier", "annotator", "prompt_set")
    }
    columns |= {name: np.full(n, -1, dtype=np.int16) for name in ("label", "human_label")}
    columns["intent"] = np.full(n, -1, dtype=np.int8)
    columns["step"] = np.full(n, -1, dtype=np.int64)
    columns["micros"] = np.full(n, NO_TIME, dtype=np.int64)
    columns["hash"] = np.zeros(n, dtype=np.uint64)
    columns["inclusion_probability"] = np.full(n, np.nan, dtype=np.float32)
    columns["label_probs"] = np.full((n, categories), np.nan, dtype=np.float32)
    return Chunk(columns, np.zeros(n, dtype=bool), [None] * n, [None] * n)
