"""Streaming readers and writers; they know rows and files, not what a row means."""

from secondlaw.formats.encoding import encode_line
from secondlaw.formats.following import FollowedFile, FollowedStream
from secondlaw.formats.journal import Journal, journal_rows
from secondlaw.formats.messages import last_text, text_of
from secondlaw.formats.quarantine import Quarantine, quarantine_path
from secondlaw.formats.reading import FORMATS, Format, column_names, format_of, read_rows
from secondlaw.formats.rows import BadRow, Row, excerpt_of
from secondlaw.formats.whole_files import replace_file, sha256_of
from secondlaw.formats.writing import JsonlWriter, write_jsonl

__all__ = [
    "FORMATS",
    "BadRow",
    "FollowedFile",
    "FollowedStream",
    "Format",
    "Journal",
    "JsonlWriter",
    "Quarantine",
    "Row",
    "column_names",
    "encode_line",
    "excerpt_of",
    "format_of",
    "journal_rows",
    "last_text",
    "quarantine_path",
    "read_rows",
    "replace_file",
    "sha256_of",
    "text_of",
    "write_jsonl",
]
