"""Hashes: of event ids, so that a repeated one is known, and of these again, so that texts are sampled at random.

An id becomes 128 bits: among 1e9 ids of a stream, two different ones agree with probability 1.5e-21. A text's
*priority* is a keyed hash of that, uniform on [0, 1): the texts with the smallest priorities of a window are a uniform
random sample, whoever receives them and in whatever order they come, and nobody who lacks the key can choose an id
that is sampled.
"""

from hashlib import blake2b

__all__ = ["event_hash", "priority_of", "signed", "unsigned"]

HASH_BYTES = 16
_MANTISSA = 53


def event_hash(event_id: str) -> bytes:
    """Return the 128-bit hash of an event's id."""
    return blake2b(event_id.encode("utf-8", "surrogatepass"), digest_size=HASH_BYTES).digest()


def priority_of(event: bytes, *, secret: bytes) -> float:
    """Return the place of an event in the random order of its window, uniform on [0, 1).

    Examples
    --------
    >>> round(priority_of(event_hash("a"), secret=b"key"), 4)
    0.621
    """
    digest = blake2b(event, digest_size=8, key=secret).digest()
    return float((int.from_bytes(digest, "little") >> (64 - _MANTISSA)) / (1 << _MANTISSA))


def signed(cluster: int) -> int:
    """Return a 64-bit hash as the signed integer that databases keep."""
    return cluster - (1 << 64) if cluster >= 1 << 63 else cluster


def unsigned(cluster: int) -> int:
    """Return the hash of a signed integer.

    Examples
    --------
    >>> unsigned(signed(2**64 - 1)) == 2**64 - 1
    True
    """
    return cluster + (1 << 64) if cluster < 0 else cluster
