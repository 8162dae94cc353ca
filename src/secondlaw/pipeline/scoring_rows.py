"""The map: a block of rows becomes labels.

Everything about a block is written under the block's number, whole or not at all, so that a block done twice, because
a worker died or an earlier run was killed, leaves exactly what a block done once leaves.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from secondlaw.behavior import Taxonomy, Transcript, content_id, group_hash, plain_rows, to_transcript, window_seconds
from secondlaw.behavior.classifiers import Classifier
from secondlaw.behavior.classifiers.told_share import under_share
from secondlaw.behavior.observations import NO_CODE, UNNAMED
from secondlaw.behavior.taxonomy import OUTSIDE
from secondlaw.errors import InvalidInput, SecondLawError, SourceError
from secondlaw.formats import BadRow, Row, excerpt_of, replace_file, write_jsonl
from secondlaw.pipeline.engines import open_engine, stated_share
from secondlaw.pipeline.scoring_blocks import READ_ROWS, Block, read_block
from secondlaw.pipeline.scoring_labels import LabelledRow, LabelWriter, labels_path
from secondlaw.pipeline.scoring_parts import PartColumns, bad_path, part_path
from secondlaw.pipeline.settings import Settings

__all__ = ["BlockDone", "BlockScorer", "ScoringJob"]

_LABELS = ("label", "label_probs", "classifier")
_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class ScoringJob:
    """What every worker must know.

    Parameters
    ----------
    settings : Settings
        Of which engine, every, groups, assume_utc and what opens the classifier are used.
    taxonomy : Taxonomy
    identity : str
        The classifier that labels, name and version; a worker that finds another refuses to work.
    folder : Path
        Where the blocks' parts go; every worker sees it under this name.
    labels : Path or None
        Where labelled rows go.
    relabel : bool
        Whether rows that a machine labelled before are labelled again.
    here : str
        The folder in which the command was given: where a classifier ``MODULE:FUNCTION`` is looked for.
    """

    settings: Settings
    taxonomy: Taxonomy
    identity: str
    folder: Path
    labels: Path | None = None
    relabel: bool = False
    here: str = "."


@dataclass(slots=True)
class BlockDone:
    """What became of a block.

    Parameters
    ----------
    block : int
    read, rows, bad : int
        Lines or rows read, responses in them (a line of a batch may hold several) with the bad ones, and those.
    labelled, unprompted, human, moved : int
        Responses labelled now; those of them without a prompt; those that carry a person's label; those whose label was
        brought under another share of harmful requests.
    stated, timed : int
        Responses that state a step, and those that state only a time.
    """

    block: int
    read: int = 0
    rows: int = 0
    bad: int = 0
    labelled: int = 0
    unprompted: int = 0
    human: int = 0
    moved: int = 0
    stated: int = 0
    timed: int = 0


class BlockScorer:
    """Scores blocks, one at a time; opens its classifier at the first row that has no label.

    Parameters
    ----------
    job : ScoringJob
    classifier : Classifier, optional
        One that is open already.
    """

    def __init__(self, job: ScoringJob, classifier: Classifier | None = None) -> None:
        self.job = job
        self._classifier = classifier
        every = job.settings.every
        self._span = None if every is None else window_seconds(every) * _MICROSECONDS
        self._codes = {key: code for code, key in enumerate((*job.taxonomy.keys, OUTSIDE))}

    def score(self, block: Block) -> BlockDone:
        """Read a block, label it, and write its parts.

        Raises
        ------
        FileFormatError
            If the file is damaged there.
        InvalidInput
            If the classifier is not the one that the run began with.
        SourceError
            If the classifier fails.
        """
        done, bad, columns = BlockDone(block.number), list[BadRow](), PartColumns()
        rows = self._sound(block, done, bad)
        writer = None if self.job.labels is None else LabelWriter(labels_path(self.job.labels, block.number))
        try:
            while batch := list(islice(rows, READ_ROWS)):
                contents = [_content(one.transcript) if one.id else 0 for one in batch]
                self._label(batch, done, block.path)
                for one, content in zip(batch, contents, strict=True):
                    self._keep(columns, one, content, done)
                if writer is not None:
                    writer.write(batch)
            if writer is not None:
                writer.close()
        finally:
            if writer is not None:
                writer.discard()
        done.bad = len(bad)
        if bad:
            write_jsonl((row._asdict() for row in bad), bad_path(self.job.folder, block.number))
        replace_file(part_path(self.job.folder, block.number), lambda path: columns.write(path, block=block.number))
        return done

    def _sound(self, block: Block, done: BlockDone, bad: list[BadRow]) -> Iterator[LabelledRow]:
        share = stated_share(self.job.settings)
        for row in plain_rows(_counted(read_block(block), done)):
            done.rows += 1
            if isinstance(row, BadRow):
                bad.append(row)
                continue
            value = row.value
            if self.job.relabel:
                value = {name: one for name, one in value.items() if name not in _LABELS}
            try:
                one = to_transcript(value, taxonomy=self.job.taxonomy, assume_utc=self.job.settings.assume_utc)
                told = under_share(one, share, self.job.taxonomy)
            except InvalidInput as error:
                bad.append(BadRow(row.line, str(error), excerpt_of(row.value)))
                continue
            done.moved += told is not one
            yield LabelledRow(row.line, one.id if value.get("id") is not None else None, told)

    def _label(self, batch: list[LabelledRow], done: BlockDone, path: str) -> None:
        """Label the rows of a batch that need it, in place."""
        texts = [one.transcript for one in batch]
        todo = [i for i, t in enumerate(texts) if t.label is None and (t.prompt or t.response)]
        if not todo:
            return
        some = [texts[i] for i in todo]
        classifier = self._opened()
        try:
            judged = classifier.judge([t.prompt for t in some], [t.response for t in some], [t.intent for t in some])
        except SecondLawError:
            raise
        except Exception as error:  # a classifier may be anyone's
            raise SourceError(
                f"{classifier.identity} failed on rows from line {batch[todo[0]].line} of {path} on: "
                f"{type(error).__name__}: {error}; the blocks done are kept"
            ) from error
        probabilities = judged.category_probabilities(self.job.taxonomy)
        for i, label, shares in zip(todo, judged.labels(self.job.taxonomy), probabilities, strict=True):
            if label is not None:
                batch[i] = batch[i].labelled(label, judged.classifier, self.job.taxonomy.keys, shares)
                done.labelled += 1
                done.unprompted += not texts[i].prompt.strip()

    def _keep(self, columns: PartColumns, one: LabelledRow, content: int, done: BlockDone) -> None:
        t = one.transcript
        done.human += t.human_label is not None
        prompt_set = t.extra.get("prompt_set")
        columns.line.append(one.line)
        columns.id.append(_hash(t.stream, one.id) if one.id else 0)
        columns.content.append(content)
        columns.stream.append(t.stream)
        columns.model.append(t.model)
        columns.prompt_set.append(prompt_set if isinstance(prompt_set, str) else "")
        columns.intent.append(t.intent)
        columns.classifier.append("" if t.label is None else t.classifier or UNNAMED)
        columns.window.append(self._window(t, done))
        columns.cluster.append(group_hash(t.prompt_id if self.job.settings.groups == "prompt" else t.group))
        columns.label.append(NO_CODE if t.label is None else self._codes[t.label])
        columns.fresh.append(one.is_fresh)

    def _window(self, t: Transcript, done: BlockDone) -> int:
        """Return the stated step, else the number of the window since 1970, else 0."""
        if t.step is not None:
            done.stated += 1
            return t.step
        if t.ts is None:
            return 0
        done.timed += 1
        return 0 if self._span is None else round(t.ts.timestamp() * _MICROSECONDS) // self._span

    def _opened(self) -> Classifier:
        job = self.job
        if self._classifier is None:
            self._classifier = open_engine(job.settings.engine, job.settings.model_copy(update={"workers": 1}))
        if self._classifier.identity != job.identity:
            raise InvalidInput(
                f"a worker has the classifier {self._classifier.identity}, the run began with {job.identity}; install "
                "the same version everywhere"
            )
        return self._classifier


def _counted(rows: Iterator[Row | BadRow], done: BlockDone) -> Iterator[Row | BadRow]:
    for row in rows:
        done.read += 1
        yield row


def _hash(*parts: str) -> int:
    """Return 64 bits of the parts, never 0: the same on every machine."""
    return int(content_id(*parts), 16) or 1


def _content(t: Transcript) -> int:
    """Return a hash of all of a row that is measured, as it was read."""
    said: tuple[Any, ...] = (
        t.prompt, t.response, t.model, t.step, t.ts, t.group, t.intent, t.label, t.classifier, t.human_label,
        t.annotator,
    )  # fmt: skip
    return _hash(*("" if part is None else str(part) for part in said))
