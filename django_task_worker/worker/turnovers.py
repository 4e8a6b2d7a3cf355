"""Settling and claiming: in one message that is not waited for where the database allows, else one by one."""

from __future__ import annotations

import os
import selectors
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from django.db import DatabaseError

from django_task_worker import lifecycle
from django_task_worker.lifecycle import Change, Claimed, Claims, Outcome, Turnover
from django_task_worker.worker.claimer import Claimer
from django_task_worker.worker.completer import Completer, Refused, unless_refused
from django_task_worker.worker.connection import STATEMENT_S
from django_task_worker.worker.database import FAILED, Database, Failed

SOON_S = 0.002
"""While no batch is to be expected, waiting this long for an answer costs less than going around for it."""
AT_ONCE = 3

Room = Callable[[int, bool], int]
"""How many tasks to claim when so many are about to come; 0 until it is worth a statement of its own, if it
needs one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """An answered turnover. `tasks` are ours, but for the advisory locks."""

    turnover: Turnover
    done: list[Change] | Refused | Failed
    tasks: list[Claimed]


class Turnovers:
    """Sends the next turnover before it looks closely at the last one: meanwhile the database works."""

    def __init__(
        self,
        database: Database,
        completer: Completer,
        claimer: Claimer,
        selector: selectors.BaseSelector,
        take: Callable[[list[Claimed], list[Outcome]], None],
        publish: Callable[[], None],
    ) -> None:
        self._database = database
        self._completer = completer
        self._claimer = claimer
        self._selector = selector
        self._take = take
        self._publish = publish
        self._line: int | None = None
        """Where the answer is to be heard: a descriptor of our own, whatever becomes of the connection."""

    @property
    def due_at(self) -> float | None:
        """When to look at the answer at the latest, by the monotonic clock; None when none is awaited."""
        turnover = self._database.under_way
        if turnover is None:
            return None
        return turnover.sent_at + (0.0 if turnover.is_over else STATEMENT_S)

    def run(self, room: Room, batch: Callable[[], int], poll_s: float) -> None:
        """Settle, if there is a batch, and claim, if there is room; and what follows from it at once."""
        for _ in range(AT_ONCE):
            if not self._run(room, batch(), poll_s) or batch() > 1 or not self._is_answered_soon():
                break

    def _run(self, room: Room, batch: int, poll_s: float) -> bool:
        """Whether a turnover was begun."""
        turnover, ended, coming = self._database.under_way, None, 0
        if turnover is not None:
            if not self._is_answered(turnover):
                return False
            self.stop_listening()
            if turnover.has_brought_all:  # the next one need not wait until the answer is read
                self._database.release()
                if turnover.outcomes:
                    self._completer.note(turnover.outcomes, [])
                coming = turnover.demand.count if turnover.demand else 0
            else:
                ended = self._end(turnover, poll_s)
                coming = len(ended.tasks)
        has_begun = self._begin(partial(room, coming), batch)
        if turnover is not None:
            self._look_closely(ended or self._read(turnover, poll_s))
        if not has_begun:
            self._completer.settle(batch)
            self._publish()
            self._claim(room(0, True), poll_s)
        self._publish()
        return has_begun

    def _is_answered_soon(self) -> bool:
        turnover = self._database.under_way
        try:
            return turnover is not None and turnover.is_answered_within(SOON_S)
        except DatabaseError:
            return True

    def _begin(self, room: Callable[[bool], int], batch: int) -> bool:
        if self._database.is_away:
            return False
        outcomes = self._completer.take(batch)
        count = room(not outcomes) if self._claimer.is_due else 0
        demand = self._claimer.demand(count) if count else None
        if demand is None and not outcomes:
            return False
        using = self._database.using
        if not self._database.begin("write outcomes", lambda: lifecycle.begin(outcomes, demand, using)):
            self._completer.put_back(outcomes)
            return False
        return True

    def _is_answered(self, turnover: Turnover) -> bool:
        """Or has failed, or takes too long."""
        if time.monotonic() > turnover.sent_at + STATEMENT_S:
            self._database.cut()
            return True
        try:
            return turnover.is_answered()
        except DatabaseError:
            return True

    def _end(self, turnover: Turnover, poll_s: float) -> Ended:
        answer = self._database.end("write outcomes", lambda turnover: unless_refused(turnover.end))
        done, tasks = answer if isinstance(answer, tuple) else (answer, [])
        if turnover.outcomes:
            self._completer.note(turnover.outcomes, done)
        if turnover.demand is not None:
            claims = Claims(tasks=tasks, groups=None) if isinstance(answer, tuple) else FAILED
            self._claimer.note(turnover.demand, claims, turnover.sent_at, poll_s)
        return Ended(turnover=turnover, done=done, tasks=tasks)

    def _read(self, turnover: Turnover, poll_s: float) -> Ended:
        """It is known to have succeeded."""
        done, tasks = turnover.end()
        if turnover.demand is not None:
            self._claimer.note(turnover.demand, Claims(tasks=tasks, groups=None), turnover.sent_at, poll_s)
        return Ended(turnover=turnover, done=done, tasks=tasks)

    def _look_closely(self, ended: Ended) -> None:
        turnover, demand = ended.turnover, ended.turnover.demand
        if demand is not None and ended.tasks:
            for accepted in self._claimer.accept(ended.tasks, demand.lease, turnover.sent_at):
                self._take(*accepted)
        if isinstance(ended.done, list):
            turnover.report(ended.done)
            self._completer.finish(turnover.outcomes, ended.done)

    def _claim(self, room: int, poll_s: float) -> None:
        if room and self._claimer.is_due and not self._database.is_away:
            for accepted in self._claimer.claim(room, poll_s):
                self._take(*accepted)

    def listen(self) -> None:
        """Have the selector tell of the answer: once it has forgotten descriptors that are closed."""
        turnover = self._database.under_way
        if self._line is None and turnover is not None and not turnover.is_over:
            self._line = os.dup(turnover.fileno())
            self._selector.register(self._line, selectors.EVENT_READ)

    def stop_listening(self) -> None:
        """Before a fork, and at the end."""
        if self._line is not None:
            self._selector.unregister(self._line)
            os.close(self._line)
            self._line = None
