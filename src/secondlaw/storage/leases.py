"""Leases: who may evaluate a stream, deliver alarms, purge. One at a time, and an old owner is fenced off.

A lease has a *token* that grows with every new owner. What is written under a lease is written only if the lease still
has that owner and token, checked in the same transaction: an owner that was paused for longer than its lease, while
another took over, writes nothing. An owner whose lease ran out without a new owner may still write: nobody else did.

Times are those of the database (:meth:`.backend.Backend.now`), one clock for all replicas. If that clock is set back, a
lease that begins in the future counts as ended; if it is set forward, leases end early, and the token keeps order.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from secondlaw.errors import InvalidInput, LeaseLost
from secondlaw.storage.backend import Backend
from secondlaw.storage.database import Database
from secondlaw.storage.instants import MICROSECONDS, instant_of
from secondlaw.storage.schema import leases

__all__ = ["Lease", "Leases", "held"]


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on what is named, until `until`."""

    name: str
    owner: str
    token: int
    until: datetime


class Leases:
    """The leases of a store."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def take(self, names: Sequence[str], *, owner: str, seconds: float = 30.0) -> tuple[Lease, ...]:
        """Take or renew leases, in one transaction.

        Parameters
        ----------
        names : sequence of str
            Such as ``stream_lease("gpt")``.
        owner : str
            Unique to a process: two that call themselves alike share their leases.
        seconds : float
            How long; renew within it.

        Returns
        -------
        tuple of Lease
            Those that were free, had ended, or were the owner's already (then with the same token); others are held by
            somebody else.
        """
        if not owner or seconds <= 0:
            raise InvalidInput(f"a lease has an owner and takes time, got {owner!r} and {seconds} s")
        wanted = sorted(set(names))

        def work(connection: Connection) -> tuple[Lease, ...]:
            if not wanted:
                return ()
            now = self._db.now(connection)
            until = now + int(seconds * MICROSECONDS)
            blank = [{"name": name, "owner": "", "token": 0, "taken_at": 0, "until": 0} for name in wanted]
            connection.execute(self._db.backend.insert(leases).on_conflict_do_nothing(), blank)
            rows = select(leases).where(leases.c.name.in_(wanted)).order_by(leases.c.name)
            taken = []
            for row in connection.execute(self._db.backend.locked(rows, skip=True)).all():
                ended = row.until <= now or row.taken_at > now + MICROSECONDS
                if row.owner != owner and not ended:
                    continue
                token = row.token + (row.owner != owner)
                values = {"owner": owner, "token": token, "taken_at": now, "until": until}
                connection.execute(update(leases).where(leases.c.name == row.name).values(**values))
                taken.append(Lease(row.name, owner, token, instant_of(until)))
            return tuple(taken)

        return self._db.write(work)

    def release(self, given: Iterable[Lease]) -> None:
        """Give leases back, so that others need not wait for their end; those lost already are passed over."""
        mine = list(given)

        def work(connection: Connection) -> None:
            for lease in sorted(mine, key=lambda one: one.name):
                same = (leases.c.name == lease.name, leases.c.owner == lease.owner, leases.c.token == lease.token)
                connection.execute(update(leases).where(*same).values(owner="", until=0))

        self._db.write(work)


def held(connection: Connection, backend: Backend, lease: Lease) -> None:
    """Make sure that a lease is still its owner's, and stays so until the transaction ends.

    Raises
    ------
    LeaseLost
        If another owner has it, or it was given back.
    """
    row = connection.execute(backend.locked(select(leases).where(leases.c.name == lease.name))).first()
    if row is None or row.owner != lease.owner or row.token != lease.token:
        now_with = "nobody" if row is None or not row.owner else row.owner
        raise LeaseLost(
            f"{lease.name} is no longer leased to {lease.owner} but to {now_with}: stop, and lease it again"
        )
