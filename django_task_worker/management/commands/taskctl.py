"""`python manage.py taskctl …`: the same as `taskctl …`, with the settings that manage.py has loaded."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "django-task-worker's command line; see: manage.py taskctl --help"
    requires_system_checks: list[str] = []

    def run_from_argv(self, argv: list[str]) -> None:
        """Every flag is taskctl's own, so Django's parser does not see them."""
        from taskctl.app import run

        sys.exit(run(argv[2:], is_set_up=True))

    def print_help(self, prog_name: str, subcommand: str) -> None:
        from taskctl.app import run

        run(["--help"], is_set_up=True)

    def handle(self, *args: Any, **options: Any) -> None:
        """`call_command("taskctl", "list")`"""
        from taskctl.app import run

        code = run([str(word) for word in args], is_set_up=True, is_guest=True)
        if code:
            sys.exit(code)

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("args", nargs="*")
