"""The stack of a running task, on request, without disturbing it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from django_task_worker import stack
from django_task_worker.client import create_task
from django_task_worker.models import DatabaseTask
from tests.processes import Process
from tests.servers import Redis
from tests.worker.marks import on_postgres
from tests.worker.outcomes import ended, enqueue, row, running


@on_postgres
@pytest.mark.parametrize("function", ["sleep", "sleep_in_c", "spin"])
def test_with_redis_it_comes_within_two_seconds(
    redis: Redis, worker: Callable[..., Process], function: str
) -> None:
    worker("--concurrency", 2)
    other = running(enqueue("sleep", 20))
    task = running(enqueue(function, 3))
    began = time.monotonic()
    text = stack.wait(stack.request(task.pk))
    assert time.monotonic() - began < 2
    assert text is not None
    assert f"in {function}" in text
    assert "app/tasks.py" in text
    assert "django_task_worker" not in text
    assert ended(task).status == "COMPLETED"
    assert row(other).status == "PROGRESS"


@on_postgres
def test_without_redis_it_comes_with_the_next_look_of_the_worker(worker: Callable[..., Process]) -> None:
    worker("--concurrency", 1)
    task = running(enqueue("sleep", 30))
    first, second = stack.request(task.pk), stack.request(task.pk)
    for request in (first, second):
        assert "in sleep" in (stack.wait(request, 15) or "")


@on_postgres
def test_there_is_none_of_a_task_that_ends_before(worker: Callable[..., Process]) -> None:
    worker("--concurrency", 2)
    other = running(enqueue("sleep", 30))
    assert stack.wait(stack.request(other.pk))  # the next look is ten seconds away
    task = running(enqueue("sleep", 2))
    assert stack.wait(stack.request(task.pk), 10) is None
    assert ended(task).status == "COMPLETED"


@on_postgres
def test_only_running_tasks_have_one(database: Any) -> None:
    task = create_task("app.tasks.sleep", [1], check=False)
    with pytest.raises(stack.NotRunning) as caught:
        stack.request(task.pk)
    assert caught.value.status == "PENDING"
    with pytest.raises(DatabaseTask.DoesNotExist):
        stack.request("nobody")
