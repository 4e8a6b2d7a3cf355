"""The help texts as lines. Pure: what to show and how wide is passed in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import wrap

BOLD, RESET = "\x1b[1m", "\x1b[0m"
LEFT = 26


def heading(text: str) -> str:
    return f"{BOLD}{text}{RESET}"


def examples(lines: Sequence[str]) -> list[str]:
    return [heading("Examples:"), *(f"  {line}" for line in lines), ""]


def pairs(rows: Iterable[tuple[str, str]], width: int, left: int = LEFT) -> list[str]:
    """Two columns; a long first one gets its own line."""
    lines = []
    for first, second in rows:
        text = wrap(second, max(width - left - 2, 24)) or [""]
        if len(first) > left - 2:
            lines.append(f"  {first}")
            lines += [f"  {'':{left}}{line}" for line in text]
        else:
            lines.append(f"  {first:{left}}{text[0]}".rstrip())
            lines += [f"  {'':{left}}{line}" for line in text[1:]]
    return lines


def paragraphs(text: str, width: int) -> list[str]:
    """Re-wrapped; an indented block stays as it is."""
    lines: list[str] = []
    for block in text.strip().split("\n\n"):
        if block.startswith(" "):
            lines += [*block.split("\n"), ""]
        else:
            lines += [*wrap(" ".join(block.split()), width), ""]
    return lines


def commands(panels: Iterable[tuple[str, Sequence[tuple[str, str]]]]) -> list[str]:
    """`Run      worker      run tasks from the database`"""
    lines = []
    for panel, rows in panels:
        for at, (name, text) in enumerate(rows):
            first = heading(panel) + " " * (9 - len(panel)) if at == 0 else " " * 9
            lines.append(f"{first}{name:13}{text}")
    return lines
