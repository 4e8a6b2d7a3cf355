"""Whether completion works as it should: what `doctor` says about it."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Mapping
from pathlib import Path

from taskctl import shells
from taskctl.durations import brief
from taskctl.errors import home
from taskctl.report import count
from taskctl.suggestions import cache

Answer = tuple[str, str | None]
"""What is, and what to do about it."""


def look(path: str | None, environ: Mapping[str, str]) -> Answer:
    """About the cache at this path, and the scripts that this user has installed."""
    older = [shell for shell in shells.SHELLS if _is_other(shell, environ)]
    if older:
        return f"the script for {', '.join(older)} is of another version", _install(older)
    if path is None:
        return "the cache is off", None
    return _about(Path(path))


def _is_other(shell: str, environ: Mapping[str, str]) -> bool:
    try:
        text = shells.place(shell, environ).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return shells.MARK in text and text != shells.script(shell)


def _install(names: list[str]) -> str:
    return "; ".join(f"taskctl completions {shell} --install" for shell in names)


def _about(path: Path) -> Answer:
    folder = next(folder for folder in path.parents if folder.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        return f"the cache cannot be written in {home(folder)}", "make it yours, or set TASKCTL_NO_CACHE=1"
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return f"{home(path)} is not there yet; this command writes it", None
    if mode & 0o077:
        return f"{home(path)} can be read by others", f"chmod 600 {home(path)}"
    content = cache.load(str(path))
    age_s = cache.age_s(content, "at", time.time())
    if age_s == float("inf"):
        return f"{home(path)} is broken or of another version", "taskctl completions --refresh"
    return f"{home(path)}, {brief(age_s)} old, {count(len(content.get('task', ())), 'task function')}", None
