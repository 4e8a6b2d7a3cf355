"""Background tasks for Django. The database is the queue; Redis only notifies.

Importing this package imports nothing else: the public names below are found when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django_task_worker._version import __version__

if TYPE_CHECKING:
    from django_task_worker.client import (
        acreate_task,
        await_for_completion,
        cancel,
        create_task,
        create_tasks,
        requeue,
        wait_for_completion,
    )
    from django_task_worker.functions import task
    from django_task_worker.worker.progress import progress

__all__ = [
    "__version__",
    "acreate_task",
    "await_for_completion",
    "cancel",
    "create_task",
    "create_tasks",
    "progress",
    "requeue",
    "task",
    "wait_for_completion",
]

_HOMES = dict.fromkeys(__all__[1:], "django_task_worker.client") | {
    "progress": "django_task_worker.worker.progress",
    "task": "django_task_worker.functions",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
