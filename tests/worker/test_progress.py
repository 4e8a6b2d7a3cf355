"""How far a task says it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import django_task_worker
from django_task_worker.client import requeue
from tests.processes import Process
from tests.waiting import wait_until
from tests.worker.marks import on_postgres
from tests.worker.outcomes import ended, enqueue, row, running


@pytest.fixture(autouse=True)
def allowed(task_worker: dict[str, Any]) -> None:
    task_worker["ALLOWED"] = ["talk"]


@on_postgres
def test_it_is_stored_while_the_task_runs_and_kept_at_its_end(
    worker: Callable[..., Process], tmp_path: Path
) -> None:
    worker("--concurrency", 1)
    end = tmp_path / "end"
    task = running(enqueue("talk.count", 7, str(end), "rows naïve"))
    told = {"done": 7, "total": 7, "message": "rows naïve"}
    wait_until(lambda: row(task).progress == told, 5, what=lambda: row(task).progress)
    end.touch()
    done = ended(task)
    assert (done.status, done.progress) == ("COMPLETED", told)


@on_postgres
def test_that_of_a_brief_task_is_the_last_it_told(worker: Callable[..., Process]) -> None:
    worker("--concurrency", 1)
    assert ended(enqueue("talk.count", 1000)).progress == {"done": 1000, "total": 1000, "message": ""}
    quiet = ended(enqueue("talk.quiet"))
    assert quiet.progress is None


@on_postgres
def test_a_failed_task_keeps_its_own_until_it_starts_over(worker: Callable[..., Process]) -> None:
    process = worker("--concurrency", 1)
    task = ended(enqueue("talk.count_and_fail", 2.5))
    progress = task.progress or {}
    assert (progress["done"], progress["total"]) == (2.5, None)
    assert set(progress["message"]) == {"x"}
    assert len(progress["message"]) == 800
    assert process.stop() == 0
    assert requeue(task.pk)
    assert row(task).progress is None


@on_postgres
def test_what_is_no_number_is_refused(worker: Callable[..., Process]) -> None:
    worker("--concurrency", 1)
    assert ended(enqueue("talk.fail_to_count")).error == "progress takes finite numbers"


def test_outside_of_a_worker_it_does_nothing() -> None:
    django_task_worker.progress(1, 2, "three")
