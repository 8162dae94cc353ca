r"""The bets of one or many streams, one step at a time.

With :math:`g_t = z_t / m - 1 \ge -1` (expectation at most 0 under the null) each bettor stakes a fraction
:math:`\phi_t = \lambda_t m < 1` chosen from the past,

.. math:: M_t = (M_{t-1} + s_t)(1 + \phi_t g_t).

For the promise *e-SR* :math:`s_t = 1`: :math:`M_t - t` is a supermartingale under the null. For an *e-process*
:math:`s_t = 1 / \ln(e + t - 1) - 1 / \ln(e + t)`, which sums to 1: a share of the capital is kept for every possible
begin of the drift, so that a long quiet time costs no more than ln(t) + 2 ln ln(t); :math:`M_t - \sum s` is a
supermartingale. The average over bettors and scores keeps both properties.

Bettors with a fraction always stake it. Bettors with a window W forget past steps by 1 - 1/W a step and stake
:math:`\mathrm{clip}(\sum g / \sum g^2, 0, .9)`, Kelly's bet against a central candidate. Each candidate m has bettors
of its own, which stake the same fraction: only then is the capital's logarithm convex in m, as
:mod:`~secondlaw.drift.monitors.candidates` needs. Arrays are (bettors, scores, candidates, streams), and each operation
works element by element, in one order: one stream alone gives the very bits it gives among thousands.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secondlaw.drift.monitors.candidates import CELLS, KEPT
from secondlaw.drift.monitors.settings import BettingSettings

__all__ = ["Bets", "seed_capital"]

Array = NDArray[np.float64]

MOST = 0.9
"""Largest stake of a window, as a fraction of the largest bet allowed."""
RICHEST = 1e100
"""Capital is cut here: far above any threshold, far below overflow. Cutting only lowers it."""
LEADING = 0.5
"""Stake of the bettor whose last ruin tells where the drift began."""
_MEMORY = ("capital", "past", "squares", "lead", "begin")


def seed_capital(bet: int, settings: BettingSettings) -> float:
    """Return the capital added before the bet with this number (1, 2, ...).

    Examples
    --------
    >>> from secondlaw.drift.monitors.settings import BettingSettings
    >>> settings = BettingSettings.standard([False, True], promise="e-process")
    >>> round(sum(seed_capital(bet, settings) for bet in range(1, 1001)), 3)
    0.855
    """
    if settings.promise == "e-SR":
        return 1.0
    return 1.0 / math.log(math.e + bet - 1) - 1.0 / math.log(math.e + bet)


class Bets:
    """The capital of every bettor, for every score and stream.

    Parameters
    ----------
    settings : BettingSettings
    streams : int
    """

    __slots__ = ("_keep", "_part", "_weights", "begin", "capital", "lead", "past", "squares", "stakes")

    def __init__(self, settings: BettingSettings, streams: int) -> None:
        scores, windows = len(settings.scores), len(settings.windows)
        bettors = windows + len(settings.fractions)
        self._keep = np.array([1.0 - 1.0 / window for window in settings.windows]).reshape(windows, 1, 1, 1)
        self._weights = np.array(settings.weights())[:, None]
        self._part = 1.0 / bettors
        shape = (scores, CELLS + 2 if settings.delta == 0.0 else 1, streams)
        self.capital = np.zeros((bettors, *shape))
        self.past = np.zeros((windows, scores, 1, streams))
        self.squares = np.zeros((windows, scores, 1, streams))
        self.stakes = np.zeros((bettors, scores, 1, streams))
        self.stakes[windows:] = np.array(settings.fractions).reshape(-1, 1, 1, 1)
        self.lead = np.zeros((scores, streams))
        self.begin = np.zeros((scores, streams))

    def take(
        self, gain: Array, weight: Array, seed: float | Array, step: float, *, earlier: Array | None = None
    ) -> Array:
        """Bet once and return the evidence of each score (scores, streams), weighted: their sum is the evidence.

        Parameters
        ----------
        gain : array (scores, candidates, streams)
            z / m - 1.
        weight : array (scores, candidates, streams)
            The baseline's evidence against each candidate m.
        seed : float or array (streams,)
            From :func:`seed_capital`.
        step : float
            Number of the step, remembered as a possible begin of the drift.
        earlier : array (scores, candidates, streams), optional
            What the baseline won against the candidate below each, needed where there are several.
        """
        windows = len(self._keep)
        if windows:
            kelly = self.past / np.maximum(self.squares, 1e-300)
            self.stakes[:windows] = np.minimum(np.maximum(kelly, 0.0), MOST)
        self.capital += seed
        self.capital *= self.stakes * gain + 1.0
        np.minimum(self.capital, RICHEST, out=self.capital)
        central = gain[:, gain.shape[1] // 3]
        if windows:
            self.past *= self._keep
            self.past += central[:, None]
            self.squares *= self._keep
            self.squares += (central * central)[:, None]
        self.begin[self.lead <= 1.0] = step
        self.lead = np.minimum(np.maximum(self.lead, 1.0) * (LEADING * central + 1.0), RICHEST)
        total = self.capital[0]
        for other in self.capital[1:]:
            total = total + other
        least = (total * weight)[:, 0] if earlier is None else _least(total, weight, earlier)
        return np.asarray(least * self._part * self._weights)

    def restart(self, streams: slice | NDArray[np.bool_] = slice(None)) -> None:
        """Forget all capital and all past steps of some streams."""
        for memory in (self.capital, self.past, self.squares, self.lead, self.begin):
            memory[..., streams] = 0.0

    def to_state(self) -> dict[str, Any]:
        """Return capital and memory as plain JSON values."""
        return {name: getattr(self, name).tolist() for name in _MEMORY}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take capital and memory from a state."""
        for name in _MEMORY:
            memory = getattr(self, name)
            memory[...] = np.array(state[name], dtype=np.float64).reshape(memory.shape)


def _least(capital: Array, weight: Array, earlier: Array) -> Array:
    """Return what the evidence is at least (scores, streams), whichever mean is true: see the candidates."""
    doubt = weight.copy()
    inner = doubt[:, :-2]
    least = capital[:, :-2] / capital[:, 1:-1]
    least *= earlier[:, :-2]
    least += KEPT
    np.minimum(inner, least, out=inner)
    doubt *= capital
    return np.asarray(doubt.min(axis=1))
