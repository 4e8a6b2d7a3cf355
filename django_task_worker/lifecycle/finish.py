"""Finish, release and defer: PROGRESS → what the outcome asks for. The reference, in portable ORM.

Each row's guard is in its UPDATE: status = PROGRESS and the lease is ours. Zero rows is an answer: somebody
else owns the task now.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from django.db import connections, transaction
from django.db.models import F, Value
from django.db.models.fields.json import JSONField

from django_task_worker.events import Event, EventName, announce
from django_task_worker.expressions import DatabaseNow, ago, later
from django_task_worker.lifecycle import postgresql, postgresql_finish
from django_task_worker.lifecycle.notes import keep_notes
from django_task_worker.lifecycle.plan import ENDED, RECORDED, is_recorded, plan
from django_task_worker.lifecycle.values import Change, Outcome
from django_task_worker.lifecycle.writing import write_transaction
from django_task_worker.models import RUNNING, DatabaseTask, TaskAttempt
from django_task_worker.states import TARGETS, Kind, Status, Transition

logger = logging.getLogger("django_task_worker.lifecycle")

UNTOUCHED: dict[str, Any] = {}
_TASK_ID = attrgetter("task.id")


def columns(change: Change) -> dict[str, Any]:
    """What the UPDATE writes."""
    outcome, transition = change.outcome, change.transition
    age_s = outcome.age_s
    written: dict[str, Any] = {
        "status": TARGETS[transition].value,
        "lease": None,
        "lease_expires_at": None,
        "updated_at": DatabaseNow(),
    }
    if transition in ENDED:
        written |= {"unique_active": None, "finished_at": ago(age_s)}
    if transition is Transition.COMPLETE:
        written |= _result(outcome) | _times(outcome, age_s)
    elif transition in RECORDED:
        written |= _error(outcome) | _times(outcome, age_s)
    else:
        written |= {"started_at": None, "duration": None, "worker": None}
    if transition is Transition.RETRY:
        due = later(change.delay_s)
        written |= {"retry_count": F("retry_count") + 1, "next_attempt_at": due, "due_at": due}
    elif transition is Transition.DEFER:
        written["due_at"] = later(change.delay_s)
        if outcome.kind is Kind.MISSING:
            written["deferrals"] = F("deferrals") + 1
    return written


def _result(outcome: Outcome) -> dict[str, Any]:
    stored = None if outcome.result_json is None else Value(json.loads(outcome.result_json), JSONField())
    return {
        "result": outcome.result,
        "result_json": stored,
        "error": None,
        "error_type": None,
        "traceback": None,
    }


def _error(outcome: Outcome) -> dict[str, Any]:
    return {
        "result": None,
        "result_json": None,
        "error": outcome.error,
        "error_type": outcome.error_type,
        "traceback": outcome.traceback,
    }


def _times(outcome: Outcome, age_s: float) -> dict[str, Any]:
    if outcome.duration_s is None:
        return UNTOUCHED
    return {"started_at": ago(age_s + outcome.duration_s), "duration": outcome.duration_s}


def finish(outcomes: Sequence[Outcome], using: str) -> list[Change]:
    """Write how these attempts ended; the changes that took place. Announces them after the commit."""
    outcomes = in_order(outcomes)
    if postgresql.is_supported(using):
        keep_notes(outcomes, using)
        done = postgresql_finish.finish(outcomes, using)
        report(done, outcomes, using)
        return done
    completed = [outcome for outcome in outcomes if outcome.kind is Kind.COMPLETED]
    others = [outcome for outcome in outcomes if outcome.kind is not Kind.COMPLETED]
    done = _finish(others, using) if others else []
    return done + _complete(completed, using) if completed else done


def in_order(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """In the order of the ids, in which everybody locks several rows: see `locked`."""
    return sorted(outcomes, key=_TASK_ID)


def _complete(outcomes: Sequence[Outcome], using: str) -> list[Change]:
    keep_notes(outcomes, using)
    ours = complete(outcomes, using)
    changes = [
        Change(outcome=outcome, transition=Transition.COMPLETE)
        for outcome in outcomes
        if (outcome.task.id, outcome.task.lease) in ours
    ]
    report(changes, outcomes, using)
    return changes


_TASKS = DatabaseTask._meta.db_table
_COMPLETE = f"""
UPDATE {_TASKS} SET status = 'COMPLETED', result = %s, result_json = %s, error = NULL, error_type = NULL,
    traceback = NULL, lease = NULL, lease_expires_at = NULL, unique_active = NULL,
    duration = %s, started_at = %s, finished_at = %s, updated_at = %s
WHERE id = %s AND lease = %s AND status = 'PROGRESS'
"""


def complete(outcomes: Sequence[Outcome], using: str) -> set[tuple[str, str]]:
    """Settle completed tasks; ids and leases of those that were still ours.

    The same statement for each, run many times: the ORM takes half a millisecond to write one anew.
    """
    tasks = DatabaseTask.objects.using(using)
    ids = [outcome.task.id for outcome in outcomes]
    with write_transaction(using):
        mine = tasks.filter(RUNNING, pk__in=ids, lease__in={outcome.task.lease for outcome in outcomes})
        if connections[using].features.has_select_for_update:
            mine = mine.select_for_update()
        rows = mine.annotate(now=DatabaseNow()).values_list("pk", "lease", "now").order_by("pk")
        asked = time.monotonic()
        owned = {(task_id, lease): now for task_id, lease, now in rows}
        kept = [outcome for outcome in outcomes if (outcome.task.id, outcome.task.lease) in owned]
        with connections[using].cursor() as cursor:
            cursor.executemany(
                _COMPLETE,
                [_row(outcome, owned[outcome.task.id, outcome.task.lease], asked, using) for outcome in kept],
            )
    return {(outcome.task.id, outcome.task.lease) for outcome in kept}


def _row(outcome: Outcome, now: datetime, asked: float, using: str) -> tuple[Any, ...]:
    """`now` is the answer of the database's clock to who asked it at `asked` by the monotonic clock."""
    duration_s = outcome.duration_s or 0.0
    finished_at = now - timedelta(seconds=max(0.0, asked - outcome.ended))
    started_at = finished_at - timedelta(seconds=duration_s)
    adapt = connections[using].ops.adapt_datetimefield_value
    times = (adapt(started_at), adapt(finished_at), adapt(now))
    return (outcome.result, outcome.result_json, duration_s, *times, outcome.task.id, outcome.task.lease)


def _finish(outcomes: Sequence[Outcome], using: str) -> list[Change]:
    done: list[Change] = []
    with transaction.atomic(using=using):
        keep_notes(outcomes, using)
        for outcome in outcomes:
            change = _write(outcome, using)
            if change is not None:
                done.append(change)
        record_attempts(done, using)
        report(done, outcomes, using)
    return done


def _write(outcome: Outcome, using: str) -> Change | None:
    change = plan(outcome)
    mine = DatabaseTask.objects.using(using).filter(RUNNING, pk=outcome.task.id, lease=outcome.task.lease)
    guarded = mine
    if change.transition not in (Transition.COMPLETE, Transition.CANCEL):
        guarded = mine.filter(cancel_requested_at__isnull=True)
    if guarded.update(**columns(change)):
        return change
    if guarded is mine:
        return None
    change = plan(outcome, cancel_requested=True)
    return change if mine.update(**columns(change)) else None


def record_attempts(changes: Sequence[Change], using: str) -> None:
    """Keep what an attempt that did not complete left behind."""
    TaskAttempt.objects.using(using).bulk_create(
        _attempt(change) for change in changes if is_recorded(change)
    )


def _attempt(change: Change) -> TaskAttempt:
    outcome, age_s = change.outcome, change.outcome.age_s
    attempt = TaskAttempt(
        task_id=outcome.task.id,
        number=outcome.task.retry_count + 1,
        worker=outcome.worker or None,
        outcome=outcome.kind.value,
        error_type=outcome.error_type,
        error=outcome.error,
        traceback=outcome.traceback,
        duration=outcome.duration_s,
        finished_at=ago(age_s),
    )
    if outcome.duration_s is not None:
        attempt.started_at = ago(age_s + outcome.duration_s)
    return attempt


def report(done: Sequence[Change], outcomes: Sequence[Outcome], using: str) -> None:
    """Log what was refused and announce what was done."""
    if len(done) < len(outcomes):
        kept = {(change.outcome.task.id, change.outcome.task.lease) for change in done}
        for outcome in outcomes:
            if (outcome.task.id, outcome.task.lease) not in kept:
                logger.info(
                    "stale outcome of task %s dropped: another worker owns it, or it is gone", outcome.task.id
                )
    announce([event for change in done if (event := event_of(change)) is not None], using)


_EVENTS = {
    Transition.COMPLETE: EventName.TASK_FINISHED,
    Transition.FAIL: EventName.TASK_FAILED,
    Transition.CANCEL: EventName.TASK_CANCELLED,
    Transition.RETRY: EventName.TASK_REQUEUED,
    Transition.RELEASE: EventName.TASK_REQUEUED,
}


def event_of(change: Change) -> Event | None:
    """What others are told of a change; a deferral is told to nobody."""
    name = _EVENTS.get(change.transition)
    if name is None:
        return None
    outcome = change.outcome
    return Event(
        event=name,
        task_id=outcome.task.id,
        name=outcome.task.name,
        queue=outcome.task.queue,
        worker=outcome.worker or None,
        tries=outcome.task.retry_count + 1,
        wait_s=outcome.task.wait_s,
        run_s=outcome.duration_s,
        error_type=outcome.error_type,
        wakes=change.transition is Transition.RELEASE,
    )


def status_of(transition: Transition) -> Status:
    """The status a transition leads to."""
    return TARGETS[transition]
