"""One object as a labelled block. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from django_task_worker.cleaning import clean
from taskctl.render.table import Look, paint

LABEL = 12
Row = tuple[str, str, str]
"""Label, text, style."""


def block(rows: Sequence[Row], look: Look) -> list[str]:
    """`label  text` lines; a text of several lines is indented under its label."""
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


def folded(rows: Sequence[Row], look: Look) -> list[str]:
    """The same for sentences: what is too long goes on below its beginning, broken between words."""
    lines = []
    for label, text, style in rows:
        sentence = clean(text, 10_000, ascii_only=look.ascii_only)
        parts = wrap(sentence, max(look.width - LABEL, 24), break_on_hyphens=False) or [""]
        for at, part in enumerate(parts):
            head = paint(f"{label if at == 0 else '':{LABEL}}", "dim", look)
            lines.append(f"{head}{paint(part, style, look)}".rstrip())
    return lines
