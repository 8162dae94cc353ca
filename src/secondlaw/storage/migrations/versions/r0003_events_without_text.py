"""Events without text that may still get one.

Revision ID: 0003
"""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, Table

revision = "0003"
down_revision: str | None = "0002"
branch_labels: str | None = None
depends_on: str | None = None

metadata = MetaData()

textless = Table(
    "textless",
    metadata,
    Column("stream_id", Integer, primary_key=True, nullable=False, autoincrement=False),
    Column("hash", LargeBinary, primary_key=True),
    Column("window", BigInteger, nullable=False),
    Column("late", Integer, nullable=False),
    Column("day", Integer, nullable=False),
    sqlite_with_rowid=False,
)


def upgrade() -> None:
    """Make the table."""
    metadata.create_all(op.get_bind(), tables=[textless])
