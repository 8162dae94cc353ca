"""Worlds of gymnasium: any environment with a table ``unwrapped.P``, such as FrozenLake, Taxi and CliffWalking.

Its own reward is one goal; others are states to reach. ``P[s][a]`` lists (probability, next state, reward, ended). A
state in which episodes end keeps its agent for ever: for a goal that it does not fulfil, the cost of the steps goes on.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from secondlaw.alignment.goals.tabular import DISCOUNT, TabularMDP, reaching, reaching_rewards, target_states
from secondlaw.errors import InvalidInput

__all__ = ["gymnasium_world"]

Floats = NDArray[np.float64]
REMEDY = "it is installed by: pip install 'secondlaw[goals]'"


def gymnasium_world(
    environment: Any,  # noqa: ANN401 - gymnasium is optional
    targets: Mapping[str, Sequence[int]],
    *,
    own_reward: str | None = None,
    cost: float = 1.0,
    discount: float = DISCOUNT,
    options: Mapping[str, Any] | None = None,
) -> TabularMDP:
    """Return the tabular world of an environment.

    Parameters
    ----------
    environment : gymnasium.Env or str
        An environment, or the name of one to make (which needs gymnasium).
    targets : mapping of str to sequence of int
        States that fulfil each goal.
    own_reward : str, optional
        Name of one more goal, the environment's own reward, if it is wanted among the goals.
    cost : float
        Of a step, for the goals of `targets`; the environment's own reward is taken as it is.
    discount : float
    options : mapping, optional
        What an environment is made with, where it is given by name.

    Returns
    -------
    TabularMDP

    Raises
    ------
    InvalidInput
        If the environment has no table, gymnasium is missing, or a state ends episodes on some ways into it only.
    """
    if isinstance(environment, str):
        environment = _made(environment, dict(options or {}))
    world = getattr(environment, "unwrapped", environment)
    table = getattr(world, "P", None)
    if not isinstance(table, Mapping | list) or not len(table):
        raise InvalidInput(
            f"{type(world).__name__} has no table of transitions P: take a tabular environment such as FrozenLake, "
            "Taxi or CliffWalking, or give the transitions"
        )
    size, number = len(table), len(table[0])
    rows, columns, values = [], [], []
    rewards, entered = np.zeros((size, number)), []
    for state in range(size):
        for action in range(number):
            for probability, later, reward, ended in table[state][action]:
                rows.append(action * size + state)
                columns.append(int(later))
                values.append(float(probability))
                rewards[state, action] += float(probability) * float(reward)
                if probability > 0.0:
                    entered.append((state, int(later), bool(ended)))
    final = _final_states(world, size, entered)
    keep = ~final[np.asarray(rows) % size]
    own = np.flatnonzero(final)
    held = (np.arange(number)[:, None] * size + own).ravel()
    matrix = sparse.csr_array(
        (np.concatenate([np.asarray(values)[keep], np.ones(held.size)]),
         (np.concatenate([np.asarray(rows)[keep], held]), np.concatenate([np.asarray(columns)[keep], held % size]))),
        shape=(number * size, size),
    )  # fmt: skip
    if own_reward is None:
        return reaching(matrix, targets, cost=cost, discount=discount)
    rewards[final] = 0.0
    if not targets:
        raise InvalidInput("a goal is inferred among at least two: give states to reach beside the own reward")
    ends = target_states(targets, size)
    every = np.concatenate([reaching_rewards(ends, cost, number), rewards[None]]), np.concatenate([ends, final[None]])
    return TabularMDP(matrix, every[0], (*targets, own_reward), discount, every[1])


def _made(name: str, options: dict[str, Any]) -> Any:  # noqa: ANN401
    try:
        import gymnasium
    except ImportError as error:
        raise InvalidInput(f"{name} is made by gymnasium, which is not installed; {REMEDY}") from error
    try:
        return gymnasium.make(name, **options)
    except (gymnasium.error.Error, TypeError) as error:
        raise InvalidInput(f"gymnasium makes no {name!r} with {options or 'no options'}: {error}") from error


def _final_states(world: Any, size: int, entered: list[tuple[int, int, bool]]) -> NDArray[np.bool_]:  # noqa: ANN401
    """Return the states whose entering ends an episode, of those that an episode can reach."""
    start = np.asarray(getattr(world, "initial_state_distrib", np.ones(size)), dtype=np.float64).ravel()
    ways: dict[int, list[tuple[int, bool]]] = {}
    for state, later, ended in entered:
        ways.setdefault(state, []).append((later, ended))
    reached = {int(state) for state in np.flatnonzero(start > 0.0)}
    waiting, ends, goes_on = list(reached), set(), set(reached)
    while waiting:
        here = waiting.pop()
        for later, ended in ways.get(here, []):
            if ended:
                ends.add(later)
                continue
            goes_on.add(later)
            if later not in reached:
                reached.add(later)
                waiting.append(later)
    both = sorted(ends & goes_on - {state for state in ends if _absorbing(ways, state)})
    if both and "initial_state_distrib" in dir(world):
        raise InvalidInput(f"state {both[0]} ends an episode on some ways into it only: add a state for each way")
    final = np.zeros(size, dtype=bool)
    final[list(ends)] = True
    return final


def _absorbing(ways: dict[int, list[tuple[int, bool]]], state: int) -> bool:
    return all(later == state and ended for later, ended in ways.get(state, []))
