"""From facts to words: why a task is not running, or why it ended as it did, and what helps. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from shlex import quote
from typing import Any

from django_task_worker.periods import in_words
from django_task_worker.states import MAX_DEFERRALS, Status
from django_task_worker.why.facts import AHEAD_CAP, Facts

FIRST_LINE = 200
NAMED = 10


@dataclass(frozen=True, kw_only=True)
class Reason:
    """One thing that keeps the task, or kept it. `command` helps, where one does."""

    code: str
    text: str
    command: str | None = None


def state_of(task: Any, now: datetime) -> str:
    """The word that says most: scheduled, retrying, cancelling and stale before the stored ones."""
    if task.status == Status.PENDING:
        return "scheduled" if task.due_at > now else "pending"
    if task.status == Status.FAILED:
        return "failed" if task.next_attempt_at is None else "retrying"
    if task.status != Status.PROGRESS:
        return str(task.status).lower()
    if task.lease_expires_at is not None and task.lease_expires_at < now:
        return "stale"
    return "cancelling" if task.cancel_requested_at is not None else "running"


def reasons(facts: Facts) -> tuple[Reason, ...]:
    """What weighs most first; at least one."""
    find = {
        "pending": _waiting,
        "scheduled": _waiting,
        "retrying": _waiting,
        "running": _running,
        "cancelling": _running,
        "stale": _stale,
        "completed": _completed,
        "failed": _failed,
        "cancelled": _cancelled,
    }[state_of(facts.task, facts.now)]
    return tuple(find(facts))


# --- waiting ---


def _waiting(facts: Facts) -> Iterator[Reason]:
    found = [*_paused(facts), *_not_due(facts), *_not_found(facts), *_no_worker(facts), *_misfit(facts)]
    yield from found
    if facts.task.due_at <= facts.now and all(reason.code == "waits-for-retry" for reason in found):
        yield from _in_line(facts)


def _paused(facts: Facts) -> Iterator[Reason]:
    pause, queue = facts.pause, facts.task.queue
    if pause is None:
        return
    text = f"the queue {queue!r} was paused {_ago(facts, pause.paused_at)} ago"
    if pause.paused_by:
        text += f" by {pause.paused_by}"
    if pause.paused_until is not None:
        text += f", for {_until(facts, pause.paused_until)} more"
    if pause.pause_reason:
        text += f": {pause.pause_reason}"
    yield Reason(code="queue-paused", text=text, command=f"taskctl queues resume {quote(queue)}")


def _not_due(facts: Facts) -> Iterator[Reason]:
    task = facts.task
    if task.next_attempt_at is not None:
        yield _retrying(facts)
    elif task.due_at > facts.now and not task.deferrals:
        text = f"it is due in {_until(facts, task.due_at)}, at {_at(task.due_at)}"
        yield Reason(code="not-due", text=text)


def _retrying(facts: Facts) -> Reason:
    task = facts.task
    of = f" of {task.max_retries}" if task.max_retries is not None else ""
    text = f"attempt {task.retry_count} failed ({_error(task)}); retry {task.retry_count}{of} "
    if task.next_attempt_at > facts.now:
        text += f"is due in {_until(facts, task.next_attempt_at)}"
    else:
        text += f"has been due for {_ago(facts, task.next_attempt_at)}"
    return Reason(code="waits-for-retry", text=text, command=f"taskctl show {_id(task)} --attempts")


def _not_found(facts: Facts) -> Iterator[Reason]:
    """Which modules a worker has is not known until it looks for one: its failed looks are counted."""
    task = facts.task
    if task.status != Status.PENDING or not task.deferrals:
        return
    text = f"workers have looked for its function in vain, {task.deferrals} of {MAX_DEFERRALS + 1} times"
    if task.due_at > facts.now:
        text += f"; the next look is in {_until(facts, task.due_at)}"
    command = None
    if facts.misfit is None:
        text += "; this project has it, so they run other code: restart them, or start one here"
        command = _start(task.queue)
    yield Reason(code="function-missing", text=text, command=command)


def _no_worker(facts: Facts) -> Iterator[Reason]:
    queue = facts.task.queue
    if facts.listening:
        return
    if not facts.workers:
        yield Reason(code="no-worker", text="no worker is up", command=_start(queue))
        return
    others = [f"{worker.name} ({_queues(worker)})" for worker in facts.workers[:NAMED]]
    if len(facts.workers) > NAMED:
        others.append(f"{len(facts.workers) - NAMED} more")
    text = f"no worker that is up takes tasks of the queue {queue!r}; there is {', '.join(others)}"
    yield Reason(code="nobody-listens", text=text, command=_start(queue))


def _start(queue: str) -> str:
    return "taskctl worker" if queue == "default" else f"taskctl worker --queue {quote(queue)}"


def _queues(worker: Any) -> str:
    if worker.state == "draining":
        return "about to leave"
    names = ", ".join(worker.queues) or "all queues"
    return names + (f" but {', '.join(worker.exclude_queues)}" if worker.exclude_queues else "")


def _misfit(facts: Facts) -> Iterator[Reason]:
    if facts.misfit is not None:
        text = f"this project would not run it: {facts.misfit}"
        yield Reason(code="function-refused", text=text, command=_offered(facts.task))


def _offered(task: Any) -> str:
    """The functions that lie near this one."""
    return f"taskctl tasks {quote(task.name.partition('.')[0] + '.*')}"


def _in_line(facts: Facts) -> Iterator[Reason]:
    waited = _ago(facts, facts.task.due_at)
    slots = sum(worker.slots for worker in facts.listening)
    busy = sum(worker.busy for worker in facts.listening)
    workers = "1 worker" if len(facts.listening) == 1 else f"{len(facts.listening)} workers"
    if facts.ahead:
        many = f"more than {AHEAD_CAP:,}" if facts.ahead > AHEAD_CAP else f"{facts.ahead:,}"
        tasks = "task goes" if facts.ahead == 1 else "tasks go"
        text = f"it waits in line, due for {waited}: {many} {tasks} first"
        if facts.rate:
            text += f"; at {facts.rate:.3g} tasks a second it starts in about "
            text += in_words(facts.ahead / facts.rate)
        yield Reason(code="in-line", text=text, command="taskctl top")
    if busy >= slots:
        text = f"all {slots} slots of {workers} are busy"
        yield Reason(code="workers-busy", text=text, command="taskctl list --status running")
    if not facts.ahead and busy < slots:
        text = f"nothing is in its way: it has been due for {waited} and {workers} should take it at once"
        yield Reason(code="about-to-start", text=text)


# --- running ---


def _running(facts: Facts) -> Iterator[Reason]:
    task = facts.task
    if task.cancel_requested_at is not None:
        text = f"its cancellation was asked for {_ago(facts, task.cancel_requested_at)} ago"
        yield Reason(code="cancelling", text=f"{text}; {task.worker} is stopping it")
    if task.started_at is None:
        text = f"{task.worker} has claimed it and is about to start it"
        yield Reason(code="claimed", text=text)
    else:
        text = f"it has been running on {task.worker} for {_ago(facts, task.started_at)}"
        text += f", {_attempt(task)}; its time limit is {in_words(task.timeout or 300)}"
        yield Reason(code="running", text=text, command=f"taskctl stack {_id(task)}")
    if task.progress:
        yield Reason(code="progress", text=f"it says that it has done {_progress(task.progress)}")
    yield from _silent(facts)


def _silent(facts: Facts) -> Iterator[Reason]:
    owner = facts.owner
    if owner is None or owner.state == "stopped":
        text = f"but its worker {facts.task.worker} is not up: " + _rescue_when(facts)
        yield Reason(code="worker-gone", text=text)
    elif (facts.now - owner.seen_at).total_seconds() > facts.lease_s:
        text = f"but its worker has not been seen for {_ago(facts, owner.seen_at)}: " + _rescue_when(facts)
        yield Reason(code="worker-silent", text=text)


def _rescue_when(facts: Facts) -> str:
    return f"its lease ends in {_until(facts, facts.task.lease_expires_at)}, then others take it back"


def _stale(facts: Facts) -> Iterator[Reason]:
    task = facts.task
    after = "run again" if task.max_retries and task.retry_count < task.max_retries else "failed"
    if task.cancel_requested_at is not None:
        after = "cancelled"
    text = f"it lost its worker {task.worker}: the lease ended {_ago(facts, task.lease_expires_at)} ago"
    yield Reason(code="worker-lost", text=text)
    if facts.workers:
        text = f"a worker that is up takes it back within {in_words(facts.sweep_s)}; it is then {after}"
        yield Reason(code="rescue-due", text=text)
    else:
        text = f"no worker is up to take it back; it will then be {after}"
        yield Reason(code="no-worker", text=text, command="taskctl requeue --stale")


# --- over ---


def _completed(facts: Facts) -> Iterator[Reason]:
    task = facts.task
    text = f"it completed {_ago(facts, task.finished_at)} ago on {task.worker or 'a worker'}"
    if task.duration is not None:
        text += f" after {in_words(task.duration)}"
    yield Reason(code="completed", text=text, command=f"taskctl show {_id(task)}")


def _cancelled(facts: Facts) -> Iterator[Reason]:
    task = facts.task
    text = f"it was cancelled {_ago(facts, task.finished_at)} ago"
    yield Reason(code="cancelled", text=text, command=f"taskctl retry {_id(task)}")


ENDINGS = {
    "TaskTimeout": ("time-limit", "it ran longer than its time limit of {limit} and was ended by force"),
    "WorkerLost": ("worker-lost", "it lost the process that ran it: {error}"),
    "Interrupted": ("interrupted", "its worker was stopped before it was done"),
    "UnknownTask": ("function-missing", "no worker found its function: {error}"),
    "TaskNotAllowed": ("function-refused", "its function may not run as a task: {error}"),
    "ResultTooLarge": ("result-refused", "it ran, but its result could not be stored: {error}"),
    "ResultNotSerialisable": ("result-refused", "it ran, but its result could not be stored: {error}"),
    "InvalidArguments": ("arguments-refused", "its arguments could not be read: {error}"),
}


def _failed(facts: Facts) -> Iterator[Reason]:
    task = facts.task
    code, words = ENDINGS.get(task.error_type or "", ("raised", "its function raised {error}"))
    error = _first_line(task.error) if task.error_type in ENDINGS else _error(task)
    text = words.format(limit=in_words(task.timeout or 300), error=error)
    yield Reason(code=code, text=text, command=_closer(task, code))
    when = f"{_attempt(task)} ended {_ago(facts, task.finished_at)} ago"
    if not task.max_retries:
        yield Reason(
            code="no-retries", text=f"{when}; it has no retries", command=f"taskctl retry {_id(task)}"
        )
    else:
        spent = "all retries are spent" if task.retry_count >= task.max_retries else "it cannot be retried"
        yield Reason(code="retries-spent", text=f"{when}; {spent}", command=f"taskctl retry {_id(task)}")
    if facts.has_log:
        yield Reason(code="has-log", text="what it logged is kept", command=f"taskctl logs {_id(task)}")


def _closer(task: Any, code: str) -> str:
    """Where to look closer at a failure."""
    if code in ("function-missing", "function-refused"):
        return _offered(task)
    return f"taskctl show {_id(task)} --traceback" if task.traceback else f"taskctl show {_id(task)}"


# --- words ---


def _id(task: Any) -> str:
    """For a command line, whatever others have stored as an id."""
    return quote(str(task.id))


def _attempt(task: Any) -> str:
    number = f"attempt {task.retry_count + 1}"
    return number if task.max_retries is None else f"{number} of {task.max_retries + 1}"


def _progress(progress: Any) -> str:
    done, total, message = (progress.get(key) for key in ("done", "total", "message"))
    text = f"{done}" if total is None else f"{done} of {total}"
    return f"{text} ({message})" if message else text


def _error(task: Any) -> str:
    return f"{task.error_type}: {_first_line(task.error)}" if task.error_type else _first_line(task.error)


def _first_line(text: str | None) -> str:
    line = (text or "no reason was kept").strip().split("\n")[0]
    return line if len(line) <= FIRST_LINE else line[:FIRST_LINE] + "…"


def _ago(facts: Facts, at: datetime) -> str:
    return in_words((facts.now - at).total_seconds())


def _until(facts: Facts, at: datetime) -> str:
    return in_words((at - facts.now).total_seconds())


def _at(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
