"""The threads of a live screen together: events and the database make up for each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from django_task_worker.expressions import ago
from django_task_worker.models import DatabaseTask
from django_task_worker.snapshot.rows import Snapshot
from taskctl.dashboard.messages import OK, REDIS, Health
from taskctl.dashboard.sources import Live
from taskctl.listening.inbox import CAPACITY
from tests.databases import Database
from tests.events import event, publish
from tests.servers import Redis
from tests.waiting import wait_until

pytestmark = pytest.mark.parametrize("kind", ["sqlite"], indirect=True)


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

    def is_live(self) -> bool:
        health = [message for message in self.take() if isinstance(message, Health)]
        return any(message.server == REDIS and message.state == OK for message in health)

    def ended(self) -> set[str]:
        return {row.id for look in self.looks for row in look.finished}


@pytest.fixture
def watch(database: Database) -> Iterator[Callable[[float], Watched]]:
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


def test_when_events_begin_to_come_the_database_is_looked_at_once_more(
    watch: Callable[[float], Watched], redis: Redis
) -> None:
    watched = watch(3600)
    wait_until(lambda: watched.is_live() and len(watched.looks) == 2)


def test_what_ended_while_redis_was_away_is_read_when_it_is_back(
    watch: Callable[[float], Watched], database: Database, redis: Redis
) -> None:
    redis.stop()
    watched = watch(3600)
    wait_until(lambda: watched.looks)
    unheard = done(database)
    redis.start()
    watched.source.reconnect()
    wait_until(lambda: unheard in watched.ended())


def test_what_ended_unheard_is_read_after_a_gap(
    watch: Callable[[float], Watched], database: Database, redis: Redis
) -> None:
    watched = watch(0.1)
    wait_until(lambda: watched.is_live() and len(watched.looks) > 3)
    assert not watched.looks[-1].finished
    publish(redis, event(1))
    unheard = done(database)
    publish(redis, event(90))
    wait_until(lambda: unheard in watched.ended())


def test_events_that_come_too_fast_are_followed_by_a_look(
    watch: Callable[[float], Watched], database: Database, redis: Redis
) -> None:
    watched = watch(3600)
    wait_until(lambda: watched.is_live() and len(watched.looks) == 2)
    unheard = done(database)
    watched.source.inbox.put_events([None] * (CAPACITY + 1), 0)  # type: ignore[list-item]
    wait_until(lambda: unheard in watched.ended())
