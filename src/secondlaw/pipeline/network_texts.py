"""Texts that a network is measured on: a file of rows, a plain text file, or the prompts that ship."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.formats import BadRow, Format, read_rows

__all__ = ["NetworkTexts", "read_texts", "shipped_texts"]

FIELDS = ("text", "response", "content", "prompt")
_PLAIN = (".txt", ".md")


@dataclass(frozen=True, slots=True)
class NetworkTexts:
    """Texts and, where the rows have them, class labels.

    Parameters
    ----------
    source : str
    texts : tuple of str
    labels : tuple of (int or str) or None
        One a text; None if a row lacks one.
    available : int
        Texts of the source, before some were drawn.
    notes : tuple of str
    """

    source: str
    texts: tuple[str, ...]
    labels: tuple[int | str, ...] | None
    available: int
    notes: tuple[str, ...]

    def drawn(self, most: int, rng: np.random.Generator) -> "NetworkTexts":
        """Return at most `most` of them, drawn without replacement, in random order."""
        order = rng.permutation(len(self.texts))[:most]
        labels = None if self.labels is None else tuple(self.labels[place] for place in order)
        return NetworkTexts(
            self.source, tuple(self.texts[place] for place in order), labels, self.available, self.notes
        )


def read_texts(path: str | Path, *, field: str | None = None, file_format: Format | None = None) -> NetworkTexts:
    r"""Read texts.

    Parameters
    ----------
    path : str or Path
        JSON lines, CSV or Parquet, one text a row; or a ``.txt`` file, one text a line. ``-`` is standard input.
    field : str, optional
        Field of the text; default: the first of text, response, content, prompt that a row has. A response is joined to
        its prompt.
    file_format : str, optional
        Where the name does not tell.

    Raises
    ------
    NotEnoughData
        If there is no text.
    InvalidInput
        If a row lacks the field that was asked for.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(f"{folder}/a.jsonl").write_text('{"prompt": "Hi.", "response": "Hello."}\n')
    ...     read_texts(f"{folder}/a.jsonl").texts
    ('Hi.\nHello.',)
    """
    if file_format is None and Path(path).suffix in _PLAIN:
        return _plain(Path(path))
    texts: list[str] = []
    labels: list[int | str | None] = []
    skipped, unreadable = 0, ""
    for row in read_rows(path, file_format=file_format):
        text = None if isinstance(row, BadRow) else _text_of(row.value, field)
        if isinstance(row, BadRow) or text is None:
            skipped += 1
            if isinstance(row, BadRow) and not unreadable:
                unreadable = f" (line {row.line}: {row.reason})"
            continue
        texts.append(text)
        label = row.value.get("label")
        labels.append(label if isinstance(label, int | str) and not isinstance(label, bool) else None)
    if not texts:
        wanted = f"a field {field!r}" if field else "one of the fields " + ", ".join(FIELDS)
        raise NotEnoughData(
            f"{path} holds no text: a row needs {wanted} with text in it; {skipped} rows have none{unreadable}"
        )
    said = f"{skipped} of {skipped + len(texts)} rows of {path} hold no text and are left out{unreadable}"
    notes = (said,) if skipped else ()
    known = tuple(one for one in labels if one is not None)
    return NetworkTexts(str(path), tuple(texts), known if len(known) == len(texts) else None, len(texts), notes)


def shipped_texts() -> NetworkTexts:
    """Return the benign prompts that ship, for a first look."""
    from secondlaw.sampling.prompts import load_prompts

    texts = tuple(one.text for one in load_prompts("benign"))
    note = "measured on the benign prompts that ship with secondlaw; a Fisher matrix depends on its data: give your own"
    return NetworkTexts("the benign prompts that ship", texts, None, len(texts), (note,))


def _plain(path: Path) -> NetworkTexts:
    if not path.is_file():
        raise InvalidInput(f"there is no file {path}")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is no UTF-8 text ({error.reason} at byte {error.start})") from error
    texts = tuple(line.strip() for line in lines if line.strip())
    if not texts:
        raise NotEnoughData(f"{path} holds no text: give one text a line")
    return NetworkTexts(str(path), texts, None, len(texts), ())


def _text_of(row: Mapping[str, Any], field: str | None) -> str | None:
    """Return the text of a row; None if it has none."""
    for name in (field,) if field is not None else FIELDS:
        found = row.get(name)
        if isinstance(found, str) and found.strip():
            prompt = row.get("prompt")
            joined = field is None and name == "response" and isinstance(prompt, str) and prompt.strip()
            return f"{prompt}\n{found}" if joined else found
    return None
