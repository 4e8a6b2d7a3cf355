"""The loop of the live screen: keys, clock, signals, and what the threads bring. It waits for no server."""

from __future__ import annotations

import copy
import select
import signal
import time
from contextlib import ExitStack
from dataclasses import dataclass

from django_task_worker.snapshot.rows import Snapshot
from taskctl.dashboard import details, screen
from taskctl.dashboard.answers import Answer
from taskctl.dashboard.control import Asked, Control, Skip, Wish
from taskctl.dashboard.keys import Keys
from taskctl.dashboard.lines import Look
from taskctl.dashboard.panels.running import SHOWS_ARGUMENTS
from taskctl.dashboard.quiet import quiet
from taskctl.dashboard.signals import ENDS, Signals
from taskctl.dashboard.sources import Replay, Source
from taskctl.dashboard.state import State
from taskctl.dashboard.tables import Tables
from taskctl.dashboard.tty import Screen, TerminalGone
from taskctl.dashboard.view import FLASH_S, PANELS, RUNNING, Job, View

ESCAPE_S = 0.05
"""How long an Escape waits for the rest of a sequence."""
ARGUMENTS = 40
ARGUMENTS_AFTER_S = 0.5
"""Tasks that are gone before anybody could read their arguments are not asked about."""
KEPT_ARGUMENTS = 500


@dataclass
class Pace:
    """When to draw: at most `fps` times a second, at least once."""

    fps: float
    drawn_at: float = 0.0
    is_dirty: bool = True

    def due_in(self, now: float) -> float:
        """Seconds until the next frame."""
        since = now - self.drawn_at
        return max(0.0, (1.0 / self.fps if self.is_dirty else 1.0) - since)


class Loop:
    """One live screen, from its first frame to its last."""

    def __init__(
        self, source: Source, state: State, view: View, look: Look, terminal: Screen, fps: float
    ) -> None:
        self.source = source
        self.state = state
        self.view = view
        self.look = look
        self.terminal = terminal
        view.has_keys = terminal.keyboard is not None
        self._pace = Pace(fps)
        self._keys = Keys()
        self._signals = Signals(source.inbox.bell)
        self._has_looked = False
        self._held: State | None = None
        self._held_at = 0.0
        self._asked_at = 0.0
        self._said = 0
        self._said_at = 0.0
        self._exit_code: int | None = None

    def run(self) -> int:
        """Until the user quits or a signal comes; the exit code. The terminal is as it was afterwards."""
        with ExitStack() as stack:
            stack.enter_context(self._signals.caught())
            stack.enter_context(quiet(self.source.inbox))
            stack.callback(self.source.stop)
            stack.enter_context(self.terminal.open())  # the last to be entered is the first to be left
            self.source.start()
            try:
                while self._exit_code is None:
                    self._turn()
            except TerminalGone:
                self._exit_code = 128 + signal.SIGHUP
        return self._exit_code or 0

    def _turn(self) -> None:
        self._collect()
        self._react()
        if self._exit_code is None and self._pace.due_in(time.monotonic()) <= 0:
            self._draw()
        if self._exit_code is None:
            self._wait()

    # --- what comes ---

    def _wait(self) -> None:
        timeout_s = self._pace.due_in(time.monotonic())
        if not self._pace.is_dirty:  # events wake nobody: look for them once a frame
            timeout_s = min(timeout_s, 1.0 / self._pace.fps)
        if self._keys.is_waiting:
            timeout_s = min(timeout_s, ESCAPE_S)
        keyboard = self.terminal.keyboard
        descriptors = [self.source.inbox.wake, *([] if keyboard is None else [keyboard])]
        ready = select.select(descriptors, [], [], timeout_s)[0]
        if keyboard in ready:
            self._press(self._keys.feed(self.terminal.read()))
        elif self._keys.is_waiting:
            self._press(self._keys.flush())

    def _collect(self) -> None:
        for at, message in self.source.take():
            if isinstance(message, Answer):
                self._show(message)
            else:
                self.state.apply(message, at)
                if isinstance(message, Snapshot):
                    self._look_again()
            self._pace.is_dirty = True

    def _look_again(self) -> None:
        """The first look is shown at once; the page of a task or a queue stays up to date."""
        if not self._has_looked:
            self._has_looked = True
            self._draw_at_once()
        page = self.view.page
        if page is not None and page.kind in ("task", "queue") and not page.is_loading:
            self.source.submit(Job(verb=page.kind, ids=(page.key,)))

    def _react(self) -> None:
        for number in self._signals.take():
            if number in ENDS:
                self._exit_code = 0 if number == signal.SIGINT else 128 + number
            elif number == signal.SIGTSTP:
                self._suspend()
            elif number == signal.SIGCONT:
                self.terminal.take()
                self._draw_at_once()
            else:
                self.terminal.forget()
                self._draw_at_once()

    def _suspend(self) -> None:
        self.terminal.restore()
        self._signals.stop_here()
        self.terminal.take()
        self._draw_at_once()

    def _show(self, answer: Answer) -> None:
        """What became of a job."""
        job = answer.job
        if answer.arguments is not None:
            self.view.arguments.update(answer.arguments)
            for task_id in list(self.view.arguments)[:-KEPT_ARGUMENTS]:
                del self.view.arguments[task_id]
        for page in self.view.pages:
            if page.kind == job.verb and page.key == (job.ids[0] if job.ids else ""):
                page.is_loading = False
                if page.kind == "queue":
                    page.rows = answer.rows
                    details.refresh(self._tables(), page)
                elif answer.rows:
                    page.rows = answer.rows
        if answer.text:
            self.view.say(answer.text, answer.style)
            self.source.reconnect()

    # --- what is drawn ---

    def _now(self) -> float:
        return self._held_at if self._held is not None else self.source.now()

    def _tables(self) -> Tables:
        return Tables(self._held or self.state, self.view, self._now())

    def _draw_at_once(self) -> None:
        self._pace.drawn_at = 0.0
        self._pace.is_dirty = True

    def _fade(self) -> None:
        """What was said in the footer goes after a while: of ours, not of a recording or a held screen."""
        now = time.monotonic()
        if self.view.said != self._said:
            self._said, self._said_at = self.view.said, now
        elif now - self._said_at > FLASH_S:
            self.view.flash = ""

    def _draw(self) -> None:
        self._fade()
        if isinstance(self.source, Replay):
            self.view.is_over = self.source.is_over
        tables = self._tables()
        for panel in PANELS[:-1]:
            self.view.settle(panel, tables.keys(panel))
        if self.view.page is not None:
            details.refresh(tables, self.view.page)
        width, height = self.terminal.size()
        self.terminal.draw(screen.render(tables, self.look, width, height))
        self._pace.drawn_at, self._pace.is_dirty = time.monotonic(), False
        self._ask_for_arguments(tables, width)

    def _ask_for_arguments(self, tables: Tables, width: int) -> None:
        """Of the tasks on a screen wide enough to show them; once each."""
        now = time.monotonic()
        is_due = now - self._asked_at > self.view.interval_s / 2
        if width < SHOWS_ARGUMENTS or self.view.speed is not None or self._held is not None or not is_due:
            return
        shown = [
            task.row.id for task in tables.running[:ARGUMENTS] if (task.elapsed_s or 0) > ARGUMENTS_AFTER_S
        ]
        missing = tuple(pk for pk in shown if pk not in self.view.arguments)
        if missing:
            self._asked_at = now
            self.view.arguments.update(dict.fromkeys(missing, ""))
            self.source.submit(Job(verb="arguments", ids=missing))

    # --- keys ---

    def _press(self, keys: list[str]) -> None:
        for key in keys:
            width, height = self.terminal.size()
            tables = self._tables()
            room = screen.page_room(tables, self.look, width, height)
            control = Control(tables, width, room, screen.panels(tables, self.look, width, height))
            was_paused = self.view.paused
            self._fulfil(control.press(key))
            if self.view.paused != was_paused:
                self._hold()
        if keys:
            self._draw_at_once()

    def _fulfil(self, asked: Asked) -> None:
        if isinstance(asked, Job):
            self.source.submit(asked)
        elif isinstance(asked, Skip):
            self._skip(asked.seconds)
        elif asked is Wish.QUIT:
            self._exit_code = 0
        elif asked is Wish.SUSPEND:
            self._suspend()
        elif asked is Wish.REDRAW:
            self.terminal.forget()
        elif asked is Wish.RECONNECT:
            self.source.reconnect()
        elif asked is Wish.INTERVAL:
            self.source.set_interval(self.view.interval_s)
        if isinstance(self.source, Replay) and self.view.speed is not None:
            self.source.set_speed(self.view.speed)

    def _hold(self) -> None:
        """Space: the screen stands still while data keeps flowing; a recording stands still itself."""
        if isinstance(self.source, Replay):
            self.source.hold(is_held=self.view.paused)
        elif self.view.paused:
            self._held_at = self.source.now()
            self._held = copy.deepcopy(self.state)
        else:
            self._held = None

    def _skip(self, seconds: float) -> None:
        assert isinstance(self.source, Replay)
        if self.source.seek(seconds):
            recording = self.source.recording
            self.state = State(recording.project, recording.started_at)
            self.view.focus, self.view.paused = self.view.focus or RUNNING, False
