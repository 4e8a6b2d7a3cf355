"""The file of suggestions: read and written whole, by its user alone. What is broken counts as not there."""

from __future__ import annotations

import json
import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Content = dict[str, Any]

VERSION = 1
FRESH_S, FRESH_IDS_S, STALE_S = 60.0, 10.0, 86400.0
"""For so long nobody writes it anew: the names, the ids. After STALE_S Tab has it written."""
LARGEST = 4 * 1024 * 1024
FORGOTTEN_S = 90 * 86400.0


def load(path: str) -> Content:
    """What is in the file; nothing when there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            content = json.loads(file.read(LARGEST))
    except (OSError, ValueError):
        return {}
    is_ours = isinstance(content, dict) and content.get("v") == VERSION
    return content if is_ours else {}


def age_s(content: Content, key: str, now: float) -> float:
    """How old that part is; endless when it is not there, or from the future."""
    at = content.get(key)
    age = now - at if isinstance(at, int | float) else -1.0
    return age if age >= 0 else float("inf")


def save(path: str, content: Content) -> None:
    """Put it in place of what is there. Raises OSError."""
    folder = os.path.dirname(path)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    if not os.path.exists(path):
        _sweep(folder)
    new = f"{path}.{os.getpid()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    try:
        with open(os.open(new, flags, 0o600), "w", encoding="utf-8") as file:
            json.dump({"v": VERSION, **content}, file, ensure_ascii=False, separators=(",", ":"))
        os.replace(new, path)
    except BaseException:
        _remove(new)
        raise


def _sweep(folder: str) -> None:
    """Remove what projects have left that nobody has touched for months."""
    for entry in os.scandir(folder):
        if time.time() - entry.stat(follow_symlinks=False).st_mtime > FORGOTTEN_S:
            _remove(entry.path)


def _remove(path: str) -> None:
    try:  # noqa: SIM105  contextlib is an import that Tab would wait for
        os.unlink(path)
    except OSError:
        pass
