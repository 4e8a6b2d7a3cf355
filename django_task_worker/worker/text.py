"""Text that every database can store."""

from __future__ import annotations

MAX_ERROR_BYTES = 16 * 1024
MAX_TRACEBACK_BYTES = 64 * 1024


def storable(text: str) -> str:
    """The text with lone surrogates and NUL written as escapes."""
    if "\0" not in text and text.isascii():
        return text
    if "\0" in text:
        text = text.replace("\0", "\\x00")
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def shortened(text: str, limit_bytes: int) -> str:
    """The storable text, with its middle left out where it is longer than the limit."""
    if len(text) > 2 * limit_bytes:
        text = text[:limit_bytes] + text[-limit_bytes:]
    raw = storable(text).encode()
    if len(raw) <= limit_bytes:
        return raw.decode()
    gap = "\n… cut …\n"
    half = (limit_bytes - len(gap.encode())) // 2
    return raw[:half].decode("utf-8", "ignore") + gap + raw[-half:].decode("utf-8", "ignore")


def size_of(text: str) -> int:
    """Bytes as UTF-8. Raises UnicodeEncodeError for lone surrogates."""
    return len(text) if text.isascii() else len(text.encode())
