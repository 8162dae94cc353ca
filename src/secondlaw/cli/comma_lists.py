"""Options that hold several values with commas between."""

__all__ = ["names", "numbers"]


def names(said: str | None) -> tuple[str, ...]:
    """Return names with commas between.

    Examples
    --------
    >>> names("a, b")
    ('a', 'b')
    """
    return () if said is None else tuple(one.strip() for one in said.split(",") if one.strip())


def numbers(said: str) -> tuple[float, ...]:
    """Return numbers with commas between; none where one of them is no number.

    Examples
    --------
    >>> numbers(".1, 2"), numbers("1,b")
    ((0.1, 2.0), ())
    """
    try:
        return tuple(float(one) for one in names(said))
    except ValueError:
        return ()
