"""Labelled responses as judged by heads that never saw their source: what the corrections are measured on.

Heads, adapters, calibrations, deeds and the lean of intents are those of `train_classifier`, fold by fold: the
calibration sample that ships is read off the same probabilities, and `check_against_shipped` compares them.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import train_classifier as train
from classifier_adapters import adapted, fit_intent
from classifier_calibrations import act_calibration, intent_calibration
from classifier_rows import (
    MAY_TRAIN,
    TRUSTED,
    WEIGHT,
    CachedEmbedder,
    adapter_requests,
    inputs,
    load_rows,
    request_inputs,
    requests,
    two_faced,
)
from deed_training import OURS, read_deeds
from joblib import Parallel, delayed

from secondlaw.behavior.classifiers.features import act_features, intent_features
from secondlaw.behavior.classifiers.head import Head
from secondlaw.behavior.classifiers.leaning import leaned
from secondlaw.behavior.classifiers.training_fits import fit_head, with_calibrations

BY_PEOPLE = (*TRUSTED, "human+regex", "human_policy_dependent")
"""Label strengths of rows that count as labelled by a person."""
SAME = 0.002
"""Mean difference of probabilities up to which two trainings are one; library versions move the last digits."""


@dataclass(frozen=True)
class Fold:
    """What is held out, among rows and requests, and the heads that did not see it."""

    rows: np.ndarray
    requests: np.ndarray
    sources: tuple[str, ...]
    act: Head
    intent: Head
    of_requests: np.ndarray
    of_rows: np.ndarray


def out_of_fold(cache: Path, adapters: Path) -> pd.DataFrame:
    """Train heads without each source and return the rows, in full and cut short, as these heads judge them.

    Columns ``told.*`` are probabilities of the acts with the intent stated, ``act.*`` and ``intent.*`` without;
    ``harm`` is the log odds that the answer itself does harm, ``asked`` that the request does (before what was done
    leans it), and ``share`` the prior of the latter.
    """
    embed = CachedEmbedder(cache)
    rows = load_rows(np.random.default_rng(7), embed)
    asked = requests(rows)
    x = act_features(*inputs(rows, embed))
    folds = _folds(rows, asked, x, embed, adapters)
    raw, raw_i = np.full((len(rows), 3), np.nan), np.full((len(asked), 2), np.nan)
    for fold in folds[:-1]:
        raw[fold.rows] = fold.act.raw(x[fold.rows])
        raw_i[fold.requests] = fold.intent.raw(fold.of_requests[fold.requests])
    stated = np.where(rows.harmful.isna(), 0, 1 + rows.harmful.fillna(0)).astype(int)
    out = {name: np.full((len(rows), k), np.nan) for name, k in (("told", 3), ("act", 3), ("intent", 2))}
    harm, of_request, share = np.full((3, len(rows)), np.nan)
    deeds = read_deeds(rows, x, embed, train.FOLDS)
    for fold in folds:
        calibrated = act_calibration(rows, raw, fold.rows)
        deed = deeds.without(fold.rows, fold.sources, train.refusing(raw, calibrated))
        act = replace(with_calibrations(fold.act, [calibrated] * 3), deed=deed)
        calibrated, prior = intent_calibration(asked, raw_i, fold.requests)
        intent = with_calibrations(fold.intent, [calibrated])
        where = fold.rows if fold.rows.any() else ~rows.source.isin(MAY_TRAIN).to_numpy()
        out["told"][where] = act.probabilities(x[where], stated[where])
        out["act"][where], harm[where] = act.probabilities(x[where]), deed.log_odds(x[where])
        meant, share[where] = intent.probabilities(fold.of_rows[where]), prior[1]
        of_request[where] = np.log(meant[:, 1] / meant[:, 0])
        out["intent"][where] = leaned(meant, out["act"][where], deed=harm[where])
    columns = {f"{name}.{k}": p[:, k] for name, p in out.items() for k in range(p.shape[1])}
    columns |= {"harm": harm, "asked": of_request, "share": share}
    table = pd.concat([rows.reset_index(drop=True), pd.DataFrame(columns)], axis=1)
    check_against_shipped(table)
    return table


def known_without(table: pd.DataFrame, source: str | None = None) -> dict[str, np.ndarray]:
    """Return the calibration sample that would ship if a source did not exist."""
    rows = table[table.source != source].reset_index(drop=True)
    told, intent = (rows[[f"{name}.{k}" for k in range(n)]].to_numpy() for name, n in (("told", 3), ("intent", 2)))
    return train.calibration_sample(rows, rows.act.to_numpy(int), told, intent)


def check_against_shipped(table: pd.DataFrame) -> None:
    """Stop where the calibration sample that ships was read off other probabilities than these."""
    ours = known_without(table)
    with np.load(train.OUT / "heads.npz") as shipped:
        for name in ("known.true_act", "known.harmful", "known.group"):
            if not np.array_equal(ours[name], shipped[name]):
                raise SystemExit(f"{name} is not that of the shipped calibration sample: train the classifier anew")
        off = [np.abs(ours[n].astype(float) - shipped[n]).mean() for n in ("known.act", "known.intent")]
    if max(off) > SAME:
        raise SystemExit(f"probabilities differ from the shipped sample's by {max(off):.3f} in the mean: train anew")


def _folds(rows: pd.DataFrame, asked: pd.DataFrame, x: np.ndarray, embed: CachedEmbedder, adapters: Path) -> list[Fold]:
    """Fit the heads of every fold; the last one holds nothing out, as what ships."""
    y, yi = rows.act.to_numpy(int), asked.harmful.to_numpy(int)
    weight = rows.source.map(WEIGHT).fillna(1.0).to_numpy() * np.where(rows.form == "cut", 0.7, 1.0)
    weight, wi = weight * np.where(rows.doubtful.eq(True), 0.4, 1.0), asked.weight.to_numpy()
    learnt = rows.source.isin(MAY_TRAIN).to_numpy() & ~two_faced(rows).to_numpy()
    allowed = asked.source.isin(MAY_TRAIN).to_numpy()
    half, half_i = _halves(rows.prompt, asked.prompt)
    own, own_i = (part.source.isin(OURS).to_numpy() for part in (rows, asked))
    held = [(rows.source.isin(f).to_numpy(), asked.source.isin(f).to_numpy()) for f in train.FOLDS]
    held += [(own & (half == k), own_i & (half_i == k)) for k in (0, 1)]
    held.append((np.zeros(len(rows), bool), np.zeros(len(asked), bool)))
    named = (*train.FOLDS, OURS, OURS, ())
    of_asked, of_rows = request_inputs(list(asked.prompt), embed), request_inputs(list(rows.prompt), embed)
    readers, xis, xrs = [], [], []
    for _, h in held:
        learns = adapter_requests(asked, allowed & ~h)
        reader = adapted(adapters, list(asked.prompt[learns]), yi[learns])
        read = CachedEmbedder(reader.path.with_suffix(".vectors.npz"), reader.path)
        readers.append(reader)
        xis.append(intent_features(read(list(asked.prompt)), *of_asked))
        xrs.append(intent_features(read(list(rows.prompt)), *of_rows))
    jobs = []
    for (h, hi), reader, xi in zip(held, readers, xis, strict=True):
        of, of_i = learnt & ~h, allowed & ~hi
        jobs.append(delayed(fit_head)(x[of], y[of], weight[of], train.ACT, train.ACT_PRIOR))
        jobs.append(delayed(fit_intent)(reader, xi[of_i], yi[of_i], wi[of_i], train.INTENT, train.EVEN))
    heads = Parallel(n_jobs=2, max_nbytes="1M")(jobs)
    parts = zip(held, named, heads[::2], heads[1::2], xis, xrs, strict=True)
    return [Fold(h, hi, sources, act, intent, xi, xr) for (h, hi), sources, act, intent, xi, xr in parts]


def _halves(*prompts: pd.Series) -> list[np.ndarray]:
    """Return to which half of the prompts each belongs, drawn as in the training."""
    _, number = np.unique(np.concatenate(prompts), return_inverse=True)
    part = np.random.default_rng(11).integers(0, 4, number.max() + 1)[number]
    return np.split(part // 2, np.cumsum([len(p) for p in prompts])[:-1])
