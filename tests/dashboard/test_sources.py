"""The threads of a live screen together: events and the database make up for each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connections, transaction

from django_task_worker.expressions import ago
from django_task_worker.models import DatabaseTask
from django_task_worker.snapshot import read
from django_task_worker.snapshot.rows import Snapshot
from taskctl.dashboard import reader
from taskctl.dashboard.messages import DATABASE, DOWN, OK, REDIS, Health
from taskctl.dashboard.sources import Live
from taskctl.listening import feed
from taskctl.listening.inbox import CAPACITY
from tests.databases import Database
from tests.events import event, publish
from tests.servers import Postgres, Proxy, Redis, Server
from tests.waiting import wait_until

SQLITE = pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
POSTGRES = pytest.mark.parametrize("kind", ["postgres"], indirect=True)
Watch = Callable[[float], "Watched"]


class Watched:
    """A source with all that it has brought."""

    def __init__(self, source: Live) -> None:
        self.source = source
        self.messages: list[object] = []

    def take(self) -> list[object]:
        self.messages += [told.message for told in self.source.take()]
        return self.messages

    @property
    def looks(self) -> list[Snapshot]:
        return [message for message in self.take() if isinstance(message, Snapshot)]

    def health(self, server: str) -> Health:
        """The last that was told."""
        told = [message for message in self.take() if isinstance(message, Health)]
        return next((health for health in reversed(told) if health.server == server), Health(server))

    def is_live(self) -> bool:
        return self.health(REDIS).state == OK

    def ended(self) -> set[str]:
        return {row.id for look in self.looks for row in look.finished}


@pytest.fixture
def watch(database: Database) -> Iterator[Watch]:
    sources: list[Live] = []

    def watch(interval_s: float) -> Watched:
        sources.append(Live(database.alias, interval_s))
        sources[-1].start()
        return Watched(sources[-1])

    yield watch
    for source in sources:
        source.stop()


def done(database: Database) -> str:
    columns = {"status": "COMPLETED", "started_at": ago(1), "finished_at": ago(0)}
    return str(DatabaseTask.objects.using(database.alias).create(name="app.tasks.add", **columns).pk)


@SQLITE
def test_when_events_begin_to_come_the_database_is_looked_at_once_more(watch: Watch, redis: Redis) -> None:
    watched = watch(3600)
    wait_until(lambda: watched.is_live() and len(watched.looks) == 2)


@SQLITE
def test_what_ended_while_redis_was_away_is_read_when_it_is_back(
    watch: Watch, database: Database, redis: Redis
) -> None:
    redis.stop()
    watched = watch(3600)
    wait_until(lambda: watched.looks)
    unheard = done(database)
    redis.start()
    watched.source.reconnect()
    wait_until(lambda: unheard in watched.ended())


@SQLITE
def test_what_ended_unheard_is_read_after_a_gap(watch: Watch, database: Database, redis: Redis) -> None:
    watched = watch(0.1)
    wait_until(lambda: watched.is_live() and len(watched.looks) > 3)
    assert not watched.looks[-1].finished
    publish(redis, event(1))
    unheard = done(database)
    publish(redis, event(90))
    wait_until(lambda: unheard in watched.ended())


@SQLITE
def test_events_that_come_too_fast_are_followed_by_a_look(
    watch: Watch, database: Database, redis: Redis
) -> None:
    watched = watch(3600)
    wait_until(lambda: watched.is_live() and len(watched.looks) == 2)
    unheard = done(database)
    watched.source.inbox.put_events([None] * (CAPACITY + 1), 0)  # type: ignore[list-item]
    wait_until(lambda: unheard in watched.ended())


@SQLITE
def test_redis_that_falls_silent_is_noticed(
    watch: Watch,
    database: Database,
    redis: Redis,
    proxy: Callable[[Server], Proxy],
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feed, "PING_EVERY_S", 0.1)
    monkeypatch.setattr(feed, "SILENCE_S", 0.4)
    line = proxy(redis)
    settings.REDIS_URL = f"redis://127.0.0.1:{line.port}/0"
    watched = watch(3600)
    wait_until(watched.is_live)
    line.silence()
    wait_until(lambda: watched.health(REDIS).state == DOWN)
    assert watched.health(REDIS).reason == "no answer to PING"
    line.pass_on()
    watched.source.reconnect()
    wait_until(watched.is_live)


@POSTGRES
def test_a_statement_that_takes_too_long_is_cut_off(
    watch: Watch, database: Database, postgres_server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "PATIENCE_S", 0.3)
    watched = watch(0.1)
    # The first look is followed by the history, whose cursor psycopg cannot close on a line that is cut off.
    wait_until(lambda: len(watched.looks) > 1)
    postgres_server.freeze()
    wait_until(lambda: watched.health(DATABASE).state == DOWN)
    assert watched.messages
    postgres_server.thaw()
    wait_until(lambda: watched.health(DATABASE).state == OK)


@POSTGRES
def test_a_table_that_is_locked_is_a_database_that_does_not_answer(
    watch: Watch, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read, "STATEMENT_S", 0.2)
    watched = watch(0.1)
    wait_until(lambda: watched.looks)
    with transaction.atomic(using=database.alias), connections[database.alias].cursor() as cursor:
        cursor.execute("LOCK TABLE django_task_worker_databasetask IN ACCESS EXCLUSIVE MODE")
        wait_until(lambda: watched.health(DATABASE).state == DOWN)
        assert watched.health(DATABASE).reason.startswith("a statement took too long, ")
    watched.source.reconnect()
    wait_until(lambda: watched.health(DATABASE).state == OK)
