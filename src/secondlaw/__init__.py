"""Measures entropy production, in the behavior of language models first, and says how sure it is."""

from secondlaw.errors import SecondLawError
from secondlaw.types import Estimate, Insufficient, Measured, StreamRecord

__all__ = ["Estimate", "Insufficient", "Measured", "SecondLawError", "StreamRecord"]

__version__ = "0.1.0"
