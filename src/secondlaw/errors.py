"""The error tree of secondlaw. Every error carries the exit code that the command line ends with.

::

    SecondLawError            1   anything below; also what we cannot name better
    ├── InvalidInput          2   an argument, option or configuration value is wrong
    ├── NotEnoughData        12   the data are too few, or missing, for the number asked for
    ├── SourceError          13   a file or an endpoint failed
    │   ├── FileFormatError  13   a file cannot be read as what it claims to be
    │   ├── TooManyBadRows   13   more unreadable rows than ``--max-bad`` allows
    │   ├── ModelFileError   13   a model file is missing or its hash is not the pinned one
    │   ├── EndpointError    13   a language-model endpoint refused, failed or never answered
    │   └── StorageError     13   the store failed
    │       ├── StorageUnavailable    the database cannot be reached, or is locked, for now: try again
    │       ├── StorageFull           the disk, or the quota of the database, is full
    │       ├── SchemaTooNew          the store was written by a newer secondlaw
    │       ├── QueueFull             too many events wait for their label: try again later
    │       ├── LeaseLost             another owner has taken over what was being worked on
    │       └── NotFound              there is no such stream, alarm, text, token ...
    └── BudgetSpent          14   a token, cost or time budget is used up

A message says what was wrong, the value seen, and what to do.
"""

from typing import ClassVar

__all__ = [
    "BudgetSpent",
    "EndpointError",
    "FileFormatError",
    "InvalidInput",
    "LeaseLost",
    "ModelFileError",
    "NotEnoughData",
    "NotFound",
    "QueueFull",
    "SchemaTooNew",
    "SecondLawError",
    "SourceError",
    "StorageError",
    "StorageFull",
    "StorageUnavailable",
    "TooManyBadRows",
]


class SecondLawError(Exception):
    """Base of every error that secondlaw raises on purpose."""

    exit_code: ClassVar[int] = 1


class InvalidInput(SecondLawError, ValueError):  # noqa: N818
    """An argument, option or configuration value is wrong."""

    exit_code = 2


class NotEnoughData(SecondLawError):  # noqa: N818
    """The data are too few, or missing, for the number asked for."""

    exit_code = 12


class SourceError(SecondLawError):
    """A file or an endpoint failed."""

    exit_code = 13


class FileFormatError(SourceError):
    """A file cannot be read as what it claims to be."""


class TooManyBadRows(SourceError):  # noqa: N818
    """More unreadable rows than the caller allows."""


class ModelFileError(SourceError):
    """A model file is missing, or its hash is not the pinned one."""


class EndpointError(SourceError):
    """A language-model endpoint refused, failed or never answered."""


class StorageError(SourceError):
    """The store failed; what it had acknowledged is safe."""


class StorageUnavailable(StorageError):  # noqa: N818
    """The database cannot be reached, or is locked, for now; the same call may succeed later."""


class StorageFull(StorageError):  # noqa: N818
    """The disk, or the quota of the database, is full; nothing of the call was stored."""


class SchemaTooNew(StorageError):  # noqa: N818
    """The store was written by a newer secondlaw."""


class QueueFull(StorageError):  # noqa: N818
    """Too many events wait for their label; nothing of the call was stored, and it may succeed later."""


class LeaseLost(StorageError):  # noqa: N818
    """Another owner has taken over what was being worked on; nothing of the call was stored."""


class NotFound(StorageError):  # noqa: N818
    """The store holds no such stream, alarm, text or token."""


class BudgetSpent(SecondLawError):  # noqa: N818
    """A token, cost or time budget is used up; what was stored is complete so far."""

    exit_code = 14
