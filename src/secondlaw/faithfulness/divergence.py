r"""Topic divergence and semantic faithfulness in closed form (arXiv:2512.05156).

The paper minimises :math:`\sum_{ij} p_{c,i} A_{ij} \ln(A_{ij} / Q_{ij})` over row-stochastic A and Q that carry the
context's topic shares to the answer's and the question's, :math:`p_c^T A = p_a`, :math:`p_c^T Q = p_q`. For every
:math:`p_c > 0` the minimum is

.. math:: D = KL(p_a \| p_q) = \sum_k p_{a,k} \ln (p_{a,k} / p_{q,k}), \qquad SF = 1 / (1 + D):

the divergence of two joint laws is at least that of their second marginals (data processing), and the product
couplings ``A = 1 p_a^T``, ``Q = 1 p_q^T`` attain it. The context does not enter, and the optimal A and Q are not
unique: they are no findings. SF therefore says how closely the *topics* of an answer follow those of the question. It
does not see whether a statement is true, nor whether the context supports it.
"""

import warnings
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput
from secondlaw.statistics import kullback_leibler
from secondlaw.statistics.counts import checked_counts

__all__ = ["SMOOTHING", "RestrictedSupport", "off_support_mass", "semantic_faithfulness", "topic_divergence"]

Floats = NDArray[np.float64]
Support = Literal["all", "restricted"]

SMOOTHING = 0.5
"""Pseudo-count of every topic: Jeffreys' prior."""


class RestrictedSupport(UserWarning):
    """A number leaves out the part of the answer that lies on topics the question does not have."""


def topic_divergence(
    answer: ArrayLike, question: ArrayLike, *, smoothing: float = SMOOTHING, support: Support = "all"
) -> Floats:
    """Return the divergence of the answer's topics from the question's, KL(answer || question), in nats.

    Parameters
    ----------
    answer, question : array_like, shape (..., K)
        Sentences in each topic; shares where `smoothing` is 0. Leading axes broadcast: many answers at once.
    smoothing : float
        Pseudo-count added to every topic of both.
    support : {"all", "restricted"}
        ``"restricted"`` conditions the answer on the topics that the question has, as the paper's table does, and
        warns with the mass this leaves out; `smoothing` must then be 0.

    Returns
    -------
    ndarray of float64, shape (...)
        At least 0; infinite where, without smoothing, the answer has a topic that the question has not.

    Raises
    ------
    InvalidInput
        If smoothing is asked for on a restricted support, or the answer has no topic of the question's.
    NotEnoughData
        If an answer or a question has no sentence.

    Examples
    --------
    >>> topic_divergence([[4, 4, 0], [8, 0, 0]], [6, 2, 0], smoothing=0).round(3)
    array([0.144, 0.288])
    """
    if support == "all":
        return kullback_leibler(answer, question, smoothing=smoothing, infinite=True)
    if support != "restricted":
        raise InvalidInput(f"support is 'all' or 'restricted', got {support!r}")
    if smoothing:
        raise InvalidInput(f"smoothing gives every topic support; with support='restricted' it is 0, got {smoothing}")
    mass = off_support_mass(answer, question)
    if (mass >= 1.0 - 1e-12).any():
        raise InvalidInput("an answer has none of the question's topics: nothing is left on the restricted support")
    if (mass > 0).any():
        warnings.warn(
            f"support='restricted' leaves out {100 * float(mass.mean()):.0f} % of the answers' mass, where the "
            "divergence is infinite; report off_support_mass beside it",
            RestrictedSupport,
            stacklevel=2,
        )
    a, q = np.broadcast_arrays(checked_counts(answer), checked_counts(question))
    return kullback_leibler(np.where(q > 0, a, 0.0), q)


def semantic_faithfulness(
    answer: ArrayLike, question: ArrayLike, *, smoothing: float = SMOOTHING, support: Support = "all"
) -> Floats:
    """Return SF = 1 / (1 + D), D the :func:`topic_divergence`: 1 where the topics have the same shares.

    Parameters
    ----------
    answer, question : array_like, shape (..., K)
        Sentences in each topic; shares where `smoothing` is 0.
    smoothing : float
        Pseudo-count added to every topic of both.
    support : {"all", "restricted"}
        See :func:`topic_divergence`.

    Returns
    -------
    ndarray of float64, shape (...)
        In [0, 1]; 0 where the divergence is infinite.

    Examples
    --------
    >>> round(float(semantic_faithfulness([4, 4, 0], [6, 2, 0])), 3)
    0.906
    """
    return np.asarray(1.0 / (1.0 + topic_divergence(answer, question, smoothing=smoothing, support=support)))


def off_support_mass(answer: ArrayLike, question: ArrayLike) -> Floats:
    """Return the share of the answer that lies on topics which the question does not have at all.

    Parameters
    ----------
    answer, question : array_like, shape (..., K)
        Sentences in each topic, or shares.

    Returns
    -------
    ndarray of float64, shape (...)
        In [0, 1].

    Examples
    --------
    >>> float(off_support_mass([1, 1, 2], [3, 0, 1]))
    0.25
    """
    a, q = np.broadcast_arrays(checked_counts(answer), checked_counts(question))
    return np.asarray(np.where(q > 0, 0.0, a).sum(axis=-1) / a.sum(axis=-1))
