"""Purge: delete what has ended, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from django_task_worker import lifecycle
from django_task_worker.expressions import ago
from django_task_worker.models import TaskAttempt
from django_task_worker.states import Kind
from tests.lifecycle.tasks import FINAL, STATES, Tasks, minutes

EVERY_STATUS = ["PENDING", "PROGRESS", "COMPLETED", "FAILED", "CANCELLED"]


def purge(tasks: Tasks, **options: Any) -> list[str]:
    return lifecycle.purge(**{"before": None, "statuses": EVERY_STATUS, "using": tasks.using, **options})


def ended(tasks: Tasks, *, minutes_ago: float, **fields: Any) -> str:
    task_id = tasks.ended(**fields)
    tasks.put(task_id, finished_at=ago(minutes_ago * 60))
    return task_id


@pytest.mark.parametrize("state", STATES)
def test_only_what_is_final_is_deleted_whatever_is_asked_for(tasks: Tasks, state: str) -> None:
    task_id = tasks.in_state(state)
    if state in FINAL:
        assert purge(tasks) == [task_id]
        assert not tasks.all.exists()
    else:
        before = tasks.columns(task_id)
        assert purge(tasks) == []
        assert tasks.columns(task_id) == before


def test_the_attempts_go_with_their_task(tasks: Tasks) -> None:
    gone = tasks.in_state("failed")
    kept = tasks.in_state("retrying")
    assert purge(tasks) == [gone]

    left = TaskAttempt.objects.using(tasks.using).values_list("task_id", flat=True)
    assert list(left) == [kept]


@pytest.mark.parametrize("status", ["COMPLETED", "FAILED", "CANCELLED"])
def test_only_the_statuses_asked_for_are_deleted(tasks: Tasks, status: str) -> None:
    ids = {state.upper(): tasks.in_state(state, queue=state) for state in FINAL}

    assert purge(tasks, statuses=[status]) == [ids[status]]
    assert tasks.all.count() == 2


def test_without_a_word_failed_tasks_are_kept(tasks: Tasks) -> None:
    ids = {state: tasks.in_state(state, queue=state) for state in FINAL}
    gone = lifecycle.purge(before=None, using=tasks.using)

    assert set(gone) == {ids["completed"], ids["cancelled"]}


def test_only_what_ended_before_the_cut_off_is_deleted(tasks: Tasks) -> None:
    old = ended(tasks, minutes_ago=10)
    ended(tasks, minutes_ago=2)

    assert purge(tasks, before=tasks.now() - minutes(5)) == [old]


def test_batches_go_from_old_to_new_until_nothing_is_left(tasks: Tasks) -> None:
    ids = [ended(tasks, minutes_ago=age) for age in (3, 5, 1, 4, 2)]
    oldest_first = [ids[1], ids[3], ids[0], ids[4], ids[2]]

    batches = [purge(tasks, limit=2) for _ in range(4)]
    assert [set(batch) for batch in batches] == [
        set(oldest_first[:2]),
        set(oldest_first[2:4]),
        set(oldest_first[4:]),
        set(),
    ]


def test_the_newest_of_each_name_can_be_kept(tasks: Tasks) -> None:
    ids = {
        (name, age): ended(tasks, name=name, minutes_ago=age) for name in ("a.b", "a.c") for age in (1, 2, 3)
    }
    tasks.add(name="a.b")
    gone = []
    while batch := purge(tasks, keep=2, limit=1):
        gone += batch

    assert set(gone) == {ids["a.b", 3], ids["a.c", 3]}


def test_a_queue_or_a_glob_narrow_it(tasks: Tasks) -> None:
    mail = tasks.ended(queue="mail")
    send = tasks.ended(name="mail.tasks.send")
    tasks.ended(name="mailXtasks.send")

    assert purge(tasks, queue="mail") == [mail]
    assert purge(tasks, names="mail.tasks.*") == [send]
    assert tasks.all.count() == 1


def test_a_name_is_matched_letter_by_letter(tasks: Tasks) -> None:
    tasks.ended(name="app.tasks.Send")
    tasks.ended(name="app.tasks.sénd")
    send = tasks.ended(name="app.tasks.send")

    assert purge(tasks, names="app.tasks.send") == [send]
    assert len(purge(tasks, names="app.tasks.s*nd")) == 1
    assert tasks.all.get().name == "app.tasks.Send"


def test_a_deleted_tasks_id_means_nothing_any_more(tasks: Tasks) -> None:
    task = tasks.running()
    assert tasks.settle(task)
    purge(tasks)

    assert tasks.settle(task, Kind.FAILED) is None
    assert lifecycle.requeue([task.id], force=True, using=tasks.using) == []
    assert lifecycle.cancel([task.id], using=tasks.using).cancelled == []
