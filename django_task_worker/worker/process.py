"""The supervisor's handle of one child: fork, assign, read, kill by stages, reap.

A child that must go is sent SIGTERM, then SIGKILL, with its whole group. One that is over its time limit is
asked for its stack before.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from django_task_worker.lifecycle.values import Claimed, Notes
from django_task_worker.states import Kind
from django_task_worker.worker import child
from django_task_worker.worker.gate import Gate
from django_task_worker.worker.messages import BadFrame, FrameReader, Report, assignment, read_report
from django_task_worker.worker.slate import Slate

STACK_S = 0.1
TERM_S = 2.0
HANG_UP_S = 0.5
"""How long a child that has closed its channel may take to end by itself."""
CHUNK = 256 * 1024
MAX_STACK_BYTES = 32 * 1024


@dataclass(slots=True)
class Running:
    """A task in a child's hands. `started` is monotonic, None while tasks before it run."""

    task: Claimed
    started: float | None = None
    is_marked: bool = False
    """Whether the database knows when it began."""
    is_lost: bool = False
    """Whether it is no longer ours: what becomes of it here counts for nothing."""


class Process:
    """One child process and what it was assigned."""

    def __init__(self, limits: child.ChildLimits, frame_limit: int, worker: str, gate: Gate) -> None:
        self.limits = limits
        self._gate = gate
        self.slate = Slate()
        self._worker = worker
        self._reported_notes: Notes | None = None
        self.assigned: deque[Running] = deque()
        self.begun: list[Claimed] = []
        """Tasks that have started since somebody asked."""
        self.pid = 0
        self.verdict: Kind | None = None
        """Why we kill it; None while we do not."""
        self.victim: Running | None = None
        """The task that was running when we began to."""
        self.fault: str | None = None
        self.hung_up_at: float | None = None
        """Since when nobody listens at its end of the channel, by the monotonic clock."""
        self._ours, self._theirs = socket.socketpair()
        self._ours.setblocking(False)
        self._reader = FrameReader(frame_limit)
        self._outbox = bytearray()
        self._reported = 0
        """Of how many tasks it has reported the end."""
        self._stack_file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as the child
        self._stage_at = 0.0
        self._stages: Iterator[int] = iter(())
        self.is_recycled = False
        self.signalled_at: float | None = None
        """When we last sent it a signal to end it, by the monotonic clock."""

    def fork(self, leave_parent: Callable[[], None]) -> None:
        """Start the child; `leave_parent` closes there what belongs to the supervisor."""
        supervisor_pid = os.getpid()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            try:
                leave_parent()
                self._ours.close()
                child.main(
                    self._theirs,
                    self._stack_file,
                    self.slate,
                    self._gate,
                    self._worker,
                    supervisor_pid,
                    self.limits,
                )
            finally:
                os._exit(1)
        self.pid = pid
        with suppress(OSError):
            os.setpgid(pid, pid)
        self._theirs.close()

    def fileno(self) -> int:
        return self._ours.fileno()

    @property
    def head(self) -> Running | None:
        """The task that it is running."""
        return self.assigned[0] if self.assigned else None

    @property
    def is_leaving(self) -> bool:
        """Whether it takes no more tasks."""
        is_broken = self.fault is not None or self.hung_up_at is not None
        return self.verdict is not None or self.is_recycled or is_broken

    @property
    def wants_to_write(self) -> bool:
        return bool(self._outbox)

    @property
    def has_not_begun(self) -> bool:
        """Whether the child has not begun what comes first of that which it has not reported."""
        return self.slate.begun <= self._reported

    def assign(self, task: Claimed, now: float) -> None:
        """Hand over the task; `write` sends what has been handed over."""
        running = Running(task, started=None if self.assigned else now)
        self.assigned.append(running)
        if running.started is not None:
            self.begun.append(task)
        self._outbox += assignment(task)

    def write(self) -> None:
        """Send what the pipe takes now."""
        try:
            while self._outbox:
                sent = self._ours.send(self._outbox[:CHUNK])
                del self._outbox[:sent]
        except BlockingIOError:
            pass
        except (BrokenPipeError, ConnectionResetError):
            self._hang_up()

    def read(self, now: float) -> list[tuple[Running, Report | None]]:
        """The tasks that have ended since the last call, with their reports.

        None for the one that was over its time limit: being asked for its stack can end a call early.
        """
        found: list[tuple[Running, Report | None]] = []
        if self.fault is not None:
            return found
        try:
            while chunk := self._ours.recv(CHUNK):
                for payload in self._reader.feed(chunk):
                    found.append(self._match(read_report(payload), now))
                if len(chunk) < CHUNK:
                    return found
            self._hang_up()
        except BlockingIOError:
            pass
        except ConnectionResetError:  # the kernel says so when the other end closes with something unread
            self._hang_up()
        except BadFrame as error:
            self.fault = str(error)
            self._hang_up()
            self.kill_at_once(Kind.LOST)
        return found

    @property
    def has_unread(self) -> bool:
        """Whether it has sent something that was not read yet."""
        with suppress(OSError):
            return bool(self._ours.recv(1, socket.MSG_PEEK))
        return False

    def _hang_up(self) -> None:
        if self.hung_up_at is None:
            self.hung_up_at = time.monotonic()

    def _match(self, report: Report, now: float) -> tuple[Running, Report | None]:
        head = self.head
        if head is None or report.id != head.task.id:
            raise BadFrame("a report for a task that it is not running")
        self.assigned.popleft()
        self._reported += 1
        if self.assigned:
            self.assigned[0].started = now
            self.begun.append(self.assigned[0].task)
        self.is_recycled = self.is_recycled or report.recycle
        if head is self.victim and self.verdict is Kind.TIMED_OUT:
            self._reported_notes = report.notes
            return head, None
        return head, report

    def overdue_s(self, now: float) -> float:
        """How long the running task has been over its time limit; negative before."""
        head = self.head
        if head is None or head.started is None:
            return -1.0
        return now - head.started - head.task.timeout_s

    @property
    def deadline(self) -> float | None:
        """When something is to be done about this child, by the monotonic clock."""
        if self.verdict is not None:
            return self._stage_at
        if self.hung_up_at is not None:
            return self.hung_up_at + HANG_UP_S
        head = self.head
        return None if head is None or head.started is None else head.started + head.task.timeout_s

    def kill(self, verdict: Kind, now: float) -> None:
        """Begin to end the child; `escalate` goes on with it."""
        if self._condemn(verdict):
            first = (child.STACK_SIGNAL,) if verdict is Kind.TIMED_OUT else ()
            self._stages = iter((*first, signal.SIGTERM, signal.SIGKILL))
            self._stage_at = now
            self.escalate(now)

    def kill_at_once(self, verdict: Kind) -> None:
        """End the child and its group now."""
        self._condemn(verdict)
        self._stages = iter(())
        self._stage_at = time.monotonic() + TERM_S
        self.signal_group(signal.SIGKILL)

    def _condemn(self, verdict: Kind) -> bool:
        """Note why it must end, and let it begin nothing more, unless that was done before."""
        if self.verdict is not None:
            return False
        self.verdict = verdict
        self.victim = self.head
        self.slate.hold()
        return True

    def escalate(self, now: float) -> None:
        """Take the next stage when its time has come."""
        if self.verdict is None or now < self._stage_at:
            return
        if self._has_exited():
            self._stage_at = now + TERM_S
            return
        stage = next(self._stages, signal.SIGKILL)
        if stage is child.STACK_SIGNAL:
            self.ask_for_stack()
            self._stage_at = now + STACK_S
        else:
            self.signal_group(stage)
            self._stage_at = now + TERM_S

    def _has_exited(self) -> bool:
        """Whether it only waits to be reaped."""
        try:
            return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:
            return True

    def signal_group(self, number: int) -> None:
        self.signalled_at = time.monotonic()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def ask_for_stack(self) -> None:
        """Have the child write where it is; `stack` reads it a moment later."""
        with suppress(OSError):
            os.ftruncate(self._stack_file.fileno(), 0)
            os.lseek(self._stack_file.fileno(), 0, os.SEEK_SET)
            os.kill(self.pid, child.STACK_SIGNAL)

    def stack(self) -> str | None:
        """The Python stack that the child wrote when it was asked, or when it crashed."""
        try:
            size = os.fstat(self._stack_file.fileno()).st_size
            start = max(0, size - MAX_STACK_BYTES)
            text = os.pread(self._stack_file.fileno(), MAX_STACK_BYTES, start)
        except OSError:
            return None
        return _without_ours(text.decode("utf-8", "replace").replace("\0", "")) or None

    def notes(self) -> Notes | None:
        """What the task that was cut off had written, and how far it was."""
        return self._reported_notes or self.slate.notes()

    def close(self) -> None:
        self._ours.close()
        self._theirs.close()
        self._stack_file.close()
        self.slate.close()

    def forget(self) -> None:
        """Close our ends in a freshly forked sibling."""
        self._ours.close()
        self._stack_file.close()
        self.slate.close()


def _without_ours(stacks: str) -> str:
    """The stacks that faulthandler wrote, each only down to where our code called the task."""
    ours = f'File "{os.path.dirname(__file__)}{os.sep}'
    shown = []
    for stack in stacks.split("\n\n"):
        lines = stack.split("\n")
        end = next((number for number, line in enumerate(lines) if ours in line), len(lines))
        shown.append("\n".join(lines[:end]))
    return "\n\n".join(shown).strip()


def exit_reason(wait_status: int) -> str:
    """How a process ended, in words."""
    code = os.waitstatus_to_exitcode(wait_status)
    if code >= 0:
        return f"exited with code {code}"
    number = -code
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    return f"killed by {name}" + (" (out of memory?)" if number == signal.SIGKILL else "")
