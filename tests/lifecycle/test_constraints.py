"""What the database itself refuses, whoever writes."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, IntegrityError

from django_task_worker.expressions import DatabaseNow
from django_task_worker.ids import digest
from tests.lifecycle.tasks import FINAL, STATES, Tasks

NOT_RUNNING = [state for state in STATES if state not in ("running", "cancelling")]


@pytest.mark.parametrize("status", ["SUCCESS", "DONE", "PENDING2", ""])
def test_a_status_that_does_not_exist_is_refused(tasks: Tasks, status: str) -> None:
    task_id = tasks.add()
    with pytest.raises(IntegrityError):
        tasks.put(task_id, status=status)
    assert tasks.status(task_id) == "PENDING"


@pytest.mark.parametrize("state", NOT_RUNNING)
def test_only_a_running_task_may_hold_a_lease(tasks: Tasks, state: str) -> None:
    task_id = tasks.in_state(state)
    with pytest.raises(IntegrityError):
        tasks.put(task_id, lease="somebody")
    with pytest.raises(IntegrityError):
        tasks.put(task_id, lease_expires_at=DatabaseNow())


@pytest.mark.parametrize("state", ["pending", "running"])
def test_an_unfinished_task_has_no_end(tasks: Tasks, state: str) -> None:
    task_id = tasks.in_state(state)
    with pytest.raises(IntegrityError):
        tasks.put(task_id, finished_at=DatabaseNow())


@pytest.mark.parametrize("priority", [-101, 101])
def test_a_priority_out_of_range_is_refused(tasks: Tasks, priority: int) -> None:
    with pytest.raises(IntegrityError):
        tasks.add(priority=priority)


def test_a_negative_number_of_retries_is_refused(tasks: Tasks) -> None:
    task_id = tasks.add()
    with pytest.raises(DatabaseError):
        tasks.put(task_id, retry_count=-1)


def test_two_unfinished_tasks_cannot_hold_one_key(tasks: Tasks) -> None:
    tasks.add(unique_key="order-1")
    other = tasks.add()
    with pytest.raises(IntegrityError):
        tasks.put(other, unique_active=digest("order-1"))


@pytest.mark.parametrize("state", FINAL)
def test_every_final_state_is_accepted_as_the_lifecycle_writes_it(tasks: Tasks, state: str) -> None:
    task = tasks.row(tasks.in_state(state))
    assert task.is_final
    assert task.finished_at is not None
    assert (task.lease, task.lease_expires_at, task.unique_active) == (None, None, None)
