"""Values that are bound by us: the database must read what was meant, whatever the text tries."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DataError, connections
from django.test.utils import CaptureQueriesContext

from django_task_worker import lifecycle
from django_task_worker.lifecycle import postgresql
from django_task_worker.lifecycle.literals import array, bound
from tests.lifecycle.tasks import Tasks, draft

on_postgres = pytest.mark.parametrize("using", ["postgres"], indirect=True)
pytestmark = on_postgres
TEXTS = [
    "",
    "plain",
    "it's",
    "'; DROP TABLE x; --",
    "\\'; DROP TABLE x; --",
    'back\\slash "quoted"',
    "%s %(name)s %% %",
    "$1 $$ :name {0}",
    "zwölf 🧵 \u2028 \x1b[31m",
    "\\x41\\101\\u0041",
    "''\\''\\",
]
VALUES = [None, True, False, 0, -5, 10**12, 0.1, -1e-300, float("inf"), datetime(2026, 2, 3, 4, tzinfo=UTC)]


@pytest.fixture(params=["on", "off"])
def ask(tasks: Tasks, request: pytest.FixtureRequest) -> Iterator[Any]:
    """Asks Postgres with either reading of backslashes."""
    connection = connections[tasks.using]
    connection.ensure_connection()
    line = connection.connection.pgconn

    def ask(sql: str, values: Any) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(bound(sql, values, line).replace("%", "%%"), [])
            return cursor.fetchone()[0]

    with connection.cursor() as cursor:
        cursor.execute(f"SET standard_conforming_strings = {request.param}; SET escape_string_warning = off")
    yield ask
    connection.close()


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_arrives_as_it_is(ask: Any, text: str) -> None:
    assert ask("SELECT %s::text", [text]) == text
    assert ask("SELECT %(it)s::text", {"it": text}) == text
    assert ask("SELECT %s::text[]", [array([text, None, text])]) == [text, None, text]
    assert ask("SELECT %s::text[]", [[text]]) == [text]


@pytest.mark.parametrize("value", VALUES)
def test_other_values_arrive_as_they_are(ask: Any, value: Any) -> None:
    assert ask("SELECT %s", [value]) == value
    assert ask("SELECT 1-%s::int", [-2]) == 3


def test_what_postgres_cannot_store_is_refused_before_it_is_sent(tasks: Tasks) -> None:
    with pytest.raises(DataError, match="NUL"):
        lifecycle.enqueue(draft(name="app.tasks.a\0b"), tasks.using)
    assert not tasks.all.exists()
    tasks.add()


@pytest.mark.parametrize(("zone", "is_aware"), [(None, True), ("Asia/Tokyo", True), (None, False)])
def test_the_times_of_a_new_task_are_those_that_django_reads(
    tasks: Tasks, settings: Any, monkeypatch: pytest.MonkeyPatch, zone: str | None, is_aware: bool
) -> None:
    settings.USE_TZ, settings.TIME_ZONE = is_aware, "Europe/Berlin"
    connection = connections[tasks.using]
    monkeypatch.setitem(connection.settings_dict, "TIME_ZONE", zone)
    connection.close()
    for name in ("timezone", "timezone_name"):
        connection.__dict__.pop(name, None)
    try:
        task = lifecycle.enqueue(draft(run_after=timedelta(hours=1)), tasks.using)
        stored = tasks.row(task.id)
        assert (task.created_at, task.due_at) == (stored.created_at, stored.due_at)
        assert task.created_at.utcoffset() == stored.created_at.utcoffset()
    finally:
        connection.close()
        for name in ("timezone", "timezone_name"):
            connection.__dict__.pop(name, None)


def test_who_wants_to_see_the_insert_sees_it(tasks: Tasks) -> None:
    seen = []

    def look(execute: Any, sql: str, *rest: Any) -> Any:
        seen.append(sql)
        return execute(sql, *rest)

    with connections[tasks.using].execute_wrapper(look):
        tasks.add()
    with CaptureQueriesContext(connections[tasks.using]) as queries:
        tasks.add()
    assert "INSERT" in seen[0]
    assert "INSERT" in queries[0]["sql"]


def test_an_interrupted_insert_leaves_a_connection_that_works(tasks: Tasks) -> None:
    connection = connections[tasks.using]
    exchange = postgresql.Exchange([("SELECT pg_sleep(20)", None)], connection)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        with pytest.raises(KeyboardInterrupt):
            exchange.numbers()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert tasks.status(tasks.add()) == "PENDING"


def test_a_message_that_is_larger_than_any_buffer_arrives(tasks: Tasks) -> None:
    text = "x" * 30_000_000
    (rows,) = postgresql.run([("SELECT length(%s)", [text])], tasks.using)
    assert rows == [(len(text),)]


@pytest.mark.direct
def test_a_connection_that_was_cut_is_noticed_where_django_is_told_to_look(tasks: Tasks) -> None:
    """CONN_HEALTH_CHECKS: a new request opens a new connection after the database has restarted."""
    connection = connections[tasks.using]
    tasks.add()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    other.close()
    connection.health_check_enabled, connection.health_check_done = True, False  # as a new request does
    try:
        assert tasks.status(tasks.add()) == "PENDING"
    finally:
        connection.close()


def test_a_backend_that_prepares_its_cursors_is_asked_for_one(
    tasks: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """django-tenants selects the schema of the tenant there."""
    connection = connections[tasks.using]
    made: list[str] = []

    class Tenants(type(connection)):  # type: ignore[misc]
        def _cursor(self, name: str | None = None) -> Any:
            made.append("cursor")
            return super()._cursor(name)

    monkeypatch.setattr(connection, "__class__", Tenants)
    task_id = tasks.add()
    assert made
    made.clear()
    (claimed,) = tasks.claim()
    assert claimed.id == task_id
    assert made
