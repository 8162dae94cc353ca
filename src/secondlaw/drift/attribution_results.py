"""What an attribution says: the values, as plain as they are printed and written."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from secondlaw.types import Estimate, Insufficient, Measured

__all__ = ["Attribution", "CategoryChange", "PartChange", "PromptChange"]


@dataclass(frozen=True, slots=True)
class CategoryChange:
    """One category before and after.

    Parameters
    ----------
    category : str
    before, after : float
        Shares.
    difference : Estimate or Insufficient
        After minus before; its interval holds together with those of all categories.
    jensen_shannon, kullback_leibler : float
        The category's term of the divergences, in nats, 0 or more.
    moved : bool
        Whether the interval excludes 0.
    """

    category: str
    before: float
    after: float
    difference: Measured
    jensen_shannon: float
    kullback_leibler: float
    moved: bool

    @property
    def rose(self) -> bool:
        """Whether the share rose, beyond its interval."""
        return self.moved and isinstance(self.difference, Estimate) and self.difference.value > 0.0


@dataclass(frozen=True, slots=True)
class PartChange:
    """One intent, domain or other group of prompts before and after.

    Parameters
    ----------
    part : str
    weight_before, weight_after : float
        Share of all responses that belong to it.
    n_prompts : tuple of int
        Prompts before and after.
    behavior, mix : tuple of float, shape (K,)
        What it adds to the change of each category's share: by answers that differ, by being asked more or less often.
    jensen_shannon : float
        Divergence inside the part, plug-in, in nats.
    p_value : float or Insufficient
        Of "shares inside the part did not change", by permuting prompts, adjusted over all parts (Holm).
    moved : bool
        Whether the p-value is at most 1 - level.
    """

    part: str
    weight_before: float
    weight_after: float
    n_prompts: tuple[int, int]
    behavior: tuple[float, ...]
    mix: tuple[float, ...]
    jensen_shannon: float
    p_value: float | Insufficient
    moved: bool

    def to_dict(self) -> dict[str, Any]:
        """Return the change as plain JSON values."""
        p_value = self.p_value.to_dict() if isinstance(self.p_value, Insufficient) else self.p_value
        return asdict(self) | {"p_value": p_value}


@dataclass(frozen=True, slots=True)
class PromptChange:
    """One prompt before and after.

    Parameters
    ----------
    prompt : str
    category : str
        The category whose share rose most.
    difference : float
        Its share after minus before; no interval, single prompts have few responses.
    contribution : float
        Part of the sum of all prompts' G statistics.
    p_value : float
        Of dealing the prompt's responses anew, adjusted over all prompts (Benjamini-Hochberg).
    moved : bool
        Whether it is among those listed with a false discovery rate of 1 - level.
    """

    prompt: str
    category: str
    difference: float
    contribution: float
    p_value: float
    moved: bool


@dataclass(frozen=True, slots=True)
class Attribution:
    """What changed between two stretches of a stream.

    Parameters
    ----------
    categories : tuple of CategoryChange
        In the order of the taxonomy.
    parts : tuple of PartChange
        By name.
    prompts : tuple of PromptChange
        Those with two responses or more on both sides, the clearest first.
    examples : mapping of category to ids
        Responses to read, for each category that rose.
    jensen_shannon, kullback_leibler : float
        Sums over the categories, plug-in (KL with half a response added to each category), in nats.
    paired : bool
        Whether both stretches hold the same prompts.
    level : float
    """

    categories: tuple[CategoryChange, ...]
    parts: tuple[PartChange, ...]
    prompts: tuple[PromptChange, ...]
    examples: Mapping[str, tuple[str, ...]]
    jensen_shannon: float
    kullback_leibler: float
    paired: bool
    level: float

    def to_dict(self) -> dict[str, Any]:
        """Return the attribution as plain JSON values."""
        values = asdict(self)
        for change, plain in zip(self.categories, values["categories"], strict=True):
            plain["difference"] = change.difference.to_dict()
        return values | {"parts": [part.to_dict() for part in self.parts]}
