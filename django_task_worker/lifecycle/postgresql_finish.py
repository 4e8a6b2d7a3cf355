"""Finish in one statement for Postgres, whatever the outcomes are. `finish` beside is the reference."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from django_task_worker.lifecycle import postgresql
from django_task_worker.lifecycle.literals import array, numbers
from django_task_worker.lifecycle.plan import plan
from django_task_worker.lifecycle.postgresql import NOW, TASKS, Part
from django_task_worker.lifecycle.values import Change, Outcome
from django_task_worker.models import TaskAttempt
from django_task_worker.states import Kind, Transition

ATTEMPTS = TaskAttempt._meta.db_table
# By primary key and a hash join, whatever the planner thinks. The indexes of what runs also hold all that has
# run since the last vacuum: they do not serve where `status` is part of an expression. And where the table is
# believed to be empty, as it may have been when it was last analyzed, a nested loop reads all of it.
BY_KEY = "; ".join(
    f"SET LOCAL enable_{what} = off" for what in ("bitmapscan", "mergejoin", "nestloop", "seqscan")
)
_MINE = "t.id = ANY (%(ids)s::text[]) AND t.id = o.id AND t.lease = o.lease AND t.status || '' = 'PROGRESS'"

COMPLETE = f"""
UPDATE {TASKS} t SET status = 'COMPLETED', result = o.result, result_json = o.result_json::jsonb,
    error = NULL, error_type = NULL, traceback = NULL, lease = NULL, lease_expires_at = NULL,
    unique_active = NULL, duration = o.duration, updated_at = {NOW},
    finished_at = {NOW} - o.age * interval '1 s',
    started_at = {NOW} - (o.age + o.duration) * interval '1 s'
FROM unnest(%(ids)s::text[], %(leases)s::text[], %(results)s::text[], %(results_json)s::text[],
    %(durations)s::float8[], %(ages)s::float8[]) AS o (id, lease, result, result_json, duration, age)
WHERE {_MINE}
RETURNING o.id, o.lease
"""

# `what` becomes of it: the first CTE locks the rows, so that a wish to cancel is seen or comes too late.
SETTLE = f"""
WITH o AS MATERIALIZED (
    SELECT o.*, CASE WHEN t.cancel_requested_at IS NULL THEN o.transition ELSE 'cancel' END AS what,
        CASE WHEN t.cancel_requested_at IS NULL THEN o.error_type ELSE o.cancelled_type END AS type,
        CASE WHEN t.cancel_requested_at IS NULL THEN o.error ELSE o.cancelled_error END AS text
    FROM unnest(%(ids)s::text[], %(leases)s::text[], %(transitions)s::text[], %(kinds)s::text[],
        %(workers)s::text[], %(error_types)s::text[], %(errors)s::text[], %(cancelled_types)s::text[],
        %(cancelled_errors)s::text[], %(tracebacks)s::text[], %(numbers)s::int[], %(durations)s::float8[],
        %(ages)s::float8[], %(delays)s::float8[], %(deferrals)s::bool[])
        AS o (id, lease, transition, kind, worker, error_type, error, cancelled_type, cancelled_error,
            traceback, number, duration, age, delay, is_deferral)
    JOIN {TASKS} t ON {_MINE}
    FOR UPDATE OF t
), done AS (
    UPDATE {TASKS} t SET
        status = CASE WHEN o.what = 'cancel' THEN 'CANCELLED'
            WHEN o.what IN ('retry', 'fail') THEN 'FAILED' ELSE 'PENDING' END,
        lease = NULL, lease_expires_at = NULL, updated_at = {NOW},
        unique_active = CASE WHEN o.what IN ('fail', 'cancel') THEN NULL ELSE t.unique_active END,
        finished_at = CASE WHEN o.what IN ('fail', 'cancel') THEN {NOW} - o.age * interval '1 s'
            ELSE t.finished_at END,
        result = CASE WHEN o.what IN ('retry', 'fail', 'cancel') THEN NULL ELSE t.result END,
        result_json = CASE WHEN o.what IN ('retry', 'fail', 'cancel') THEN NULL ELSE t.result_json END,
        error_type = CASE WHEN o.what IN ('retry', 'fail', 'cancel') THEN o.type ELSE t.error_type END,
        error = CASE WHEN o.what IN ('retry', 'fail', 'cancel') THEN o.text ELSE t.error END,
        traceback = CASE WHEN o.what IN ('retry', 'fail', 'cancel') THEN o.traceback ELSE t.traceback END,
        worker = CASE WHEN o.what IN ('release', 'defer') THEN NULL ELSE t.worker END,
        duration = CASE WHEN o.what IN ('release', 'defer') THEN NULL
            ELSE coalesce(o.duration, t.duration) END,
        started_at = CASE WHEN o.what IN ('release', 'defer') THEN NULL
            ELSE coalesce({NOW} - (o.age + o.duration) * interval '1 s', t.started_at) END,
        retry_count = t.retry_count + (o.what = 'retry')::int,
        deferrals = t.deferrals + (o.what = 'defer' AND o.is_deferral)::int,
        next_attempt_at = CASE WHEN o.what = 'retry' THEN {NOW} + o.delay * interval '1 s'
            ELSE t.next_attempt_at END,
        due_at = CASE WHEN o.what IN ('retry', 'defer') THEN {NOW} + o.delay * interval '1 s'
            ELSE t.due_at END
    FROM o WHERE {_MINE}
    RETURNING o.*
), attempts AS (
    INSERT INTO {ATTEMPTS} (task_id, number, worker, outcome, error_type, error, traceback, duration,
        finished_at, started_at)
    SELECT id, number, worker, kind, type, text, traceback, duration, {NOW} - age * interval '1 s',
        {NOW} - (age + duration) * interval '1 s'
    FROM done WHERE kind = 'interrupted' OR (what IN ('retry', 'fail', 'cancel') AND kind <> 'not_started')
)
SELECT id, lease, what FROM done
"""


def finish(outcomes: Sequence[Outcome], using: str) -> list[Change]:
    """Settle these attempts; the changes that took place."""
    statements = Finishing(outcomes)
    return statements.changes(postgresql.run(statements.parts, using))


class Finishing:
    """The statements that settle these outcomes, and what their answers mean."""

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        self._completed = [outcome for outcome in outcomes if outcome.kind is Kind.COMPLETED]
        self._others = [plan(outcome) for outcome in outcomes if outcome.kind is not Kind.COMPLETED]

    @property
    def parts(self) -> list[Part]:
        now = time.monotonic()
        found: list[Part] = [(BY_KEY, None)]
        if self._completed:
            found.append((COMPLETE, _completions(self._completed, now)))
        if self._others:
            found.append((SETTLE, _endings(self._others, now)))
        return found

    def changes(self, results: Sequence[Sequence[tuple[Any, ...]]]) -> list[Change]:
        """Takes the rows of `parts`, in their order."""
        answers = iter(results)
        done: list[Change] = []
        if self._completed:
            ours = set(next(answers))
            done += [
                Change(outcome=outcome, transition=Transition.COMPLETE)
                for outcome in self._completed
                if (outcome.task.id, outcome.task.lease) in ours
            ]
        if self._others:
            what = {(task_id, lease): transition for task_id, lease, transition in next(answers)}
            for change in self._others:
                transition = what.get((change.outcome.task.id, change.outcome.task.lease))
                if transition == change.transition:
                    done.append(change)
                elif transition is not None:
                    done.append(plan(change.outcome, cancel_requested=True))
        return done


def _completions(outcomes: Sequence[Outcome], now: float) -> dict[str, str]:
    return {
        "ids": array([outcome.task.id for outcome in outcomes]),
        "leases": array([outcome.task.lease for outcome in outcomes]),
        "results": array([outcome.result for outcome in outcomes]),
        "results_json": array([outcome.result_json for outcome in outcomes]),
        "durations": numbers([outcome.duration_s or 0.0 for outcome in outcomes]),
        "ages": numbers([max(0.0, now - outcome.ended) for outcome in outcomes]),
    }


def _endings(changes: Sequence[Change], now: float) -> dict[str, str]:
    outcomes = [change.outcome for change in changes]
    cancelled = [plan(outcome, cancel_requested=True).outcome for outcome in outcomes]
    return {
        "ids": array([outcome.task.id for outcome in outcomes]),
        "leases": array([outcome.task.lease for outcome in outcomes]),
        "transitions": array([change.transition for change in changes]),
        "kinds": array([outcome.kind for outcome in outcomes]),
        "workers": array([outcome.worker or None for outcome in outcomes]),
        "error_types": array([outcome.error_type for outcome in outcomes]),
        "errors": array([outcome.error for outcome in outcomes]),
        "cancelled_types": array([outcome.error_type for outcome in cancelled]),
        "cancelled_errors": array([outcome.error for outcome in cancelled]),
        "tracebacks": array([outcome.traceback for outcome in outcomes]),
        "numbers": numbers([outcome.task.retry_count + 1 for outcome in outcomes]),
        "durations": numbers([outcome.duration_s for outcome in outcomes]),
        "ages": numbers([max(0.0, now - outcome.ended) for outcome in outcomes]),
        "delays": numbers([change.delay_s for change in changes]),
        "deferrals": array(["t" if outcome.kind is Kind.MISSING else "f" for outcome in outcomes]),
    }
