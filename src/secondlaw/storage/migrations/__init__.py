"""The history of the schema."""

__all__: list[str] = []
