"""Many tasks at once: no worker takes more than it can use, none grows, and the order is kept."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import psutil
import pytest
import redis as redis_client
from django.db import connections

from django_task_worker import events
from django_task_worker.client import create_task
from django_task_worker.models import DatabaseTask
from tests.chaos.audit import TASKS
from tests.chaos.oracle import Oracle
from tests.databases import Database
from tests.processes import Process
from tests.servers import Redis
from tests.waiting import wait_until
from tests.worker.marks import on_postgres, on_sqlite
from tests.worker.outcomes import ended, enqueue

SLOTS = 4


FILL = f"""
INSERT INTO {TASKS} (id, name, args, kwargs, timeout, status, retry_count, created_at, updated_at)
SELECT substr(md5(i::text), 1, 22), 'app.tasks.sleep', '[0.05]', '{{}}', 300, 'PENDING', 0, now(), now()
FROM generate_series(1, %s) AS i
"""


@on_postgres
@pytest.mark.parametrize("count", [10_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_a_worker_holds_no_more_than_its_slots_however_much_waits(
    worker: Callable[..., Process], database: Database, count: int
) -> None:
    process = worker("--concurrency", SLOTS, "--poll", "50ms")
    for _ in range(20):
        assert ended(enqueue("sleep", 0.01)).status == "COMPLETED"
    before = psutil.Process(process.pid).memory_info().rss
    with connections[database.alias].cursor() as cursor:
        cursor.execute(FILL, [count])
    running = DatabaseTask.objects.filter(status="PROGRESS")
    done = DatabaseTask.objects.filter(status="COMPLETED")
    held = 0
    while done.count() < 150:
        held = max(held, running.count())
    assert 0 < held <= SLOTS
    assert psutil.Process(process.pid).memory_info().rss < before + 10_000_000
    assert process.stop() == 0


@on_postgres
def test_tasks_begin_in_their_order(worker: Callable[..., Process], oracle: Oracle) -> None:
    """Two workers: none is displaced by more than what may run at once."""
    stored = oracle.store(200, 0.03)
    workers = [worker("--concurrency", SLOTS, "--poll", "100ms", ready=False) for _ in range(2)]
    assert oracle.assert_holds().reruns == 0
    keys = [task.args[1] for task in stored]
    begun = [note.key for note in oracle.notes() if note.word == "start"]
    displaced = [abs(begun.index(key) - number) for number, key in enumerate(keys)]
    assert max(displaced) <= SLOTS * len(workers)
    assert [process.stop() for process in workers] == [0, 0]


@on_sqlite
def test_a_second_run_in_one_process_works_like_the_first(
    database: Database, start: Callable[..., Process], task_worker: dict[str, Any]
) -> None:
    process = start(sys.executable, "-m", "twice", TEST_DATABASE=database.url)
    assert process.wait() == 0
    assert [line for line in process.lines if line.startswith("code")] == ["code 0, COMPLETED"] * 2


@pytest.mark.parametrize("using", ["sqlite"], indirect=True)
def test_ten_thousand_events_take_one_connection(using: str, settings: Any, redis_server: Redis) -> None:
    settings.REDIS_URL = redis_server.url
    with redis_client.Redis.from_url(redis_server.url) as link:
        create_task("app.tasks.add", [1, 2])
        events.flush(5)
        before = len(link.client_list())
        for _ in range(200):
            for _ in range(50):
                events.announce([events.Event(event=events.EventName.TASK_CREATED, task_id="x")], using)
            events.flush(5)
        wait_until(lambda: link.info("stats")["total_commands_processed"] > 10_000)
        assert len(link.client_list()) <= before
