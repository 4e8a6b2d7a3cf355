"""Globs over the names of tasks: `*` stands for anything, `?` for one character. Pure."""

from __future__ import annotations

import re

_WILD = {"*": ".*", "?": "."}


def expression(glob: str) -> str:
    """The regular expression that matches the same whole names."""
    parts = re.split(r"([*?])", glob)
    return "^" + "".join(_WILD.get(part) or re.escape(part) for part in parts) + "$"
