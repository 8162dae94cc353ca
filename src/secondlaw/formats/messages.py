"""Texts of chat messages: content that is a text, a list of parts, or a refusal kept apart from the content."""

__all__ = ["last_text", "text_of"]

_TEXT_PARTS = ("text", "input_text", "output_text")


def text_of(message: object) -> str | None:
    """Return the text of a message, or None where it has none (a tool call, an image).

    Parts are joined by newlines; parts that are no text are left out. A refusal that the endpoint puts in its own
    field is the text.

    Examples
    --------
    >>> text_of({"role": "assistant", "content": [{"type": "text", "text": "Hello."}]})
    'Hello.'
    >>> text_of({"role": "assistant", "content": None, "refusal": "I cannot help with that."})
    'I cannot help with that.'
    """
    if isinstance(message, str):
        return message
    if not isinstance(message, dict):
        return None
    content = message.get("content")
    if isinstance(content, list):
        texts = [text for part in content if (text := _part_text(part)) is not None]
        content = "\n".join(texts) if texts else None
    if isinstance(content, str) and (content or not message.get("refusal")):
        return content
    refusal = message.get("refusal")
    return refusal if isinstance(refusal, str) else None


def last_text(messages: object, *, role: str) -> str | None:
    """Return the text of the last message of a role, or None if there is no such message or it has no text.

    Examples
    --------
    >>> last_text([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}], role="user")
    'Hi'
    """
    if not isinstance(messages, list):
        return None
    for message in reversed(messages):
        if isinstance(message, dict) and message.get("role") == role:
            return text_of(message)
    return None


def _part_text(part: object) -> str | None:
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        return None
    if part.get("type", "text") in _TEXT_PARTS and isinstance(part.get("text"), str):
        return str(part["text"])
    refusal = part.get("refusal")
    return refusal if isinstance(refusal, str) else None
