"""What agents did: episodes of states and actions, as padded arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.alignment.goals.tabular import TabularMDP
from secondlaw.errors import FileFormatError, InvalidInput, NotEnoughData

__all__ = ["Episode", "Episodes"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Episode:
    """One trajectory.

    Parameters
    ----------
    agent : str
    name : str
        Of the episode.
    states : sequence of int
        As many as actions, or one more: the state that the last action led to.
    actions : sequence of int
    ended : bool, optional
        Whether the agent stopped because it was done (True), or was cut off (False); None: not known.
    """

    agent: str
    name: str
    states: Sequence[int]
    actions: Sequence[int]
    ended: bool | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Episodes:
    """Episodes of several agents.

    Parameters
    ----------
    agents : tuple of str
        In the order in which they first occur.
    agent : ndarray of int, shape (episodes,)
        Whose each episode is.
    names : tuple of str
        Of the episodes.
    states : ndarray of int, shape (episodes, steps + 1)
        -1 where an episode is over, or its last state is unknown.
    actions : ndarray of int, shape (episodes, steps)
        -1 where an episode is over.
    ended : ndarray of bool, shape (episodes,), or None
        Whether each stopped because its agent was done; None where that is known of no episode.

    Examples
    --------
    >>> found = Episodes.of([Episode("a", "1", [0, 1, 2], [1, 1]), Episode("b", "1", [2], [0])])
    >>> found.agents, found.lengths.tolist()
    (('a', 'b'), [2, 1])
    """

    agents: tuple[str, ...]
    agent: Ints
    names: tuple[str, ...]
    states: Ints
    actions: Ints
    ended: NDArray[np.bool_] | None = None

    @classmethod
    def of(cls, episodes: Sequence[Episode]) -> "Episodes":
        """Return episodes in a row.

        Raises
        ------
        NotEnoughData
            Without any action.
        """
        kept = [one for one in episodes if len(one.actions)]
        if not kept:
            raise NotEnoughData("there is no action to infer a goal from: give episodes with at least one step")
        numbers = {name: k for k, name in enumerate(dict.fromkeys(one.agent for one in kept))}
        longest = max(len(one.actions) for one in kept)
        states = np.full((len(kept), longest + 1), -1, dtype=np.int64)
        actions = np.full((len(kept), longest), -1, dtype=np.int64)
        for row, one in enumerate(kept):
            if len(one.states) - len(one.actions) not in (0, 1):
                raise InvalidInput(
                    f"agent {one.agent}, episode {one.name}: {len(one.actions)} actions need as many states or one "
                    f"more, got {len(one.states)}"
                )
            states[row, : len(one.states)] = one.states
            actions[row, : len(one.actions)] = one.actions
        whose = np.array([numbers[one.agent] for one in kept], dtype=np.int64)
        known = any(one.ended is not None for one in kept)
        ended = np.array([bool(one.ended) for one in kept]) if known else None
        return cls(tuple(numbers), whose, tuple(one.name for one in kept), states, actions, ended)

    @property
    def lengths(self) -> Ints:
        """Actions of each episode, shape (episodes,)."""
        return np.asarray((self.actions >= 0).sum(axis=1))

    def last_states(self) -> Ints:
        """Return the last known state of each episode, shape (episodes,)."""
        known = (self.states >= 0).sum(axis=1)
        return np.asarray(self.states[np.arange(len(known)), np.maximum(known - 1, 0)])

    def per_agent(self) -> Ints:
        """Return the number of episodes of each agent."""
        return np.bincount(self.agent, minlength=len(self.agents))

    def check(self, mdp: TabularMDP) -> None:
        """Check that the episodes can happen in a world.

        Raises
        ------
        FileFormatError
            If a state or an action is not the world's, or a transition has probability 0.
        """
        _, states, actions = mdp.size
        for name, given, most in (("state", self.states, states), ("action", self.actions, actions)):
            wrong = np.argwhere((given >= most) | (given < -1))
            if wrong.size:
                row, step = (int(k) for k in wrong[0])
                raise FileFormatError(
                    f"{self._place(row, step)}: the world has no {name} {given[row, step]}, only 0 to {most - 1}"
                )
        row_at, step_at = np.nonzero((self.actions >= 0) & (self.states[:, 1:] >= 0))
        before, later = self.states[row_at, step_at], self.states[row_at, step_at + 1]
        taken = self.actions[row_at, step_at]
        never = np.flatnonzero(mdp.probability(before, taken, later) <= 0.0)
        if never.size:
            k = int(never[0])
            raise FileFormatError(
                f"{self._place(int(row_at[k]), int(step_at[k]))}: action {mdp.actions[taken[k]]} in state "
                f"{mdp.states[before[k]]} never leads to {mdp.states[later[k]]} in this world ({never.size:,} such "
                "steps in all): check that the file and the world belong together"
            )

    def _place(self, row: int, step: int) -> str:
        episode = f", episode {self.names[row]}" if self.names[row] else ""
        return f"agent {self.agents[self.agent[row]]}{episode}, step {step}"
