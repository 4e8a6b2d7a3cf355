"""The floor: what a bare psycopg loop does on a bare table that keeps the same facts."""

from __future__ import annotations

import secrets
import time
from typing import Any

import psycopg

from benchmarks.servers import DurablePostgres

TABLE = """
CREATE TABLE bare (
    id text PRIMARY KEY, name text NOT NULL, args jsonb NOT NULL, status text NOT NULL,
    due_at timestamptz NOT NULL, started_at timestamptz, finished_at timestamptz, result text
);
CREATE INDEX bare_pending ON bare (due_at) WHERE status = 'PENDING'
"""
INSERT = "INSERT INTO bare (id, name, args, status, due_at) VALUES (%s, %s, %s::jsonb, 'PENDING', now())"
CLAIM = """
UPDATE bare SET status = 'RUNNING', started_at = now()
WHERE id = ANY (ARRAY (
    SELECT id FROM bare WHERE status = 'PENDING' ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED))
RETURNING id, args::text
"""
FINISH = """
UPDATE bare SET status = 'COMPLETED', finished_at = now(), result = done.result
FROM unnest(%s::text[], %s::text[]) AS done (id, result)
WHERE bare.id = done.id AND bare.status = 'RUNNING'
"""


class Floor:
    """A database with the bare table."""

    def __init__(self, server: DurablePostgres) -> None:
        url = server.create("bare")
        self._connection: psycopg.Connection[Any] = psycopg.connect(url, autocommit=True)
        self._connection.execute(TABLE.encode())

    def single(self, count: int) -> float:
        """INSERT and commit, one row at a time, a second."""
        self._empty()
        rows = [(_id(), "app.tasks.add", "[1,2]") for _ in range(count)]
        began = time.perf_counter()
        for row in rows:
            self._connection.execute(INSERT, row)
        return count / (time.perf_counter() - began)

    def bulk(self, count: int, batch: int = 500) -> float:
        """Multi-row INSERTs, rows a second."""
        self._empty()
        rows = [(_id(), "app.tasks.add", "[1,2]") for _ in range(count)]
        head, values = INSERT.split("VALUES")
        began = time.perf_counter()
        for start in range(0, count, batch):
            part = rows[start : start + batch]
            statement = f"{head} VALUES {', '.join([values] * len(part))}"
            self._connection.execute(statement.encode(), [value for row in part for value in row])
        return count / (time.perf_counter() - began)

    def fill(self, count: int, text: str = "") -> None:
        """Tasks to claim."""
        self._empty()
        args = f'["{text}"]' if text else "[1,2]"
        copy = "COPY bare (id, name, args, status, due_at) FROM STDIN"
        with self._connection.cursor().copy(copy) as rows:
            for _ in range(count):
                rows.write_row((_id(), "app.tasks.add", args, "PENDING", "now"))

    def drain(self, count: int, batch: int = 100, text: str = "3") -> float:
        """Claim and complete in batches, a commit each, tasks a second."""
        done = 0
        began = time.perf_counter()
        while done < count:
            claimed = self._connection.execute(CLAIM, (batch,)).fetchall()
            ids = [task_id for task_id, _ in claimed]
            self._connection.execute(FINISH, (ids, [text] * len(ids)))
            done += len(ids)
        return count / (time.perf_counter() - began)

    def _empty(self) -> None:
        self._connection.execute("TRUNCATE bare")
        self._connection.execute("CHECKPOINT")


def _id() -> str:
    return secrets.token_urlsafe(16)
