r"""Laws of alignment work: what gamma is, given the entropy over goals that was measured.

A law is a stream: :meth:`WorkLaw.update` takes the entropy measured now, with its interval, and says which gamma holds
until the next measurement. Its state is a plain dict, so that a run goes on exactly where it was stopped. Laws know no
network; :class:`~secondlaw.alignment.control.AlignmentController` puts their gamma to work.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, runtime_checkable

from secondlaw.alignment.arguments import positive, rate
from secondlaw.errors import InvalidInput
from secondlaw.types import Estimate

__all__ = ["ConstantWork", "WorkLaw", "checked_state"]


@runtime_checkable
class WorkLaw(Protocol):
    """What a controller asks of a law."""

    kind: ClassVar[str]

    @property
    def gamma(self) -> float:
        """The alignment work that holds now, 0 or more."""
        ...

    def update(self, entropy: Estimate, *, elapsed: float) -> float:
        """Take the entropy measured `elapsed` units of time after the last one; return gamma from now on."""
        ...

    @property
    def state(self) -> dict[str, Any]:
        """Everything the law remembers, as plain JSON values."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of a law with the same settings."""
        ...


class ConstantWork:
    """The same gamma throughout.

    Parameters
    ----------
    gamma : float
        Alignment work, 0 or more.

    Examples
    --------
    >>> law = ConstantWork(1.5)
    >>> law.update(Estimate(0.7, 0.6, 0.8, 0.95, 40, "nats", "measured"), elapsed=1.0)
    1.5
    """

    kind: ClassVar[str] = "constant"

    def __init__(self, gamma: float) -> None:
        self._gamma = rate(gamma, "gamma")

    @property
    def gamma(self) -> float:
        """The alignment work."""
        return self._gamma

    def update(self, entropy: Estimate, *, elapsed: float) -> float:
        """Return gamma, whatever was measured."""
        positive(elapsed, "elapsed")
        return self._gamma

    @property
    def state(self) -> dict[str, Any]:
        """The settings; there is nothing to remember."""
        return {"kind": self.kind, "settings": {"gamma": self._gamma}}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Check that the state is of the same law."""
        checked_state(self, state)


def checked_state(law: WorkLaw, state: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a state after checking that it is of the same law with the same settings.

    Raises
    ------
    InvalidInput
        If it is of another law, or of one with other settings: gamma would jump without a reason that any log tells.
    """
    own = law.state
    if state.get("kind") != law.kind:
        raise InvalidInput(f"the state is of the law {state.get('kind')!r}, not {law.kind!r}: go on with the same law")
    if state.get("settings") != own["settings"]:
        raise InvalidInput(
            f"the state is of {law.kind} work with the settings {state.get('settings')}, not {own['settings']}: go on "
            "with the same ones, or begin anew"
        )
    missing = set(own) - set(state)
    if missing:
        raise InvalidInput(f"the state of {law.kind} work lacks {sorted(missing)}: it is damaged, begin anew")
    return state
