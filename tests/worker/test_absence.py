"""What the supervisor takes for a database that is away, and for one that is back."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from django.db import OperationalError, connections

from django_task_worker.worker.database import FAILED
from django_task_worker.worker.database import Database as Dealings
from django_task_worker.worker.watch import Watch
from tests.databases import Database
from tests.waiting import wait_until
from tests.worker.marks import on_sqlite

pytestmark = on_sqlite


@pytest.fixture
def dealings(database: Database) -> Iterator[Dealings]:
    watch = Watch(lambda seconds: None)
    yield Dealings(database.alias, watch)
    watch.close()
    connections[database.alias].close()
    del connections[database.alias]


def refuse() -> None:
    raise OperationalError("connection refused")


def test_what_asks_the_database_nothing_does_not_bring_it_back(
    dealings: Dealings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "django_task_worker.worker")
    assert dealings.run("claim tasks", refuse) is FAILED
    away_at = time.monotonic()
    wait_until(lambda: not dealings.is_away)
    assert dealings.run("write nothing", lambda: None) is None
    assert dealings.ok_at < away_at
    assert "the database answers again" not in caplog.messages
    dealings.run("ask", connections[dealings.using].ensure_connection)
    assert dealings.ok_at > away_at
    assert caplog.messages[-1] == "the database answers again"
