"""A few example responses of every model and category, kept by reservoir while millions stream by."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Example", "ExampleReservoir"]

EXAMPLE_CHARACTERS = 2000
"""Longer texts are cut: an example is to be read in a report."""


class Example(NamedTuple):
    """A response shown as an example of its category."""

    row: int
    prompt: str
    response: str


@dataclass(slots=True)
class ExampleReservoir:
    """At most `size` examples for each key, every row of a key being equally likely to be one.

    Every row draws a uniform number, and the `size` smallest of a key stay, so that what is kept does not depend on how
    the rows came in batches.

    Parameters
    ----------
    size : int
        Examples kept for each key; 0 keeps none.
    rng : numpy.random.Generator
        Source of the draws.
    """

    size: int
    rng: np.random.Generator
    _kept: dict[int, list[tuple[float, Example]]] = field(default_factory=dict)
    _bound: NDArray[np.float64] = field(default_factory=lambda: np.ones(0))

    def offer(
        self,
        keys: NDArray[np.integer[Any]],
        *,
        first_row: int,
        prompts: Sequence[object],
        responses: Sequence[object],
        rows: NDArray[np.integer[Any]] | None = None,
    ) -> None:
        """Offer rows; those with a negative key, or without texts, are passed over.

        `rows` are the rows' numbers; without it they count from `first_row`.
        """
        if not self.size or not len(keys):
            return
        priority = self.rng.random(len(keys))
        highest = int(keys.max(initial=-1)) + 1
        if highest > len(self._bound):
            self._bound = np.concatenate([self._bound, np.ones(highest - len(self._bound))])
        hit = np.nonzero((keys >= 0) & (priority < self._bound[np.maximum(keys, 0)]) if highest else keys >= 0)[0]
        for i in hit[np.argsort(priority[hit], kind="stable")].tolist():
            key, rank = int(keys[i]), float(priority[i])
            prompt, response = prompts[i], responses[i]
            if rank >= self._bound[key] or not isinstance(prompt, str) or not isinstance(response, str):
                continue
            number = int(rows[i]) if rows is not None else first_row + i
            kept = self._kept.setdefault(key, [])
            kept.append((rank, Example(number, prompt[:EXAMPLE_CHARACTERS], response[:EXAMPLE_CHARACTERS])))
            if len(kept) >= self.size:
                kept.sort(key=lambda pair: pair[0])
                del kept[self.size :]
                self._bound[key] = kept[-1][0]

    def of(self, key: int) -> list[Example]:
        """Return the examples of a key, in the order of their rows."""
        return sorted(example for _, example in self._kept.get(key, ()))

    def renumber(self, number_of: NDArray[np.int64]) -> None:
        """Give rows their new numbers after some were taken out (new number negative): their examples go too."""
        for key, kept in self._kept.items():
            self._kept[key] = [
                (rank, example._replace(row=int(number_of[example.row])))
                for rank, example in kept
                if number_of[example.row] >= 0
            ]

    def rekey(self, key_of: Callable[[int], int | None]) -> None:
        """Put examples under the keys that their rows have by now; None leaves one where it is.

        What was offered under the old key competes under the new one: a key that gains rows knows of its newcomers only
        those that were examples before.
        """
        found: dict[int, list[tuple[float, Example]]] = {}
        for key, kept in self._kept.items():
            for rank, example in kept:
                new = key_of(example.row)
                found.setdefault(key if new is None else new, []).append((rank, example))
        self._kept = {key: sorted(kept, key=lambda pair: pair[0])[: self.size] for key, kept in found.items()}
