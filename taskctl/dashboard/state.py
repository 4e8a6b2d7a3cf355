"""What is known: the last look at the database, and what events have told since. Pure; `now` is passed in.

Events are hints and the database is the truth: each snapshot replaces the counts, and only events newer than
it are applied again. Rates and times come from the events (or, without Redis, from what was seen to end).
"""

from __future__ import annotations

from collections import OrderedDict, deque

from django_task_worker.snapshot.rows import CAP, FailureRow, FinishedRow, QueueRow, RunningRow, Snapshot
from taskctl.dashboard.activity import ENDS, Activity
from taskctl.dashboard.messages import DATABASE, DOWN, OK, REDIS, Events, Health, History, Message
from taskctl.dashboard.rates import Meter
from taskctl.listening.happenings import Happening

MOST_RUNNING = 400
MOST_FAILURES = 500
MOST_RECENT = 10_000
TAIL = 200
FAILURES_S = 3600.0
GAP_SHARE = 0.01
LEAVES = ENDS | {"retrying"}


class State:
    """Everything a screen may show. `apply` is the only way in."""

    def __init__(self, project: str = "", started_at: float = 0.0) -> None:
        self.project = project
        self.started_at = started_at
        self.snapshot: Snapshot | None = None
        self.snapshot_at = 0.0
        """When the snapshot came, by this machine's clock."""
        self.skew_s = 0.0
        """How far the database's clock is ahead of this machine's."""
        self.redis = Health(REDIS)
        self.database = Health(DATABASE)
        self.queues: dict[str, QueueRow] = {}
        self.running: dict[str, RunningRow] = {}
        self.failures: OrderedDict[str, FailureRow] = OrderedDict()
        self.failures_since = started_at
        """Since when all of them are known, by the database's clock."""
        self.retrying = 0
        self.activity = Activity(started_at)
        self.heard = Meter(61)
        self.lost = Meter(61)
        self.tail: deque[Happening] = deque(maxlen=TAIL)
        self.dropped = 0
        self._recent: deque[Happening] = deque(maxlen=MOST_RECENT)

    @property
    def mode(self) -> str:
        """LIVE, POLLING or DB DOWN."""
        if self.database.state == DOWN:
            return "DB DOWN"
        return "LIVE" if self.redis.state == OK else "POLLING"

    def apply(self, message: Message, now: float) -> None:
        """Take in what was heard. `now` is this machine's time."""
        if isinstance(message, Events):
            self._take(message, now)
        elif isinstance(message, Snapshot):
            self._reconcile(message, now)
        elif isinstance(message, History):
            self.activity.remember(message, self.skew_s)
        elif message.server == REDIS:
            self.redis = message
        else:
            self.database = message

    # --- events ---

    def _take(self, events: Events, now: float) -> None:
        self.dropped += events.dropped
        self.heard.add(len(events.happenings), now)
        for happening in events.happenings:
            self._note(happening, now)
            self._recent.append(happening)
            self._adjust(happening)
        if events.missed or events.dropped:
            self.lost.add(events.missed + events.dropped, now)
        if events.missed and self.share_lost(now) > GAP_SHARE:
            self.tail.append(Happening("gap", now, number=events.missed))

    def share_lost(self, now: float) -> float:
        """Which part of the last minute's events was missed on the way, or dropped here."""
        lost = sum(self.lost.totals(now + 1, step_s=1, steps=60))
        heard = sum(self.heard.totals(now + 1, step_s=1, steps=60))
        return lost / (lost + heard) if lost else 0.0

    def _note(self, happening: Happening, now: float) -> None:
        """Rates, times and the tail."""
        self.tail.append(happening)
        at = now if happening.source == "redis" else min(happening.at - self.skew_s, now)
        self.activity.note(happening, at, now)

    def _adjust(self, happening: Happening) -> None:
        """The counts, until the next snapshot corrects them."""
        event, task_id = happening.event, happening.id
        row = self.queues.get(happening.queue or "")
        if event == "enqueued":
            self._waits(row, happening.number, happening.at)
        elif event == "started" and task_id is not None:
            self._begin(row, task_id, happening)
        elif event in LEAVES and task_id is not None:
            self._leave(row, task_id)
            if event == "failed":
                self._fail(task_id, happening)
            if event == "retrying":
                self.retrying = _counted_on(self.retrying, 1)
        elif event == "requeued" and task_id is not None:
            self.failures.pop(task_id, None)
            if happening.worker:
                self._leave(row, task_id)
            self._waits(row, 1, happening.at)
        elif event in ("paused", "resumed") and row is not None:
            self.queues[row.name] = row._replace(paused_at=happening.at if event == "paused" else None)

    def _waits(self, row: QueueRow | None, number: int, at: float | None = None) -> None:
        """More wait, or fewer; the first of them since that time."""
        if row is not None:
            self.queues[row.name] = row._replace(
                pending=_counted_on(row.pending, number),
                oldest_at=row.oldest_at if row.pending else at or None,
            )

    def _begin(self, row: QueueRow | None, task_id: str, happening: Happening) -> None:
        if task_id in self.running:
            known = self.running[task_id]
            if known.started_at is None:
                self.running[task_id] = known._replace(started_at=happening.at)
            return
        if row is not None:
            if (happening.tries or 1) > 1:
                self.retrying = _counted_on(self.retrying, -1)
            else:
                self._waits(row, -1)
            row = self.queues[row.name]
            self.queues[row.name] = row._replace(running=row.running + 1)
        if len(self.running) < MOST_RUNNING:
            self.running[task_id] = RunningRow(
                task_id,
                happening.task or "?",
                happening.queue or "?",
                happening.worker or "",
                happening.tries or 1,
                None,
                happening.at or None,
                None,
                None,
            )

    def _leave(self, row: QueueRow | None, task_id: str) -> None:
        known = self.running.pop(task_id, None)
        if row is None and known is not None:
            row = self.queues.get(known.queue)
        if row is None:
            return
        if known is not None and row.running:
            self.queues[row.name] = row._replace(running=row.running - 1)
        else:  # it began and ended since the last look
            self._waits(row, -1)

    def _fail(self, task_id: str, happening: Happening) -> None:
        known = self.failures.get(task_id)
        self.failures[task_id] = FailureRow(
            task_id,
            happening.task or (known.task if known else "?"),
            happening.queue or "?",
            happening.worker or "",
            happening.tries or 1,
            happening.error_type or "",
            "",
            happening.at,
        )
        self.failures.move_to_end(task_id)
        while len(self.failures) > MOST_FAILURES:
            self.failures.popitem(last=False)

    # --- the database ---

    def _reconcile(self, snapshot: Snapshot, now: float) -> None:
        if snapshot.all_failures:
            self._forget_failures(snapshot)
        self.snapshot, self.snapshot_at = snapshot, now
        self.skew_s = snapshot.at - now
        self.queues = {row.name: row for row in snapshot.queues}
        self.running = {row.id: row for row in snapshot.running}
        self.retrying = snapshot.retrying
        self._learn_failures(snapshot)
        self._learn_ends(snapshot.finished, now)
        newer = [happening for happening in self._recent if happening.at > snapshot.at]
        self._recent.clear()
        self._recent.extend(newer)
        for happening in newer:
            self._adjust(happening)
        self.activity.forget(self.queues, {worker.name for worker in snapshot.workers})

    def _forget_failures(self, snapshot: Snapshot) -> None:
        """Those that a look at all of them will bring again. It may not reach back as far as what we know."""
        since = snapshot.failures_since
        for row in [row for row in self.failures.values() if row.at >= since]:
            del self.failures[row.task_id]
        is_joined = self.snapshot is not None and since <= self.snapshot.at
        self.failures_since = min(self.failures_since, since) if is_joined else since

    def _learn_failures(self, snapshot: Snapshot) -> None:
        for row in sorted(snapshot.failures, key=lambda row: row.at):
            self.failures[row.task_id] = row
            self.failures.move_to_end(row.task_id)
        while self.failures:
            oldest = next(iter(self.failures.values()))
            if len(self.failures) <= MOST_FAILURES and oldest.at > snapshot.at - FAILURES_S:
                break
            self.failures.popitem(last=False)

    def _learn_ends(self, rows: tuple[FinishedRow, ...], now: float) -> None:
        """Without events, what was seen to have ended counts as heard."""
        for row in rows:
            if self.activity.knows(row):
                continue
            self._note(
                Happening(
                    row.status,
                    row.at,
                    row.id,
                    row.task,
                    row.queue,
                    row.worker,
                    row.tries,
                    row.wait_s,
                    row.run_s,
                    row.error_type,
                    1,
                    "poll",
                ),
                now,
            )

    # --- what is asked ---

    def age_s(self, now: float) -> float | None:
        """How old the snapshot is; None before the first."""
        return None if self.snapshot is None else max(0.0, now - self.snapshot_at)

    def database_time(self, now: float) -> float:
        return now + self.skew_s


def _counted_on(waiting: int, number: int) -> int:
    """So many more wait, or fewer; how many there are beyond CAP is not known, so it stays beyond."""
    return waiting if waiting > CAP else max(0, min(waiting + number, CAP + 1))
