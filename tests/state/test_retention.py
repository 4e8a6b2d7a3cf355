"""What is too old goes, batch by batch; and whose turn it is to do it."""

from __future__ import annotations

from typing import Any

import pytest

from django_task_worker import operation_log, retention, task_logs, turns, wishes
from django_task_worker.expressions import ago
from django_task_worker.lifecycle import Notes, store_logs
from django_task_worker.models import TaskAttempt
from django_task_worker.records import Operation, OperationTarget, TaskLog, Turn, Wish
from tests.lifecycle.tasks import FINAL, STATES, Tasks

HOUR_S = 3600.0


def keep(settings: Any, **periods: Any) -> None:
    settings.TASK_WORKER = {"RETENTION": periods}


def test_nothing_that_has_not_ended_or_is_young_enough_goes(tasks: Tasks, settings: Any) -> None:
    keep(settings, completed="1h", failed="1h", cancelled="1h")
    ids = {state: tasks.in_state(state, queue=state) for state in STATES}
    young = {state: tasks.in_state(state, queue=f"young {state}") for state in FINAL}
    for state in FINAL:
        tasks.put(ids[state], finished_at=ago(HOUR_S + 10))
    retention.carry_out(tasks.using)
    left = set(tasks.all.values_list("pk", flat=True))
    assert left == (set(ids.values()) | set(young.values())) - {ids[state] for state in FINAL}


@pytest.mark.parametrize("state", FINAL)
def test_each_kind_of_end_has_its_own_time(tasks: Tasks, settings: Any, state: str) -> None:
    keep(settings, **{state: "1h"})
    for each in FINAL:
        tasks.put(tasks.in_state(each), finished_at=ago(2 * HOUR_S))
    retention.carry_out(tasks.using)
    assert tasks.all.count() == len(FINAL) - 1
    assert not tasks.all.filter(status=state.upper()).exists()


def test_it_goes_on_while_there_is_more(tasks: Tasks, settings: Any) -> None:
    keep(settings, completed="1h")
    for _ in range(5):
        tasks.put(tasks.ended(), finished_at=ago(2 * HOUR_S))
    assert retention.carry_out(tasks.using, batch=2)
    assert tasks.all.count() == 3
    assert retention.carry_out(tasks.using, batch=2)
    assert not retention.carry_out(tasks.using, batch=2)
    assert tasks.all.count() == 0


def test_one_call_ends_when_its_time_is_over(tasks: Tasks, settings: Any) -> None:
    keep(settings, completed="1h")
    tasks.put(tasks.ended(), finished_at=ago(2 * HOUR_S))
    assert retention.carry_out(tasks.using, budget_s=0.0)
    for _ in range(200):
        if not tasks.all.exists():
            break
        retention.carry_out(tasks.using, budget_s=0.0)
    assert not tasks.all.exists()


def test_logs_and_operations_go_by_their_age(tasks: Tasks, settings: Any) -> None:
    keep(settings, logs="1h", operations="1h")
    for _ in range(2):
        store_logs(
            [(tasks.running(), Notes(log="x", log_size=1))], worker="w", is_final=True, using=tasks.using
        )
        operation_log.record("retry", ids=["a", "b"], matched=2, changed=2)
    TaskLog.objects.filter(pk=TaskLog.objects.earliest("id").pk).update(updated_at=ago(2 * HOUR_S))
    Operation.objects.filter(pk=Operation.objects.earliest("id").pk).update(at=ago(2 * HOUR_S))
    retention.carry_out(tasks.using)
    assert TaskLog.objects.count() == Operation.objects.count() == 1
    assert OperationTarget.objects.count() == 2


def test_wishes_of_long_ago_go(tasks: Tasks) -> None:
    for _ in range(2):
        wishes.ask("a", wishes.LOG, tasks.using)
    Wish.objects.filter(pk=Wish.objects.earliest("id").pk).update(asked_at=ago(2 * HOUR_S))
    retention.carry_out(tasks.using)
    assert Wish.objects.count() == 1


def test_a_purged_task_leaves_neither_attempts_nor_logs(tasks: Tasks, settings: Any) -> None:
    keep(settings, failed="1h")
    old, young = tasks.in_state("failed"), tasks.in_state("failed")
    for task_id in (old, young):
        TaskLog.objects.create(task_id=task_id, lease="l", number=1, text="x", size=1)
    tasks.put(old, finished_at=ago(2 * HOUR_S))
    retention.carry_out(tasks.using)
    assert not tasks.attempts(old)
    assert not task_logs.of_task(old)
    assert TaskAttempt.objects.count() == TaskLog.objects.count() == 1


class TestTurns:
    def test_one_at_a_time_has_it(self, using: str) -> None:
        assert turns.take("chore", "first", 60, using)
        assert not turns.take("chore", "second", 60, using)
        assert turns.take("chore", "first", 60, using)
        assert turns.take("other chore", "second", 60, using)
        assert Turn.objects.count() == 2

    def test_it_ends_with_its_time(self, using: str) -> None:
        assert turns.take("chore", "first", 60, using)
        Turn.objects.update(until=ago(0.1))
        assert turns.take("chore", "second", 60, using)
        assert not turns.take("chore", "first", 60, using)

    def test_it_can_be_given_back(self, using: str) -> None:
        assert turns.take("chore", "first", 60, using)
        turns.release("chore", "second", using)
        assert not turns.take("chore", "second", 60, using)
        turns.release("chore", "first", using)
        assert turns.take("chore", "second", 60, using)
