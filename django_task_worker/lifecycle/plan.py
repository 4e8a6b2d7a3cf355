"""What is made of an outcome. No SQL."""

from __future__ import annotations

import random
from dataclasses import replace

from django_task_worker.conf import settings
from django_task_worker.exceptions import TaskCancelled
from django_task_worker.lifecycle.values import Change, Outcome
from django_task_worker.states import Kind, Transition, decide, deferral_s

RECORDED = frozenset((Transition.RETRY, Transition.FAIL, Transition.CANCEL))
ENDED = frozenset((Transition.COMPLETE, Transition.FAIL, Transition.CANCEL))


def plan(outcome: Outcome, *, cancel_requested: bool = False) -> Change:
    """What to make of an outcome, with the wait before the task's next turn."""
    task = outcome.task
    transition = decide(outcome.kind, task.budget, cancel_requested=cancel_requested)
    delay_s = 0.0
    if transition is Transition.RETRY:
        backoff = task.backoff or settings().backoff
        delay_s = backoff.delay_s(task.retry_count + 1, random.random())
    elif transition is Transition.DEFER:
        delay_s = deferral_s(task.deferrals) if outcome.delay_s is None else outcome.delay_s
    if transition is Transition.CANCEL and outcome.error_type is None:
        outcome = replace(outcome, error_type="TaskCancelled", error=str(TaskCancelled()))
    return Change(outcome=outcome, transition=transition, delay_s=delay_s)


def is_recorded(change: Change) -> bool:
    """Whether this was an attempt, and one that did not complete."""
    if change.outcome.kind is Kind.INTERRUPTED:
        return True
    return change.transition in RECORDED and change.outcome.kind is not Kind.NOT_STARTED
