"""The fixtures themselves: what tests/conftest.py promises to the writers of tests."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable

import pytest
from django.db import connection, connections, transaction

from django_task_worker.models import DatabaseTask
from tests.databases import Database
from tests.processes import Process
from tests.servers import HOST, TO_CLIENT, MariaDB, PgBouncer, Postgres, Proxy, Redis, Server
from tests.waiting import wait_until


def test_an_alias_starts_empty(using: str) -> None:
    assert DatabaseTask.objects.using(using).count() == 0
    DatabaseTask.objects.create(name="app.tasks.add")
    assert DatabaseTask.objects.using(using).count() == 1


def test_a_row_of_another_test_is_gone(using: str) -> None:
    assert not DatabaseTask.objects.exists()


def test_two_threads_have_two_connections(using: str) -> None:
    seen = []

    def look() -> None:
        seen.append(DatabaseTask.objects.using(using).count())
        connections.close_all()

    with transaction.atomic(using=using):
        DatabaseTask.objects.create(name="app.tasks.add")
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    assert seen == [0]


def test_code_that_forgets_its_database_is_told(using: str) -> None:
    with pytest.raises(Exception, match="DATABASES is improperly configured"):
        connection.cursor()


def test_a_database_is_fresh_and_current(database: Database) -> None:
    assert DatabaseTask.objects.count() == 0
    DatabaseTask.objects.create(name="app.tasks.add", args=[1, 2])
    assert DatabaseTask.objects.using(database.alias).get().args == [1, 2]


def test_a_database_without_tables(unmigrated: Database) -> None:
    assert connections[unmigrated.alias].introspection.table_names() == []


def test_postgres_comes_back_after_a_kill(postgres_server: Postgres) -> None:
    postgres_server.kill()
    assert not postgres_server.running
    assert not postgres_server.answers()
    postgres_server.start()
    assert postgres_server.answers()


def test_mariadb_comes_back_after_a_kill(mariadb_server: MariaDB) -> None:
    mariadb_server.kill()
    mariadb_server.start()
    assert mariadb_server.execute("SELECT 1") == [(1,)]


def test_redis_keeps_nothing(redis: Redis) -> None:
    assert redis.ask("SET", "a", "1") == "+OK"
    redis.restart()
    assert redis.ask("GET", "a") == "$-1"


def test_pgbouncer_serves_postgres(pgbouncer_server: PgBouncer) -> None:
    import psycopg

    with psycopg.connect(f"{pgbouncer_server.url}/postgres", prepare_threshold=None) as link:
        assert link.execute("SELECT 1").fetchone() == (1,)


def test_a_proxy_breaks_the_line_and_mends_it(redis: Redis, proxy: Callable[[Server], Proxy]) -> None:
    line = proxy(redis)
    with socket.create_connection((HOST, line.port), timeout=5) as connection:
        connection.sendall(b"PING\r\n")
        assert connection.recv(100) == b"+PONG\r\n"
        line.silence(TO_CLIENT)
        connection.sendall(b"PING\r\n")
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            connection.recv(100)
        line.pass_on()
        connection.settimeout(5)
        assert connection.recv(100) == b"+PONG\r\n"
        line.cut()
        with pytest.raises(ConnectionResetError):
            connection.recv(100)
    line.refuse()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, line.port), timeout=5)
    line.pass_on()
    socket.create_connection((HOST, line.port), timeout=5).close()
    wait_until(lambda: line.connections == 0, 5)


def test_a_server_that_a_test_broke_is_repaired(postgres_server: Postgres) -> None:
    postgres_server.freeze()


def test_the_next_test_finds_it_running(postgres_server: Postgres) -> None:
    assert postgres_server.answers()


def test_the_environment_of_subprocesses_is_plain(environment: dict[str, str]) -> None:
    assert "REDIS_URL" not in environment
    assert environment["HOME"] != os.environ.get("HOME")


def test_processes_hear_signals_even_if_pytest_was_started_in_the_background(
    start: Callable[..., Process],
) -> None:
    process = start("sleep", 60)
    assert process.stop(signal.SIGINT) == -signal.SIGINT
