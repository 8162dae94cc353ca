"""What texts for a terminal share: tamed lines, plain tables, numbers without the unit that a head says."""

from typing import TYPE_CHECKING

from secondlaw.reports.words import number, plain_minus, tame
from secondlaw.types import Estimate

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

__all__ = ["bare", "line", "plain_table"]


def line(text: str, style: str = "") -> "Text":
    """Return a text as a line that rich prints, tamed and never read as markup.

    Examples
    --------
    >>> line("[bold] −1").plain
    '[bold] -1'
    """
    from rich.text import Text

    return Text(plain_minus(tame(text)), style=style)


def plain_table(*columns: str) -> "Table":
    """Return an empty table without borders."""
    from rich.table import Table

    return Table(*columns, box=None)


def bare(estimate: Estimate, *, plus: bool = False) -> str:
    """Return the point estimate without its unit.

    Examples
    --------
    >>> bare(Estimate(0.453, 0.41, 0.5, 0.95, 500, "nats", "counted"))
    '0.453'
    """
    return number(estimate, minus="-", plus=plus).removesuffix(estimate.unit).rstrip()
