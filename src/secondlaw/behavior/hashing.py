"""Groups as 64-bit hashes: the same in every process and on every machine, so that counts of many sources add up."""

from hashlib import blake2b

from secondlaw.behavior.transcripts import content_id

__all__ = ["GroupHashes", "PromptHashes", "group_hash"]

CACHED_GROUPS = 1 << 16
CACHED_CHARACTERS = 2000
"""Longer prompts are hashed anew each time rather than held in memory."""


def group_hash(group: str) -> int:
    """Return the hash of a prompt's or conversation's id; never 0. A million ids collide with probability below 3e-8.

    Examples
    --------
    >>> f"{group_hash('p1'):016x}"
    '91ce9478c96516e8'
    """
    return int.from_bytes(blake2b(group.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little") or 1


class GroupHashes(dict[object, int]):
    """Hashes of ids, the first `CACHED_GROUPS` remembered; 0 for what is no id."""

    def __missing__(self, key: object) -> int:
        if type(key) is not str or not key:
            return 0
        value = group_hash(key)
        if len(self) < CACHED_GROUPS:
            self[key] = value
        return value


class PromptHashes(dict[object, int]):
    """Hashes of the ids that are derived from prompts; 0 for what is no prompt."""

    def __missing__(self, key: object) -> int:
        if type(key) is not str:
            return 0
        value = group_hash(content_id(key))
        if len(self) < CACHED_GROUPS and len(key) <= CACHED_CHARACTERS:
            self[key] = value
        return value
