"""A task exists exactly when its caller's transaction commits, whatever else happens around that moment."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
import redis as redis_client
from django.core.handlers.base import BaseHandler
from django.db import connections, transaction
from django.test import RequestFactory

from django_task_worker.client import create_task
from django_task_worker.models import DatabaseTask
from tests.chaos.oracle import Oracle
from tests.databases import Database
from tests.processes import Process
from tests.servers import Redis
from tests.waiting import wait_until
from tests.worker.marks import on_postgres
from tests.worker.outcomes import ended, seconds_until

DIE_BETWEEN = """
import django; django.setup()
import os, signal
from django.db import transaction
from django_task_worker.client import create_task
with transaction.atomic():
    transaction.on_commit(lambda: os.kill(os.getpid(), signal.SIGKILL))
    create_task("app.tasks.add", [1, 2])
"""


@on_postgres
def test_a_task_runs_after_its_commit_and_never_before(
    worker: Callable[..., Process], database: Database, redis: Redis, oracle: Oracle
) -> None:
    """Though somebody wakes the workers all the time, for this task and for others."""
    process = worker("--concurrency", 2)
    with redis_client.Redis.from_url(redis.url) as link:
        with transaction.atomic(using=database.alias):
            (task,) = oracle.store()
            end = time.monotonic() + 1
            while time.monotonic() < end:
                for task_id in (task.id, "x" * 22, ""):
                    link.publish("task_wake", f'{{"v":1,"event":"task_created","task_id":"{task_id}"}}')
                time.sleep(0.01)
            assert not oracle.notes()
        assert seconds_until(lambda: oracle.words("end"), 10) < 2
        DatabaseTask.objects.filter(pk=ended(task).pk).delete()
        for _ in range(3):
            link.publish("task_wake", f'{{"v":1,"event":"task_created","task_id":"{task.id}"}}')
    oracle.store(3)
    assert oracle.assert_holds().reruns == 0
    assert process.stop() == 0


@on_postgres
def test_a_task_whose_caller_dies_after_the_commit_is_found_by_polling(
    worker: Callable[..., Process], database: Database, redis: Redis, start: Callable[..., Process]
) -> None:
    """It had no time to tell anybody."""
    process = worker()
    caller = start(sys.executable, "-c", DIE_BETWEEN, TEST_DATABASE=database.url, REDIS_URL=redis.url)
    assert caller.wait() == -9
    task = DatabaseTask.objects.get()
    assert seconds_until(lambda: DatabaseTask.objects.get(pk=task.pk).is_final, 10) < 2 + 1
    assert process.stop() == 0


def count(using: str) -> int:
    return DatabaseTask.objects.using(using).count()


def test_a_savepoint_that_is_rolled_back_takes_its_tasks_with_it(using: str) -> None:
    with transaction.atomic(using=using):
        kept = create_task("app.tasks.add", [1, 2])
        with transaction.atomic(using=using):
            create_task("app.tasks.add", [3, 4])
            transaction.set_rollback(True, using=using)
    assert [task.id for task in DatabaseTask.objects.using(using)] == [kept.id]


def test_a_request_that_fails_stores_no_task(using: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections[using].settings_dict, "ATOMIC_REQUESTS", True)

    def view(request: Any) -> None:
        create_task("app.tasks.add", [1, 2])
        raise LookupError

    with pytest.raises(LookupError):
        BaseHandler().make_view_atomic(view)(RequestFactory().get("/"))
    assert count(using) == 0


def test_manual_transactions_hold_a_task_back_too(using: str) -> None:
    """Django allows no callback after such a commit: nobody is told, and workers find it by polling."""
    for is_kept in (False, True):
        transaction.set_autocommit(False, using=using)
        try:
            create_task("app.tasks.add", [1, 2])
            (transaction.commit if is_kept else transaction.rollback)(using=using)
        finally:
            transaction.set_autocommit(True, using=using)
        assert count(using) == is_kept
    connections[using].close()
    wait_until(lambda: count(using) == 1)
