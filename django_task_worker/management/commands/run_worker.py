"""`python manage.py run_worker`: a worker with the flags of version 0.0.7."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from django.core.management.base import BaseCommand
from django.db import OperationalError, connections
from django.db.migrations.executor import MigrationExecutor

from django_task_worker import logs
from django_task_worker.worker.options import WorkerOptions

CONFIGURATION = 78
"""The exit code of `taskctl worker` too: nobody should start it again before something has been changed."""


def _whole(least: int) -> Any:
    def number(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"must be at least {least}")
        return value

    return number


class Command(BaseCommand):
    help = "Run tasks from the database. `taskctl worker` has more flags."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--retry", type=_whole(0), default=0, help="retries after a failed attempt (0)")
        parser.add_argument("--concurrency", type=_whole(1), default=1, help="child processes (1)")

    def handle(self, *args: Any, **options: Any) -> None:
        from django_task_worker.lifecycle import alias
        from django_task_worker.worker.supervisor import run

        using = alias(None)
        missing = missing_migrations(using)
        if missing:
            self.stderr.write(f"missing migrations: {', '.join(missing)}; run: python manage.py migrate")
            sys.exit(CONFIGURATION)
        logs.configure("auto", "INFO")
        code = run(
            WorkerOptions(concurrency=options["concurrency"], max_retries=options["retry"], using=using)
        )
        if code:
            sys.exit(code)


def missing_migrations(using: str) -> list[str]:
    """Those of this package; none if the database is away, for which a worker waits."""
    try:
        executor = MigrationExecutor(connections[using])
    except OperationalError:
        return []
    targets = executor.loader.graph.leaf_nodes("django_task_worker")
    return [f"{migration.app_label}.{migration.name}" for migration, _ in executor.migration_plan(targets)]
