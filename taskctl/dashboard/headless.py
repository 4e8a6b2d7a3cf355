"""`top` where there is no screen: objects after each interval, or a recording alone, until a signal comes."""

from __future__ import annotations

import select
import signal
from collections.abc import Callable
from contextlib import ExitStack

from django_task_worker.snapshot.rows import Snapshot
from taskctl.dashboard.answers import Answer
from taskctl.dashboard.signals import ENDS, Signals
from taskctl.dashboard.sources import Source
from taskctl.dashboard.state import State
from taskctl.dashboard.tables import Tables
from taskctl.dashboard.view import View

TURN_S = 0.5


class Headless:
    """Takes what the source brings, and shows each snapshot."""

    def __init__(self, source: Source, state: State, view: View, show: Callable[[Tables], None]) -> None:
        self._source = source
        self._state = state
        self._view = view
        self._show = show
        self._signals = Signals(source.inbox.bell)

    def run(self, *, prints: bool) -> int:
        """Until SIGTERM, SIGHUP or Ctrl-C; the exit code."""
        with ExitStack() as stack:
            stack.enter_context(self._signals.caught())
            stack.callback(self._source.stop)
            self._source.start()
            while True:
                select.select([self._source.inbox.wake], [], [], TURN_S)
                for at, message in self._source.take():
                    if isinstance(message, Answer):
                        continue
                    self._state.apply(message, at)
                    if prints and isinstance(message, Snapshot):
                        tables = Tables(self._state, self._view, self._source.now())
                        self._show(tables)
                for number in self._signals.take():
                    if number in ENDS:
                        return 0 if number == signal.SIGINT else 128 + number
