"""The tasks of with_django_tasks: a module of their own, since settings may not load them."""

from __future__ import annotations

import timing
from django_tasks import task


@task()
def add(a: int, b: int) -> int:
    return a + b


@task()
def mark(number: int) -> None:
    timing.note(number)
