"""Cells as a classifier judges them that was trained on rows of their source: each row when its prompt was held out.

That is what `secondlaw classifier train` does and stores, but for its beginning: heads that never saw the source are
bent to its rows, for the shipped ones were trained on prompts of some sources. How far they are bent (two numbers) was
chosen on all these prompts, held out in parts; what is known of the error are the same judgements, which widen
intervals and leave the corrected shares as they are.
"""

import numpy as np
import pandas as pd
from answer_training import features_read
from correction_cells import Judged, by_model, judged_rows
from held_out_heads import HeldOut, Unseen

from secondlaw.behavior.classifiers.embedded import EmbeddedClassifier
from secondlaw.behavior.classifiers.evaluation import EvaluationOptions
from secondlaw.behavior.classifiers.labelled import LabelledRow
from secondlaw.behavior.classifiers.outside import OutsideDetector
from secondlaw.behavior.classifiers.protocol import compose
from secondlaw.behavior.classifiers.shipped import load_weights, prompt_reader
from secondlaw.behavior.classifiers.training import FOLDS, calibration_sample
from secondlaw.behavior.classifiers.training_folder import line_doubt
from secondlaw.behavior.classifiers.training_folds import prompt_folds
from secondlaw.behavior.classifiers.training_heads import Design, Heads, choose_penalties, fit_heads
from secondlaw.behavior.classifiers.training_holdout import HoldOut
from secondlaw.behavior.taxonomy import ACTS, FIVE
from secondlaw.drift import ClassifierError
from secondlaw.language import SentenceEmbedder
from secondlaw.pipeline.classifier_errors import error_of


def trained_cells(rows: pd.DataFrame, held: HeldOut, *, together: bool) -> dict[bool, list[Judged]]:
    """Return the cells with the intent stated (True) and not, by classifiers trained on rows labelled by people.

    `rows` are from `read_by_people`. A classifier is trained for each source: on its rows, or on those of all sources
    `together`. From rows of one category alone none can be trained.
    """
    cells: dict[bool, list[Judged]] = {True: [], False: []}
    for source, part in rows.groupby("source"):
        use = rows if together else part
        if use.category.nunique() < 2:
            continue
        judged, error = trained(use, held, held.without(str(source)))
        own = (use.source == source).to_numpy()
        for told, probabilities in judged.items():
            cells[told] += by_model(judged_rows(part, probabilities[own], error, told=told), part)
    return cells


def trained(rows: pd.DataFrame, held: HeldOut, base: Unseen) -> tuple[dict[bool, np.ndarray], ClassifierError]:
    """Train as `train_embedded` does; return what was said of each row unseen, and what is known of the error."""
    labelled = [
        LabelledRow(r.prompt, r.response, "harmful" if r.harmful else "benign", ACTS[int(r.act)], r.category, r.prompt,
                    r.source, str(r.model))
        for r in rows.itertuples()
    ]  # fmt: skip
    answers = features_read(list(rows.response), held.embed, base.fold.reader)
    design = Design.of(labelled, held.x[rows.index], base.fold.of_rows[rows.index], answers)
    start, options = Heads(base.act, base.intent), EvaluationOptions()
    rng = np.random.default_rng([options.seed, 3])
    penalties = choose_penalties(design, start, rng=rng)
    hold_out = HoldOut(
        labelled, FIVE, design, start, start="adapt", splits=(), evaluation=options, penalties=penalties,
        name="trained", progress=lambda done, total: None,
    )  # fmt: skip
    _, knowing, guessing = hold_out.judge(prompt_folds(design.groups, folds=FOLDS, rng=rng))
    every = np.ones(len(rows), dtype=np.bool_)
    heads = fit_heads(design, every, start, start="adapt", penalties=penalties, rng=hold_out.rng())
    known = calibration_sample(labelled, design, (knowing, guessing), np.random.default_rng([options.seed, 5]))
    spread, integrated = line_doubt(heads.intent, "adapt")
    classifier = EmbeddedClassifier(
        heads.act, heads.intent, OutsideDetector.from_arrays(load_weights()[1]), embedder=SentenceEmbedder(),
        reader=prompt_reader(), version="1", known=known, line_spread=spread, line_integrated=integrated,
    )  # fmt: skip
    judged = {told: compose(one.act, one.intent, FIVE) for told, one in ((True, knowing), (False, guessing))}
    return judged, error_of(classifier, FIVE)
