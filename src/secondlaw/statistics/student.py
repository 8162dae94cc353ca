"""Student's t: how many standard errors an interval of a mean reaches to either side."""

__all__ = ["student_reach"]


def student_reach(level: float, freedom: float) -> float:
    """Return the quantile of Student's distribution that bounds its central `level`.

    Parameters
    ----------
    level : float
        Coverage, in (0, 1).
    freedom : float
        Degrees of freedom, above 0.

    Examples
    --------
    >>> round(student_reach(0.95, 9), 3)
    2.262
    """
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1.0 + level) / 2.0))
