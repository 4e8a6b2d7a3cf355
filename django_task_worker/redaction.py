"""Secrets in arguments, hidden from whoever looks at a task. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

MASK = "[redacted]"


def redact(value: Any, words: Sequence[str]) -> Any:
    """The JSON value with `[redacted]` under every key that contains one of the words, at any depth."""
    if isinstance(value, dict):
        return {key: MASK if _is_secret(key, words) else redact(item, words) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redact(item, words) for item in value]
    return value


def _is_secret(key: Any, words: Sequence[str]) -> bool:
    lowered = str(key).lower()
    return any(word.lower() in lowered for word in words)
