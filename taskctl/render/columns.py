"""Columns of a list: what each shows of an object, and tables that go on in pieces. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from taskctl.durations import brief
from taskctl.render.table import Cell, Heading, Layout, Look, layout, lines, titles
from taskctl.times import iso

Value = Callable[[Mapping[str, Any]], Any]
Shown = Callable[[Mapping[str, Any], datetime], Cell]


@dataclass(frozen=True)
class Column:
    """One column of a list: the keys it goes by, its tsv value, its table cell."""

    name: str
    keys: tuple[str, ...]
    value: Value
    cell: Shown
    weight: int = 0
    """0 keeps its width; larger ones give way first, down to `least`."""
    least: int = 8
    right: bool = False
    steady: int = 0
    """What the longest usual value takes, for lists that go on."""
    drop: int = 0
    """Columns with a larger number are dropped earlier when there is no room; 0 stays."""


def plain(key: str) -> Value:
    """The value for tsv: times in UTC, truth as in JSON, the rest as it is."""
    return lambda row: _plain(row[key])


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return iso(value) if isinstance(value, datetime) else value


def text(key: str) -> Shown:
    return lambda row, now: Cell("-" if row[key] is None else str(row[key]))


def number(key: str) -> Shown:
    """`1,102`."""
    return lambda row, now: Cell("-" if row[key] is None else f"{row[key]:,}")


def rate(key: str) -> Shown:
    """A number per second."""
    return lambda row, now: Cell("-" if row[key] is None else per_second(row[key]))


def per_second(value: float) -> str:
    """`0`, `0.003`, `1.25`, `38.1`, `1,203`: about three figures."""
    if not value:
        return "0"
    for least, places in ((1000, 0), (10, 1), (1, 2)):
        if value >= least:
            return f"{value:,.{places}f}"
    return f"{value:.3f}" if value >= 0.0005 else "<0.001"


def duration(key: str) -> Shown:
    """`1.2s`."""
    return lambda row, now: Cell("-" if row[key] is None else brief(row[key]))


class Table:
    """A table that may come in several pieces: titles once, the same widths throughout."""

    def __init__(self, columns: Sequence[Column], look: Look, *, is_chosen: bool = False) -> None:
        self._columns = columns
        self._look = look
        self._layout: Layout | None = None
        self._headings = [
            Heading(
                column.name,
                weight=column.weight,
                least=column.least,
                right=column.right,
                steady=column.steady,
                drop=0 if is_chosen else column.drop,
            )
            for column in columns
        ]

    def cells(self, row: Mapping[str, Any], now: datetime) -> list[Cell]:
        return [column.cell(row, now) for column in self._columns]

    def lines(self, cells: Sequence[Sequence[Cell]], *, spare: bool = False) -> list[str]:
        """The lines of these rows, the first time below their titles. `spare`: more rows may come."""
        found = []
        if self._layout is None:
            self._layout = layout(self._headings, cells, self._look, spare=spare)
            found = self.titles()
        return found + lines(self._headings, cells, self._look, self._layout)

    def titles(self) -> list[str]:
        """The line of titles, where titles are wanted and the widths are known."""
        if self._layout is None or not self._look.header:
            return []
        return [titles(self._headings, self._look, self._layout)]
