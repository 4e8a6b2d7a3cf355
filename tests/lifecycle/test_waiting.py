"""Waiting for a task: the row decides, whatever arrives or does not arrive from elsewhere."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from django_task_worker import client
from django_task_worker.models import DatabaseTask
from django_task_worker.states import Kind
from tests.lifecycle.tasks import FINAL, RUNNING, WAITING, Tasks
from tests.waiting import wait_until


@pytest.mark.parametrize("state", FINAL)
def test_a_task_that_has_ended_is_returned_at_once(tasks: Tasks, state: str) -> None:
    task_id = tasks.in_state(state)
    begun = time.monotonic()
    task = client.wait_for_completion(task_id, timeout=30, using=tasks.using)

    assert task is not None
    assert (task.pk, task.status) == (task_id, state.upper())
    assert time.monotonic() - begun < 0.5


@pytest.mark.parametrize("state", [*WAITING, *RUNNING])
def test_a_task_that_has_not_ended_is_none_when_the_time_is_over(tasks: Tasks, state: str) -> None:
    task_id = tasks.in_state(state)

    assert client.wait_for_completion(task_id, timeout=0.05, using=tasks.using) is None


def test_a_task_that_never_existed_raises(tasks: Tasks) -> None:
    with pytest.raises(DatabaseTask.DoesNotExist):
        client.wait_for_completion("unknown", timeout=5, using=tasks.using)


def in_a_moment(tasks: Tasks, change: object) -> threading.Thread:
    """Carries out the change in another thread, with a connection of its own."""

    def run() -> None:
        time.sleep(0.1)
        try:
            change()  # type: ignore[operator]
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_a_task_that_ends_meanwhile_is_returned(tasks: Tasks) -> None:
    running = tasks.running()
    thread = in_a_moment(tasks, lambda: tasks.settle(running, Kind.FAILED))
    task = client.wait_for_completion(running.id, timeout=20, using=tasks.using)
    thread.join()

    assert task is not None
    assert (task.status, task.error) == ("FAILED", "no luck")


def test_a_task_that_is_deleted_meanwhile_raises(tasks: Tasks) -> None:
    task_id = tasks.add()
    thread = in_a_moment(tasks, lambda: tasks.all.filter(pk=task_id).delete())
    with pytest.raises(DatabaseTask.DoesNotExist):
        client.wait_for_completion(task_id, timeout=20, using=tasks.using)
    thread.join()


def test_a_retry_is_not_the_end(tasks: Tasks) -> None:
    running = tasks.running(max_retries=1)

    def fail_then_succeed() -> None:
        tasks.settle(running, Kind.FAILED)
        tasks.make_due(running.id)
        tasks.settle(tasks.take())

    thread = in_a_moment(tasks, fail_then_succeed)
    task = client.wait_for_completion(running.id, timeout=20, using=tasks.using)
    thread.join()

    assert task is not None
    assert task.status == "COMPLETED"


def test_async_code_creates_and_waits_too(tasks: Tasks) -> None:
    async def both() -> DatabaseTask | None:
        task = await client.acreate_task("app.tasks.add", [1, 2], using=tasks.using)
        await sync_to_async(client.cancel)(task.pk, using=tasks.using)
        try:
            return await client.await_for_completion(task.pk, timeout=20, using=tasks.using)
        finally:
            await sync_to_async(connections.close_all)()

    task = asyncio.run(both())
    assert task is not None
    assert task.status == "CANCELLED"


def test_any_number_waits_at_once(tasks: Tasks) -> None:
    """On a machine with few processors too, whose event loops have few threads to spare."""

    async def last_of_many() -> DatabaseTask | None:
        waits = [asyncio.ensure_future(wait(task_id)) for task_id in [*unfinished, done]]
        found = await asyncio.wait_for(waits[-1], 10)
        for other in waits:
            other.cancel()
        return found

    async def wait(task_id: str) -> DatabaseTask | None:
        return await client.await_for_completion(task_id, timeout=60, using=tasks.using)

    done = tasks.in_state("completed")
    unfinished = [tasks.add() for _ in range(40)]
    found = asyncio.run(last_of_many())
    assert found is not None
    assert found.pk == done
    wait_until(lambda: not waiting_threads(), 10, what=waiting_threads)


def test_the_time_begins_with_the_call(tasks: Tasks) -> None:
    async def wait_for_all() -> list[DatabaseTask | None]:
        waits = [client.await_for_completion(task_id, timeout=1, using=tasks.using) for task_id in unfinished]
        return await asyncio.wait_for(asyncio.gather(*waits), 10)

    unfinished = [tasks.add() for _ in range(40)]
    assert asyncio.run(wait_for_all()) == [None] * 40


def waiting_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("await_for_completion")]
