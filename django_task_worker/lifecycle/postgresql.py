"""What the fast path speaks to Postgres in: several statements in one message, which are one transaction.

It is the simple protocol with the parameters bound here, so that PgBouncer in transaction mode will do.
The answer need not be waited for: see `Exchange`.
"""

from __future__ import annotations

import select
import time
from collections.abc import Sequence
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from django_task_worker.lifecycle.literals import bound
from django_task_worker.models import DatabaseTask
from django_task_worker.sockets import widen

TASKS = DatabaseTask._meta.db_table
NOW = "statement_timestamp()"
BEFORE = "SET LOCAL statement_timeout = 5000; SET LOCAL jit = off"
"""The server ends what takes too long; none of our statements is worth being compiled."""

TUPLES_OK, FATAL_ERROR = 2, 7
"""Of libpq's ExecStatusType."""

is_enabled = True
"""False makes Postgres take the portable path too, which tests use."""

Part = tuple[str, Any]
"""A statement and its parameters."""


def speaks(connection: BaseDatabaseWrapper) -> bool:
    """Whether this is Postgres through psycopg 3."""
    if not is_enabled or connection.vendor != "postgresql":
        return False
    from django.db.backends.postgresql.psycopg_any import is_psycopg3

    return is_psycopg3


def is_supported(using: str) -> bool:
    """Whether this connection takes the messages of the fast path, each of which is a transaction."""
    connection = connections[using]
    return speaks(connection) and not connection.in_atomic_block


def is_unobserved(connection: BaseDatabaseWrapper) -> bool:
    """Whether no transaction is open on it and nobody wants to see what is asked on it."""
    return _is_djangos_own(connection) and not (
        connection.in_atomic_block
        or connection.queries_logged
        or connection.execute_wrappers
        or not connection.get_autocommit()
    )


def _is_djangos_own(connection: BaseDatabaseWrapper) -> bool:
    return type(connection).__module__.startswith("django.")


def _prepare(connection: BaseDatabaseWrapper) -> None:
    """What making a cursor does before, in a tenth of the time."""
    if _is_djangos_own(connection):
        connection.close_if_health_check_failed()
        connection.ensure_connection()
    else:
        connection.cursor().close()  # it may do more, as that of django-tenants, which selects the schema


def run(parts: Sequence[Part], using: str) -> list[list[tuple[Any, ...]]]:
    """The rows of each statement that has any, all in one transaction."""
    return Exchange([(BEFORE, None), *parts], connections[using]).rows()


class Exchange:
    """Statements that were sent. Until their answer has been read the connection can do nothing else."""

    def __init__(self, parts: Sequence[Part], connection: BaseDatabaseWrapper) -> None:
        """Sends them. Raises Django's database errors."""
        _prepare(connection)
        self._wrapper = connection
        self._driver = connection.connection
        self._line = self._driver.pgconn
        self.sent_at = time.monotonic()
        self._results: list[Any] = []
        self._error: Exception | None = None
        self.is_over = False
        """Whether the whole answer has been read, or there will be none."""
        with connection.wrap_database_errors:
            statements = [bound(sql, values, self._line) for sql, values in parts]
            self._line.send_query(";".join(statements).encode())
            while self._line.flush():
                widen(self._line.socket)
                self._wait(select.POLLIN | select.POLLOUT)
                self._line.consume_input()

    def fileno(self) -> int:
        """Readable when more of the answer has come."""
        return int(self._line.socket)

    def is_answered(self) -> bool:
        """Whether `rows` would return, or raise, at once. Raises when the connection is gone."""
        if not self.is_over:
            try:
                self.is_over = self._has_all()
            except Exception as error:
                self.is_over, self._error = True, error
        if self._error is not None:
            raise self._error
        return self.is_over

    def _has_all(self) -> bool:
        with self._wrapper.wrap_database_errors:
            self._line.consume_input()
            while not self._line.is_busy():
                result = self._line.get_result()
                if result is None:
                    return True
                self._results.append(result)
        return False

    def is_answered_within(self, seconds: float) -> bool:
        """The same in so much time."""
        deadline = time.monotonic() + seconds
        while not self.is_over:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                break
            self._hear(left_s)
        return self.is_answered()

    def wait(self) -> None:
        """Until it is answered. Raises when the connection is gone."""
        while not self.is_over:
            self._hear()
        self.is_answered()

    def _hear(self, seconds: float | None = None) -> None:
        """Wait for more of the answer, if there is not enough of it here already, and read it."""
        if self._line.is_busy():
            self._wait(select.POLLIN, seconds)
        self.is_answered()

    def rows(self) -> list[list[tuple[Any, ...]]]:
        """The rows of each statement that has any; waits for them. Raises Django's database errors."""
        return [self._rows(result) for result in self._tables()]

    def numbers(self) -> list[int] | None:
        """The first row of the first statement that has any, of integers; None where it has none."""
        table = self._tables()[0]
        return [int(table.get_value(0, column)) for column in range(table.nfields)] if table.ntuples else None

    def _tables(self) -> list[Any]:
        """An interrupted wait, as by Ctrl-C, leaves a closed connection: Django opens another when needed."""
        try:
            self.wait()
        except BaseException:
            if not self.is_over:
                self._wrapper.close()
            raise
        with self._wrapper.wrap_database_errors:
            return [result for result in self._results if self._has_rows(result)]

    @property
    def counts(self) -> list[int]:
        """How many rows there are of each statement that has any; empty unless all have succeeded."""
        if not self.is_over or self._error is not None or any(map(self._has_failed, self._results)):
            return []
        return [int(result.ntuples) for result in self._tables()]

    def _wait(self, events: int, seconds: float | None = None) -> None:
        poll = select.poll()
        poll.register(self.fileno(), events)
        poll.poll(None if seconds is None else seconds * 1000)

    def _has_failed(self, result: Any) -> bool:
        return bool(result.status == FATAL_ERROR)

    def _has_rows(self, result: Any) -> bool:
        if result.status == FATAL_ERROR:
            from psycopg import errors

            raise errors.error_from_result(result)
        return bool(result.status == TUPLES_OK)

    def _rows(self, result: Any) -> list[tuple[Any, ...]]:
        from psycopg.adapt import Transformer

        transformer = Transformer(self._driver)
        transformer.set_pgresult(result)
        found: list[tuple[Any, ...]] = transformer.load_rows(0, result.ntuples, tuple)
        return found
