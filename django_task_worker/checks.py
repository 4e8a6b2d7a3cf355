"""System checks: what cannot work is said by `manage.py check`, with the way out."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings as django_settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

from django_task_worker.conf import settings
from django_task_worker.exceptions import ConfigurationError
from django_task_worker.functions.options import registered


@register("task_worker")
def check_settings(**_: Any) -> list[CheckMessage]:
    """TASK_WORKER, REDIS_URL and USE_TZ."""
    found = [*_use_tz(), *_task_worker()]
    return found or [*_redis_url(), *_strict(), *_allowed(), *_prefixes(), *_project_dir()]


@register(Tags.database)
def check_databases(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Databases on which workers would wait for each other. Only with `check --database` and `migrate`."""
    return [message for alias in databases or () for message in _skip_locked(alias)]


def _use_tz() -> list[CheckMessage]:
    if django_settings.USE_TZ:
        return []
    return [
        Error(
            "django-task-worker needs USE_TZ = True",
            hint="Set USE_TZ = True: by local time, leases would jump when the clocks change.",
            id="django_task_worker.E002",
        )
    ]


def _task_worker() -> list[CheckMessage]:
    value = getattr(django_settings, "TASK_WORKER", {})
    try:
        if not isinstance(value, Mapping):
            raise ConfigurationError("TASK_WORKER must be a dict")
        settings()
    except ConfigurationError as error:
        return [
            Error(
                str(error),
                hint="README lists the settings and their defaults; leave out what you do not need.",
                id="django_task_worker.E001",
            )
        ]
    return []


def _redis_url() -> list[CheckMessage]:
    from django_task_worker.events.line import url_problem

    url = settings().redis_url
    problem = None if url is None else url_problem(url)
    if problem is None:
        return []
    return [  # without the value: it may hold a password
        Error(
            f"REDIS_URL is not the address of a Redis server: {problem}",
            hint="Write redis://host:6379/0, rediss:// for TLS, unix:///path, or None for no Redis.",
            id="django_task_worker.E003",
        )
    ]


def _strict() -> list[CheckMessage]:
    if not settings().strict or settings().allowed or registered:
        return []
    return [
        checks.Warning(
            'TASK_WORKER["STRICT"] is on and nothing is allowed: no task will run',
            hint='List modules in TASK_WORKER["ALLOWED"], or import modules with @task functions in the '
            "ready() of an app.",
            id="django_task_worker.W001",
        )
    ]


def _allowed() -> list[CheckMessage]:
    names = [name for name in settings().allowed if name.partition(".")[0] in sys.stdlib_module_names]
    if not names:
        return []
    return [
        checks.Warning(
            f'TASK_WORKER["ALLOWED"] lets functions of Python itself run as tasks: {", ".join(names)}',
            hint="Who can write a row could then run commands. Allow modules of your own that call them.",
            id="django_task_worker.W002",
        )
    ]


def _prefixes() -> list[CheckMessage]:
    wrong = [name for name in settings().allowed if not all(part.isidentifier() for part in name.split("."))]
    if not wrong:
        return []
    return [
        checks.Warning(
            f'TASK_WORKER["ALLOWED"] holds what is no module or function: {", ".join(map(repr, wrong))}',
            hint='Write dotted names without wildcards: "tasks" allows tasks and all below it.',
            id="django_task_worker.W004",
        )
    ]


def _project_dir() -> list[CheckMessage]:
    folder = settings().project_dir
    if folder is None or any(Path(entry or ".").resolve() == folder for entry in sys.path):
        return []
    return [
        checks.Warning(
            'TASK_WORKER["PROJECT_DIR"] is not on sys.path: none of its modules can run',
            hint="Put the folder on sys.path, or leave the setting out to use the folder of your settings.",
            id="django_task_worker.W005",
        )
    ]


def _skip_locked(alias: str) -> list[CheckMessage]:
    connection = connections[alias]
    if connection.vendor != "mysql" or connection.features.has_select_for_update_skip_locked:
        return []
    return [
        checks.Warning(
            f"the database {alias!r} has no SKIP LOCKED: workers wait for each other when they claim tasks",
            hint="MariaDB has it since 10.6, MySQL since 8.0.1. One worker with more concurrency helps.",
            id="django_task_worker.W003",
        )
    ]
