"""Columns of a panel: which fit, where they end, and which row of a long list comes first. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from taskctl.dashboard.lines import Line, Look
from taskctl.dashboard.text import fit as fit_text
from taskctl.dashboard.text import width_of

LEAST_NAME = 12
MARK = ">"


class Column(NamedTuple):
    """`width` includes the gap before it. Larger `drop` goes first when there is no room; 0 stays."""

    title: str
    width: int
    drop: int = 0
    left: bool = False


class Fitted(NamedTuple):
    """The columns that fit: where the first, flexible one ends, and start and end of each other."""

    name_width: int
    places: dict[str, tuple[int, int]]


def fit(columns: Sequence[Column], width: int, *, most_name: int = 200) -> Fitted:
    """The first column takes what the others leave, between LEAST_NAME and `most_name` cells."""
    kept = list(columns)
    while sum(column.width for column in kept) + 1 + LEAST_NAME > width and any(c.drop for c in kept):
        kept.remove(max(kept, key=lambda column: column.drop))
    name_width = min(most_name, max(0, width - 1 - sum(column.width for column in kept)))
    places, at = {}, 1 + name_width
    for column in kept:
        places[column.title] = (at + 2 if column.left else at, at + column.width)
        at += column.width
    return Fitted(name_width, places)


def longest_name(names: Sequence[str], most: int) -> int:
    """The cells of the longest, `most` at most."""
    return max((width_of(fit_text(name, most)) for name in names), default=0)


def heading(first: str, columns: Sequence[Column], fitted: Fitted, width: int, look: Look) -> str:
    line = Line(width, look).draw(" ").draw(first, "dim")
    for column in columns:
        if column.title in fitted.places:
            start, end = fitted.places[column.title]
            if column.left:
                line.to(start).draw(column.title, "dim")
            else:
                line.right(column.title, end, "dim")
    return line.done()


def row(width: int, look: Look, *, is_selected: bool) -> Line:
    """A line that begins with the mark of the selected row, or blank."""
    line = Line(width, look, "reverse" if is_selected else "")
    return line.draw(MARK if is_selected else " ")


def first_shown(selected: int, shown: int) -> int:
    """The number of the row at the top, so that the selected one can be seen."""
    return max(0, selected - shown + 1)


def span(top: int, shown: int, total: int) -> str:
    """`1-3 of 3`."""
    return f"{top + 1}-{min(top + shown, total)} of {total}" if total else "none"
