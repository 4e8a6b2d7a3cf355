"""The children together: who has room, what ended, who must go, who is missing."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heapify, heapreplace

from django_task_worker.exceptions import Interrupted, TaskCancelled
from django_task_worker.lifecycle.values import Claimed, Notes, Outcome
from django_task_worker.states import Kind
from django_task_worker.worker.adopted import Adopted
from django_task_worker.worker.child import ChildLimits
from django_task_worker.worker.gate import Gate
from django_task_worker.worker.messages import Report
from django_task_worker.worker.pace import Pace
from django_task_worker.worker.process import HANG_UP_S, STACK_S, Process, Running, exit_reason

logger = logging.getLogger("django_task_worker.worker")

WAIT_FOR_CHILD_S = 0.5
MARK_S = 0.05
FIRST_RESPAWN_S = 0.1
MAX_RESPAWN_S = 10.0


@dataclass(slots=True)
class Waiting:
    """A claimed task that no child has yet."""

    task: Claimed
    since: float


class Crew:
    """Forks children, hands out tasks and turns reports and deaths into outcomes."""

    def __init__(
        self,
        *,
        size: int,
        limits: ChildLimits,
        frame_limit: int,
        worker: str,
        gate: Gate,
        keep: Callable[[Claimed, Kind, Notes], Notes],
        before_fork: Callable[[], None],
        leave_parent: Callable[[], None],
    ) -> None:
        self.size = size
        self.pace = Pace()
        self.processes: list[Process] = []
        self.backlog: deque[Waiting] = deque()
        self._limits = limits
        self._frame_limit = frame_limit
        self._worker = worker
        self._gate = gate
        self._keep = keep
        self._before_fork = before_fork
        self._leave_parent = leave_parent
        self._cancelling: set[str] = set()
        self._cannot_start = False
        self._respawn_at = 0.0
        self._respawn_s = 0.0
        self._adopted = Adopted()

    # --- children ---

    def fill(self, now: float, *, is_needed: bool = True) -> None:
        """Fork until the crew is complete, unless the last ones died at once."""
        if not is_needed and not self.backlog:
            return
        missing = self.size - sum(not process.is_leaving for process in self.processes)
        if missing <= 0 or now < self._respawn_at:
            return
        self._before_fork()
        try:
            for _ in range(missing):
                self._start()
        except OSError as error:
            self._delay_respawn(now)
            if not self._cannot_start:
                logger.error("cannot start a child process, and go on trying: %s", error)
            self._cannot_start = True
            return
        if self._cannot_start:
            self._cannot_start = False
            logger.info("child processes start again")

    def _start(self) -> None:
        process = Process(self._limits, self._frame_limit, self._worker, self._gate)
        try:
            process.fork(self._leave)
        except OSError:
            process.close()
            raise
        self.processes.append(process)

    def _leave(self) -> None:
        for sibling in self.processes:
            sibling.forget()
        self._leave_parent()

    def _delay_respawn(self, now: float) -> None:
        """Ever longer; those that die while nobody may be started anyway count once."""
        if now < self._respawn_at:
            return
        self._respawn_s = min(MAX_RESPAWN_S, max(FIRST_RESPAWN_S, self._respawn_s * 2))
        self._respawn_at = now + self._respawn_s

    def reap(self, now: float) -> list[Outcome]:
        """Collect the dead; the outcomes of what they were running."""
        found: list[Outcome] = []
        by_pid = {process.pid: process for process in self.processes}
        while True:
            try:
                pid, wait_status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            if pid in by_pid:
                found += self._bury(by_pid[pid], wait_status, now)
        return found

    def _bury(self, process: Process, wait_status: int, now: float) -> list[Outcome]:
        found = self.read(process, now)
        self.processes.remove(process)
        is_expected = process.is_recycled or process.verdict not in (None, Kind.LOST)
        had_work = bool(process.assigned)
        if process.assigned and not process.has_not_begun:
            head = process.assigned.popleft()
            kind = process.verdict or Kind.LOST
            if process.victim is not None and head is not process.victim:
                kind = Kind.INTERRUPTED
            reason = process.fault or exit_reason(wait_status)
            if not head.is_lost:
                found.append(self._cut_off(process, head, kind, reason, now))
        process.signal_group(signal.SIGKILL)
        left = [running.task for running in process.assigned if not running.is_lost]
        self.backlog.extendleft(Waiting(task, now) for task in reversed(left))
        found += self.cancel(())
        process.close()
        if not is_expected:
            logger.warning("child %d %s", process.pid, process.fault or exit_reason(wait_status))
            if had_work:  # its task is to blame, which has a back-off of its own
                self._respawn_at = max(self._respawn_at, now + FIRST_RESPAWN_S)
            else:
                self._delay_respawn(now)
        return found

    def _cut_off(self, process: Process, head: Running, kind: Kind, reason: str, now: float) -> Outcome:
        self._cancelling.discard(head.task.id)
        ended = now if process.signalled_at is None else process.signalled_at
        duration_s = max(0.0, ended - head.started) if head.started is not None else 0.0
        if kind is Kind.TIMED_OUT:
            error_type, error = "TaskTimeout", f"stopped after its time limit of {head.task.timeout_s} s"
        elif kind is Kind.CANCELLED:
            error_type, error = "TaskCancelled", str(TaskCancelled())
        elif kind is Kind.INTERRUPTED:
            error_type, error = "Interrupted", str(Interrupted())
        else:
            error_type = "WorkerLost"
            error = f"the child process {process.pid} {reason}"
        is_running = process.victim is None or process.victim is head
        return Outcome(
            task=head.task,
            kind=kind,
            worker=self._worker,
            error_type=error_type,
            error=error,
            traceback=process.stack(),
            duration_s=duration_s,
            ended=ended,
            notes=process.notes() if is_running else None,
        )

    def kill_adopted(self) -> None:
        """End the processes that tasks have left behind."""
        heads = (process.head for process in self.processes)
        starts = [head.started for head in heads if head is not None and head.started is not None]
        ours = [process.pid for process in self.processes]
        self._adopted.kill(ours, running_since=min(starts, default=None))

    # --- tasks ---

    @property
    def in_hand(self) -> int:
        """How many tasks are with us, running or not."""
        return len(self.backlog) + sum(len(process.assigned) for process in self.processes)

    @property
    def busy(self) -> int:
        return sum(bool(process.assigned) for process in self.processes)

    def room(self, coming: int = 0, *, needs_statement: bool = True) -> int:
        """How many tasks to claim when so many are about to come.

        If that takes a statement of its own, 0 until it is worth one.
        """
        window, ahead = self.pace.window, self._ahead
        takers = [len(process.assigned) for process in self.processes if not process.is_leaving]
        room = sum([max(0, window - assigned) for assigned in takers]) + ahead - len(self.backlog) - coming
        is_starving = not coming and takers and min(takers) == 0
        can_wait = needs_statement and not is_starving and (window > 1 or ahead > 0)
        is_little = room < (ahead or window * len(takers)) // 2
        return 0 if room <= 0 or (can_wait and is_little) else room

    @property
    def batch(self) -> int:
        """How many outcomes make a statement worth while: one, unless more are sure to come at once."""
        return 1 if self.busy == 0 else max(self.pace.window, self._ahead // 2)

    @property
    def _ahead(self) -> int:
        return min(len(self.processes), self.pace.ahead(time.monotonic()))

    def take(self, tasks: Sequence[Claimed], now: float, *, hands_out: bool = True) -> None:
        """Accept claimed tasks and, usually, hand out what can be handed out."""
        if self._cancelling:  # that was an earlier run
            self._cancelling.difference_update([task.id for task in tasks])
        self.backlog.extend([Waiting(task, now) for task in tasks])
        if hands_out:
            self.distribute(now)

    def distribute(self, now: float) -> None:
        """Give waiting tasks to children: to free ones first, behind others only where all are short."""
        window, is_short = self.pace.window, self.pace.is_short
        takers = [process for process in self.processes if self.backlog and not process.is_leaving]
        heap = [(len(process.assigned), number) for number, process in enumerate(takers)]
        heapify(heap)
        while self.backlog and heap:
            task = self.backlog[0].task
            ahead, number = heap[0]
            process = takers[number]
            if ahead and (
                ahead >= window or not is_short(task.name) or not is_short(process.assigned[-1].task.name)
            ):
                break
            self.backlog.popleft()
            process.assign(task, now)
            heapreplace(heap, (ahead + 1, number))
        for process in takers:
            process.write()

    def read(self, process: Process, now: float) -> list[Outcome]:
        """What this child has finished."""
        return [
            self._outcome(running, report, now)
            if report is not None
            else self._cut_off(process, running, Kind.TIMED_OUT, "", now)
            for running, report in process.read(now)
            if not running.is_lost
        ]

    def _outcome(self, running: Running, report: Report, now: float) -> Outcome:
        self.pace.note(running.task.name, report.duration_s, now)
        self._respawn_s = 0.0
        self._cancelling.discard(running.task.id)
        return Outcome(
            task=running.task,
            kind=report.kind,
            worker=self._worker,
            result=report.result,
            result_json=report.result_json,
            error_type=report.error_type,
            error=report.error,
            traceback=report.traceback,
            duration_s=report.duration_s,
            ended=now,
            notes=report.notes and self._keep(running.task, report.kind, report.notes),
        )

    def give_back(self, now: float, *, older_than_s: float = WAIT_FOR_CHILD_S) -> list[Outcome]:
        """Claimed tasks that have waited too long for a child go back unspent."""
        found = []
        while self.backlog and now - self.backlog[0].since >= older_than_s:
            task = self.backlog.popleft().task
            found.append(Outcome(task=task, kind=Kind.NOT_STARTED, worker=self._worker, ended=now))
        return found

    # --- endings ---

    def read_overdue(self, now: float) -> list[Outcome]:
        """What ended in time, while nobody read the reports of it."""
        overdue = [process for process in self.processes if process.overdue_s(now) >= 0]
        return [outcome for process in overdue for outcome in self.read(process, now)]

    def enforce(self, now: float, *, spares_unread: bool = False) -> None:
        """Kill what is over its time limit or cancelled, and go on with killing.

        With `spares_unread` not a child that has sent something: it may be the report of what seems to run.
        """
        for process in self.processes:
            if process.verdict is not None:
                process.escalate(now)
            elif process.head is not None and process.head.task.id in self._cancelling:
                process.kill(Kind.CANCELLED, now)
            elif process.overdue_s(now) >= 0 and not (spares_unread and process.has_unread):
                process.kill(Kind.TIMED_OUT, now)
            elif process.hung_up_at is not None and now >= process.hung_up_at + HANG_UP_S:
                process.fault = "closed its channel to the supervisor"
                process.kill_at_once(Kind.LOST)

    def cancel(self, task_ids: Iterable[str]) -> list[Outcome]:
        """Stop these tasks; those that no child has yet end here."""
        self._cancelling.update(task_ids)
        found = []
        for waiting in [waiting for waiting in self.backlog if waiting.task.id in self._cancelling]:
            self.backlog.remove(waiting)
            found.append(Outcome(task=waiting.task, kind=Kind.CANCELLED, worker=self._worker))
        return found

    def drop(self, is_lost: Callable[[Claimed], bool]) -> list[Claimed]:
        """Kill the children of tasks that are no longer ours, and forget these; which they were."""
        lost = [waiting.task for waiting in self.backlog if is_lost(waiting.task)]
        self.backlog = deque(waiting for waiting in self.backlog if not is_lost(waiting.task))
        for process in self.processes:
            gone = [held for held in process.assigned if not held.is_lost and is_lost(held.task)]
            for running in gone:
                running.is_lost = True
            if gone:
                lost += [running.task for running in gone]
                process.kill_at_once(Kind.INTERRUPTED)
        return lost

    def begun(self) -> list[Claimed]:
        """Tasks that have started since the last call."""
        found: list[Claimed] = []
        for process in self.processes:
            if process.begun:
                found += process.begun
                process.begun = []
        return found

    def unmarked(self, now: float) -> list[Running]:
        """What has been running for a moment without the database knowing since when."""
        return [head for started, head in self._unmarked() if now >= started + MARK_S]

    @property
    def mark_at(self) -> float | None:
        """When there is something to mark, by the monotonic clock; None while nothing runs unmarked."""
        return min((started + MARK_S for started, _ in self._unmarked()), default=None)

    def _unmarked(self) -> Iterator[tuple[float, Running]]:
        for process in self.processes:
            head = process.head
            if head is not None and not head.is_marked and head.started is not None:
                yield head.started, head

    def log_stacks(self) -> None:
        """Write to the log what each child is doing."""
        busy = [process for process in self.processes if process.head is not None]
        for process in busy:
            process.ask_for_stack()
        time.sleep(STACK_S)
        for process in busy:
            if process.head is not None:
                task = process.head.task
                logger.info("child %d runs %s %s\n%s", process.pid, task.name, task.id, process.stack())

    def interrupt(self, now: float, *, at_once: bool = False) -> None:
        """Kill all that runs, to hand it back."""
        for process in self.processes:
            if process.assigned and process.verdict is None:
                process.kill(Kind.INTERRUPTED, now)
            if at_once:
                process.kill_at_once(Kind.INTERRUPTED)

    def dismiss(self) -> None:
        """End all children and reap them; every wait has an end."""
        for process in self.processes:
            process.kill_at_once(Kind.INTERRUPTED)
        deadline = time.monotonic() + 5.0
        while time.monotonic() < deadline and (self.processes or self._adopted.kill((), None)):
            self.reap(time.monotonic())
            time.sleep(0.005)

    def next_deadline(self, now: float, *, is_needed: bool) -> float | None:
        """When something is to be done about a child, by the monotonic clock; `is_needed` as for `fill`."""
        times = [process.deadline for process in self.processes if process.deadline is not None]
        if len(self.processes) < self.size and (is_needed or self.backlog):
            times.append(max(now, self._respawn_at))
        if self.backlog:
            times.append(self.backlog[0].since + WAIT_FOR_CHILD_S)
        return min(times, default=None)
