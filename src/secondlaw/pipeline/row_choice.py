"""The rows of one file on their way in: counted, chosen by model, renamed, with the prompts of a batch."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from secondlaw.behavior import batch_requests
from secondlaw.behavior.row_shapes import is_batch_row
from secondlaw.errors import InvalidInput
from secondlaw.formats import BadRow, Row
from secondlaw.pipeline.sources import Source

__all__ = ["ChosenRows", "CountedRows", "Requests", "requests_by_file"]

MOST_NAMED = 20
"""Models that an error names."""

Requests = Mapping[str, Mapping[str, Any]]
"""Bodies of an OpenAI batch by ``custom_id``."""


def requests_by_file(requests: Sequence[Path], paths: Sequence[str]) -> dict[str, Requests]:
    """Read request files of OpenAI batches: one for all files, or one for each in their order.

    Raises
    ------
    InvalidInput
        If their number is neither one nor that of the files, or a file holds no requests.
    """
    if not requests:
        return {}
    if len(requests) not in (1, len(paths)):
        raise InvalidInput(
            f"--requests is given once for all files or once for each of the {len(paths)}, got {len(requests)}"
        )
    if len(requests) == 1:
        return dict.fromkeys(paths, batch_requests(requests[0]))
    return {path: batch_requests(one) for path, one in zip(paths, requests, strict=True)}


class CountedRows:
    """Counts the rows of a file as they pass, and those of an OpenAI batch whose prompt is not known.

    Parameters
    ----------
    rows : iterable of Row or BadRow
        As read.
    requests : mapping or None
        The batch's requests by ``custom_id``, if they were given.

    Attributes
    ----------
    rows, batch, unasked : int
        Rows that passed, those of a batch output, and those of it whose prompt nobody states.

    Examples
    --------
    >>> counted = CountedRows([Row(1, {"prompt": "Hi", "response": "Hello."})], None)
    >>> len(list(counted)), counted.rows, counted.batch
    (1, 1, 0)
    """

    def __init__(self, rows: Iterable[Row | BadRow], requests: Requests | None) -> None:
        self.rows = self.batch = self.unasked = 0
        self._source, self._requests = rows, requests

    def __iter__(self) -> Iterator[Row | BadRow]:
        for row in self._source:
            self.rows += 1
            if type(row) is Row and "custom_id" in row.value and is_batch_row(row.value):
                self.batch += 1
                known = row.value.get("prompt") or str(row.value["custom_id"]) in (self._requests or ())
                self.unasked += not known
            yield row

    def said(self, path: str) -> list[str]:
        """Return what must be known of the prompts of a batch."""
        if self._requests is not None and not self.batch:
            return [f"--requests has no effect on {path}: no row of it is of an OpenAI batch output"]
        if self.unasked and self._requests is None:
            return [f"{path} is an OpenAI batch output, which holds no prompts: give its input file with --requests"]
        if self.unasked:
            return [f"{self.unasked} of {self.batch} answers of {path} have a custom_id that --requests does not hold"]
        return []


class ChosenRows:
    """The rows of one file that are wanted: chosen by model, renamed, regrouped, ids kept apart between sources.

    Parameters
    ----------
    rows : iterable of Row or BadRow
        With every line of a batch already turned into plain rows.
    wanted : sequence of (scope, Source)
        What is wanted of the file; a scope is put before the ids of its rows.
    regroup : bool
        Whether conversations are forgotten, so that prompts are the unit of resampling.

    Attributes
    ----------
    others : int
        Rows of models that nobody asked for.

    Examples
    --------
    >>> rows = [Row(1, {"model": "a", "id": "x"}), Row(2, {"model": "b", "id": "x"})]
    >>> chosen = ChosenRows(rows, [("", Source("run.jsonl", "a", name="base"))], regroup=False)
    >>> [row.value for row in chosen], chosen.others
    ([{'model': 'base', 'id': 'x'}], 1)
    """

    def __init__(self, rows: Iterable[Row | BadRow], wanted: Sequence[tuple[str, Source]], *, regroup: bool) -> None:
        self.others = 0
        self._rows, self._wanted = rows, wanted
        self._regroup = regroup
        self._found = [0] * len(wanted)
        self._models: set[str] = set()

    @property
    def keeps_all(self) -> bool:
        """Whether every row goes on as it is."""
        scope, one = self._wanted[0]
        plain = one.model is one.stream is one.name is None
        return len(self._wanted) == 1 and plain and not self._regroup and not scope

    def require_models(self, read: int) -> None:
        """Refuse a model of which there is no row."""
        if self.keeps_all or not read:
            return
        for (_, source), found in zip(self._wanted, self._found, strict=True):
            if source.model is not None and not found:
                there = ", ".join(sorted(self._models)) or "none that is named"
                raise InvalidInput(
                    f"{source.path}: none of {read} rows is of the model {source.model}; the models are: {there}"
                )

    def __iter__(self) -> Iterator[Row | BadRow]:
        first_model: object = None
        for row in self._rows:
            if isinstance(row, BadRow):
                yield row
                continue
            model = row.value.get("model")
            first_model = model if first_model is None else first_model
            if model is not None and len(self._models) < MOST_NAMED:
                self._models.add(str(model)[:80])
            taken = False
            for place, (scope, source) in enumerate(self._wanted):
                if source.model is not None and str(model) != source.model:
                    continue
                if source.name is not None and source.model is None and model not in (None, first_model):
                    raise InvalidInput(
                        f"{source.path} holds several models ({first_model}, {model}); name one: {source.path}#{model}"
                    )
                taken = True
                self._found[place] += 1
                yield Row(row.line, self._shaped(row.value, scope, source))
            self.others += not taken

    def _shaped(self, row: Mapping[str, Any], scope: str, source: Source) -> dict[str, Any]:
        value = dict(row)
        if source.stream is not None:
            value["stream"] = source.stream
        if source.name is not None:
            value["model"] = source.name
        if scope and value.get("id") is not None:
            value["id"] = f"{scope}{value['id']}"
        if self._regroup:
            value.pop("conversation_id", None)
        return value
