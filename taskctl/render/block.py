"""One object as a labelled block. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from django_task_worker.cleaning import clean
from taskctl.render.table import Look, paint

LABEL = 12


def block(rows: Sequence[tuple[str, str, str]], look: Look) -> list[str]:
    """`label  text` lines of (label, text, style); a text of several lines is indented under its label."""
    lines = []
    for label, text, style in rows:
        parts = [clean(part, 10_000, ascii_only=look.ascii_only) for part in text.split("\n")] or [""]
        head = paint(f"{label:{LABEL}}", "dim", look)
        if len(parts) == 1:
            lines.append(f"{head}{paint(parts[0], style, look)}".rstrip())
        else:
            lines.append(head.rstrip())
            lines += [f"  {paint(part, style, look)}".rstrip() for part in parts]
    return lines
