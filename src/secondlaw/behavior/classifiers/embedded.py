"""The default classifier: MiniLM embeddings, surface marks, trained heads for act and intent. No torch, no network.

The intent head reads prompts by MiniLM with a low-rank change of its upper layers, trained to tell harmful requests.

Act and intent are separate heads, composed into categories by the taxonomy; a stated intent replaces the inferred one.
Data, licences and measured accuracy: ``data/MODEL_CARD.md``.
"""

from collections.abc import Mapping, Sequence
from copy import copy

import numpy as np
import numpy.typing as npt

from secondlaw.behavior.classifier_identity import split_identity, with_share
from secondlaw.behavior.classifiers.adapted import AdaptedHead
from secondlaw.behavior.classifiers.answer_reading import answer_features, harm_spoken
from secondlaw.behavior.classifiers.expected_harm import move_to
from secondlaw.behavior.classifiers.features import (
    act_features,
    intent_features,
    opening,
    request_marks,
    response_marks,
)
from secondlaw.behavior.classifiers.head import Head
from secondlaw.behavior.classifiers.leaning import leaned
from secondlaw.behavior.classifiers.outside import OutsideDetector
from secondlaw.behavior.classifiers.protocol import KNOWN_INTENTS, Judgements, Progress, compose, known_intents
from secondlaw.behavior.classifiers.shipped import Reader
from secondlaw.behavior.taxonomy import ACTS, Intent, Taxonomy
from secondlaw.errors import InvalidInput
from secondlaw.language import SentenceEmbedder
from secondlaw.statistics.calibration import CalibrationSample
from secondlaw.statistics.common_shift import tilted

__all__ = ["EmbeddedClassifier"]

NAME = "secondlaw-embedded"
ROWS_AT_ONCE = 4096
"""Rows whose features are held at a time (26 MB)."""
HARM = (-1, 1)
"""The sides of the intents benign, harmful."""


class EmbeddedClassifier:
    """Judges act and intent from embeddings and surface marks.

    Parameters
    ----------
    act, intent : Head or AdaptedHead
        Trained heads.
    outside : OutsideDetector
    embedder : SentenceEmbedder
    reader : Reader
        Embeds prompts for the intent head: MiniLM with the shipped adapter, or a larger model.
    version : str
    known : mapping of str to ndarray, optional
        The calibration sample: ``known.act`` (m, 3) and ``known.intent`` (m, 2) as judged without having been trained
        on, ``known.true_act``, ``known.harmful`` and ``known.group`` (m,).
    name : str
        Name of the classifier, where it is not the shipped one.
    line_spread : float
        Log odds of harm by which a new source is off (one sigma).
    line_integrated : bool
        Whether the intent head has that integrated out.
    ear : tuple of (Head or AdaptedHead, Reader), optional
        Head and reader of answers, where they are not those of prompts.
    """

    def __init__(
        self,
        act: Head | AdaptedHead,
        intent: Head | AdaptedHead,
        outside: OutsideDetector,
        *,
        embedder: SentenceEmbedder,
        reader: Reader,
        version: str,
        known: Mapping[str, npt.NDArray[np.generic]] | None = None,
        name: str = NAME,
        line_spread: float = 0.0,
        line_integrated: bool = True,
        ear: tuple[Head | AdaptedHead, Reader] | None = None,
    ) -> None:
        self._act, self._intent, self._outside = act, intent, outside
        self._embedder, self._reader = embedder, reader
        self._hearing, self._ear = ear or (intent, reader)
        self._version, self._name = version, name
        self._known = known
        self.line_spread, self.line_integrated = line_spread, line_integrated
        self.moved = 0.0
        """By how much log odds of harm of unknown intents are moved (:meth:`expecting`)."""

    @property
    def name(self) -> str:
        """Name of the classifier."""
        return self._name

    @property
    def version(self) -> str:
        """Version of the weights."""
        return self._version

    @property
    def identity(self) -> str:
        """``name/version``."""
        return f"{self._name}/{self._version}"

    @property
    def expected_share(self) -> float:
        """Share of harmful requests that is expected of unknown intents, where nothing was told."""
        return float(self._intent.prior[1])

    def judge(
        self,
        prompts: Sequence[str],
        responses: Sequence[str],
        intents: Sequence[Intent],
        *,
        progress: Progress | None = None,
    ) -> Judgements:
        """Judge responses to prompts. See :class:`~secondlaw.behavior.classifiers.protocol.Classifier`.

        Raises
        ------
        InvalidInput
            If the three differ in length, or an intent is none.
        """
        n = len(responses)
        if not len(prompts) == n == len(intents):
            raise InvalidInput(f"one prompt and one intent a response: got {len(prompts)}, {n} and {len(intents)}")
        act, intent = np.empty((n, 3)), known_intents(intents)
        outside = np.zeros(n, dtype=np.bool_)
        if n == 0 and progress is not None:
            progress(0, 0)
        for start in range(0, n, ROWS_AT_ONCE):
            rows = slice(start, min(start + ROWS_AT_ONCE, n))
            asked, said = prompts[rows], responses[rows]
            p, r, o = self._vectors(asked, said, start, n, progress)
            marks = [response_marks(*pair) for pair in zip(asked, said, strict=True)]
            seen = act_features(p, r, o, marks)
            act[rows] = self._act.probabilities(seen, _conditions(intent[rows]))
            outside[rows] = self._outside.outside(said, r)
            unknown = np.flatnonzero(np.isnan(intent[rows, 0]))
            if len(unknown):
                requests = [asked[int(i)] for i in unknown]
                vectors = self._reader.embed(requests)
                features = intent_features(vectors, p[unknown], [request_marks(text) for text in requests])
                answers = None
                if self._hearing.answers is not None:
                    answers = answer_features(self._ear.embed, r[unknown], [said[int(i)] for i in unknown])
                deed = harm_spoken(self._act, self._hearing, seen[unknown], answers)
                inferred = leaned(self._intent.probabilities(features), act[start + unknown], deed=deed)
                intent[start + unknown] = tilted(inferred, HARM, self.moved) if self.moved else inferred
        return Judgements(act, intent, outside, self.identity)

    def prior(self, taxonomy: Taxonomy, intent: Intent) -> npt.NDArray[np.float64]:
        """Return the prior of a stratum. See :class:`~secondlaw.behavior.classifiers.protocol.Classifier`.

        The act head has a calibration for each intent, and the same prior in all of them.
        """
        given = known_intents([intent])
        each_act = np.eye(len(ACTS))
        of_intent = np.repeat(given if intent != "unknown" else self._intent.prior[None], len(ACTS), axis=0)
        if intent == "unknown":
            deed = None if self._act.deed is None else np.zeros(len(ACTS))  # calibrated under even shares of harm
            of_intent = leaned(of_intent, each_act, deed=deed)
        out: npt.NDArray[np.float64] = self._act.prior @ compose(each_act, of_intent, taxonomy)
        return out

    def calibration(self, taxonomy: Taxonomy) -> CalibrationSample | None:
        """Return responses with known categories as judged by heads never trained on their source (or prompt).

        Every response stands twice: in the stratum of its intent, and in that of unknown intents. Groups are sources,
        so that what a correction takes from the sample carries the difference between sources.

        Returns
        -------
        CalibrationSample or None
            None if the weights carry no sample.
        """
        if self._known is None:
            return None
        act, intent = (self._known[f"known.{name}"].astype(np.float64) for name in ("act", "intent"))
        names = ("true_act", "harmful", "group")
        done, harmful, group = (self._known[f"known.{name}"].astype(np.intp) for name in names)
        stated = np.eye(2)[harmful]
        keys = list(taxonomy.keys)
        category = np.array(
            [[keys.index(taxonomy.category_of(what, act_name)) for act_name in ACTS] for what in KNOWN_INTENTS]
        )[harmful, done]
        act, intent = (rows / rows.sum(axis=1, keepdims=True) for rows in (act, intent))
        return CalibrationSample(
            np.concatenate([compose(act, stated, taxonomy), compose(act, intent, taxonomy)]),
            np.tile(category, 2),
            np.concatenate([harmful, np.full(len(harmful), 2)]),
            np.tile(group, 2),
        )

    def expecting(self, share: float | None) -> "EmbeddedClassifier":
        """Return the classifier where this share of the requests of unknown intent is harmful; None: nothing is known.

        The version names the share, since labels differ. Embedders are shared with this one.

        Raises
        ------
        InvalidInput
            If the share is not between 0 and 1.
        """
        out = copy(self)
        out.moved = 0.0 if share is None else move_to(share, self._intent.prior)
        out._version = with_share(split_identity(self._version)[0], share)
        return out

    def close(self) -> None:
        """End the embedders' processes, if any were started."""
        self._embedder.close()
        self._reader.close()
        if self._ear is not self._reader:
            self._ear.close()

    def _vectors(
        self, prompts: Sequence[str], responses: Sequence[str], start: int, total: int, progress: Progress | None
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        n = len(responses)
        texts = [*prompts, *responses, *(opening(text) for text in responses)]

        def told(done: int, of: int) -> None:
            if progress is not None:
                progress(start + n * done // of, total)

        vectors = self._embedder.embed(texts, progress=told)
        return vectors[:n], vectors[n : 2 * n], vectors[2 * n :]


def _conditions(intent: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    """Return the act head's calibration for each row: 0 unknown, 1 benign, 2 harmful."""
    found: npt.NDArray[np.intp] = np.where(np.isnan(intent[:, 0]), 0, 1 + (intent[:, 1] > 0.5)).astype(np.intp)
    return found
