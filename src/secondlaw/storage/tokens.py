"""Access tokens: 32 random bytes, of which the store keeps the SHA-256 alone.

The secret is random and long, so that a fast hash suffices: nothing can be guessed, and finding it by its hash leaks
nothing of it.
"""

import json
import secrets
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal, get_args

from sqlalchemy import Connection, Row, insert, select, update

from secondlaw.errors import InvalidInput, NotFound, StorageError
from secondlaw.storage.audit import note_down
from secondlaw.storage.database import Database
from secondlaw.storage.instants import MICROSECONDS, instant_of, micros_of
from secondlaw.storage.schema import tokens
from secondlaw.storage.streams import checked_name

__all__ = ["Scope", "Token", "Tokens"]

Scope = Literal["ingest", "read", "admin"]
PREFIX = "sl_"
SECRET_BYTES = 32
USED_EVERY = 60 * MICROSECONDS
"""How exactly the last use is kept: writing it at every request would double the writes."""


@dataclass(frozen=True, slots=True)
class Token:
    """What a token allows; `streams` None: all of them."""

    id: int
    name: str
    scopes: frozenset[str]
    streams: frozenset[str] | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    def allows(self, scope: Scope, stream: str | None = None) -> bool:
        """Whether the token allows something, to a stream or (None) to all of them; admin allows all."""
        if scope not in self.scopes and "admin" not in self.scopes:
            return False
        return self.streams is None or (stream is not None and stream in self.streams)


class Tokens:
    """The tokens of a store."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def create(
        self,
        name: str,
        *,
        scopes: Collection[Scope],
        streams: Collection[str] | None = None,
        expires_at: datetime | None = None,
        who: str = "",
    ) -> tuple[Token, str]:
        """Make a token; return it with its secret, which nobody can show again.

        Parameters
        ----------
        name : str
            For people.
        scopes : collection of {"ingest", "read", "admin"}
        streams : collection of str, optional
            Streams that it is for; by default all.
        expires_at : datetime, optional
            Aware.
        who : str
            Who made it, for the audit.
        """
        checked_name(name, "a token")
        unknown = sorted(set(scopes) - set(get_args(Scope)))
        if not scopes or unknown:
            raise InvalidInput(f"a token allows one or more of {', '.join(get_args(Scope))}, got {sorted(scopes)}")
        if expires_at is not None and expires_at.tzinfo is None:
            raise InvalidInput(f"the end of a token needs a zone, got {expires_at.isoformat()}")
        secret = PREFIX + secrets.token_urlsafe(SECRET_BYTES)

        def work(connection: Connection) -> Token:
            now = self._db.now(connection)
            values = {
                "name": name, "hash": _hash(secret), "scopes": json.dumps(sorted(scopes)),
                "streams": None if streams is None else json.dumps(sorted(streams)), "created_at": now,
                "expires_at": None if expires_at is None else micros_of(expires_at),
            }  # fmt: skip
            number = connection.execute(insert(tokens).values(**values).returning(tokens.c.id)).scalar_one()
            note_down(
                connection, now, who, "token made", data={"token": number, "name": name, "scopes": sorted(scopes)}
            )
            return _token(connection.execute(select(tokens).where(tokens.c.id == number)).one())

        return self._db.write(work), secret

    def find(self, secret: str) -> Token | None:
        """Return the token of a secret; None if it is unknown, has ended or was revoked."""
        with self._db.reading() as connection:
            row = connection.execute(select(tokens).where(tokens.c.hash == _hash(secret))).first()
            now = self._db.now(connection)
        if row is None or row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now):
            return None
        if row.last_used_at is None or now - row.last_used_at > USED_EVERY:
            used = update(tokens).where(tokens.c.id == row.id).values(last_used_at=now)
            with suppress(StorageError):  # a full disk keeps nobody out
                self._db.write(lambda connection: connection.execute(used) and None)
        return _token(row)

    def list(self) -> tuple[Token, ...]:
        """Return all tokens, those revoked included, without their secrets."""
        with self._db.reading() as connection:
            return tuple(_token(row) for row in connection.execute(select(tokens).order_by(tokens.c.id)))

    def revoke(self, number: int, *, who: str) -> Token:
        """End a token now.

        Raises
        ------
        NotFound
            If there is none of that number.
        """

        def work(connection: Connection) -> Token:
            now = self._db.now(connection)
            mine = (tokens.c.id == number) & tokens.c.revoked_at.is_(None)
            connection.execute(update(tokens).where(mine).values(revoked_at=now))
            row = connection.execute(select(tokens).where(tokens.c.id == number)).first()
            if row is None:
                raise NotFound(f"there is no token {number}")
            note_down(connection, now, who, "token revoked", data={"token": number, "name": row.name})
            return _token(row)

        return self._db.write(work)


def _hash(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _token(row: Row[Any]) -> Token:
    times = {
        name: None if row._mapping[name] is None else instant_of(row._mapping[name])
        for name in ("expires_at", "revoked_at", "last_used_at")
    }
    return Token(
        row.id, row.name, frozenset(json.loads(row.scopes)),
        None if row.streams is None else frozenset(json.loads(row.streams)), instant_of(row.created_at),
        times["expires_at"], times["revoked_at"], times["last_used_at"],
    )  # fmt: skip
