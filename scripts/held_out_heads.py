"""The embedded classifier's heads, trained without each source in turn, without halves of our own prompts, and whole.

Settings of what ships stand here, once: `train_classifier` reports on these heads and writes the whole ones, and
`out_of_fold` hands rows as judged unseen to whatever measures corrections.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from answer_training import features_read, read_answers
from classifier_adapters import Adapted, adapted, fit_intent
from classifier_calibrations import ACT_PRIOR, act_calibration, intent_calibration, refusing
from classifier_rows import (
    MAY_TRAIN,
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

from secondlaw.behavior.classifiers.answer_reading import harm_spoken
from secondlaw.behavior.classifiers.features import act_features, intent_features
from secondlaw.behavior.classifiers.head import Head
from secondlaw.behavior.classifiers.leaning import leaned, log_odds_of_harm
from secondlaw.behavior.classifiers.training_fits import fit_head, with_calibrations

EVEN = np.array([0.5, 0.5])
ACT = {"hidden": 48, "nets": 2, "alpha": 1.0, "epochs": 10, "C": 0.003}
INTENT = {"hidden": 32, "nets": 3, "alpha": 2.0, "epochs": 15, "C": 0.01}
FOLDS = (("xstest",), ("gptfuzz",), ("chatgpt_refusals_political",),
         ("jailbreakbench", "llmdrift_sensitiveq", "llmdrift_opinionqa", "vicuna_bench"))  # fmt: skip


@dataclass(frozen=True)
class Fold:
    """What is held out, among rows and requests, and the heads that did not see it.

    `sources` are those held out, none where heads are whole, and None where a quarter of all prompts is.
    """

    rows: np.ndarray
    requests: np.ndarray
    sources: tuple[str, ...] | None
    act: Head
    intent: Head
    of_requests: np.ndarray
    of_rows: np.ndarray
    reader: Adapted


@dataclass(frozen=True)
class Unseen:
    """The heads that would ship if a fold did not exist, and the prior of harmful requests among these."""

    fold: Fold
    act: Head
    intent: Head
    share: float

    def judged(self, held: "HeldOut", where: np.ndarray) -> dict[str, np.ndarray]:
        """Judge rows, in the columns of `judged_unseen`."""
        x, harmful = held.x[where], held.rows.harmful[where]
        act, meant = self.act.probabilities(x), self.intent.probabilities(self.fold.of_rows[where])
        read = features_read(list(held.rows.response[where]), held.embed, self.fold.reader)
        spoken = harm_spoken(self.act, self.intent, x, read)
        stated = np.where(harmful.isna(), 0, 1 + harmful.fillna(0)).astype(int)
        return {
            "told": self.act.probabilities(x, stated), "act": act, "intent": leaned(meant, act, deed=spoken),
            "harm": self.act.deed.log_odds(x), "spoken": spoken, "asked": log_odds_of_harm(meant),
            "share": np.full(len(x), self.share),
        }  # fmt: skip


@dataclass(frozen=True)
class HeldOut:
    """Rows with their features and embedded responses, requests, heads of every fold; the last is of what ships."""

    rows: pd.DataFrame
    asked: pd.DataFrame
    x: np.ndarray
    said: np.ndarray
    heads: tuple[Unseen, ...]
    embed: CachedEmbedder

    def without(self, source: str) -> Unseen:
        """Return the heads that never saw a source."""
        return next((one for one in self.heads if source in (one.fold.sources or ())), self.heads[-1])


def held_out(cache: Path, adapters: Path, *, quarter: bool = False) -> HeldOut:
    """Train heads without each source, and whole; with `quarter`, before the last, without a quarter of all prompts."""
    embed = CachedEmbedder(cache)
    rows = load_rows(np.random.default_rng(7), embed)
    asked = requests(rows)
    p, said, o, marks = inputs(rows, embed)
    x = act_features(p, said, o, marks)
    folds = _folds(rows, asked, x, embed, adapters, quarter=quarter)
    apart = [fold for fold in folds if fold.sources]
    raw, raw_i = np.full((len(rows), 3), np.nan), np.full((len(asked), 2), np.nan)
    for fold in apart:
        raw[fold.rows] = fold.act.raw(x[fold.rows])
        raw_i[fold.requests] = fold.intent.raw(fold.of_requests[fold.requests])
    deeds, heads = read_deeds(rows, x, embed, FOLDS), []
    answers = read_answers(deeds, ((fold.rows, fold.intent, fold.reader) for fold in apart), embed)
    for fold in folds:
        calibrated = act_calibration(rows, raw, fold.rows)
        deed = deeds.without(fold.rows, fold.sources, refusing(raw, calibrated))
        act = replace(with_calibrations(fold.act, [calibrated] * 3), deed=deed)
        calibrated, prior = intent_calibration(asked, raw_i, fold.requests)
        reading = answers.without(fold.rows, fold.sources)
        intent = replace(with_calibrations(fold.intent, [calibrated]), prior=prior, answers=reading)
        heads.append(Unseen(fold, act, intent, float(prior[1])))
    return HeldOut(rows, asked, x, said, tuple(heads), embed)


def judged_unseen(held: HeldOut) -> pd.DataFrame:
    """Return the rows as heads judge them that never saw their source.

    Columns ``told.*`` are probabilities of the acts with the intent stated, ``act.*`` and ``intent.*`` without;
    ``harm`` is the log odds that the answer itself does harm, ``spoken`` those with which it speaks for its request,
    ``asked`` that the request does harm (before what was done leans it), and ``share`` the prior of the latter.
    """
    widths = {"told": 3, "act": 3, "intent": 2, "harm": 1, "spoken": 1, "asked": 1, "share": 1}
    out = {name: np.full((len(held.rows), k), np.nan) for name, k in widths.items()}
    for one in held.heads:
        if one.fold.sources is None:
            continue
        where = one.fold.rows if one.fold.rows.any() else ~held.rows.source.isin(MAY_TRAIN).to_numpy()
        for name, values in one.judged(held, where).items():
            out[name][where] = values.reshape(len(values), -1)
    columns = {(f"{name}.{k}" if widths[name] > 1 else name): p[:, k]
               for name, p in out.items() for k in range(widths[name])}  # fmt: skip
    return pd.concat([held.rows.reset_index(drop=True), pd.DataFrame(columns)], axis=1)


def prompt_parts(*prompts: pd.Series) -> list[np.ndarray]:
    """Return to which quarter of all prompts each belongs."""
    _, number = np.unique(np.concatenate(prompts), return_inverse=True)
    part = np.random.default_rng(11).integers(0, 4, number.max() + 1)[number]
    return np.split(part, np.cumsum([len(p) for p in prompts])[:-1])


def _folds(
    rows: pd.DataFrame, asked: pd.DataFrame, x: np.ndarray, embed: CachedEmbedder, adapters: Path, *, quarter: bool
) -> list[Fold]:
    """Fit the heads of every fold; the last one holds nothing out, as what ships."""
    y, yi = rows.act.to_numpy(int), asked.harmful.to_numpy(int)
    weight = rows.source.map(WEIGHT).fillna(1.0).to_numpy() * np.where(rows.form == "cut", 0.7, 1.0)
    weight, wi = weight * np.where(rows.doubtful.eq(True), 0.4, 1.0), asked.weight.to_numpy()
    allowed, allowed_i = (one.source.isin(MAY_TRAIN).to_numpy() for one in (rows, asked))
    learnt = allowed & ~two_faced(rows).to_numpy()
    part, part_i = prompt_parts(rows.prompt, asked.prompt)
    own, own_i = (one.source.isin(OURS).to_numpy() for one in (rows, asked))
    held = [(rows.source.isin(f).to_numpy(), asked.source.isin(f).to_numpy(), f) for f in FOLDS]
    held += [(own & (part // 2 == k), own_i & (part_i // 2 == k), OURS) for k in (0, 1)]
    held += [(allowed & (part == 0), allowed_i & (part_i == 0), None)] if quarter else []
    held.append((np.zeros(len(rows), bool), np.zeros(len(asked), bool), ()))
    learns = [adapter_requests(asked, allowed_i & ~h) for _, h, _ in held]
    readers = Parallel(n_jobs=2)(delayed(adapted)(adapters, list(asked.prompt[of]), yi[of]) for of in learns)
    of_asked, of_rows = request_inputs(list(asked.prompt), embed), request_inputs(list(rows.prompt), embed)
    seen, jobs = [], []
    for (h, hi, _), reader in zip(held, readers, strict=True):
        read = CachedEmbedder(reader.path.with_suffix(".vectors.npz"), reader.path)
        xi = intent_features(read(list(asked.prompt)), *of_asked)
        seen.append((xi, intent_features(read(list(rows.prompt)), *of_rows)))
        of, of_i = learnt & ~h, allowed_i & ~hi
        jobs.append(delayed(fit_head)(x[of], y[of], weight[of], ACT, ACT_PRIOR))
        jobs.append(delayed(fit_intent)(reader, xi[of_i], yi[of_i], wi[of_i], INTENT, EVEN))
    heads = Parallel(n_jobs=2, max_nbytes="1M")(jobs)
    parts = zip(held, heads[::2], heads[1::2], seen, readers, strict=True)
    return [Fold(h, hi, sources, act, intent, *xs, reader) for (h, hi, sources), act, intent, xs, reader in parts]
