"""Tables fitted to a width, from cells to lines. Pure.

Cells are cleaned here; widths count terminal cells, so that wide characters keep the columns straight.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

from django_task_worker.cleaning import clean

CODES = {
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
    "dim": "2",
    "bold": "1",
}
GAP = "  "
TIGHT = 12
"""How narrow a flexible column becomes where its `least` is still too much."""


@dataclass(frozen=True)
class Cell:
    """One value; `middle` cuts a dotted name in the middle, so that its end stays readable."""

    text: str
    style: str = ""
    middle: bool = False


@dataclass(frozen=True)
class Heading:
    """A column: weight 0 keeps its width; larger weights give way, down to `least` cells."""

    title: str
    weight: int = 0
    least: int = 8
    right: bool = False
    drop: int = 0
    """Columns with a larger number are dropped earlier when there is no room; 0 stays."""
    steady: int = 0
    """The width that suits rows to come."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """How to draw: cells across, colours, ASCII only, a line of titles."""

    width: int = 80
    colour: bool = False
    ascii_only: bool = False
    header: bool = True


def paint(text: str, style: str, look: Look) -> str:
    return f"\x1b[{CODES[style]}m{text}\x1b[0m" if look.colour and style else text


def cell_len(text: str) -> int:
    """How many terminal cells a clean text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # only for the few texts that need it

    return cell_len(text)


def cut(text: str, width: int, *, ascii_only: bool = False, middle: bool = False) -> str:
    """The text in at most `width` cells, an ellipsis where something is missing."""
    if cell_len(text) <= width:
        return text
    dots = "~" if ascii_only else "…"
    if middle and "." in text:
        return _cut_middle(text, width, dots)
    return _prefix(text, width - 1) + dots


def _cut_middle(text: str, width: int, dots: str) -> str:
    head, _, tail = text.rpartition(".")
    room = width - len(dots) - 1 - cell_len(tail)
    if room < 1:
        return _prefix(text, width - 1) + dots
    return _prefix(head, room) + dots + "." + tail


def _prefix(text: str, width: int) -> str:
    if text.isascii():
        return text[: max(width, 0)]
    taken, used = [], 0
    for character in text:
        used += cell_len(character)
        if used > width:
            break
        taken.append(character)
    return "".join(taken)


@dataclass(frozen=True)
class Layout:
    """Which columns there is room for, and how wide they are."""

    kept: tuple[int, ...]
    widths: tuple[int, ...]


def table(headings: Sequence[Heading], rows: Sequence[Sequence[Cell]], look: Look) -> list[str]:
    """The lines of a whole table."""
    fitted = layout(headings, rows, look)
    return [*([titles(headings, look, fitted)] if look.header else []), *lines(headings, rows, look, fitted)]


def layout(
    headings: Sequence[Heading], rows: Sequence[Sequence[Cell]], look: Look, *, spare: bool = False
) -> Layout:
    """The layout that suits these rows; with `spare`, flexible columns take all the room for rows to come."""
    natural = [
        max(
            [cell_len(_clean(row[at].text, look)) for row in rows]
            + [len(heading.title) if look.header else 0]
        )
        for at, heading in enumerate(headings)
    ]
    if spare:
        natural = [max(now, heading.steady) for now, heading in zip(natural, headings, strict=True)]
    kept = _keep(headings, natural, look.width)
    chosen = [headings[at] for at in kept]
    widths = _fit(chosen, [natural[at] for at in kept], look.width)
    return Layout(tuple(kept), tuple(_grow(chosen, widths, look.width) if spare else widths))


def titles(headings: Sequence[Heading], look: Look, fitted: Layout) -> str:
    """The line of titles."""
    return _line([Cell(heading.title.upper(), "dim") for heading in headings], headings, look, fitted)


def lines(
    headings: Sequence[Heading], rows: Sequence[Sequence[Cell]], look: Look, fitted: Layout
) -> list[str]:
    """The lines of these rows."""
    return [_line(row, headings, look, fitted) for row in rows]


def _clean(text: str, look: Look) -> str:
    return clean(text, 4 * look.width, ascii_only=look.ascii_only)


def _keep(headings: Sequence[Heading], natural: Sequence[int], width: int) -> list[int]:
    """Which columns fit when the flexible ones are as narrow as can be; if need be, the last ones go too."""
    kept = list(range(len(headings)))

    def needed(least: Callable[[Heading, int], int]) -> int:
        return sum(least(headings[at], natural[at]) for at in kept) + len(GAP) * (len(kept) - 1)

    while needed(_least) > width and (droppable := [at for at in kept if headings[at].drop]):
        kept.remove(max(droppable, key=lambda at: headings[at].drop))
    while needed(_tight) > width and len(kept) > 1:
        kept.pop()
    return kept


def _least(heading: Heading, natural: int) -> int:
    return min(natural, heading.least) if heading.weight else natural


def _tight(heading: Heading, natural: int) -> int:
    return min(_least(heading, natural), TIGHT) if heading.weight else natural


def _fit(headings: Sequence[Heading], natural: Sequence[int], width: int) -> list[int]:
    """The heaviest columns give way first."""
    widths = list(natural)
    over = sum(widths) + len(GAP) * (len(widths) - 1) - width
    weights = sorted({heading.weight for heading in headings} - {0}, reverse=True)
    for least, weight in product((_least, _tight), weights):
        for at, heading in enumerate(headings):
            if heading.weight == weight and over > 0:
                given = min(over, widths[at] - least(heading, widths[at]))
                widths[at] -= given
                over -= given
    return widths


def _grow(headings: Sequence[Heading], widths: Sequence[int], width: int) -> list[int]:
    """What room is left goes to the flexible columns, by weight."""
    left = width - sum(widths) - len(GAP) * (len(widths) - 1)
    total = sum(heading.weight for heading in headings) or 1
    return [
        now + max(left, 0) * heading.weight // total for heading, now in zip(headings, widths, strict=True)
    ]


def _line(cells: Sequence[Cell], headings: Sequence[Heading], look: Look, fitted: Layout) -> str:
    parts = []
    for at, width in zip(fitted.kept, fitted.widths, strict=True):
        cell = cells[at]
        text = cut(_clean(cell.text, look), width, ascii_only=look.ascii_only, middle=cell.middle)
        space = " " * (width - cell_len(text))
        painted = paint(text, cell.style, look)
        parts.append(space + painted if headings[at].right else painted + space)
    return GAP.join(parts).rstrip()
