"""What the user has chosen: the focused panel, the selected rows, filter, sorting, pages on top. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

QUEUES, WORKERS, RUNNING, FAILURES, EVENTS = "queues", "workers", "running", "failures", "events"
PANELS = (QUEUES, WORKERS, RUNNING, FAILURES, EVENTS)
SORTS = {
    QUEUES: ("pending", "oldest", "done/s", "name"),
    WORKERS: ("name", "busy", "done/s", "seen"),
    RUNNING: ("used %", "elapsed", "task", "queue", "worker"),
    FAILURES: ("last", "count", "task"),
    EVENTS: ("newest",),
}
INTERVALS_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
SPEEDS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
FLASH_S = 5.0


class Row(NamedTuple):
    """One line of a page: a label, text, a style; `key` makes it selectable."""

    label: str
    text: str
    style: str = ""
    key: str | None = None


@dataclass
class Page:
    """Something shown in front of the panels."""

    kind: str
    """help, id, task, queue, worker, group, why, stack."""
    title: str
    rows: Sequence[Row] = ()
    key: str = ""
    """Of what it shows: a task's id, the name of a queue or a worker, the key of a group."""
    top: int = 0
    at: int = 0
    is_loading: bool = False

    @property
    def choices(self) -> list[int]:
        """The numbers of the rows that can be selected."""
        return [number for number, row in enumerate(self.rows) if row.key is not None]

    @property
    def chosen(self) -> str | None:
        choices = self.choices
        return self.rows[choices[min(self.at, len(choices) - 1)]].key if choices else None


@dataclass(frozen=True, kw_only=True)
class Job:
    """What the database thread is asked to do; `question` is put to the user first when there is one."""

    verb: str
    """retry, cancel, pause, resume, drain; task, why, stack, queue, arguments."""
    ids: tuple[str, ...] = ()
    name: str = ""
    question: str = ""


@dataclass
class View:
    """The choices of one user. Focus, filter and sorting survive resizes and reconnects."""

    focus: str = RUNNING
    keys: dict[str, str] = field(default_factory=dict)
    """The selected row of each panel, by its key."""
    at: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PANELS, 0))
    """The same by number, for when the row has gone."""
    sorts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PANELS, 0))
    backwards: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(PANELS, False))
    filter: str = ""
    typed: str | None = None
    """The filter while it is typed."""
    queue: str | None = None
    """Only this queue."""
    layout: str = "auto"
    """auto, compact or full."""
    events: bool = True
    paused: bool = False
    interval_s: float = 2.0
    read_only: bool = False
    has_keys: bool = True
    """False where stdin is no terminal, as on a wall."""
    utc: bool = False
    pages: list[Page] = field(default_factory=list)
    asked: Job | None = None
    """Waits for y."""
    flash: str = ""
    flash_style: str = ""
    said: int = 0
    """How often something was: the loop lets it go after FLASH_S."""
    arguments: dict[str, str] = field(default_factory=dict)
    """What running tasks were called with, masked, by id."""
    speed: float | None = None
    """Of a replay; None: this is live."""
    is_over: bool = False
    """Whether a replay has come to its end."""

    @property
    def page(self) -> Page | None:
        return self.pages[-1] if self.pages else None

    def say(self, text: str, style: str = "yellow") -> None:
        """Show this in the footer for a while."""
        self.flash, self.flash_style, self.said = text, style, self.said + 1

    def sort_of(self, panel: str) -> str:
        names = SORTS[panel]
        return names[self.sorts[panel] % len(names)]

    def selected(self, panel: str, keys: Sequence[str]) -> int:
        """The number of the selected row among the rows there are now; -1 when there are none."""
        key = self.keys.get(panel)
        return keys.index(key) if key in keys else min(self.at[panel], len(keys) - 1)

    def move(self, panel: str, keys: Sequence[str], step: int) -> None:
        """Select the row that many further on, as far as there are rows."""
        if keys:
            at = max(0, min(len(keys) - 1, self.selected(panel, keys) + step))
            self.at[panel], self.keys[panel] = at, keys[at]

    def settle(self, panel: str, keys: Sequence[str]) -> None:
        """Remember where the selected row is now, for when it goes."""
        self.at[panel] = max(0, self.selected(panel, keys))
