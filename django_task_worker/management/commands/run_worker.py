"""`python manage.py run_worker`: a worker with the flags of version 0.0.7."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from django.core.management.base import BaseCommand

from django_task_worker import logs
from django_task_worker.worker.options import WorkerOptions


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

        logs.configure("auto", "INFO")
        code = run(
            WorkerOptions(concurrency=options["concurrency"], max_retries=options["retry"], using=alias(None))
        )
        if code:
            sys.exit(code)
