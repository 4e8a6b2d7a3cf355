"""What the fast path speaks to Postgres in: several statements in one message, which are one transaction.

It is the simple protocol with the parameters bound here, so that PgBouncer in transaction mode will do.
The answer need not be waited for: see `Exchange`.
"""

from __future__ import annotations

import select
import time
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connections

from django_task_worker.models import DatabaseTask

TASKS = DatabaseTask._meta.db_table
NOW = "statement_timestamp()"
BEFORE = "SET LOCAL statement_timeout = 5000; SET LOCAL jit = off"
"""The server ends what takes too long; none of our statements is worth being compiled."""

is_enabled = True
"""False makes Postgres take the portable path too, which tests use."""

Part = tuple[str, Any]
"""A statement and its parameters."""


def speaks(using: str) -> bool:
    """Whether this is Postgres through psycopg 3."""
    if not is_enabled or connections[using].vendor != "postgresql":
        return False
    from django.db.backends.postgresql.psycopg_any import is_psycopg3

    return is_psycopg3


def is_supported(using: str) -> bool:
    """Whether this connection takes the messages of the fast path, each of which is a transaction."""
    return speaks(using) and not connections[using].in_atomic_block


def run(parts: Sequence[Part], using: str) -> list[list[tuple[Any, ...]]]:
    """The rows of each statement that has any, all in one transaction."""
    return Exchange(parts, using).rows()


class Exchange:
    """Statements that were sent. Until their answer has been read the connection can do nothing else."""

    def __init__(self, parts: Sequence[Part], using: str) -> None:
        """Sends them. Raises Django's database errors."""
        self._wrapper = connections[using]
        self.sent_at = time.monotonic()
        self._results: list[Any] = []
        self._error: Exception | None = None
        self.is_over = False
        """Whether the whole answer has been read, or there will be none."""
        with self._wrapper.cursor() as cursor, self._wrapper.wrap_database_errors:
            texts = [sql if values is None else cursor.mogrify(sql, values) for sql, values in parts]
            self._driver = self._wrapper.connection
            self._line = self._driver.pgconn
            self._line.send_query(";".join((BEFORE, *texts)).encode())
            while self._line.flush():
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

    def wait(self) -> None:
        """Until it is answered. Raises when the connection is gone."""
        while not self.is_answered():
            self._wait(select.POLLIN)

    def rows(self) -> list[list[tuple[Any, ...]]]:
        """The rows of each statement that has any; waits for them. Raises Django's database errors."""
        self.wait()
        with self._wrapper.wrap_database_errors:
            return [self._rows(result) for result in self._results if self._has_rows(result)]

    @property
    def counts(self) -> list[int]:
        """How many rows there are of each statement that has any; empty unless all have succeeded."""
        if not self.is_over or self._error is not None or any(map(self._has_failed, self._results)):
            return []
        return [int(result.ntuples) for result in self._results if self._has_rows(result)]

    def _wait(self, events: int) -> None:
        poll = select.poll()
        poll.register(self.fileno(), events)
        poll.poll()

    def _has_failed(self, result: Any) -> bool:
        from psycopg import pq

        return bool(result.status == pq.ExecStatus.FATAL_ERROR)

    def _has_rows(self, result: Any) -> bool:
        from psycopg import errors, pq

        if self._has_failed(result):
            raise errors.error_from_result(result)
        return bool(result.status == pq.ExecStatus.TUPLES_OK)

    def _rows(self, result: Any) -> list[tuple[Any, ...]]:
        from psycopg.adapt import Transformer

        transformer = Transformer(self._driver)
        transformer.set_pgresult(result)
        found: list[tuple[Any, ...]] = transformer.load_rows(0, result.ntuples, tuple)
        return found


def array(texts: Iterable[str | None]) -> str:
    """A Postgres array literal. A driver that is handed a list takes five times as long."""
    return "{" + ",".join(["NULL" if text is None else _quoted(text) for text in texts]) + "}"


def numbers(found: Iterable[float | None]) -> str:
    """The same for numbers, which need no quotes."""
    return "{" + ",".join(["NULL" if number is None else repr(number) for number in found]) + "}"


def _quoted(text: str) -> str:
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
