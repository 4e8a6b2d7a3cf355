"""The servers of a run, on loopback ports and in folders of their own. Postgres is durable."""

from __future__ import annotations

import socket
from typing import Any

import psycopg

from tests.servers import HOST, Postgres
from tests.servers import Redis as TestRedis


class Redis(TestRedis):
    """Redis that counts."""

    def keys(self, database: int) -> int:
        """How many keys there are in one of its databases."""
        with socket.create_connection((HOST, self.port), timeout=5) as connection:
            connection.sendall(f"SELECT {database}\r\nDBSIZE\r\n".encode())
            with connection.makefile("rb") as answer:
                answer.readline()
                return int(answer.readline()[1:])


class DurablePostgres(Postgres):
    """Postgres as a careful operator runs it: a commit is on the disk when it returns."""

    settings: tuple[str, ...] = (
        "fsync=on",
        "synchronous_commit=on",
        "full_page_writes=on",
        "shared_buffers=256MB",
        "max_connections=300",
        "log_min_messages=warning",
    )

    def connect(self, database: str) -> psycopg.Connection[Any]:
        """A connection for bare loops and for looking on."""
        return psycopg.connect(f"{self.url}/{database}", autocommit=True)

    def create(self, name: str, template: str = "template1") -> str:
        """A new database; its URL."""
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return f"{self.url}/{name}"


class CountingPostgres(DurablePostgres):
    """The same, and it counts statements."""

    settings = (*DurablePostgres.settings, "shared_preload_libraries=pg_stat_statements")
