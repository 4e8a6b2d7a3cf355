"""The thread that asks the database: a snapshot each interval, and the jobs of the user in between."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django_task_worker.snapshot import read
from django_task_worker.snapshot.read import Look
from django_task_worker.worker.connection import cut, use_own_connection
from taskctl.dashboard import actions, history
from taskctl.dashboard.answers import Answer
from taskctl.dashboard.messages import DATABASE, DOWN, OK, Health, Message
from taskctl.dashboard.view import Job, Row
from taskctl.database import place, reason
from taskctl.listening.inbox import Inbox

PAUSES_S = (1.0, 2.0, 4.0, 8.0, 15.0)
ALL_FAILURES_EVERY_S = 30.0
OVERLAP_S = 3.0
"""What ended may be committed later than it says: this much is looked at again."""
PATIENCE_S = 5.0
"""A statement that takes longer is cut off, and so is its connection."""


class Reader(threading.Thread):
    """Puts snapshots, answers and the health of the database into the inbox until `stop`."""

    def __init__(
        self,
        using: str,
        inbox: Inbox[Message | Answer],
        interval_s: float,
        is_live: Callable[[], bool],
        *,
        utc: bool = False,
    ) -> None:
        super().__init__(name="top-database", daemon=True)
        self._using = using
        self._inbox = inbox
        self._is_live = is_live
        self._utc = utc
        self._jobs: deque[Job] = deque(maxlen=20)
        self._changed = threading.Condition()
        self._is_ended = False
        self._due = 0.0
        self._connection: Any = None
        self._busy_since: float | None = None
        self._failures = 0
        self._down_since = 0.0
        self._last_failure: int | None = None
        self._all_failures_at = 0.0
        self._seen_until: float | None = None
        self._was_live = self._has_history = False
        self._lost_events = False
        self.interval_s = interval_s

    # --- for the loop ---

    def submit(self, job: Job) -> None:
        if job.verb in actions.ASIDE:
            threading.Thread(target=self._aside, args=(job,), name=f"top-{job.verb}", daemon=True).start()
            return
        with self._changed:
            self._jobs.append(job)
            self._changed.notify()

    def look_now(self) -> None:
        """At once instead of after the interval."""
        with self._changed:
            self._due = 0.0
            self._changed.notify()

    def fill_in(self) -> None:
        """Events were lost: what has ended is read at the next look, as it is without them."""
        self._lost_events = True

    def stop(self) -> None:
        with self._changed:
            self._is_ended = True
            self._changed.notify()
        if self._busy_since is not None:
            self._cut()

    def watch(self) -> Health | None:
        """Cut off a statement that takes too long; what is to be said of the database then."""
        began = self._busy_since
        if began is None or time.monotonic() - began < PATIENCE_S:
            return None
        self._cut()
        waited = time.monotonic() - began
        return Health(DATABASE, DOWN, f"no answer for {waited:.0f}s", time.time() - waited, time.time())

    def _cut(self) -> None:
        if self._connection is not None:
            cut(self._connection)

    # --- the thread ---

    def run(self) -> None:
        self._connection = _connection(self._using)
        while (job := self._next()) is not False:
            self._busy_since = time.monotonic()
            try:
                if isinstance(job, Job):
                    self._inbox.put(actions.perform(job, self._using, utc=self._utc))
                else:
                    self._look()
            except Exception as error:  # of any kind: the screen stays and says so
                self._fail(error, job)
            finally:
                self._busy_since = None
        self._close()

    def _next(self) -> Job | bool | None:
        """The next job; None when a look is due; False at the end."""
        with self._changed:
            while not self._is_ended:
                if self._jobs:
                    return self._jobs.popleft()
                left_s = self._due - time.monotonic()
                if left_s <= 0:
                    return None
                self._changed.wait(left_s)
        return False

    def _look(self) -> None:
        began = time.monotonic()
        with self._changed:  # first: who asks for another look meanwhile gets it
            self._due = began + self.interval_s
        is_live, self._lost_events = self._is_live() and not self._lost_events, False
        wants_all = began - self._all_failures_at > ALL_FAILURES_EVERY_S
        since = None if is_live and self._was_live else self._seen_until
        seen = Look(
            after_failure=None if wants_all else self._last_failure,
            finished_since=None if since is None else since - OVERLAP_S,
        )
        found = read.read(seen, self._using)
        if wants_all:
            self._all_failures_at = began
        self._last_failure, self._seen_until, self._was_live = found.last_failure, found.at, is_live
        self._failures, self._down_since = 0, 0.0
        self._inbox.put(Health(DATABASE, OK, round_trip_s=found.round_trip_s))
        self._inbox.put(found)
        if not self._has_history:
            self._inbox.put(history.read(found.at, self._using))
            self._has_history = True

    def _fail(self, error: Exception, job: Job | bool | None) -> None:
        self._close()
        if isinstance(job, Job):
            self._inbox.put(_sorry(job, error))
            return
        now = time.time()
        self._down_since = self._down_since or now
        pause_s = PAUSES_S[min(self._failures, len(PAUSES_S) - 1)]
        self._failures += 1
        with self._changed:
            self._due = time.monotonic() + pause_s
        where = place(self._using).partition(", ")[2]
        self._inbox.put(Health(DATABASE, DOWN, f"{reason(error)}, {where}", self._down_since, now + pause_s))

    def _aside(self, job: Job) -> None:
        connection = _connection(self._using)
        try:
            self._inbox.put(actions.perform(job, self._using, utc=self._utc))
        except Exception as error:
            self._inbox.put(_sorry(job, error))
        finally:
            with suppress(Exception):
                connection.close()

    def _close(self) -> None:
        """However broken it is."""
        connection = self._connection
        with suppress(Exception):
            connection.close()
        connection.connection = None
        connection.in_atomic_block = connection.needs_rollback = False
        connection.savepoint_ids, connection.run_on_commit = [], []
        connection.closed_in_transaction = False


def _connection(using: str) -> Any:
    """This thread's own: quick to give up, and with our name."""
    connection = use_own_connection(using)
    options = connection.settings_dict["OPTIONS"]
    if "application_name" in options:
        options["application_name"] = "taskctl top"
    return connection


def _sorry(job: Job, error: Exception) -> Answer:
    text = f"{job.verb} failed: {reason(error)}"
    return Answer(job, text, "red", rows=[Row("", text, "red")])
