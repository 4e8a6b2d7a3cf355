"""Tasks in the hands of a supervisor, without a database."""

from __future__ import annotations

from django_task_worker.lifecycle import Claimed


def claimed(number: int = 0) -> Claimed:
    """A task with this number in its id, as a claim brings it."""
    return Claimed(
        id=f"task{number}",
        lease="lease",
        name="app.tasks.add",
        queue="default",
        timeout_s=300,
        retry_count=0,
        max_retries=0,
        deferrals=0,
        args="[]",
        kwargs="{}",
    )
