"""Options of ``secondlaw faithfulness`` alone."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "Combined",
    "Compare",
    "Draws",
    "Embedding",
    "Judge",
    "Label",
    "Of",
    "Paraphrases",
    "Scores",
    "SecondEmbedding",
    "SharedTopics",
    "Smoothing",
    "SpreadOf",
    "Stream",
    "TopicsIn",
    "TopicsOut",
    "Train",
]

_STREAM = "In a stream"
_TRAIN = "A combined score"
_EMBEDDING = "What sentences are embedded with"
_EMBEDDINGS = "minilm, universal (16 languages; extra multilingual), or MODULE:FUNCTION of a list of texts."

Compare = Annotated[
    str | None, typer.Option("--compare", help="Another system's answers to the same questions and contexts.")
]
Paraphrases = Annotated[
    bool,
    typer.Option("--paraphrases", help="Rows of one group ask the same in other words: semantic divergence metrics."),
]
SharedTopics = Annotated[
    bool, typer.Option("--shared-topics", help="One clustering for all rows, so that topics can be followed.")
]
Judge = Annotated[
    str | None, typer.Option("--judge", help="MODULE:FUNCTION of (sentence, evidence), 0 to 1: an NLI model, a judge.")
]
Draws = Annotated[int, typer.Option("--draws", min=20, help="Resamples, and deals of the null.")]
Smoothing = Annotated[float, typer.Option("--smoothing", help="Pseudo-count of every topic, above 0.")]
SpreadOf = Annotated[bool, typer.Option("--spread/--no-spread", help="Measure levels under other choices.")]
Embedding = Annotated[str, typer.Option("--embedding", help=_EMBEDDINGS, rich_help_panel=_EMBEDDING)]
SecondEmbedding = Annotated[
    str | None,
    typer.Option("--second-embedding", help="Another one, in the spread of levels.", rich_help_panel=_EMBEDDING),
]
Scores = Annotated[
    Path | None,
    typer.Option("--scores", help="Write plain scores a row, for secondlaw watch --score.", rich_help_panel=_STREAM),
]
Train = Annotated[
    Path | None,
    typer.Option("--train", help="Fit a combined score to labelled rows and write it here.", rich_help_panel=_TRAIN),
]
Label = Annotated[
    str, typer.Option("--label", help="Field with true or false: is the answer faithful?", rich_help_panel=_TRAIN)
]
Combined = Annotated[
    Path | None, typer.Option("--combined", help="Give rows the score of --train, too.", rich_help_panel=_TRAIN)
]
TopicsIn = Annotated[
    Path | None, typer.Option("--topics", help="Topics of --topics-out, for all rows.", rich_help_panel=_STREAM)
]
TopicsOut = Annotated[
    Path | None,
    typer.Option("--topics-out", help="Find topics of all rows and write them here.", rich_help_panel=_STREAM),
]
Stream = Annotated[
    Path | None,
    typer.Option("--stream", help="Write labelled rows for watch, backtest and the service.", rich_help_panel=_STREAM),
]
Of = Annotated[
    str,
    typer.Option(
        "--of",
        help="What --stream follows: support, bigram_precision, semantic_faithfulness, topics.",
        rich_help_panel=_STREAM,
    ),
]
