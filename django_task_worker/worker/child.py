"""The child process: takes assignments from its channel, runs them one at a time, reports each."""

from __future__ import annotations

import faulthandler
import gc
import os
import random
import resource
import signal
import socket
import time
from dataclasses import dataclass, replace
from typing import IO

from django_task_worker.conf import settings
from django_task_worker.states import Kind
from django_task_worker.worker import context
from django_task_worker.worker.capture import Capture
from django_task_worker.worker.gate import Gate
from django_task_worker.worker.kernel import be_killed_first, die_with_parent
from django_task_worker.worker.messages import HEADER, Report, read_assignment, report
from django_task_worker.worker.runner import run
from django_task_worker.worker.slate import Slate
from django_task_worker.worker.surroundings import HANDLED, Surroundings
from django_task_worker.worker.tidying import tidy_connections

STACK_SIGNAL = signal.SIGRTMIN + 7
"""Makes a child write where it is to its stack file, whatever its code is doing."""
LONG_S = 0.05
"""Of a task that runs for longer somebody may be following the log: it is reported whatever its outcome."""
IDLE_S = 1.0
"""After a longer pause a connection may have become too old, or have been cut."""
OOM_SCORE = 500
"""By how much rather than its supervisor the kernel should kill a child when memory runs out."""


EXHAUSTED = frozenset(("MemoryError", "RecursionError"))
"""After these a child is in an uncertain state."""


@dataclass(frozen=True, kw_only=True)
class ChildLimits:
    """When a child is replaced by a fresh one; None is never."""

    max_tasks: int | None = None
    max_time_s: float | None = None
    max_memory_bytes: int | None = None


def main(
    channel: socket.socket,
    stack_file: IO[bytes],
    slate: Slate,
    gate: Gate,
    worker: str,
    supervisor_pid: int,
    limits: ChildLimits,
) -> None:
    """Run until the channel ends. Does not return: the process exits."""
    code = 1
    try:
        _become_child(stack_file, supervisor_pid)
        capture = Capture(slate, worker, keeps_text=settings().keep_logs != "none")
        _work(channel, limits, slate, gate, capture)
        code = 0
    except (BrokenPipeError, ConnectionResetError):
        code = 0
    finally:
        os._exit(code)


def _become_child(stack_file: IO[bytes], supervisor_pid: int) -> None:
    os.setpgid(0, 0)
    die_with_parent(supervisor_pid)
    signal.set_wakeup_fd(-1)
    for number in HANDLED:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    be_killed_first(by=OOM_SCORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    faulthandler.enable(stack_file)
    faulthandler.register(STACK_SIGNAL, stack_file, all_threads=True)
    random.seed()
    gc.enable()


def _work(channel: socket.socket, limits: ChildLimits, slate: Slate, gate: Gate, capture: Capture) -> None:
    started, done = time.monotonic(), 0
    surroundings = Surroundings()
    context.slate = slate
    capture.install()
    stream = channel.makefile("rb")
    tidied = started
    while (size := _next_size(stream)) is not None:
        gate.wait()
        slate.begin()
        payload = stream.read(size)
        if len(payload) < size:
            return
        if time.monotonic() - tidied > IDLE_S:
            tidy_connections()
        found = _run(payload)
        tidied = time.monotonic()
        if not slate.is_blank:
            found = _with_notes(found, slate)
        done += 1
        capture.restore_streams()
        is_clean = surroundings.restore()
        worn = not is_clean or found.error_type in EXHAUSTED or _is_worn(limits, done, started)
        channel.sendall(report(replace(found, recycle=True) if worn else found))
        if worn:
            return


def _run(payload: bytes) -> Report:
    try:
        task = read_assignment(payload)
    except (ValueError, RecursionError) as error:
        return Report(
            id=context.id_in(payload),
            kind=Kind.REFUSED,
            duration_s=0.0,
            error_type="InvalidArguments",
            error=str(error),
        )
    pid = os.getpid()
    context.begin(task)
    found = run(task)  # never raises
    context.begin(None)
    if os.getpid() != pid:
        os._exit(0)  # a copy that the task forked: only the original reports
    tidy_connections()
    return found


def _with_notes(found: Report, slate: Slate) -> Report:
    """The report with what the task left on the slate, which is blank again; its log if it may be kept."""
    notes = slate.notes()
    slate.wipe()
    is_brief_success = found.kind is Kind.COMPLETED and found.duration_s < LONG_S
    if notes is not None and is_brief_success and settings().keep_logs != "all":
        notes = replace(notes, log=None)
    return replace(found, notes=notes)


def _next_size(stream: IO[bytes]) -> int | None:
    head = stream.read(HEADER.size)
    return int(HEADER.unpack(head)[0]) if len(head) == HEADER.size else None


def _is_worn(limits: ChildLimits, done: int, started: float) -> bool:
    return (
        (limits.max_tasks is not None and done >= limits.max_tasks)
        or (limits.max_time_s is not None and time.monotonic() - started >= limits.max_time_s)
        or (limits.max_memory_bytes is not None and _memory_bytes() >= limits.max_memory_bytes)
    )


def _memory_bytes() -> int:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()
