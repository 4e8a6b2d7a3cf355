"""Every task runs exactly once, however many workers there are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from django_task_worker.client import create_tasks
from django_task_worker.models import DatabaseTask
from tests.processes import Process
from tests.servers import Redis
from tests.waiting import wait_until
from tests.worker.outcomes import all_ended, ends, journal_tasks, starts

COUNT = 10_000


@pytest.fixture
def keys() -> list[str]:
    return [f"k{number}" for number in range(COUNT)]


def assert_each_ran_once(keys: list[str], journal: Path) -> None:
    assert all_ended(90) == {"COMPLETED": len(keys)}
    assert starts(journal) == ends(journal) == dict.fromkeys(keys, 1)
    assert not DatabaseTask.objects.exclude(lease=None).exists()
    assert set(DatabaseTask.objects.values_list("retry_count", flat=True)) == {0}


def test_three_workers_run_each_task_once(
    worker: Callable[..., Process], keys: list[str], journal: Path
) -> None:
    create_tasks(journal_tasks(journal, keys))
    workers = [worker("--concurrency", 4, ready=False) for _ in range(3)]
    assert_each_ran_once(keys, journal)
    names = set(DatabaseTask.objects.values_list("worker", flat=True))
    assert len(names) > 1, "one worker did it all"
    assert [process.stop() for process in workers] == [0, 0, 0]


def test_three_workers_run_each_task_once_while_redis_stops(
    worker: Callable[..., Process], redis: Redis, keys: list[str], journal: Path
) -> None:
    workers = [worker("--concurrency", 4) for _ in range(3)]
    create_tasks(journal_tasks(journal, keys))
    wait_until(lambda: len(ends(journal)) > len(keys) // 10, 30)
    redis.kill()
    assert len(ends(journal)) < len(keys), "too quick: Redis was not stopped halfway"
    assert_each_ran_once(keys, journal)
    assert [process.stop() for process in workers] == [0, 0, 0]
