"""Waiting for tasks: a subscription where Redis answers, looks at the database always."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from taskctl.errors import CommandError, task_not_found, waiting_for_nobody
from taskctl.progress import Progress

if TYPE_CHECKING:
    from django_task_worker.events.waiter import Waiter
    from django_task_worker.models import DatabaseTask
    from taskctl.session import Session

SUBSCRIPTIONS = 200
NOTICE_S = 2.0
LONG_S = 86400.0
STARTED = ("PROGRESS", "COMPLETED", "FAILED", "CANCELLED")


class TimedOut(Exception):
    """The time is over and these tasks have not got there."""

    def __init__(self, ids: Sequence[str]) -> None:
        super().__init__(f"{len(ids)} tasks not finished")
        self.ids = tuple(ids)


def is_final(task: DatabaseTask) -> bool:
    return task.is_final


def has_started(task: DatabaseTask) -> bool:
    return task.status in STARTED


@dataclass
class Wait:
    """One wait for some tasks. `until` says when a task has got where we want it."""

    session: Session
    ids: Sequence[str]
    timeout_s: float | None = None
    until: Callable[[DatabaseTask], bool] = is_final
    _told: bool = field(default=False, init=False)
    _blip: bool = field(default=False, init=False)

    def tasks(self) -> Iterator[DatabaseTask]:
        """Each task once it has got there, in the order in which they do.

        Raises TimedOut; CommandError for a task that is deleted meanwhile.
        """
        from django_task_worker.events.waiter import Waiter

        began = time.monotonic()
        hears_more = len(self.ids) == 1 and self.session.terminal.err_is_tty
        with ExitStack() as stack:
            waiters = [
                stack.enter_context(Waiter(task_id, hears_more=hears_more))
                for task_id in self.ids[:SUBSCRIPTIONS]
            ]
            line = stack.enter_context(Progress(self.session.terminal))
            missing = dict.fromkeys(self.ids)
            while missing:
                elapsed_s = time.monotonic() - began
                found = self._look(list(missing), line)
                if found is not None:
                    for task in self._arrived(found, missing):
                        del missing[task.pk]
                        line.hide()
                        yield task
                    self._notice(found, elapsed_s, line)
                    self._show([found[task_id] for task_id in missing], elapsed_s, line)
                if missing:
                    self._sleep(waiters[0], began, list(missing))

    def _arrived(self, found: dict[str, DatabaseTask], missing: dict[str, None]) -> list[DatabaseTask]:
        for task_id in missing:
            if task_id not in found:
                raise task_not_found(task_id)
        return [task for task in found.values() if self.until(task)]

    def _sleep(self, waiter: Waiter, began: float, missing: Sequence[str]) -> None:
        left_s = LONG_S if self.timeout_s is None else began + self.timeout_s - time.monotonic()
        if left_s <= 0:
            raise TimedOut(missing)
        until_notice = NOTICE_S - (time.monotonic() - began)
        waiter.wait(min(left_s, until_notice) if not self._told and until_notice > 0 else left_s)

    def _look(self, ids: Sequence[str], line: Progress) -> dict[str, DatabaseTask] | None:
        """The tasks; None when the database is away for the moment, which is no failure of theirs."""
        from django.db import InterfaceError, OperationalError, connections

        from django_task_worker import queries

        alias = self.session.alias
        assert alias is not None
        try:
            found = queries.light(ids, alias)
        except (OperationalError, InterfaceError):
            connections[alias].close()
            if not self._blip:
                self._blip = True
                line.hide()
                self.session.terminal.note("the database does not answer; trying again")
            return None
        self._blip = False
        return found

    def _show(self, tasks: Sequence[DatabaseTask], elapsed_s: float, line: Progress) -> None:
        from taskctl.render.progress import waited_for

        terminal = self.session.terminal
        if tasks:
            text = waited_for(
                tasks, len(self.ids), elapsed_s, terminal.err_width, ascii_only=terminal.ascii_only
            )
            line.show(text)

    def _notice(self, found: dict[str, DatabaseTask], elapsed_s: float, line: Progress) -> None:
        """After a while, says that nobody will take a task of these."""
        if self._told or elapsed_s < NOTICE_S:
            return
        self._told = True
        assert self.session.alias is not None
        for task in found.values():
            if task.status == "PENDING":
                notice = nobody_listens(task.pk, task.queue, self.session.alias)
                if notice is not None:
                    line.hide()
                    self.session.terminal.problem(notice)
                    return


def nobody_listens(task_id: str, queue: str, alias: str) -> CommandError | None:
    """The notice when no live worker takes tasks from this queue."""
    from django_task_worker import registry

    workers = registry.live_workers(alias)
    if any(registry.listens(worker, queue) for worker in workers):
        return None
    shown = [f"{worker.name} ({', '.join(worker.queues) or '*'})" for worker in workers]
    return waiting_for_nobody(task_id[:12], queue, shown)
