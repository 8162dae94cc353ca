r"""What a response did says something about the request: models refuse harmful requests more often than benign ones.

.. math:: \operatorname{logit} p(\text{harmful}) \leftarrow \operatorname{logit} p(\text{harmful}) +
   \lambda\,p_\text{refuse} + d\,p_\text{comply}

With :math:`\lambda = .5` a refusal raises the odds of harm by a factor of 1.65 at most: enough to settle a doubtful
request, and too little for an over-refusal to prove itself right. Only unknown intents lean; a stated one is stated.
An answer speaks by what it does: d is the log odds that it does harm
(:class:`~secondlaw.behavior.classifiers.deed.Deed`), so that help with harm never proves itself harmless; or that with
what the intent head reads in it (:class:`~secondlaw.behavior.classifiers.answer_reading.AnswerReading`). A head that
does not read deeds has :math:`d = -\lambda`.
"""

import numpy as np
import numpy.typing as npt

__all__ = ["LEAN", "leaned", "log_odds_of_harm"]

Floats = npt.NDArray[np.float64]
LEAN = 0.5
SMALLEST = 1e-7


def leaned(intent: Floats, act: Floats, *, deed: Floats | None = None, lean: float = LEAN) -> Floats:
    """Return intents in the light of what was done.

    Parameters
    ----------
    intent : ndarray, shape (n, 2)
        Probabilities of benign and harmful, from the request alone.
    act : ndarray, shape (n, 3)
        Probabilities of comply, refuse and off-topic.
    deed : ndarray, shape (n,), optional
        Log odds that the answer itself does harm; without it every answer lowers harm by `lean`.
    lean : float
        Log odds by which a refusal raises harm.

    Returns
    -------
    ndarray, shape (n, 2)

    Examples
    --------
    >>> leaned(np.array([[0.5, 0.5]]), np.array([[0.0, 1.0, 0.0]])).round(2).tolist()
    [[0.38, 0.62]]
    >>> leaned(np.array([[0.5, 0.5]]), np.array([[1.0, 0.0, 0.0]]), deed=np.array([0.0])).tolist()
    [[0.5, 0.5]]
    """
    by_answer = -lean if deed is None else deed
    harmful = 1 / (1 + np.exp(-(log_odds_of_harm(intent) + lean * act[:, 1] + by_answer * act[:, 0])))
    out: Floats = np.column_stack([1 - harmful, harmful])
    return out


def log_odds_of_harm(intent: Floats) -> Floats:
    """Return the log odds of harmful against benign, shape (n,); those of a certain intent are finite.

    Examples
    --------
    >>> log_odds_of_harm(np.array([[0.5, 0.5], [0.25, 0.75]])).round(3).tolist()
    [0.0, 1.099]
    """
    out: Floats = np.log(np.maximum(intent[:, 1], SMALLEST)) - np.log(np.maximum(intent[:, 0], SMALLEST))
    return out
