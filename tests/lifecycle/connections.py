"""Other connections: work in a thread of its own, and transactions that stay open meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from django.db import connections, transaction

from django_task_worker.lifecycle import postgresql
from tests.waiting import wait_until

T = TypeVar("T")


class Elsewhere(Generic[T]):
    """Runs `action` in a thread, and so over another connection, from now on."""

    def __init__(self, using: str, action: Callable[[], T]) -> None:
        self._using = using
        self._action = action
        self._has_begun = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._error: BaseException | None = None
        self._value: T
        self._thread.start()

    def _run(self) -> None:
        try:
            connections[self._using].ensure_connection()
            self._has_begun.set()
            self._value = self._action()
        except BaseException as error:
            self._error = error
        finally:
            connections.close_all()

    def is_over_or_blocked(self) -> bool:
        if not self._thread.is_alive():
            return True
        return self._has_begun.is_set() and _somebody_waits(self._using)

    @property
    def result(self) -> T:
        self._thread.join(60)
        assert not self._thread.is_alive()
        if self._error is not None:
            raise self._error
        return self._value


def _somebody_waits(using: str) -> bool:
    """Whether a connection waits for another one. SQLite cannot tell: there, whoever has begun will."""
    connection = connections[using]
    if connection.vendor == "sqlite":
        return True
    query = {
        "postgresql": "SELECT 'waits', count(*) FROM pg_locks WHERE NOT granted",
        "mysql": "SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'",
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(query)
        _, count = cursor.fetchone()
    return int(count) > 0


def while_it_waits(using: str, action: Callable[[], T]) -> Elsewhere[T]:
    """Start `action` elsewhere; return when it is over, or waits for the transaction that is open here."""
    elsewhere = Elsewhere(using, action)
    wait_until(elsewhere.is_over_or_blocked, 20, what="neither over nor blocked")
    return elsewhere


@contextmanager
def open_transaction(using: str, *, for_fast_path: bool = False) -> Iterator[None]:
    """Commits at the end. The fast path on Postgres must not know of it: each call is a transaction there."""
    if not (for_fast_path and postgresql.is_supported(using)):
        with transaction.atomic(using=using):
            yield
        return
    with connections[using].cursor() as cursor:
        cursor.execute("BEGIN")
        try:
            yield
        finally:
            cursor.execute("COMMIT")
