r"""Worlds of finitely many states in which every goal is a reward: tabular Markov decision processes.

The goals share the transitions :math:`P(s' \mid s, a)` and differ in the reward :math:`r_g(s, a)` and in the states
that end their pursuit, where nothing more is gained or lost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from secondlaw.alignment.arguments import positive, rate
from secondlaw.errors import InvalidInput

__all__ = ["DISCOUNT", "TabularMDP", "reaching", "reaching_rewards", "target_states"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

DISCOUNT = 0.98
"""Default discount of a step: a goal 50 steps away still counts for a third."""
# Probabilities read from text; larger differences are a mistake.
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class TabularMDP:
    """States, actions, transitions, and a reward for every goal.

    Parameters
    ----------
    transitions : array_like, shape (actions, states, states), or a sequence of sparse (states, states) matrices
        ``transitions[a][s, t]``: probability of t after action a in s. Kept as one sparse matrix of shape
        (actions * states, states), row ``a * states + s``.
    rewards : array_like, shape (goals, states, actions) or (goals, states)
        Reward of acting in a state, under every goal.
    goals : sequence of str
        Their names; at least two.
    discount : float
        In (0, 1].
    ends : array_like of bool, shape (goals, states), optional
        Where the pursuit of a goal is over; nowhere without it.
    states, actions : sequence of str, optional
        Names; numbers without them.

    Examples
    --------
    >>> left, right = np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([[0.0, 1.0], [0.0, 1.0]])
    >>> mdp = TabularMDP([left, right], [[1.0, 0.0], [0.0, 1.0]], ("at 0", "at 1"), discount=0.9)
    >>> mdp.size, mdp.rewards.shape
    ((2, 2, 2), (2, 2, 2))
    """

    transitions: Any
    rewards: Floats
    goals: tuple[str, ...]
    discount: float = DISCOUNT
    ends: Bools | None = None
    states: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        stacked, actions = _stacked(self.transitions)
        states = stacked.shape[1]
        goals = tuple(self.goals)
        if len(goals) < 2:
            raise InvalidInput(f"a goal is inferred among at least two, got {len(goals)}: add what else may be pursued")
        if len(set(goals)) != len(goals):
            raise InvalidInput(f"goals need different names, got {', '.join(goals)}")
        positive(self.discount, "discount")
        if self.discount > 1.0:
            raise InvalidInput(f"discount must be at most 1, got {self.discount}")
        object.__setattr__(self, "transitions", stacked)
        object.__setattr__(self, "goals", goals)
        object.__setattr__(self, "rewards", _rewards(self.rewards, len(goals), states, actions))
        ends = np.zeros((len(goals), states), dtype=bool) if self.ends is None else np.array(self.ends, dtype=bool)
        if ends.shape != (len(goals), states):
            raise InvalidInput(f"ends must have shape {(len(goals), states)}, got {ends.shape}")
        object.__setattr__(self, "ends", ends)
        for name, number in (("states", states), ("actions", actions)):
            said = tuple(getattr(self, name)) or tuple(str(k) for k in range(number))
            if len(said) != number or len(set(said)) != number:
                raise InvalidInput(f"{name} need {number} different names, got {len(said)}")
            object.__setattr__(self, name, said)

    @property
    def size(self) -> tuple[int, int, int]:
        """Numbers of goals, states and actions."""
        return self.rewards.shape[0], self.rewards.shape[1], self.rewards.shape[2]

    def probability(self, states: ArrayLike, actions: ArrayLike, later: ArrayLike) -> Floats:
        """Return the probabilities of the states `later` after `actions` in `states`, elementwise."""
        rows = np.asarray(actions, dtype=np.int64) * self.size[1] + np.asarray(states, dtype=np.int64)
        if not rows.size:  # SciPy indexes with nothing wrongly
            return np.zeros(rows.shape)
        return np.asarray(self.transitions[rows.ravel(), np.asarray(later).ravel()]).reshape(rows.shape)


def reaching(
    transitions: Any,  # noqa: ANN401 - arrays or sparse matrices
    targets: Mapping[str, Sequence[int]],
    *,
    cost: float = 1.0,
    discount: float = DISCOUNT,
    states: Sequence[str] = (),
    actions: Sequence[str] = (),
) -> TabularMDP:
    """Return the world in which each goal is to reach one of its states: every step until then costs.

    Parameters
    ----------
    transitions
        As for :class:`TabularMDP`.
    targets : mapping of str to sequence of int
        The states that fulfil each goal.
    cost : float
        Of a step; it sets the unit of 1 / beta.
    discount : float
    states, actions : sequence of str

    Examples
    --------
    >>> mdp = reaching([[[1.0, 0.0], [1.0, 0.0]], [[0.0, 1.0], [0.0, 1.0]]], {"a": [0], "b": [1]})
    >>> mdp.rewards[0].tolist(), mdp.ends[0].tolist()
    ([[0.0, 0.0], [-1.0, -1.0]], [True, False])
    """
    stacked, number = _stacked(transitions)
    size = stacked.shape[1]
    ends = target_states(targets, size)
    return TabularMDP(
        stacked, reaching_rewards(ends, cost, number), tuple(targets), discount, ends, tuple(states), tuple(actions)
    )


def reaching_rewards(ends: Bools, cost: float, actions: int) -> Floats:
    """Return what goals reward that are to be reached, shape (goals, states, actions): every step until then costs."""
    return np.where(ends[:, :, None], 0.0, -rate(cost, "cost")) * np.ones((1, 1, actions))


def target_states(targets: Mapping[str, Sequence[int]], size: int) -> Bools:
    """Return which states fulfil each goal, shape (goals, states)."""
    ends = np.zeros((len(targets), size), dtype=bool)
    for goal, (name, places) in enumerate(targets.items()):
        found = np.asarray(list(places), dtype=np.int64)
        if not found.size or found.min() < 0 or found.max() >= size:
            raise InvalidInput(f"goal {name!r} needs states of 0 to {size - 1} that fulfil it, got {list(places)[:5]}")
        ends[goal, found] = True
    return ends


def _stacked(transitions: Any) -> tuple[Any, int]:  # noqa: ANN401
    """Return checked transitions as one sparse matrix, and the number of actions."""
    if sparse.issparse(transitions):
        joined = sparse.csr_array(transitions, dtype=np.float64)
    else:
        parts = [one if sparse.issparse(one) else np.asarray(one, dtype=np.float64) for one in transitions]
        shapes = {one.shape for one in parts}
        if len(shapes) != 1 or len(shape := shapes.pop()) != 2 or shape[0] != shape[1] or not shape[0]:
            raise InvalidInput("transitions must have shape (actions, states, states), states being the same for all")
        joined = sparse.csr_array(sparse.vstack([sparse.csr_array(one) for one in parts], format="csr"))
    actions, rest = divmod(joined.shape[0], joined.shape[1])
    if rest or actions < 1:
        raise InvalidInput(f"stacked transitions must have actions * states rows, got {joined.shape}")
    if not np.isfinite(joined.data).all() or (joined.data < 0.0).any():
        raise InvalidInput(f"transitions must be probabilities, got {joined.data.min():.4g} as the lowest")
    total = np.asarray(joined.sum(axis=1)).ravel()
    if np.abs(total - 1.0).max() > _ROUNDING:
        action, state = divmod(int(np.abs(total - 1.0).argmax()), joined.shape[1])
        seen = total[action * joined.shape[1] + state]
        raise InvalidInput(
            f"the probabilities after action {action} in state {state} sum to {seen:.6g}: make them sum to 1"
        )
    joined.data = joined.data / np.repeat(total, np.diff(joined.indptr))
    joined.eliminate_zeros()
    return joined, actions


def _rewards(given: ArrayLike, goals: int, states: int, actions: int) -> Floats:
    array = np.array(given, dtype=np.float64)
    if array.shape == (goals, states):
        array = np.repeat(array[:, :, None], actions, axis=2)
    if array.shape != (goals, states, actions):
        raise InvalidInput(
            f"rewards must have shape {(goals, states, actions)} or {(goals, states)}, got {array.shape}"
        )
    if not np.isfinite(array).all():
        goal, state, action = (int(k) for k in np.argwhere(~np.isfinite(array))[0])
        raise InvalidInput(
            f"rewards must be finite, got {array[goal, state, action]} for goal {goal}, state {state}, action {action}"
        )
    array.setflags(write=False)
    return array
