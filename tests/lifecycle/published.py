"""A publisher that keeps what it is given."""

from __future__ import annotations

from collections.abc import Sequence

from django_task_worker.events import Event


class Published:
    """What was announced, in order. `fails` makes every publish raise, as a broken transport might."""

    def __init__(self) -> None:
        self.all: list[Event] = []
        self.fails = False

    def publish(self, events: Sequence[Event]) -> None:
        if self.fails:
            raise ConnectionError("no transport today")
        self.all.extend(events)

    def flush(self, timeout_s: float) -> None:
        pass

    @property
    def told(self) -> list[tuple[str, str | None]]:
        """Name and task id of the events that everybody hears."""
        return [(event.event.value, event.task_id) for event in self.all if event.told]

    @property
    def wake_ups(self) -> int:
        return sum(event.wakes for event in self.all)

    def clear(self) -> None:
        self.all.clear()
