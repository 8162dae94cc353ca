"""One side of a comparison: counts by prompt, and the responses that they count."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput

__all__ = ["Side"]


@dataclass(frozen=True, slots=True, init=False)
class Side:
    """Counts by prompt of one stretch of a stream.

    Parameters
    ----------
    prompts : sequence of str, length P
        Ids, all different.
    counts : array_like, shape (P, K)
        Responses by category; prompts without any are left out.
    examples : mapping of (prompt, category index) to ids, optional
        Which responses were counted.
    steps : array_like, shape (T, K), optional
        The same responses by step, where responses of one step may resemble each other.
    cells : array_like, shape (C, K), optional
        The same responses by prompt and step.

    Raises
    ------
    InvalidInput
        If a prompt occurs twice, or counts are negative, not whole, or of another shape.
    """

    prompts: tuple[str, ...]
    counts: NDArray[np.float64]
    examples: Mapping[tuple[str, int], tuple[str, ...]] = field(default_factory=dict)
    steps: NDArray[np.float64] | None = None
    cells: NDArray[np.float64] | None = None

    def __init__(
        self,
        prompts: Sequence[str],
        counts: ArrayLike,
        examples: Mapping[tuple[str, int], tuple[str, ...]] | None = None,
        *,
        steps: ArrayLike | None = None,
        cells: ArrayLike | None = None,
    ) -> None:
        table = np.asarray(counts, dtype=np.float64)
        if table.ndim != 2 or len(table) != len(prompts) or table.shape[1] < 2:
            raise InvalidInput(f"{len(prompts)} prompts need counts ({len(prompts)}, K >= 2), got shape {table.shape}")
        if table.size and not (table.min() >= 0.0 and np.isfinite(table.max()) and (table == np.floor(table)).all()):
            raise InvalidInput(f"counts are whole numbers, 0 or more; got from {table.min()} to {table.max()}")
        if len(set(prompts)) != len(prompts):
            raise InvalidInput("a prompt occurs twice: add its counts up first")
        held = table.sum(axis=1) > 0
        object.__setattr__(self, "prompts", tuple(p for p, kept in zip(prompts, held, strict=True) if kept))
        object.__setattr__(self, "counts", table[held])
        object.__setattr__(self, "examples", dict(examples or {}))
        for name, given in (("steps", steps), ("cells", cells)):
            object.__setattr__(self, name, None if given is None else _same_responses(given, table, name))

    @classmethod
    def from_rows(
        cls, prompts: Sequence[str], labels: Sequence[int], *, categories: int, ids: Sequence[str] | None = None
    ) -> Self:
        """Count labelled responses.

        Parameters
        ----------
        prompts : sequence of str, length n
            Prompt of each response.
        labels : sequence of int, length n
            Category of each, 0 to K - 1; others (outside, none) are left out.
        categories : int
            K.
        ids : sequence of str, length n, optional
            Of the responses, to show some later.

        Examples
        --------
        >>> side = Side.from_rows(["a", "b", "a"], [0, 1, 1], categories=2, ids=["r1", "r2", "r3"])
        >>> side.prompts, side.counts.tolist(), side.examples["a", 1]
        (('a', 'b'), [[1.0, 1.0], [0.0, 1.0]], ('r3',))
        """
        if len(prompts) != len(labels) or (ids is not None and len(ids) != len(labels)):
            raise InvalidInput(f"each response has a prompt and a label, got {len(prompts)} and {len(labels)}")
        place = {prompt: i for i, prompt in enumerate(dict.fromkeys(prompts))}
        table = np.zeros((len(place), categories))
        named: dict[tuple[str, int], list[str]] = {}
        for i, (prompt, label) in enumerate(zip(prompts, labels, strict=True)):
            if 0 <= label < categories:
                table[place[prompt], label] += 1
                if ids is not None:
                    named.setdefault((prompt, int(label)), []).append(ids[i])
        return cls(tuple(place), table, {key: tuple(value) for key, value in named.items()})

    def shares_prompts(self, other: "Side") -> bool:
        """Whether both sides hold the same prompts."""
        return len(self.prompts) == len(other.prompts) and set(self.prompts) == set(other.prompts)

    def beside(self, other: "Side") -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the counts (G, K) of both sides by all prompts of either; zeros where a side does not have it."""
        place = {prompt: i for i, prompt in enumerate(dict.fromkeys((*self.prompts, *other.prompts)))}
        tables = []
        for side in (self, other):
            table = np.zeros((len(place), side.counts.shape[1]))
            table[[place[prompt] for prompt in side.prompts]] = side.counts
            tables.append(table)
        return tables[0], tables[1]

    def ordered_as(self, prompts: Sequence[str]) -> NDArray[np.float64]:
        """Return the counts in the order of `prompts`, which are this side's."""
        place = {prompt: i for i, prompt in enumerate(self.prompts)}
        return self.counts[[place[prompt] for prompt in prompts]]

    def part(self, parts: Mapping[str, str], name: str) -> "Side":
        """Return the prompts that belong to one part."""
        keep = [i for i, prompt in enumerate(self.prompts) if parts.get(prompt, "(none)") == name]
        return Side([self.prompts[i] for i in keep], self.counts[keep], self.examples)


def _same_responses(given: ArrayLike, table: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    found = np.asarray(given, dtype=np.float64)
    if found.ndim != 2 or not np.array_equal(found.sum(axis=0), table.sum(axis=0)):
        raise InvalidInput(f"counts by {name} are those of the same responses as the counts by prompt")
    return np.asarray(found[found.sum(axis=1) > 0])
