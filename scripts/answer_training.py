"""Fit how the head of requests reads answers, on answers whose source neither adapter, head nor deed has seen."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from classifier_adapters import Adapted
from classifier_calibrations import answer_calibration, deed_calibration
from classifier_rows import CachedEmbedder
from deed_training import Deeds

from secondlaw.behavior.classifiers.answer_reading import AnswerReading, answer_features
from secondlaw.behavior.classifiers.head import Head
from secondlaw.behavior.classifiers.leaning import log_odds_of_harm


@dataclass(frozen=True)
class AnswersRead:
    """The answers that teach deeds, and the log odds of a harmful request as read off those in full, unseen."""

    deeds: Deeds
    read: np.ndarray

    def without(self, held: np.ndarray, sources: tuple[str, ...] | None) -> AnswerReading:
        """Return the reading for a fold: rows held out, their sources (None: by prompt)."""
        out = self.deeds.left_out(held, sources)
        slope, offset = deed_calibration(self.deeds.answers, self.deeds.of_answers, out)
        return answer_calibration(self.deeds.answers, slope * self.deeds.of_answers + offset, self.read, out)


def read_answers(deeds: Deeds, folds: Iterable[tuple[np.ndarray, Head, Adapted]], embed) -> AnswersRead:
    """Read the answers of every fold, given by the rows held out and the head and adapter that did not see them."""
    rows, answers, read = deeds.rows, deeds.answers, np.full(len(deeds.answers), np.nan)
    for held, head, reader in folds:
        sources = set(rows.source[held])
        others = rows.prompt[~held & rows.source.isin(sources).to_numpy()]
        of = answers.source.isin(sources) & ~answers.prompt.isin(set(others))
        of = (of & (answers.form == "full")).to_numpy()
        read[of] = log_odds_of_harm(head.raw(features_read(list(answers.response[of]), embed, reader)[:, :-1]))
    return AnswersRead(deeds, read)


def features_read(responses: list[str], embed, reader: Adapted) -> np.ndarray:
    """Return what the head of requests sees of these responses through an adapter."""
    read = CachedEmbedder(reader.path.with_suffix(".vectors.npz"), reader.path)
    return answer_features(lambda texts: read(list(texts)), embed(responses), responses)
