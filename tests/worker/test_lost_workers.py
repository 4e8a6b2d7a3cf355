"""A worker that dies: its children end, its tasks are taken back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.utils import timezone

from django_task_worker.ids import new_id
from django_task_worker.models import DatabaseTask, TaskAttempt
from tests.processes import Process
from tests.waiting import wait_until
from tests.worker.outcomes import ended, ends, enqueue, running, starts


def gone(processes: list[psutil.Process]) -> bool:
    return not any(process.is_running() and process.status() != "zombie" for process in processes)


@pytest.fixture
def cut_off(quick: dict[str, Any], worker: Callable[..., Process], journal: Path) -> Callable[..., Any]:
    """Starts a worker, lets it run some tasks, and kills it."""

    def cut_off(*arguments: object) -> Any:
        first = worker("--concurrency", 3, "--name", "first", *arguments)
        tasks = [enqueue("fates.journal_and_wait", str(journal), f"t{number}", 2) for number in range(3)]
        for task in tasks:
            running(task)
        children = first.children()
        assert len(children) == 3
        first.kill()
        wait_until(lambda: gone(children), 2, what="children outlive their supervisor")
        return tasks

    return cut_off


def test_tasks_of_a_killed_worker_run_again_where_they_may(
    cut_off: Callable[..., Any], worker: Callable[..., Process], journal: Path
) -> None:
    tasks = cut_off("--retry", 1)
    second = worker("--concurrency", 3, "--name", "second")
    for task in tasks:
        done = ended(task)
        assert done.status == "COMPLETED"
        assert (done.retry_count, done.max_retries, done.worker) == (1, 1, "second")
        lost = TaskAttempt.objects.get(task=task)
        assert (lost.number, lost.worker, lost.error_type) == (1, "first", "WorkerLost")
        assert "first" in (lost.error or "")
    assert set(starts(journal).values()) == {2}
    assert set(ends(journal).values()) == {1}
    second.line("rescued 3 tasks of lost worker first")


def test_tasks_of_a_killed_worker_fail_with_the_reason_where_they_may_not_run_again(
    cut_off: Callable[..., Any], worker: Callable[..., Process], journal: Path
) -> None:
    tasks = cut_off()
    worker("--concurrency", 3, "--retry", 5)
    for task in tasks:
        done = ended(task)
        assert done.status == "FAILED"
        assert done.error_type == "WorkerLost"
        assert "worker first died" in (done.error or "")
        assert done.worker == "first"
    assert set(starts(journal).values()) == {1}
    assert not ends(journal)


def test_more_than_is_taken_back_at_once_does_not_wait_for_the_next_sweep(
    task_worker: dict[str, Any], worker: Callable[..., Process]
) -> None:
    task_worker["SWEEP"] = 60.0
    long_ago = timezone.now() - timedelta(hours=1)
    lost = {"status": "PROGRESS", "started_at": long_ago, "lease_expires_at": long_ago}
    DatabaseTask.objects.bulk_create(
        DatabaseTask(name="fates.add", worker=name, lease=new_id(), **lost)
        for name in ["first"] * 1200 + ["other\n"] * 2
    )
    process = worker()
    wait_until(lambda: not DatabaseTask.objects.filter(status="PROGRESS").exists(), 30)
    assert DatabaseTask.objects.filter(status="FAILED", error_type="WorkerLost").count() == 1202
    process.line(r"rescued \d+ tasks of lost worker first")
    process.line(r"rescued \d tasks of lost worker other␤")
