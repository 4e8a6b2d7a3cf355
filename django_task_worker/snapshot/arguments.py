"""What running tasks were called with, for a line of a list."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import TextField
from django.db.models.functions import Cast, Substr

from django_task_worker.models import DatabaseTask

LONGEST = 1000


class _TooLong:
    """Arguments that no line could show."""

    def __repr__(self) -> str:
        return "TOO_LONG"


TOO_LONG = _TooLong()


def arguments(ids: Sequence[str], using: str) -> Iterator[tuple[str, Any, Any]]:
    """Id, args and kwargs of the tasks. What is longer than LONGEST as JSON is TOO_LONG: never fetched."""
    tasks = DatabaseTask.objects.using(using).filter(pk__in=ids).order_by()
    rows = tasks.annotate(
        args_text=Substr(Cast("args", TextField()), 1, LONGEST + 1),
        kwargs_text=Substr(Cast("kwargs", TextField()), 1, LONGEST + 1),
    )
    for pk, args, kwargs in rows.values_list("pk", "args_text", "kwargs_text"):
        yield pk, _value(args), _value(kwargs)


def _value(text: str | None) -> Any:
    if text is None:
        return None
    if len(text) > LONGEST:
        return TOO_LONG
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return TOO_LONG
