"""Lists of objects on stdout: a table, tsv, JSON or ids, with the columns that --fields chooses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from taskctl.render.columns import Column
    from taskctl.terminal import Terminal

FLUSH_EVERY = 200
Row = Mapping[str, Any]


def choose(usual: Sequence[Column], more: Sequence[Column], terminal: Terminal) -> Sequence[Column]:
    """The columns of --fields, or the usual ones. Raises CommandError for an unknown name."""
    from taskctl.report import unknown_field

    if terminal.fields is None:
        return usual
    every = (*usual, *more)
    known = {name: column for column in every for name in (*column.keys, column.name)}
    for name in terminal.fields:
        if name not in known:
            raise unknown_field(name, [column.name for column in every])
    return [known[name] for name in terminal.fields]


class Listing:
    """Prints objects whenever it is called; a table goes on where it was.

    `key` gives what is printed where only ids are wanted, or is its name. With `more_to_come` the columns
    leave room for rows that are not there yet.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        terminal: Terminal,
        *,
        key: str | Callable[[Row], object],
        more_to_come: bool = False,
    ) -> None:
        from taskctl.render.columns import Table
        from taskctl.report import look

        self._columns = columns
        self._terminal = terminal
        self._key = itemgetter(key) if isinstance(key, str) else key
        self._more_to_come = more_to_come
        self._has_begun = False
        self.table = Table(columns, look(terminal), is_chosen=terminal.fields is not None)

    def show(self, rows: Iterable[Row], now: datetime) -> int:
        """Prints these rows as they come; how many there were. Memory stays flat."""
        terminal = self._terminal
        if terminal.form == "table":
            return self._draw(rows, now)
        if terminal.header and terminal.form == "tsv" and not self._has_begun:
            terminal.row(column.name for column in self._columns)
        self._has_begun = True
        number = 0
        for number, row in enumerate(rows, start=1):
            self._print(row)
            if number % FLUSH_EVERY == 0:
                terminal.flush()
        terminal.flush()
        return number

    def _print(self, row: Row) -> None:
        terminal = self._terminal
        if terminal.is_json:
            terminal.record(row if terminal.fields is None else self._chosen(row))
        elif terminal.form == "id":
            if (key := self._key(row)) is not None:
                terminal.row([key])
        else:
            terminal.row(column.value(row) for column in self._columns)

    def _chosen(self, row: Row) -> dict[str, Any]:
        return {key: row[key] for column in self._columns for key in column.keys}

    def _draw(self, rows: Iterable[Row], now: datetime) -> int:
        """In pieces. The first one sets the widths of all."""
        number, iterator = 0, iter(rows)
        while piece := list(islice(iterator, FLUSH_EVERY)):
            number += len(piece)
            cells = [self.table.cells(row, now) for row in piece]
            spare = self._more_to_come or len(piece) == FLUSH_EVERY
            for line in self.table.lines(cells, spare=spare):
                self._terminal.line(line)
            self._terminal.flush()
        return number
