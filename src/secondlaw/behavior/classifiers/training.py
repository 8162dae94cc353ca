"""Training the embedded classifier on a user's labels: heads, held-out reports, a folder to load.

By default the shipped heads are bent to the rows as far as prompts held out say that it helps. Measured on
Do-Not-Answer, whose rows the shipped heads never saw, on a quarter of its prompts held out (mean of six divisions),
accuracy with intent known / unknown: shipped .91 / .75; bent by 50 rows .93 / .78, by 200 .96 / .78, by 400 .97 / .78.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from secondlaw.behavior.classifiers.evaluation import EvaluationOptions
from secondlaw.behavior.classifiers.head import Head
from secondlaw.behavior.classifiers.labelled import GIVEN_BY_PEOPLE, LabelledRow
from secondlaw.behavior.classifiers.outside import OutsideDetector
from secondlaw.behavior.classifiers.protocol import Judgements
from secondlaw.behavior.classifiers.shipped import load_weights, prompt_reader
from secondlaw.behavior.classifiers.training_features import StoredVectors, design_features
from secondlaw.behavior.classifiers.training_folder import check_folder, load_embedded, write_folder
from secondlaw.behavior.classifiers.training_folds import prompt_folds
from secondlaw.behavior.classifiers.training_heads import STARTS, Design, Heads, Start, choose_penalties, fit_heads
from secondlaw.behavior.classifiers.training_holdout import HoldOut
from secondlaw.behavior.taxonomy import Taxonomy
from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.language import SentenceEmbedder

__all__ = ["SPLITS", "TrainingOptions", "check_rows", "describe_rows", "load_embedded", "train_embedded"]

Floats = npt.NDArray[np.float64]
Report = Callable[[str], Callable[[int, int], None]]
SPLITS = ("prompt", "model", "source")
FEWEST_PROMPTS = 10
FOLDS = 5
OUTSIDE_SHARE = 0.01
KNOWN_ROWS = 2000
"""Rows of the calibration sample that are kept."""
FEWEST_SOURCES = 3
"""Sources from which on the calibration sample is resampled by source, else by prompt."""


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """How to train.

    Parameters
    ----------
    start : {"adapt", "recalibrate", "scratch"}
        Bend the shipped heads, only recalibrate them, or train on these rows alone (extra ``train``).
    splits : tuple of str
        What is held out for the report: prompts, models, sources.
    evaluation : EvaluationOptions
        Of the held-out reports; its seed also divides the prompts.
    replace_output : bool
        Whether a finished classifier in the folder may be replaced.
    name : str or None
        Name of the classifier; the folder's by default.
    """

    start: Start = "adapt"
    splits: tuple[str, ...] = SPLITS
    evaluation: EvaluationOptions = field(default_factory=EvaluationOptions)
    replace_output: bool = False
    name: str | None = None

    def __post_init__(self) -> None:
        if self.start not in STARTS:
            raise InvalidInput(f"training starts by {', '.join(STARTS)}, got {self.start!r}")
        wrong = [split for split in self.splits if split not in SPLITS]
        if wrong:
            raise InvalidInput(f"what is held out is {', '.join(SPLITS)}, got {wrong[0]!r}")


def train_embedded(
    rows: Sequence[LabelledRow],
    taxonomy: Taxonomy,
    *,
    out: Path,
    embedder: SentenceEmbedder | None = None,
    options: TrainingOptions | None = None,
    progress: Report | None = None,
) -> dict[str, Any]:
    """Train on labelled rows and write a folder that :func:`load_embedded` loads.

    A training that was killed goes on where it stood when it is called again with the same folder; one that is finished
    there, of the same rows and options, is only read.

    Parameters
    ----------
    rows : sequence of LabelledRow
    taxonomy : Taxonomy
        Of the rows' categories; the classifier itself judges act and intent and serves any taxonomy.
    out : Path
        Folder to write.
    embedder : SentenceEmbedder, optional
    options : TrainingOptions, optional
    progress : callable, optional
        ``progress("embedding")`` gives a callable for (done, total).

    Returns
    -------
    dict
        The manifest, with the held-out reports under ``report``.

    Raises
    ------
    NotEnoughData
        If the rows are all of one category, or too few.
    InvalidInput
        If the folder holds something else.
    """
    options = options or TrainingOptions()
    check_rows(rows, taxonomy)
    shipped, arrays = load_weights()
    fingerprint = _fingerprint(rows, taxonomy, options, shipped)
    finished = check_folder(out, fingerprint=fingerprint, replace=options.replace_output)
    if finished is not None:
        return finished
    told = progress or (lambda part: lambda done, total: None)
    base = Heads(Head.from_arrays("act", arrays), Head.from_arrays("intent", arrays))
    vectors = StoredVectors(out / ".vectors", embedder or SentenceEmbedder(max_tokens=shipped["max_tokens"]))
    x, xi, xa, said = design_features(rows, vectors, prompt_reader().embed, progress=told("embedding"))
    design = Design.of(rows, x, xi, xa)
    rng = np.random.default_rng([options.evaluation.seed, 3])
    penalties = choose_penalties(design, base, rng=rng) if options.start == "adapt" else (np.inf, np.inf)
    name = options.name or out.resolve().name
    hold_out = HoldOut(
        rows,
        taxonomy,
        design,
        base,
        start=options.start,
        splits=options.splits,
        evaluation=options.evaluation,
        penalties=penalties,
        name=name,
        progress=told("training and holding out"),
    )
    reports, unseen = hold_out.reports(prompt_folds(design.groups, folds=FOLDS, rng=rng))
    everything = np.ones(len(rows), dtype=np.bool_)
    heads = fit_heads(design, everything, base, start=options.start, penalties=penalties, rng=hold_out.rng())
    detector = _widened(OutsideDetector.from_arrays(arrays), rows, said)
    known = calibration_sample(rows, design, unseen, np.random.default_rng([options.evaluation.seed, 5]))
    weights = {**heads.act.to_arrays("act"), **heads.intent.to_arrays("intent"), **detector.to_arrays(), **known}
    about = {
        "name": name,
        "max_tokens": shipped["max_tokens"],
        "encoder": shipped["encoder"],
        "base": f"{shipped['name']}/{shipped['version']}",
        "start": options.start,
        "penalty": {"act": _plain(penalties[0]), "intent": _plain(penalties[1])},
        "seed": options.evaluation.seed,
        "taxonomy": taxonomy.to_dict(),
        "data": describe_rows(rows),
        "outside": {"threshold": detector.threshold, "share": OUTSIDE_SHARE},
        "fingerprint": fingerprint,
        "report": reports,
    }
    manifest = write_folder(out, weights, about, prompts=[row.prompt for row in rows])
    vectors.discard()
    return manifest


def _fingerprint(
    rows: Sequence[LabelledRow], taxonomy: Taxonomy, options: TrainingOptions, shipped: Mapping[str, Any]
) -> str:
    """Hash everything that the result depends on."""
    settings = {**asdict(options), "replace_output": False}
    digest = hashlib.sha256(json.dumps([shipped["sha256"], settings, taxonomy.to_dict()], sort_keys=True).encode())
    for row in rows:
        digest.update(json.dumps(asdict(row), sort_keys=True).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def check_rows(rows: Sequence[LabelledRow], taxonomy: Taxonomy) -> None:
    """Refuse rows from which nothing can be learned.

    Raises
    ------
    NotEnoughData
        If there is no row, they are all of one category, or of fewer than ten prompts.
    """
    if not rows:
        raise NotEnoughData("there is no labelled row to train on: label some with secondlaw label FILE")
    categories = {row.category for row in rows}
    if len(categories) == 1:
        only = next(iter(categories))
        raise NotEnoughData(
            f"all {len(rows)} labelled rows are {only}: from one class nothing can be learned; label rows of other "
            f"categories ({', '.join(key for key in taxonomy.keys if key != only)}) too"
        )
    prompts = len({row.prompt_id for row in rows})
    if prompts < FEWEST_PROMPTS:
        raise NotEnoughData(
            f"the {len(rows)} labelled rows are of {prompts} prompts: {FEWEST_PROMPTS} or more are needed, so that "
            "some can be held out"
        )


def describe_rows(rows: Sequence[LabelledRow]) -> dict[str, Any]:
    """Return what a manifest says of the training rows: numbers, never texts."""

    def counted(name: str) -> dict[str, int]:
        return dict(Counter(str(getattr(row, name)) or "(unnamed)" for row in rows).most_common(50))

    return {
        "rows": len(rows),
        "prompts": len({row.prompt_id for row in rows}),
        "by_people": sum(row.strength in GIVEN_BY_PEOPLE for row in rows),
        **{name: counted(name) for name in ("category", "source", "model", "strength", "intent")},
    }


def _widened(detector: OutsideDetector, rows: Sequence[LabelledRow], said: npt.NDArray[np.float32]) -> OutsideDetector:
    """Return the detector with a threshold that leaves the usual share of these rows outside: people placed them."""
    distances = detector.distances([row.response for row in rows], said)
    return replace(detector, threshold=max(detector.threshold, float(np.quantile(distances, 1 - OUTSIDE_SHARE))))


def calibration_sample(
    rows: Sequence[LabelledRow], design: Design, unseen: tuple[Judgements, Judgements], rng: np.random.Generator
) -> Mapping[str, npt.NDArray[np.generic]]:
    """Return rows of known intent as judged when their prompt was held out, in numbers only."""
    usable = rng.permutation(np.flatnonzero(design.harmful >= 0))[:KNOWN_ROWS]
    usable = np.sort(usable)
    if not len(usable):
        return {}
    sources = np.unique([row.source for row in rows], return_inverse=True)[1]
    groups = sources if sources.max() + 1 >= FEWEST_SOURCES else design.groups
    knowing, guessing = unseen
    return {
        "known.act": knowing.act[usable].astype(np.float32),
        "known.intent": guessing.intent[usable].astype(np.float32),
        "known.true_act": design.act[usable].astype(np.int8),
        "known.harmful": design.harmful[usable].astype(np.int8),
        "known.group": np.unique(groups[usable], return_inverse=True)[1].astype(np.int32),
    }


def _plain(penalty: float) -> float | None:
    """Return a penalty as JSON has it; null is infinite, that is no shift."""
    return float(penalty) if np.isfinite(penalty) else None
