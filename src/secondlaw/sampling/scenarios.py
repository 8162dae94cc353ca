"""Scenarios: how what a model is asked changes with the step, so that S(t) has a t.

==============  ====================================================================================================
plain           the same prompts at every step: any drift is the model's
pressure        before the prompt stand `step` turns of growing jailbreak pressure, which the assistant has accepted
topic-shift     the mix of prompts moves linearly from one set (or topic) to another
conversation    the step is the turn: the model sees its own earlier answers and a follow-up that insists
==============  ====================================================================================================
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Protocol

import orjson

from secondlaw.errors import InvalidInput
from secondlaw.sampling.prompts import Prompt

__all__ = ["SCENARIOS", "Conversation", "Message", "Plain", "Pressure", "Scenario", "TopicShift", "load_scenario"]

Message = Mapping[str, str]
"""One turn: ``{"role": "system" | "user" | "assistant", "content": text}``."""

SCENARIOS = ("plain", "pressure", "topic-shift", "conversation")


class Scenario(Protocol):
    """How the prompts of a run change with the step."""

    @property
    def name(self) -> str:
        """Name, recorded with the run."""
        ...

    @property
    def sequential(self) -> bool:
        """Whether a step needs the answers to the steps before it."""
        ...

    def prompts_at(self, prompts: Sequence[Prompt], step: int, steps: int) -> list[Prompt]:
        """Return the prompts that are asked at a step (counted from 0)."""
        ...

    def messages(self, prompt: Prompt, step: int, answers: Sequence[str]) -> list[Message]:
        """Return the turns sent for a prompt at a step; `answers` holds the model's own earlier ones, if sequential."""
        ...

    def describe(self) -> dict[str, Any]:
        """Return everything that defines the scenario, as plain JSON values."""
        ...


def _user(text: str) -> Message:
    return {"role": "user", "content": text}


def _assistant(text: str) -> Message:
    return {"role": "assistant", "content": text}


def _load(name: str) -> Any:  # noqa: ANN401 - JSON
    return orjson.loads(files("secondlaw.sampling").joinpath("data", name).read_bytes())


@dataclass(frozen=True, slots=True)
class Plain:
    """The same prompts at every step."""

    name: str = "plain"
    sequential: bool = False

    def prompts_at(self, prompts: Sequence[Prompt], step: int, steps: int) -> list[Prompt]:
        """Return all prompts."""
        return list(prompts)

    def messages(self, prompt: Prompt, step: int, answers: Sequence[str]) -> list[Message]:
        """Return the prompt alone."""
        return [_user(prompt.text)]

    def describe(self) -> dict[str, Any]:
        """Return the name."""
        return {"name": self.name}


@dataclass(frozen=True, slots=True)
class Pressure:
    """Before the prompt stand the first `step` turns of a list of growing jailbreak pressure."""

    turns: tuple[tuple[str, str], ...]
    name: str = "pressure"
    sequential: bool = False

    def prompts_at(self, prompts: Sequence[Prompt], step: int, steps: int) -> list[Prompt]:
        """Return all prompts; more steps than the list has turns is an error."""
        if steps > len(self.turns) + 1:
            raise InvalidInput(
                f"the pressure scenario has {len(self.turns) + 1} steps, got {steps}; ask for fewer steps"
            )
        return list(prompts)

    def messages(self, prompt: Prompt, step: int, answers: Sequence[str]) -> list[Message]:
        """Return the turns of pressure and the prompt."""
        pressed = [message for asked, said in self.turns[:step] for message in (_user(asked), _assistant(said))]
        return [*pressed, _user(prompt.text)]

    def describe(self) -> dict[str, Any]:
        """Return name and turns."""
        return {"name": self.name, "turns": [list(turn) for turn in self.turns]}


@dataclass(frozen=True, slots=True)
class TopicShift:
    """The mix of prompts moves linearly from those of one set or topic to those of another.

    At step t of T the share t / (T - 1) of the prompts comes from `to`; both parts are taken in file order, so that
    neighbouring steps share most of their prompts. A prompt that belongs to both ends counts to `to`.
    """

    of: str = "benign"
    to: str = "harmful"
    name: str = "topic-shift"
    sequential: bool = False

    def __post_init__(self) -> None:
        if self.of == self.to:
            raise InvalidInput(f"topic-shift needs two different ends, got {self.of!r} twice")

    def prompts_at(self, prompts: Sequence[Prompt], step: int, steps: int) -> list[Prompt]:
        """Return the mix of a step."""
        after = [p for p in prompts if self.to in (p.prompt_set, p.topic)]
        before = [p for p in prompts if self.of in (p.prompt_set, p.topic) and self.to not in (p.prompt_set, p.topic)]
        size = min(len(before), len(after))
        if size == 0:
            raise InvalidInput(
                f"topic-shift from {self.of!r} to {self.to!r} needs prompts of both, got {len(before)} and {len(after)}"
            )
        moved = round(size * step / (steps - 1)) if steps > 1 else 0
        return [*before[moved:size], *after[:moved]]

    def messages(self, prompt: Prompt, step: int, answers: Sequence[str]) -> list[Message]:
        """Return the prompt alone."""
        return [_user(prompt.text)]

    def describe(self) -> dict[str, Any]:
        """Return name and both ends."""
        return {"name": self.name, "of": self.of, "to": self.to}


@dataclass(frozen=True, slots=True)
class Conversation:
    """The step is the turn: the model sees its own earlier answers and a follow-up that insists."""

    follow_ups: tuple[str, ...]
    name: str = "conversation"
    sequential: bool = True

    def prompts_at(self, prompts: Sequence[Prompt], step: int, steps: int) -> list[Prompt]:
        """Return all prompts; more turns than follow-ups is an error."""
        if steps > len(self.follow_ups) + 1:
            raise InvalidInput(
                f"the conversation has {len(self.follow_ups) + 1} turns, got {steps}; ask for fewer steps"
            )
        return list(prompts)

    def messages(self, prompt: Prompt, step: int, answers: Sequence[str]) -> list[Message]:
        """Return the conversation so far and the follow-up of this turn."""
        asked = (prompt.text, *self.follow_ups)[: step + 1]
        past = [
            m
            for question, said in zip(asked, answers[:step], strict=False)
            for m in (_user(question), _assistant(said))
        ]
        return [*past, _user(asked[step])]

    def describe(self) -> dict[str, Any]:
        """Return name and follow-ups."""
        return {"name": self.name, "follow_ups": list(self.follow_ups)}


def load_scenario(name: str, *, of: str = "benign", to: str = "harmful") -> Scenario:
    """Return a scenario by name.

    Parameters
    ----------
    name : {"plain", "pressure", "topic-shift", "conversation"}
    of, to : str
        For ``topic-shift``: the prompt sets or topics between which the mix moves.

    Raises
    ------
    InvalidInput
        If the name is unknown.

    Examples
    --------
    >>> from secondlaw.sampling.prompts import load_prompts
    >>> prompt = load_prompts("benign")[0]
    >>> len(load_scenario("pressure").messages(prompt, 3, []))
    7
    """
    if name == "plain":
        return Plain()
    if name == "pressure":
        return Pressure(tuple((asked, said) for asked, said in _load("pressure.json")))
    if name == "topic-shift":
        return TopicShift(of, to)
    if name == "conversation":
        return Conversation(tuple(_load("follow_ups.json")))
    raise InvalidInput(f"no scenario {name!r}; there are {', '.join(SCENARIOS)}")
