"""What the database thread does for the user: changes through the library's verbs, and details to read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, tzinfo
from typing import Any

from django.utils import timezone

from django_task_worker import lifecycle, operation_log, queries, registry, stack, task_logs, why
from django_task_worker.conf import settings
from django_task_worker.redaction import MASK, redact
from django_task_worker.snapshot.arguments import TOO_LONG, arguments
from taskctl.dashboard.answers import Answer
from taskctl.dashboard.view import Job, Row
from taskctl.durations import brief
from taskctl.render import details
from taskctl.render.tasks import ago
from taskctl.report import count

NEXT = 20
LOG_LINES = 30
MOST_LINES = 400
OPERATIONS = 5
ASIDE = frozenset(("why", "stack"))
"""Verbs that may take long: they get a thread of their own."""
ARGUMENT_CHARS = 400


def perform(job: Job, using: str, *, utc: bool = False) -> Answer:
    """Do it. `utc`: times are shown in UTC. Raises the errors of the database."""
    if job.verb == "task":
        return _task(job, using, UTC if utc else timezone.get_default_timezone())
    return _VERBS[job.verb](job, using)


# --- changes ---


def _retry(job: Job, using: str) -> Answer:
    changed = lifecycle.requeue(job.ids, using=using)
    _note(job, using, ids=changed)
    left = len(job.ids) - len(changed)
    rest = f", {left} had been started over already or may not be" if left else ""
    return Answer(job, f"{count(len(changed))} put back to pending{rest}", "green" if changed else "yellow")


def _cancel(job: Job, using: str) -> Answer:
    done = lifecycle.cancel(job.ids, using=using)
    _note(job, using, ids=[*done.cancelled, *done.requested])
    if done.cancelled:
        return Answer(job, f"{count(len(done.cancelled))} cancelled", "green")
    if done.requested:
        return Answer(job, "its worker is asked to stop it", "green")
    return Answer(job, "it has ended, or is being cancelled already", "yellow")


def _pause(job: Job, using: str) -> Answer:
    registry.pause(job.name, by=operation_log.this_user(), using=using)
    _note(job, using, changed=1)
    return Answer(job, f"queue {job.name} is paused; P resumes it", "green")


def _resume(job: Job, using: str) -> Answer:
    changed = registry.resume(job.name, using=using)
    _note(job, using, changed=int(changed))
    return Answer(job, f"queue {job.name} goes on" if changed else "it was not paused", "green")


def _drain(job: Job, using: str) -> Answer:
    changed = len(registry.drain(job.ids, using))
    _note(job, using, changed=changed)
    text = f"{job.name} finishes what it runs and exits; it notices within {registry.heartbeat_s():.0f}s"
    gone = "it has been asked before, or has gone"
    return Answer(job, text if changed else gone, "green" if changed else "yellow")


def _note(job: Job, using: str, *, ids: Sequence[str] = (), changed: int = 0) -> None:
    """Who did it, for those who ask later."""
    selector = {"pause": "queue ", "resume": "queue ", "drain": "worker "}.get(job.verb, "") + job.name
    number = len(ids) or changed
    matched = len(job.ids) or 1
    operation_log.record(
        job.verb,
        ids=ids,
        matched=matched,
        changed=number,
        skipped=matched - number,
        selector=selector,
        via="top",
        using=using,
    )


# --- details ---


def _task(job: Job, using: str, zone: tzinfo) -> Answer:
    try:
        task = queries.get(job.ids[0], using)
    except queries.TaskNotFound as error:
        return Answer(job, rows=[Row("", str(error), "yellow")])
    now = queries.database_now(using)
    attempts = list(task.attempts.all())
    row = details.details(task, attempts, now, settings().redact)
    rows: list[Row] = []
    for label, text, style in details.described(row, now, zone=zone):
        rows += _lines(label, text, style)
    for operation in operation_log.of_task(task.pk, using=using)[:OPERATIONS]:
        rows.append(Row(ago(operation.at, now), f"{operation.action} by {operation.who}", "dim"))
    for log in task_logs.of_task(task.pk, using=using)[-1:]:
        tail = log.text.rstrip("\n").split("\n")[-LOG_LINES:]
        rows += [Row("", ""), *_lines(f"log of try {log.number}", "\n".join(tail))]
    return Answer(job, rows=rows)


def _lines(label: str, text: str, style: str = "") -> list[Row]:
    """A row a line, the label before the first."""
    first, *rest = text.split("\n")[:MOST_LINES]
    return [Row(label, first, style), *(Row("", line, style) for line in rest)]


def _why(job: Job, using: str) -> Answer:
    try:
        explanation = why.explain(job.ids[0], using=using)
    except queries.TaskNotFound as error:
        return Answer(job, rows=[Row("", str(error), "yellow")])
    first, *others = explanation.reasons
    rows = [Row("task", explanation.task.name, "bold"), Row("status", explanation.state), Row("", "")]
    rows.append(Row("because", first.text, "yellow"))
    rows += [Row("also", reason.text) for reason in others]
    rows += [Row("try", command, "cyan") for command in explanation.commands]
    return Answer(job, rows=rows)


def _stack(job: Job, using: str) -> Answer:
    """Takes as long as the worker takes to answer."""
    try:
        text = stack.wait(stack.request(job.ids[0], using=using))
    except stack.NotRunning as error:
        return Answer(job, rows=[Row("", f"it is not running: {error.status.lower()}", "yellow")])
    if text is None:
        return Answer(job, rows=[Row("", "no answer: it has ended, or its worker does not answer", "yellow")])
    return Answer(job, rows=_lines("", text.rstrip("\n") or "no Python code of the task is running"))


def _queue(job: Job, using: str) -> Answer:
    """What will be claimed next."""
    now = queries.database_now(using)
    tasks = list(queries.due(using, queues=[job.ids[0]])[:NEXT])
    rows = [
        Row("", ""),
        Row("next", f"{len(tasks)} of those that are due" if tasks else "nothing is due", "bold"),
    ]
    for task in tasks:
        waits = brief(max(0.0, (now - task.due_at).total_seconds()))
        rows.append(Row(f"{waits} due", f"{task.pk[:12]:<14}{task.name}", key=task.pk))
    return Answer(job, rows=rows)


def _arguments(job: Job, using: str) -> Answer:
    """What tasks were called with, masked."""
    words = settings().redact
    found = {pk: written(args, kwargs, words) for pk, args, kwargs in arguments(job.ids, using)}
    return Answer(job, arguments=found)


def written(args: Any, kwargs: Any, words: Sequence[str]) -> str:
    """`81273, size=256`, with `[redacted]` where the name of an argument says so."""
    parts = []
    for value in redact(args, words) if isinstance(args, list) else [args] if args is not None else []:
        parts.append(_short(value))
    if isinstance(kwargs, dict):
        parts += [f"{key}={_short(value)}" for key, value in redact(kwargs, words).items()]
    elif kwargs is not None:
        parts.append(f"**{_short(kwargs)}")
    return ", ".join(parts)[:ARGUMENT_CHARS]


def _short(value: Any) -> str:
    if value is TOO_LONG:
        return "(long)"
    if value == MASK:
        return MASK
    return json.dumps(value, ensure_ascii=False)[:ARGUMENT_CHARS]


_VERBS = {
    "retry": _retry,
    "cancel": _cancel,
    "pause": _pause,
    "resume": _resume,
    "drain": _drain,
    "queue": _queue,
    "why": _why,
    "stack": _stack,
    "arguments": _arguments,
}
