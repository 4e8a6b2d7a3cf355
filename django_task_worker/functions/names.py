"""The syntax of task names and queue names. Nothing here looks for a module."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from reprlib import Repr

from django_task_worker.exceptions import InvalidTask, TaskNotAllowed

MAX_NAME = 255
MAX_QUEUE = 100
_FORBIDDEN_IN_QUEUES = frozenset(":=/")
_BRIEF = Repr()


def check_name(name: str) -> None:
    """Refuse what can never be the name of a task, whatever the project holds. Raises TaskNotAllowed."""
    if not isinstance(name, str) or not name:
        raise TaskNotAllowed("a task name must be a text such as 'app.tasks.add'")
    _check_text(str(name))


@lru_cache(maxsize=1024)
def _check_text(name: str) -> None:
    if len(name) > MAX_NAME:
        raise TaskNotAllowed(f"the name {quoted(name)} has {len(name)} characters, the limit is {MAX_NAME}")
    parts = name.split(".")
    for part in parts:
        if not part.isidentifier() or unicodedata.normalize("NFKC", part) != part:
            raise TaskNotAllowed(f"{quoted(name)} is not a task name: it must look like 'app.tasks.add'")
        if part.startswith("__") and part.endswith("__"):
            raise TaskNotAllowed(_about_dunder(name, part))
    if len(parts) < 2:
        raise TaskNotAllowed(f"{quoted(name)} is not a task name: it must look like 'app.tasks.{name}'")


def _about_dunder(name: str, part: str) -> str:
    if name.startswith("__main__."):
        return f"{quoted(name)} is defined in the script that was started; move it to a module of the project"
    return f"{quoted(name)} is not a task name: {part} has a special meaning in Python"


def quoted(name: object) -> str:
    """The name, or what was given for one, for a message: escaped, and short however long it is."""
    if isinstance(name, str):
        return repr(name[:100] + "…" if len(name) > 100 else name)
    return _BRIEF.repr(name)  # which bears values whose own repr fails


def odd_letter(name: str) -> str | None:
    """The first letter outside ASCII, described: a look-alike is told apart by nothing else."""
    for letter in name:
        if ord(letter) > 127:
            return f"{letter} (U+{ord(letter):04X} {unicodedata.name(letter, 'without a name')})"
    return None


def check_queue(queue: str) -> None:
    """Queue names: 1 to 100 printable characters without blanks, ':', '=' and '/'. Raises InvalidTask."""
    if not isinstance(queue, str) or not queue:
        raise InvalidTask("a queue name must be a text that is not empty")
    if len(queue) > MAX_QUEUE:
        raise InvalidTask(f"the queue name has {len(queue)} characters; the limit is {MAX_QUEUE}")
    if not queue.isprintable() or any(c.isspace() or c in _FORBIDDEN_IN_QUEUES for c in queue):
        raise InvalidTask(
            f"the queue name {quoted(queue)} must not hold blanks, control characters, ':', '=' or '/'"
        )
