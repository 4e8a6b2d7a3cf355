"""What a key does: it changes the view, or asks the loop for something. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from django_task_worker.snapshot.rows import LOST
from taskctl.dashboard import details, pages
from taskctl.dashboard.tables import Tables
from taskctl.dashboard.view import (
    EVENTS,
    FAILURES,
    INTERVALS_S,
    PANELS,
    QUEUES,
    RUNNING,
    SORTS,
    SPEEDS,
    WORKERS,
    Job,
    Page,
    View,
)

PAGE = 10
SKIP_S, LONG_SKIP_S = 10.0, 60.0
MOST_TYPED = 100


class Wish(Enum):
    """What only the loop can do."""

    QUIT = auto()
    SUSPEND = auto()
    REDRAW = auto()
    RECONNECT = auto()
    INTERVAL = auto()
    """The interval of the view has changed."""


@dataclass(frozen=True)
class Skip:
    """Go on elsewhere in a recording."""

    seconds: float


Asked = Wish | Skip | Job | None


class Control:
    """The keys. `width` and `room` are those of a page: they say how far it scrolls; `panels` are shown."""

    def __init__(self, tables: Tables, width: int, room: int, panels: Sequence[str] = PANELS) -> None:
        self.tables = tables
        self.view: View = tables.view
        self.width = width
        self.room = room
        self.panels = panels

    def press(self, key: str) -> Asked:
        if key == "Ctrl-C":
            return Wish.QUIT
        if self.view.typed is not None:
            return self._type(key)
        if self.view.asked is not None:
            return self._answer(key)
        if key.startswith("Paste:"):
            return None
        self.view.flash = ""
        return self._anywhere(key) if key in _ANYWHERE else self._move(key) or self._act(key)

    def _type(self, key: str) -> Asked:
        view = self.view
        assert view.typed is not None
        text = key.removeprefix("Paste:") if key.startswith("Paste:") else " " if key == "Space" else key
        if key in ("Esc", "Enter"):
            view.filter = view.typed if key == "Enter" else ""
            view.typed = None
        elif key == "Backspace":
            view.typed = view.typed[:-1]
        elif key == "Ctrl-U":
            view.typed = ""
        elif len(text) == 1 or key.startswith("Paste:"):
            text = "".join(c for c in text if c.isprintable())
            view.typed = (view.typed + text)[:MOST_TYPED]
        return None

    def _answer(self, key: str) -> Asked:
        job, self.view.asked = self.view.asked, None
        if key in ("y", "Y"):
            return job
        self.view.say("nothing was changed", "dim")
        return None

    def _anywhere(self, key: str) -> Asked:
        view = self.view
        match key:
            case "q":
                return Wish.QUIT
            case "z" | "Ctrl-Z":
                return Wish.SUSPEND
            case "Ctrl-L":
                return Wish.REDRAW
            case "r":
                return Wish.RECONNECT
            case "Space":
                view.paused = not view.paused
            case "e":
                view.events = not view.events
            case "?" | "h":
                self._open_or_close(pages.help_page(view))
            case "+" | "=" | "-":
                return self._pace(1 if key != "-" else -1)
            case "Esc":
                if view.pages:
                    view.pages.pop()
                else:
                    view.filter = ""
        return None

    def _open_or_close(self, page: Page) -> None:
        view = self.view
        if view.page is not None and view.page.kind == page.kind:
            view.pages.pop()
        else:
            view.pages.append(page)

    def _pace(self, step: int) -> Asked:
        view = self.view
        if view.speed is not None:
            view.speed = _next(SPEEDS, view.speed, step)
            view.say(f"{view.speed:g} times as fast as it was")
            return None
        view.interval_s = _next(INTERVALS_S, view.interval_s, step)
        view.say(f"the database is looked at every {view.interval_s:g}s", "")
        return Wish.INTERVAL

    # --- moving ---

    def _move(self, key: str) -> Asked:
        view = self.view
        if view.speed is not None and key in _SKIPS:
            return Skip(_SKIPS[key])
        step = _STEPS.get(key)
        if step is not None:
            self._step(step)
        elif key in ("Tab", "Shift-Tab"):
            self._go_round(1 if key == "Tab" else -1)
        elif key in "12345" and len(key) == 1:
            self._go_to(PANELS[int(key) - 1])
        elif key == "/":
            view.typed = view.filter
        elif key == "s":
            view.sorts[view.focus] = (view.sorts[view.focus] + 1) % len(SORTS[view.focus])
        elif key == "S":
            view.backwards[view.focus] = not view.backwards[view.focus]
        return None

    def _go_round(self, step: int) -> None:
        at = PANELS.index(self.view.focus) + step
        while PANELS[at % len(PANELS)] not in self.panels:
            at += step
        self.view.focus = PANELS[at % len(PANELS)]

    def _go_to(self, panel: str) -> None:
        if panel in self.panels:
            self.view.focus = panel
        elif panel == EVENTS and not self.view.events:
            self.view.say("the events are hidden: e shows them")
        else:
            self.view.say(f"the window is too small for the {panel}")

    def _step(self, step: int) -> None:
        view = self.view
        if view.page is not None:
            pages.scroll(view.page, step, self.width, self.room)
        elif view.focus == EVENTS:
            most = max(0, len(self.tables.events) - 1)
            view.at[EVENTS] = max(0, min(most, view.at[EVENTS] + step))
        else:
            view.move(view.focus, self.tables.keys(view.focus), step)

    # --- the selected row ---

    def _act(self, key: str) -> Asked:
        match key:
            case "Enter":
                return self._enter()
            case "y":
                task_id = self._task_id()
                if task_id is not None:
                    self._open_or_close(pages.id_page(task_id))
            case "w" | "t":
                return self._explain("why" if key == "w" else "stack")
            case "R" | "X" | "P" | "D":
                self._ask(key)
        return None

    def _enter(self) -> Asked:
        view = self.view
        page = details.opened(self.tables, view.page)
        if page is None:
            return None
        view.pages.append(page)
        if view.speed is not None or page.kind == "group":
            return None
        return Job(verb=page.kind, ids=(page.key,)) if page.kind in ("task", "queue") else None

    def _explain(self, verb: str) -> Asked:
        task_id = self._task_id()
        if self.view.speed is not None:
            self.view.say("a recording does not know: this can be asked on the live screen alone")
            return None
        if task_id is None:
            return None
        page = Page(verb, f"{verb.upper()} {task_id}", key=task_id, is_loading=True)
        self.view.pages.append(page)
        return Job(verb=verb, ids=(task_id,))

    def _task_id(self) -> str | None:
        """Of the selected task, or of the newest of the selected group."""
        view, tables = self.view, self.tables
        page = view.page
        if page is not None:
            if page.kind in ("task", "why", "stack", "id"):
                return page.key
            return page.chosen if page.kind in ("group", "queue") else None
        at = view.selected(view.focus, tables.keys(view.focus))
        if at < 0:
            return None
        if view.focus == RUNNING:
            return tables.running[at].row.id
        return tables.failures[at].last.task_id if view.focus == FAILURES else None

    def _ask(self, key: str) -> None:
        view = self.view
        if view.read_only or view.speed is not None:
            view.say("read-only: nothing can be changed here")
            return
        job = {"R": self._retry, "X": self._cancel, "P": self._pause, "D": self._drain}[key]()
        if job is not None:
            view.asked = job

    def _retry(self) -> Job | None:
        view, tables = self.view, self.tables
        if view.page is None and view.focus == FAILURES:
            at = view.selected(FAILURES, tables.keys(FAILURES))
            if at < 0:
                return None
            group = tables.failures[at]
            ids = tuple(row.task_id for row in group.rows)
            return Job(verb="retry", ids=ids, question=f"retry {len(ids)} x {group.task}?")
        task_id = self._task_id()
        if task_id is None or (view.page is None and view.focus == RUNNING):
            view.say("select a failed task to retry (4 goes to the failures)")
            return None
        failure = tables.state.failures.get(task_id)
        name = failure.task if failure else ""
        return Job(verb="retry", ids=(task_id,), question=f"retry {task_id[:12]} {name}".rstrip() + "?")

    def _cancel(self) -> Job | None:
        view, tables = self.view, self.tables
        task_id = self._task_id()
        if task_id is None or (view.page is None and view.focus != RUNNING):
            view.say("select a running task to cancel (3 goes to them)")
            return None
        row = tables.state.running.get(task_id)
        name = f" {row.task}, which is running" if row else ""
        return Job(verb="cancel", ids=(task_id,), question=f"cancel {task_id[:12]}{name}?")

    def _pause(self) -> Job | None:
        view, tables = self.view, self.tables
        page = view.page
        at = view.selected(QUEUES, tables.keys(QUEUES))
        if page is not None and page.kind == "queue":
            name = page.key
        elif page is None and view.focus == QUEUES and at >= 0:
            name = tables.queues[at].name
        else:
            view.say("select a queue to pause or resume (1 goes to them)")
            return None
        verb = "resume" if tables.queue(name).is_paused(tables.at) else "pause"
        return Job(verb=verb, name=name, question=f"{verb} queue {name}?")

    def _drain(self) -> Job | None:
        view, tables = self.view, self.tables
        keys = tables.keys(WORKERS)
        key = view.page.key if view.page is not None and view.page.kind == "worker" else None
        if view.page is None and view.focus == WORKERS and keys:
            key = keys[view.selected(WORKERS, keys)]
        work = next((work for work in tables.workers if work.row.id == key), None)
        if work is None or work.status == LOST:
            view.say("select a worker that is up to drain (2 goes to them)")
            return None
        what = f"drain {work.row.name}? It finishes what it runs, then exits."
        return Job(verb="drain", ids=(work.row.id,), name=work.row.name, question=what)


_ANYWHERE = frozenset(("q", "z", "Ctrl-Z", "Ctrl-L", "r", "Space", "e", "?", "h", "+", "=", "-", "Esc"))
_STEPS = {
    "j": 1, "Down": 1, "k": -1, "Up": -1, "PgDn": PAGE, "PgUp": -PAGE,
    "g": -1_000_000, "Home": -1_000_000, "G": 1_000_000, "End": 1_000_000,
}  # fmt: skip
_SKIPS = {"Left": -SKIP_S, "Right": SKIP_S, "Shift-Left": -LONG_SKIP_S, "Shift-Right": LONG_SKIP_S}


def _next(values: tuple[float, ...], value: float, step: int) -> float:
    """The next larger or smaller of the values."""
    if step > 0:
        return next((other for other in values if other > value), values[-1])
    return next((other for other in reversed(values) if other < value), values[0])
