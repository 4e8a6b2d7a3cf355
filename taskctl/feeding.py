"""Storing many tasks from stdin: batches, one transaction each, ids in the order of the lines."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from taskctl import bulk, exits
from taskctl.bulk import Line
from taskctl.errors import CommandError
from taskctl.progress import Progress
from taskctl.report import Action, count
from taskctl.session import Session
from taskctl.storing import Request, refused, settle
from taskctl.times import Moment

if TYPE_CHECKING:
    from collections.abc import Iterator

_POSITION = re.compile(r"item (\d+): ")


class _BadLine(Exception):
    """The first line that cannot be stored; those before it are."""

    def __init__(self, line: Line, error: CommandError) -> None:
        super().__init__(error.message)
        self.line = line
        self.error = error


@dataclass
class Feed:
    """One run of `enqueue --stdin`."""

    session: Session
    request: Request
    batch: int
    skip: int
    keep_going: bool
    _action: Action = field(init=False)
    _bad: int = field(default=0, init=False)

    def run(self) -> int:
        """Stores all lines; the exit code. Raises CommandError for a bad line unless told to go on."""
        self.session.open(create=True)
        self._action = Action(self.session, "enqueue")
        shared = settle(self.session, self.request)
        if not self.request.check:
            shared = shared | {"check": False}
        lines = bulk.read(sys.stdin.buffer, self.request.name, shared, skip=self.skip, place=self._place)
        try:
            self._store_all(lines)
        finally:
            self.session.settle()
        stored = count(self._action.changed)
        self._action.finish(f"stored {stored}" + (f", {count(self._bad, 'bad line')}" if self._bad else ""))
        return exits.NEGATIVE if self._bad else exits.OK

    def _store_all(self, lines: Iterator[Line]) -> None:
        with Progress(self.session.terminal, "stored") as progress:
            while batch := list(islice(lines, self.batch)):
                self._action.matched += len(batch)
                while batch:
                    batch = self._store(batch)
                progress.update(self._action.changed)

    def _store(self, lines: list[Line]) -> list[Line]:
        """Stores lines up to the first bad one; the lines behind that one."""
        good = next((at for at, line in enumerate(lines) if line.error is not None), len(lines))
        try:
            self._write(lines[:good])
        except _BadLine as bad:
            at = lines.index(bad.line)
            self._write(lines[:at])
            self._complain(bad.line, bad.error)
            return lines[at + 1 :]
        if good == len(lines):
            return []
        error = lines[good].error
        assert error is not None
        self._complain(lines[good], error)
        return lines[good + 1 :]

    def _write(self, lines: list[Line]) -> None:
        if not lines:
            return
        from django.db import transaction

        with transaction.atomic(using=self.session.alias):
            ids = self._insert(lines)
        self._action.done(ids)

    def _insert(self, lines: list[Line]) -> list[str]:
        from django_task_worker import client
        from django_task_worker.exceptions import InvalidTask

        if any("unique_key" in line.item for line in lines):
            return [self._insert_one(line) for line in lines]
        try:
            items = [line.item for line in lines]
            return [task.pk for task in client.create_tasks(items, self.batch, using=self.session.alias)]
        except InvalidTask as error:
            position = _POSITION.match(str(error))
            line = lines[int(position[1])] if position else lines[0]
            raise _BadLine(line, _without_position(line, error)) from error

    def _insert_one(self, line: Line) -> str:
        from django_task_worker import client
        from django_task_worker.exceptions import InvalidTask

        try:
            return str(client.create_task(using=self.session.alias, **line.item).pk)
        except InvalidTask as error:
            raise _BadLine(line, refused(line.item["name"], error)) from error

    def _complain(self, line: Line, error: CommandError) -> None:
        error.message = f"line {line.number}: {error.message}"
        if self.keep_going:
            self._bad += 1
            self.session.terminal.problem(error)
            return
        error.facts = (*error.facts, f"stored before it: {count(self._action.changed)}")
        error.tries = (f"mend the line, then go on with: --skip {line.number - 1}",)
        error.exit = exits.USAGE
        raise error

    def _place(self, moment: Moment) -> datetime:
        from taskctl.selectors import project_zone
        from taskctl.times import now

        return moment.place(now(), project_zone())


def _without_position(line: Line, error: Exception) -> CommandError:
    error.args = (_POSITION.sub("", str(error), count=1), *error.args[1:])
    return refused(_name(line.item), error)


def _name(item: dict[str, Any]) -> str:
    return str(item.get("name"))
