r"""An answer read as if it were a request: what the intent head makes of the words that it begins with.

Answers repeat what was asked for, and say more plainly what it is: help with harm reads like a harmful request. The
head that reads requests therefore reads the first words of the answer too, and together with the deed this is how far
the answer speaks for harm,

.. math:: h = (1 - s)\,d + s\,(a\,d + b\,v + c), \qquad s = \min(1, \text{words} / 24),

with d the log odds that the answer does harm (:class:`~secondlaw.behavior.classifiers.deed.Deed`) and v the log odds
of a harmful request as the uncalibrated intent head reads it off the answer. The three numbers are fitted under even
shares, sources of one weight, on answers of sources that no part has seen, and shrunk for the line that a new source
draws elsewhere, as the log odds of requests are (:mod:`~secondlaw.statistics.common_shift`). Answers to learn from are
seldom short: "Sure, use a stone" says little, and that little must not pass for harm, so that short answers are left to
their deeds. Only unknown intents are read so.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from secondlaw.behavior.classifiers.features import intent_features, opening, request_marks
from secondlaw.behavior.classifiers.leaning import log_odds_of_harm

if TYPE_CHECKING:
    from secondlaw.behavior.classifiers.adapted import AdaptedHead
    from secondlaw.behavior.classifiers.head import Head

__all__ = ["AnswerReading", "answer_features", "harm_spoken"]

Floats = npt.NDArray[np.float64]
Features = npt.NDArray[np.float32]
READ_WORDS = 48
"""Words of an answer that are read; all 128 tokens say no more, and 24 words say less."""
ENOUGH_WORDS = 24
"""From so many words on a reading counts in full."""


@dataclass(frozen=True, slots=True)
class AnswerReading:
    """How far answers speak for the harm of their requests.

    Parameters
    ----------
    deed, read, offset : float
        Weight of the deed, weight of the reading, and what is added.

    Examples
    --------
    >>> reading = AnswerReading(deed=0.5, read=1.0, offset=0.25)
    >>> reading.log_odds(np.array([1.0, 1.0]), np.full((2, 2), 0.5), np.array([1.0, 0.0])).tolist()
    [0.75, 1.0]
    """

    deed: float
    read: float
    offset: float

    def log_odds(self, deed: Floats, read: Floats, share: Features) -> Floats:
        """Return log odds of harm, shape (n,).

        Parameters
        ----------
        deed : ndarray, shape (n,)
            Log odds that the answers do harm.
        read : ndarray, shape (n, 2)
            Uncalibrated probabilities of benign and harmful, read off the answers.
        share : ndarray, shape (n,)
            How far readings count, from 0 to 1.
        """
        heard = self.deed * deed + self.read * log_odds_of_harm(read) + self.offset
        return deed + share * (heard - deed)

    def to_arrays(self, name: str) -> dict[str, npt.NDArray[np.generic]]:
        """Return the three numbers as a named array."""
        return {f"{name}.answers": np.array([self.deed, self.read, self.offset])}

    @classmethod
    def from_arrays(cls, name: str, arrays: Mapping[str, npt.NDArray[np.generic]]) -> "AnswerReading | None":
        """Build it from :meth:`to_arrays`'s form; None where the arrays have none."""
        numbers = arrays.get(f"{name}.answers")
        return None if numbers is None else cls(*numbers.astype(np.float64).tolist())


def answer_features(embed: Callable[[Sequence[str]], Features], said: Features, responses: Sequence[str]) -> Features:
    """Join what the intent head sees of answers, in the form of its requests, and how far there is enough to read.

    Parameters
    ----------
    embed : callable
        Embeds texts for the intent head; it gets the first words of each response.
    said : ndarray, shape (n, 384)
        The responses as embedded for the act head.
    responses : sequence of str

    Returns
    -------
    ndarray of float32, shape (n, 781)
        The last column goes from 0 to 1.
    """
    begun = [opening(text, words=READ_WORDS) for text in responses]
    enough = [min(1.0, len(text.split()) / ENOUGH_WORDS) for text in begun]
    seen = intent_features(embed(begun), said, [request_marks(text) for text in responses])
    return np.column_stack([seen, np.asarray(enough, np.float32)])


def harm_spoken(
    act: "Head | AdaptedHead", intent: "Head | AdaptedHead", seen: Features, answers: Features | None
) -> Floats | None:
    """Return the log odds of harm with which answers speak for their requests, shape (n,).

    Parameters
    ----------
    act, intent : Head or AdaptedHead
    seen : ndarray, shape (n, features)
        What the act head sees.
    answers : ndarray, shape (n, intent features + 1), optional
        From :func:`answer_features`; without it, or with an intent head that does not read answers, deeds speak alone.

    Returns
    -------
    ndarray or None
        None where the act head reads no deeds.
    """
    if act.deed is None:
        return None
    deed = act.deed.log_odds(seen)
    if intent.answers is None or answers is None:
        return deed
    return intent.answers.log_odds(deed, intent.raw(answers[:, :-1]), answers[:, -1])
