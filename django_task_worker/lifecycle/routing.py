"""Which database the tasks are in."""

from __future__ import annotations

from django.db import router

from django_task_worker.models import DatabaseTask


def alias(using: str | None) -> str:
    """The given database alias, or the one that the project's routers write tasks to."""
    return using or router.db_for_write(DatabaseTask)
