"""Rows that version 0.0.7, or anybody else, writes with only the old columns."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connections

from django_task_worker import lifecycle
from django_task_worker.ids import new_id
from django_task_worker.models import DatabaseTask
from django_task_worker.states import Kind, Transition
from tests.lifecycle.tasks import Tasks

OLD_COLUMNS = (
    "id, name, args, kwargs, timeout, status, result, error, retry_count, created_at, updated_at, "
    "started_at, finished_at, duration, next_attempt_at"
)


def insert(tasks: Tasks, **values: Any) -> str:
    """An INSERT as the code of 0.0.7 sends it."""
    connection = connections[tasks.using]
    now = connection.ops.adapt_datetimefield_value(tasks.now())
    row: dict[str, Any] = {
        "id": new_id(),
        "name": "app.tasks.add",
        "args": "[1, 2]",
        "kwargs": "{}",
        "timeout": 300,
        "status": "PENDING",
        "retry_count": 0,
        "created_at": now,
        "updated_at": now,
        **values,
    }
    columns = OLD_COLUMNS.split(", ")
    marks = ", ".join(["%s"] * len(columns))
    with connection.cursor() as cursor:
        sql = f"INSERT INTO {DatabaseTask._meta.db_table} ({OLD_COLUMNS}) VALUES ({marks})"
        cursor.execute(sql, [row.get(column) for column in columns])
    return str(row["id"])


def test_an_old_pending_row_is_due_at_once_and_runs(tasks: Tasks) -> None:
    before = tasks.now()
    task_id = insert(tasks)
    row = tasks.row(task_id)

    assert (row.queue, row.priority, row.deferrals, row.max_retries) == ("default", 0, 0, None)
    assert before <= row.due_at <= tasks.now()
    task = tasks.take(retries=1)
    assert (task.id, task.max_retries) == (task_id, 1)
    assert tasks.settle(task)
    assert tasks.status(task_id) == "COMPLETED"


@pytest.mark.parametrize("timeout", [None, 0, -1, -(2**31)])
def test_an_old_row_without_a_time_limit_has_300_seconds(tasks: Tasks, timeout: int | None) -> None:
    insert(tasks, timeout=timeout)

    assert tasks.take().timeout_s == 300


def test_the_longest_time_limit_that_fits_is_kept(tasks: Tasks) -> None:
    insert(tasks, timeout=2**31 - 1)

    assert tasks.take().timeout_s == 2**31 - 1


@pytest.mark.parametrize("nothing", [None, "null"])
def test_a_row_without_arguments_is_claimed(tasks: Tasks, nothing: str | None) -> None:
    insert(tasks, args=nothing, kwargs=nothing)
    task = tasks.take(lease="ours")

    assert json.loads(task.args) in ([], None)
    assert json.loads(task.kwargs) in ({}, None)
    assert lifecycle.held("ours", tasks.using)[0].args == task.args


@pytest.mark.parametrize("text", ['["a\'b", "\\u00e9", null, 1.5, [true]]', '[{"k": "\\"quoted\\""}]', "[]"])
def test_arguments_arrive_as_they_were_written(tasks: Tasks, text: str) -> None:
    insert(tasks, args=text)

    assert json.loads(tasks.take().args) == json.loads(text)


def test_an_old_failed_row_is_not_run_again(tasks: Tasks) -> None:
    insert(tasks, status="FAILED", error="old", retry_count=1)

    assert tasks.claim(10, retries=9) == []


def test_an_old_retry_is_run_again_when_it_is_due(tasks: Tasks) -> None:
    at = connections[tasks.using].ops.adapt_datetimefield_value(tasks.now())
    task_id = insert(tasks, status="FAILED", retry_count=1, next_attempt_at=at)

    task = tasks.take(retries=3)
    assert (task.id, task.retry_count) == (task_id, 1)


@pytest.mark.parametrize(("spent", "retries"), [(3, 1), (5, 0)])
def test_an_old_row_that_has_spent_more_than_the_budget_gets_no_retry(
    tasks: Tasks, spent: int, retries: int
) -> None:
    task_id = insert(tasks, retry_count=spent)
    change = tasks.settle(tasks.take(retries=retries), Kind.FAILED)

    assert change is not None
    assert change.transition is Transition.FAIL
    assert tasks.row(task_id).retry_count == spent


@pytest.mark.parametrize("status", ["PENDING", "FAILED"])
def test_an_old_row_can_be_cancelled_or_requeued(tasks: Tasks, status: str) -> None:
    task_id = insert(tasks, status=status)
    if status == "PENDING":
        assert lifecycle.cancel([task_id], using=tasks.using).cancelled == [task_id]
    assert lifecycle.requeue([task_id], using=tasks.using) == [task_id]

    assert tasks.take().id == task_id
