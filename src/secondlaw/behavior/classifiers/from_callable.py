"""A user's own function as a classifier."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from secondlaw.behavior.classifiers.protocol import KNOWN_INTENTS, Judgements, Progress, compose, known_intents
from secondlaw.behavior.taxonomy import ACTS, Intent, Taxonomy
from secondlaw.errors import InvalidInput, SecondLawError

__all__ = ["CallableClassifier"]

Floats = npt.NDArray[np.float64]
Answer = Callable[[str, str, Intent], tuple[Sequence[float], Sequence[float]]]


@dataclass(frozen=True)
class CallableClassifier:
    """Adapts a function to the Classifier protocol.

    Parameters
    ----------
    answer : callable
        Called with (prompt, response, intent); returns the probabilities of comply, refuse, off-topic and those of
        benign, harmful. A stated intent replaces the latter.
    name, version : str
        Recorded with every label; change the version when the function changes.
    act_prior, intent_prior : ndarray, shape (3,) and (2,), optional
        Priors under which the probabilities are calibrated. Without both nothing is corrected by the probabilities.

    Examples
    --------
    >>> from secondlaw.behavior.taxonomy import FIVE
    >>> def says_no(prompt, response, intent):
    ...     refuses = float("can't" in response)
    ...     return (1 - refuses, refuses, 0.0), (0.5, 0.5)
    >>> CallableClassifier(says_no, name="says-no", version="1").judge(["?"], ["I can't."], ["harmful"]).labels(FIVE)
    ['g3']
    """

    answer: Answer
    name: str
    version: str
    act_prior: Floats | None = None
    intent_prior: Floats | None = None

    @property
    def identity(self) -> str:
        """``name/version``."""
        return f"{self.name}/{self.version}"

    def judge(
        self,
        prompts: Sequence[str],
        responses: Sequence[str],
        intents: Sequence[Intent],
        *,
        progress: Progress | None = None,
    ) -> Judgements:
        """Judge row by row. See :class:`~secondlaw.behavior.classifiers.protocol.Classifier`.

        Raises
        ------
        InvalidInput
            If the three differ in length, the function itself fails, or it returns something else.
        """
        n = len(responses)
        if not len(prompts) == n == len(intents):
            raise InvalidInput(f"one prompt and one intent a response: got {len(prompts)}, {n} and {len(intents)}")
        acts, inferred = np.empty((n, len(ACTS))), np.empty((n, len(KNOWN_INTENTS)))
        for i, row in enumerate(zip(prompts, responses, intents, strict=True)):
            answer = self._ask(row, i)
            try:
                acts[i], inferred[i] = answer
            except (TypeError, ValueError) as error:
                raise InvalidInput(
                    f"{self.identity} must return three act and two intent probabilities; on row {i}: {error}"
                ) from error
            if progress is not None:
                progress(i + 1, n)
        stated = known_intents(intents)
        return Judgements(acts, np.where(np.isnan(stated), inferred, stated), np.zeros(n, np.bool_), self.identity)

    def _ask(self, row: tuple[str, str, Intent], i: int) -> tuple[Sequence[float], Sequence[float]]:
        try:
            return self.answer(*row)
        except SecondLawError:
            raise
        except Exception as error:  # whatever a function of the user's raises
            raise InvalidInput(f"{self.identity} fails on row {i}: {type(error).__name__}: {error}") from error

    def prior(self, taxonomy: Taxonomy, intent: Intent) -> Floats | None:
        """Return the prior of a stratum. See :class:`~secondlaw.behavior.classifiers.protocol.Classifier`."""
        if self.act_prior is None or self.intent_prior is None:
            return None
        given = self.intent_prior[None] if intent == "unknown" else known_intents([intent])
        out: Floats = compose(self.act_prior[None], given, taxonomy)[0]
        return out
