"""A database that is known by a name: asking where it is takes a supervisor no longer than connecting."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections

from django_task_worker.worker import connection as worker_connection
from django_task_worker.worker.database import Database as Dealings
from django_task_worker.worker.database import Failed
from django_task_worker.worker.watch import Watch
from tests.databases import Database

pytestmark = pytest.mark.parametrize(
    "kind", ["postgres", pytest.param("mariadb", marks=pytest.mark.mariadb)], indirect=True
)


class Resolver:
    """Counts questions; answers with these addresses, or not at all."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.asked = 0

    def __call__(self, host: str, port: int, timeout_s: float) -> list[tuple[Any, ...]]:
        assert (host, timeout_s) == ("db.invalid", worker_connection.CONNECT_S)
        self.asked += 1
        if not self.addresses:
            raise TimeoutError("no address of db.invalid within 2 s")
        return [(address, port) for address in self.addresses]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch, database: Database) -> Resolver:
    resolver = Resolver("127.0.0.1")
    monkeypatch.setattr(worker_connection, "by_process", resolver)
    monkeypatch.setitem(connections.settings[database.alias], "HOST", "db.invalid")
    return resolver


@pytest.fixture
def dealings(database: Database, resolver: Resolver) -> Iterator[Dealings]:
    watch = Watch(lambda waited_s: None)
    dealings = Dealings(database.alias, watch)
    yield dealings
    dealings.close()
    watch.close()
    del connections[database.alias]


def ask(dealings: Dealings) -> Any:
    def action() -> Any:
        with connections[dealings.using].cursor() as cursor:
            cursor.execute("SELECT 1")
            return cursor.fetchone()

    dealings.retry_at = 0.0
    return dealings.run("ask", action)


def test_a_name_is_asked_for_once_and_again_after_a_failure(dealings: Dealings, resolver: Resolver) -> None:
    assert [ask(dealings), ask(dealings)] == [(1,), (1,)]
    dealings.close()
    assert ask(dealings) == (1,)
    assert resolver.asked == 1
    dealings.cut()
    assert isinstance(ask(dealings), Failed)
    assert ask(dealings) == (1,)
    assert resolver.asked == 2


def test_while_nobody_answers_the_database_is_away(
    dealings: Dealings, resolver: Resolver, caplog: pytest.LogCaptureFixture
) -> None:
    resolver.addresses = ()
    assert isinstance(ask(dealings), Failed)
    assert "no address of db.invalid" in caplog.text
    resolver.addresses = ("127.0.0.1",)
    assert ask(dealings) == (1,)


def test_each_of_several_addresses_is_tried(dealings: Dealings, resolver: Resolver, kind: str) -> None:
    """All by Postgres's driver at once; by MariaDB's one after the other, round and round."""
    resolver.addresses = ("127.0.0.9", "127.0.0.1")
    if kind == "mariadb":
        assert isinstance(ask(dealings), Failed)
    assert ask(dealings) == (1,)
    dealings.cut()
    assert isinstance(ask(dealings), Failed)
    if kind == "mariadb":
        assert isinstance(ask(dealings), Failed)
    assert ask(dealings) == (1,)
