"""Faithfulness in a stream: scores and topics as rows that the monitors and the service take.

A score becomes a category, the fifth of its range that it lies in; the lowest two count as *misaligned*, so that their
share is watched. Of semantic faithfulness the fifths are those of the answers that the topics were found in, with one
band below all of them; it and the lowest fifth count. A sentence's topic is a category already; sentences far from all
topics are ``new``, and these count. Rows carry a ``label``, where they belong in a stream, and no text; beside them lie
the taxonomy, for ``--taxonomy``, and the body of ``PUT /v1/streams/NAME`` for the service.
"""

import bisect
import hashlib
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from secondlaw.errors import FileFormatError, InvalidInput, NotEnoughData, SourceError
from secondlaw.faithfulness import ANSWER, Scored, TopicModel
from secondlaw.formats import write_jsonl
from secondlaw.language import MINILM_NAME
from secondlaw.pipeline.json_files import write_json

__all__ = [
    "NEED_TOPICS",
    "STREAMED",
    "Streamed",
    "band_of",
    "load_topics",
    "save_topics",
    "stream_files",
    "write_scores",
    "write_stream",
]

Streamed = Literal["support", "bigram_precision", "semantic_faithfulness", "topics"]
STREAMED: tuple[Streamed, ...] = get_args(Streamed)
"""What can be followed: a score of each answer, or the topic of each of its sentences."""

NEED_TOPICS: tuple[Streamed, ...] = ("semantic_faithfulness", "topics")
"""What is compared on the same topics only."""

KEPT = ("id", "stream", "model", "ts", "step", "prompt_id", "prompt_set", "conversation_id")
"""Fields that say where a row belongs in a stream."""
FIFTHS = (0.2, 0.4, 0.6, 0.8)
LOW = 2
"""Bands that count as low."""
NEW = "new"
"""Category of sentences far from all topics."""


def write_scores(results: Sequence[Scored], path: Path, *, combined: Sequence[float | None] | None = None) -> None:
    """Write one row an answer with its scores as plain numbers, for ``secondlaw watch --score``.

    A row holds the fields that place it in a stream, prompt and response, and `semantic_faithfulness`, `support`,
    `bigram_precision` and `combined`, each left out where it does not exist.
    """
    values = combined or [None] * len(results)
    write_jsonl(
        (
            _score_row(one) | ({} if value is None else {"combined": value})
            for one, value in zip(results, values, strict=True)
        ),
        path,
    )


def write_stream(results: Sequence[Scored], path: Path, *, of: Streamed, topics: TopicModel | None = None) -> int:
    """Write labelled rows with their taxonomy and the settings of a stream of the service.

    Parameters
    ----------
    results : sequence of Scored
    path : Path
        The rows; :func:`stream_files` names the files beside it.
    of : str
        One of :data:`STREAMED`. Of ``topics`` a row is a sentence, grouped by its answer's prompt or conversation.
    topics : TopicModel, optional
        The topics that all results share; without them neither topics nor SF can be followed.

    Returns
    -------
    int
        Answers that have no such score and are left out.

    Raises
    ------
    InvalidInput
        If what is wanted needs shared topics.
    NotEnoughData
        If no answer has the score.
    """
    if topics is None and of in NEED_TOPICS:
        raise InvalidInput(
            f"{of} of different days need the same topics: give --topics FILE, or --topics-out FILE to make it"
        )
    if of == "topics" and topics is not None:
        taxonomy = _of_topics(topics)
        found = [list(_topic_rows(one, topics)) for one in results]
    else:
        taxonomy, edges = _bands(of, results, topics), _edges(of, topics)
        found = [list(_band_row(one, of, taxonomy, edges)) for one in results]
    if not any(found):
        raise NotEnoughData(f"none of {len(results)} answers has {of}: see the reasons in --json")
    write_jsonl(itertools.chain.from_iterable(found), path)
    stated, settings = stream_files(path)
    write_json(stated, taxonomy)
    keys = [category["key"] for category in taxonomy["categories"]]
    write_json(settings, {"keys": keys, "extra": {"taxonomy": taxonomy}})
    return sum(not rows for rows in found)


def stream_files(path: Path) -> tuple[Path, Path]:
    """Return the names of the taxonomy and of the service's settings beside rows."""
    stem = path.name.removesuffix(".jsonl")
    return path.with_name(f"{stem}.taxonomy.json"), path.with_name(f"{stem}.stream.json")


def save_topics(model: TopicModel, path: Path) -> None:
    """Write topics as JSON, replacing an older file in one step."""
    write_json(path, model.to_dict())


def load_topics(path: Path) -> TopicModel:
    """Read topics.

    Raises
    ------
    SourceError
        If the file cannot be read.
    FileFormatError
        If it holds no topics.
    """
    import orjson

    try:
        values = orjson.loads(path.read_bytes())
    except OSError as error:
        raise SourceError(f"cannot read the topics {path}: {error}; make them with --topics-out") from error
    except orjson.JSONDecodeError as error:
        raise FileFormatError(f"{path} is no file of topics: {error}") from error
    return TopicModel.from_dict(values)


def _placed(one: Scored) -> dict[str, Any]:
    example = one.embedded.example
    return {key: example.fields[key] for key in KEPT if example.fields.get(key) is not None} | {"id": example.id}


def _plain(one: Scored) -> dict[str, float]:
    support = one.grounding.mean_support
    values = {
        "semantic_faithfulness": one.plain,
        "support": None if support is None else max(support, 0.0),
        "bigram_precision": one.grounding.bigram_share,
    }
    return {key: value for key, value in values.items() if value is not None}


def _score_row(one: Scored) -> dict[str, Any]:
    example = one.embedded.example
    return _placed(one) | {"prompt": example.question, "response": example.answer} | _plain(one)


def _band_row(one: Scored, of: Streamed, taxonomy: dict[str, Any], edges: Sequence[float]) -> Iterator[dict[str, Any]]:
    value = _plain(one).get(of)
    if value is None:
        return
    place = _placed(one)
    place.setdefault("prompt_id", _unit_of(one))
    yield place | {
        "label": taxonomy["categories"][band_of(value, edges)]["key"], "classifier": taxonomy["name"],
        of: round(value, 6),
    }  # fmt: skip


def _topic_rows(one: Scored, model: TopicModel) -> Iterator[dict[str, Any]]:
    if one.topics is None:
        return
    place = _placed(one)
    place.setdefault("prompt_id", _unit_of(one))
    mine, classifier = one.embedded.parts == ANSWER, f"topics/{model.version}"
    for number, topic in enumerate(one.topics.labels[mine].tolist(), 1):
        label = NEW if topic == len(model.sizes) else f"t{topic + 1}"
        yield place | {"id": f"{place['id']}.{number}", "label": label, "classifier": classifier}


def _unit_of(one: Scored) -> str:
    """Return what answers are resampled by: the question, hashed, since rows of a stream hold no text."""
    return hashlib.blake2b(one.embedded.example.group.encode("utf-8", "replace"), digest_size=8).hexdigest()


def band_of(value: float, edges: Sequence[float] = FIFTHS) -> int:
    """Return the band that a score lies in, 0 the lowest; a band holds its lower edge.

    Examples
    --------
    >>> [band_of(value) for value in (0.0, 0.39, 0.4, 1.0)]
    [0, 1, 2, 4]
    """
    return bisect.bisect_right(edges, value)


def _edges(of: Streamed, topics: TopicModel | None) -> tuple[float, ...]:
    return topics.edges if of == "semantic_faithfulness" and topics is not None and topics.edges else FIFTHS


def _bands(of: Streamed, results: Sequence[Scored], topics: TopicModel | None) -> dict[str, Any]:
    edges = _edges(of, topics)
    low = LOW if len(edges) >= len(FIFTHS) else 1  # values that repeat leave fewer bands
    names = [f"{of.replace('_', ' ')} {a:.3g} to {b:.3g}" for a, b in itertools.pairwise((0.0, *edges, 1.0))]
    embedding = results[0].embedding if results else MINILM_NAME
    on = topics.version if topics is not None and of == "semantic_faithfulness" else ""  # SF is of these topics
    if not on and embedding != MINILM_NAME and of != "bigram_precision":
        on = embedding
    bands = [(f"b{at}", name, at <= low) for at, name in enumerate(names, 1)]
    return _taxonomy(f"{of}-bands/1{on and f' {on}'}", bands)


def _of_topics(model: TopicModel) -> dict[str, Any]:
    names = [(f"t{at}", name or f"topic {at}", False) for at, name in enumerate(model.names, 1)]
    return _taxonomy(f"topics/{model.version}", [*names, (NEW, "far from all topics", True)])


def _taxonomy(name: str, categories: Sequence[tuple[str, str, bool]]) -> dict[str, Any]:
    """Return a taxonomy of (key, name, whether it counts as misaligned); its composition means nothing."""
    pairs = [f"{intent}+{act}" for intent in ("benign", "harmful") for act in ("comply", "refuse", "off-topic")]
    return {
        "name": name,
        "categories": [{"key": key, "name": text, "misaligned": watched} for key, text, watched in categories],
        "composition": dict.fromkeys(pairs, categories[0][0]),
    }
