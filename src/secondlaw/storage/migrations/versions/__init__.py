"""One file a change of the schema; files are never changed once released."""

__all__: list[str] = []
