"""Dotted names to functions: which names run, what `@task` attaches, whether arguments fit. No SQL."""

from __future__ import annotations

from django_task_worker.functions.calls import check_call
from django_task_worker.functions.discovery import TaskInfo, discover, outline
from django_task_worker.functions.names import check_name, check_queue
from django_task_worker.functions.options import (
    TaskFunction,
    TaskOptions,
    options_of,
    task,
    validate_options,
)
from django_task_worker.functions.places import own_files, project_folder
from django_task_worker.functions.resolver import forget, resolve

__all__ = [
    "TaskFunction",
    "TaskInfo",
    "TaskOptions",
    "check_call",
    "check_name",
    "check_queue",
    "discover",
    "forget",
    "options_of",
    "outline",
    "own_files",
    "project_folder",
    "resolve",
    "task",
    "validate_options",
]
