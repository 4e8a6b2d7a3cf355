"""The supervisor's dealings with the database: watched, given up in time, tried again after a pause."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from django.db import DatabaseError, InterfaceError, connections

from django_task_worker.lifecycle import Turnover
from django_task_worker.worker.connection import cut, find_host, use_own_connection
from django_task_worker.worker.watch import Watch

logger = logging.getLogger("django_task_worker.worker")

T = TypeVar("T")
FIRST_PAUSE_S = 0.1
MAX_PAUSE_S = 3.0
SAY_EVERY_S = 10.0


class Failed:
    """The answer of a statement that did not succeed, or may have: nobody knows."""


FAILED = Failed()


class Database:
    """Runs actions one at a time. After a failure, actions fail at once until the next try is due."""

    def __init__(self, using: str, watch: Watch) -> None:
        self.using = using
        self._watch = watch
        self._pause_s = 0.0
        self.retry_at = 0.0
        self._said_at = -SAY_EVERY_S
        self.under_way: Turnover | None = None
        self.ok_at = time.monotonic()
        self._knows_host = False
        use_own_connection(using)

    @property
    def is_away(self) -> bool:
        return time.monotonic() < self.retry_at

    def begin(self, what: str, send: Callable[[], Turnover | None]) -> bool:
        """Have a turnover sent; whether it was. Until `end` it is `under_way`."""
        turnover = self.run(what, send)
        if isinstance(turnover, Failed) or turnover is None:
            return False
        self.under_way = turnover
        return True

    def end(self, what: str, take: Callable[[Turnover], T]) -> T | Failed:
        """What `take` makes of the turnover that is under way; waits for its answer."""
        assert self.under_way is not None
        turnover, self.under_way = self.under_way, None
        return self.run(what, lambda: take(turnover))

    def release(self) -> None:
        """The turnover that is under way has been answered, and nothing is left to be asked about it."""
        self.under_way = None
        if not self.is_away:  # something else may have failed since
            self._has_answered()

    def _let_it_be_answered(self) -> None:
        """The connection can do nothing else before. What is wrong is told by `end`."""
        if self.under_way is not None:
            with suppress(DatabaseError, InterfaceError), self._watch.over():
                self.under_way.wait()

    def cut(self) -> None:
        """Give up the statement under way: it takes too long."""
        cut(connections[self.using])

    def run(self, what: str, action: Callable[[], T]) -> T | Failed:
        """The action's result, or FAILED. Raises only what is no fault of the database."""
        if self.is_away:
            return FAILED
        self._let_it_be_answered()
        try:
            with self._watch.over():
                self._know_host()
                result = action()
        except (DatabaseError, InterfaceError) as error:
            self._fail(what, error)
            return FAILED
        if connections[self.using].connection is not None:  # else it had nothing to ask
            self._has_answered()
        return result

    def _has_answered(self) -> None:
        if self._pause_s:
            logger.info("the database answers again")
            self._pause_s, self._said_at = 0.0, -SAY_EVERY_S
        self.ok_at = time.monotonic()

    def _know_host(self) -> None:
        """Until something fails: then it may have moved."""
        if not self._knows_host:
            find_host(connections[self.using])
            self._knows_host = True

    def _fail(self, what: str, error: Exception) -> None:
        self.close()
        self._knows_host = False
        self._pause_s = min(MAX_PAUSE_S, max(FIRST_PAUSE_S, self._pause_s * 2))
        now = time.monotonic()
        self.retry_at = now + self._pause_s * random.uniform(0.7, 1.0)
        if now - self._said_at >= SAY_EVERY_S:
            self._said_at = now
            logger.error("cannot %s: %s", what, " ".join(str(error).split()) or type(error).__name__)

    def close(self) -> None:
        """Close the connection; the next action opens a new one."""
        self._let_it_be_answered()
        connection = connections[self.using]
        try:
            connection.close()
        except Exception:
            connection.connection = None
        connection.in_atomic_block = False
        connection.savepoint_ids = []
        connection.needs_rollback = False
        connection.closed_in_transaction = False
        connection.run_on_commit = []
