"""Responses of language models: rows, transcripts, taxonomy, and the columns and counts that are measured."""

from secondlaw.behavior.collecting import ObservationsBuilder, Reading, read_observations
from secondlaw.behavior.counts import HUMAN, CellKey, Counts
from secondlaw.behavior.examples import Example, ExampleReservoir
from secondlaw.behavior.hashing import group_hash
from secondlaw.behavior.observations import NO_CODE, Cell, GroupCounts, Observations, PendingBatch
from secondlaw.behavior.row_documents import row_schema
from secondlaw.behavior.row_shapes import batch_requests
from secondlaw.behavior.rows import plain_rows, read_transcripts, to_row, to_transcript
from secondlaw.behavior.taxonomy import ACTS, FIVE, INTENTS, OUTSIDE, THREE, Act, Category, Intent, Taxonomy
from secondlaw.behavior.taxonomy_files import load_taxonomy
from secondlaw.behavior.transcripts import Transcript, content_id
from secondlaw.behavior.windows import NO_TIME, Windows, enough, window_seconds

__all__ = [
    "ACTS",
    "FIVE",
    "HUMAN",
    "INTENTS",
    "NO_CODE",
    "NO_TIME",
    "OUTSIDE",
    "THREE",
    "Act",
    "Category",
    "Cell",
    "CellKey",
    "Counts",
    "Example",
    "ExampleReservoir",
    "GroupCounts",
    "Intent",
    "Observations",
    "ObservationsBuilder",
    "PendingBatch",
    "Reading",
    "Taxonomy",
    "Transcript",
    "Windows",
    "batch_requests",
    "content_id",
    "enough",
    "group_hash",
    "load_taxonomy",
    "plain_rows",
    "read_observations",
    "read_transcripts",
    "row_schema",
    "to_row",
    "to_transcript",
    "window_seconds",
]
