"""Which of several replicas delivers: the one that holds the lease named ``deliveries``."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

__all__ = ["LEASE", "Leases", "Turn"]

LEASE = "deliveries"
SECONDS = 30.0
RENEWALS = 3
"""Renewals in the time of one lease."""


class Leases(Protocol):
    """What is needed of the storage (``store.leases``)."""

    def take(self, names: Sequence[str], *, owner: str, seconds: float = SECONDS) -> Sequence[Any]:
        """Take or renew those leases that are free, run out or ours; return them."""
        ...


class Turn:
    """Says whether this process delivers now.

    Two that deliver at the same time would still not send one delivery twice, nor a *resolved* before its *firing*,
    since each delivery is leased; but both would repeat, and together exceed the rate of a receiver.

    Parameters
    ----------
    leases : Leases
    owner : str
        Names this process among the replicas.
    monotonic : callable
        Seconds that only grow.
    """

    def __init__(self, leases: Leases, *, owner: str, monotonic: Callable[[], float]) -> None:
        self._leases, self._owner, self._monotonic = leases, owner, monotonic
        self._asked, self._ours = float("-inf"), False

    def __call__(self) -> bool:
        """Whether the lease is ours; the storage is asked a few times in the life of one."""
        now = self._monotonic()
        if now - self._asked >= SECONDS / RENEWALS:
            self._ours = bool(self._leases.take([LEASE], owner=self._owner, seconds=SECONDS))
            self._asked = now
        return self._ours
