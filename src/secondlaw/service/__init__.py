"""The service: receive responses as they happen, keep counts, decide, show, alert."""

__all__: list[str] = []
