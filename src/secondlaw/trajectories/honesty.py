"""What may be said of a held-out value: nothing below 0, and nothing above it unless a test of symmetry rejects."""

from dataclasses import replace

from secondlaw.trajectories.null import SignFlips
from secondlaw.types import Estimate

__all__ = ["honest", "rejects"]


def rejects(null: SignFlips, level: float) -> bool:
    """Return whether the test of symmetry rejects at half of ``1 - level``."""
    return null.p_value <= (1.0 - level) / 2.0


def honest(raw: Estimate, null: SignFlips) -> Estimate:
    """Clip at 0, which is always a lower bound; the interval begins at 0 unless the sign-flip test rejects."""
    shown = rejects(null, raw.level)
    low = max(0.0, raw.low) if shown else 0.0
    note = "clipped at 0" if shown else "clipped at 0; low is 0 because sign flips do not reject"
    return replace(raw, value=max(0.0, raw.value), low=low, high=max(0.0, raw.high), method=f"{raw.method}, {note}")
