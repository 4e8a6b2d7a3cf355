"""Which happenings somebody wants to see. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from django_task_worker.globs import expression
from taskctl.listening.happenings import Happening


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is None does not restrict. What an event does not tell cannot be what is wanted."""

    types: frozenset[str] | None = None
    task: str | None = None
    """A glob."""
    queue: str | None = None
    id: str | None = None
    _task: re.Pattern[str] | None = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        if self.task is not None:
            object.__setattr__(self, "_task", re.compile(expression(self.task), re.DOTALL))

    def takes(self, happening: Happening) -> bool:
        if self.types is not None and happening.event not in self.types:
            return False
        if happening.event == "gap":
            return True  # what was missed may have been wanted
        if self.queue is not None and happening.queue != self.queue:
            return False
        if self.id is not None and happening.id != self.id:
            return False
        return self._task is None or (
            happening.task is not None and self._task.match(happening.task) is not None
        )
