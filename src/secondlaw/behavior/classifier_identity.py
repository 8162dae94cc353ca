"""Names of classifiers: name and version, and the share of harmful requests that labels expect where one was told.

Labels under different shares are different labels of one judgement: ``mine/1.0+harmful-0.05`` and ``mine/1.0``.
"""

from collections.abc import Iterable

__all__ = ["KEEP_PROBS", "SEVERAL", "SHARE_MARK", "identity_under", "split_identity", "with_share"]

SHARE_MARK = "+harmful-"
"""Between a classifier's version and the share that it was told."""
SEVERAL = f"{SHARE_MARK}several"
"""After the name of a classifier whose labels are under several shares."""

KEEP_PROBS = "keep label_probs, or classify --relabel with --harmful-share NUMBER"
"""What to do where labels under several shares cannot be brought under one."""


def split_identity(identity: str) -> tuple[str, float | None]:
    """Return a classifier's identity untold, and the share that it was told.

    Examples
    --------
    >>> split_identity("mine/1.0+harmful-0.05"), split_identity("mine/1.0+harmful-many")
    (('mine/1.0', 0.05), ('mine/1.0+harmful-many', None))
    """
    plain, mark, said = identity.partition(SHARE_MARK)
    try:
        share = float(said) if mark else 0.0
    except ValueError:
        share = 0.0
    return (plain, share) if 0.0 < share < 1.0 else (identity, None)


def with_share(plain: str, share: float | None) -> str:
    """Return the identity of a classifier that was told a share.

    Examples
    --------
    >>> with_share("mine/1.0", 0.05), with_share("mine/1.0", None)
    ('mine/1.0+harmful-0.05', 'mine/1.0')
    """
    return plain if share is None else f"{plain}{SHARE_MARK}{share:g}"


def identity_under(plain: str, shares: Iterable[float | None]) -> str:
    """Return the one name of a classifier whose labels are under these shares.

    Examples
    --------
    >>> identity_under("mine/1", [0.1, 0.1]), identity_under("mine/1", [0.1, None]), identity_under("mine/1", [])
    ('mine/1+harmful-0.1', 'mine/1+harmful-several', 'mine/1')
    """
    different = set(shares) or {None}
    return with_share(plain, different.pop()) if len(different) == 1 else plain + SEVERAL
