"""Claim: what becomes of the rows, who gets them, and what nobody gets."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections

from django_task_worker import lifecycle
from django_task_worker.ids import new_id
from django_task_worker.lifecycle import postgresql
from django_task_worker.lifecycle.order import Level, next_due_s
from django_task_worker.lifecycle.values import Demand
from django_task_worker.retry import Backoff
from django_task_worker.states import Kind, Transition
from tests.lifecycle.tasks import FINAL, RUNNING, Tasks, seconds_between


def look(tasks: Tasks, **demand: Any) -> lifecycle.Claims:
    given = {"count": 10, "lease": new_id(), "lease_s": 30.0, "worker": "worker-1", "default_retries": 0}
    return lifecycle.claim(Demand(**{**given, **demand}), tasks.using)


def test_a_claimed_task_runs_under_our_lease(tasks: Tasks) -> None:
    task_id = tasks.add(queue="mail", timeout=20)
    before = tasks.now()
    (claimed,) = tasks.claim(worker="worker-7", lease="our-lease", lease_s=12.0)
    task = tasks.row(task_id)

    assert (task.status, task.worker, task.lease) == ("PROGRESS", "worker-7", "our-lease")
    assert 12 <= seconds_between(before, task.lease_expires_at) < 13
    assert (claimed.id, claimed.lease, claimed.name) == (task_id, "our-lease", "app.tasks.add")
    assert (claimed.queue, claimed.timeout_s, claimed.retry_count, claimed.deferrals) == ("mail", 20, 0, 0)
    assert (json.loads(claimed.args), json.loads(claimed.kwargs)) == ([1, 2], {})


def test_a_claim_takes_no_more_than_it_wants(tasks: Tasks) -> None:
    for _ in range(5):
        tasks.add()

    assert [len(tasks.claim(2)) for _ in range(4)] == [2, 2, 1, 0]
    assert tasks.all.filter(status="PROGRESS").count() == 5


def test_a_task_is_claimed_once(tasks: Tasks) -> None:
    task = tasks.running(worker="worker-1")
    before = tasks.columns(task.id)

    assert tasks.claim(worker="worker-2") == []
    assert tasks.columns(task.id) == before


def test_every_claim_of_a_task_has_another_lease(tasks: Tasks) -> None:
    task = tasks.running()
    assert tasks.settle(task, Kind.NOT_STARTED)

    assert tasks.take().lease != task.lease


@pytest.mark.parametrize("state", [*RUNNING, *FINAL, "scheduled", "retrying"])
def test_only_what_is_due_is_claimed(tasks: Tasks, state: str) -> None:
    task_id = tasks.in_state(state)
    before = tasks.columns(task_id)

    assert tasks.claim(10) == []
    assert tasks.columns(task_id) == before


def test_an_expired_lease_is_no_reason_to_claim(tasks: Tasks) -> None:
    task = tasks.running()
    tasks.expire(task.id, by_s=3600)

    assert tasks.claim(10) == []


@pytest.mark.parametrize("state", ["scheduled", "retrying"])
def test_a_waiting_task_is_claimed_once_it_is_due(tasks: Tasks, state: str) -> None:
    task_id = tasks.in_state(state)
    tasks.make_due(task_id)

    (task,) = tasks.claim(10)
    assert task.id == task_id
    assert tasks.row(task_id).next_attempt_at is None


def test_a_claim_forgets_the_times_of_the_attempt_before(tasks: Tasks) -> None:
    task_id = tasks.in_state("retrying")
    assert tasks.row(task_id).duration is not None
    tasks.make_due(task_id)
    tasks.claim()
    task = tasks.row(task_id)

    assert (task.started_at, task.finished_at, task.duration) == (None, None, None)


def test_a_claim_tells_how_long_the_task_had_been_due(tasks: Tasks) -> None:
    first, second = tasks.add(), tasks.in_state("retrying", queue="other")
    tasks.make_due(first, ago_s=100)
    tasks.make_due(second, ago_s=50)

    waits = {task.id: task.wait_s for task in tasks.claim(2)}
    assert waits[first] == pytest.approx(100, abs=2)
    assert waits[second] == pytest.approx(50, abs=2)


def test_a_lease_finds_what_an_unanswered_claim_brought(tasks: Tasks) -> None:
    for n in range(3):
        tasks.add(args=[n], metadata={"n": n})
    mine = tasks.claim(2, lease="ours")
    tasks.claim(1, lease="theirs")
    found = lifecycle.held("ours", tasks.using)

    assert {task.id for task in found} == {task.id for task in mine}
    assert {task.args for task in found} == {task.args for task in mine}
    assert lifecycle.held("nobody's", tasks.using) == []


# Retries


def test_without_a_limit_of_its_own_a_task_takes_that_of_its_first_claimer_and_keeps_it(
    tasks: Tasks,
) -> None:
    task = tasks.running(retries=2)
    assert (task.max_retries, tasks.row(task.id).max_retries) == (2, 2)
    assert tasks.settle(task, Kind.FAILED)
    tasks.make_due(task.id)

    again = tasks.take(retries=9)
    assert (again.max_retries, tasks.row(task.id).max_retries) == (2, 2)


@pytest.mark.parametrize("own", [0, 1, 5])
def test_a_tasks_own_limit_stands_against_that_of_the_worker(tasks: Tasks, own: int) -> None:
    assert tasks.running(retries=3, max_retries=own).max_retries == own


def test_a_worker_with_more_retries_runs_no_task_that_has_failed_for_good(tasks: Tasks) -> None:
    task_id = tasks.ended(Kind.FAILED, retries=0)
    before = tasks.columns(task_id)

    assert tasks.claim(10, retries=5) == []
    assert tasks.columns(task_id) == before


@pytest.mark.parametrize("retries", range(6))
@pytest.mark.parametrize("by", ["task", "worker"])
def test_r_retries_are_r_plus_one_attempts(tasks: Tasks, retries: int, by: str) -> None:
    task_id = tasks.add(max_retries=retries if by == "task" else None)
    attempts = 0
    while tasks.claim(10, retries=0 if by == "task" else retries, lease=f"lease-{attempts}"):
        (claimed,) = lifecycle.held(f"lease-{attempts}", tasks.using)
        attempts += 1
        assert claimed.retry_count == attempts - 1
        change = tasks.settle(claimed, Kind.FAILED)
        assert change is not None
        if change.transition is Transition.RETRY:
            tasks.make_due(task_id)

    assert attempts == retries + 1
    task = tasks.row(task_id)
    assert task.is_final
    assert (task.status, task.retry_count) == ("FAILED", retries)
    assert [attempt.number for attempt in tasks.attempts(task_id)] == list(range(1, retries + 2))


# Rows written by others


@pytest.mark.parametrize("stored", [None, 0, -5])
def test_without_a_sensible_time_limit_it_is_300_seconds(tasks: Tasks, stored: int | None) -> None:
    task_id = tasks.add()
    tasks.put(task_id, timeout=stored)

    assert tasks.take().timeout_s == 300


def test_a_back_off_of_its_own_travels_with_the_task(tasks: Tasks) -> None:
    tasks.add(metadata={"_backoff": {"base": 1, "factor": 3, "cap": 50, "jitter": 0}})

    assert tasks.take().backoff == Backoff(base_s=1, factor=3, cap_s=50, jitter=0)


@pytest.mark.parametrize("metadata", [None, {}, [], {"_backoff": 3}, {"_backoff": {"base": -1}}, "text"])
def test_nonsense_instead_of_a_back_off_counts_as_none(tasks: Tasks, metadata: Any) -> None:
    tasks.add(metadata=metadata)

    assert tasks.take().backoff is None


# What waits


def test_a_claim_that_comes_back_empty_tells_when_to_look_again(tasks: Tasks) -> None:
    assert look(tasks).groups == []
    tasks.add(due_in_s=500)
    tasks.add(due_in_s=100, priority=-5)
    tasks.put(tasks.in_state("retrying", queue="mail"), due_at=tasks.now())

    claims = look(tasks)
    assert claims.tasks == []
    assert claims.groups is not None
    due_s = next_due_s(claims.groups)
    assert due_s is not None
    assert 1 < due_s < 3
    assert {(group.queue, group.priority) for group in claims.groups} == {
        ("default", 0),
        ("default", -5),
        ("mail", None),
    }


def test_what_a_worker_may_not_claim_does_not_tell_it_to_look_again(tasks: Tasks) -> None:
    tasks.add(queue="mail", due_in_s=100)
    tasks.add(queue="bulk", due_in_s=100)

    assert look(tasks, queues=("other",)).groups == []
    assert look(tasks, exclude_queues=("mail", "bulk")).groups == []
    assert [group.queue for group in look(tasks, queues=("mail",)).groups or ()] == ["mail"]


# What the demand already knows


def test_a_claim_from_a_known_level_that_has_emptied_takes_what_else_is_due(tasks: Tasks) -> None:
    ids = {tasks.add(queue="mail"), tasks.add(queue="mail", priority=3)}
    known = Level(queues=("default",), priority=0)
    found = look(tasks, level=known, look=False)

    assert {task.id for task in found.tasks} == ids


def test_what_a_claim_from_a_known_level_may_pass_over_is_found_by_a_look(tasks: Tasks) -> None:
    early, late = tasks.add(due_in_s=-50), tasks.add(due_in_s=-5)
    known = Level(queues=("default",), priority=0, since_s=20)
    found = [task.id for _ in range(3) for task in look(tasks, level=known, look=False, count=1).tasks]

    assert sorted(found) == sorted([early, late])


def test_a_claim_from_a_known_level_goes_on_with_the_others(tasks: Tasks) -> None:
    ids = {tasks.add(queue="mail"), tasks.add(), tasks.in_state("retrying", queue="third")}
    tasks.make_due(max(ids, key=lambda pk: tasks.row(pk).retry_count))
    known = Level(queues=("default",), priority=0)

    assert {task.id for task in look(tasks, level=known, look=True).tasks} == ids


@pytest.mark.parametrize("using", ["postgres"], indirect=True)
def test_a_pause_between_the_look_and_the_claim_hides_no_task(
    tasks: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A claim passes over what was due before what the look has shown: by how long ago that was."""
    task_id = tasks.add()
    ask = postgresql.run

    def ask_slowly(*args: Any) -> Any:
        answer = ask(*args)
        time.sleep(0.3)
        return answer

    monkeypatch.setattr(postgresql, "run", ask_slowly)
    assert tasks.claimed_ids() == [task_id]


@pytest.mark.parametrize("using", ["sqlite"], indirect=True)
def test_a_time_limit_that_is_no_number_stops_nobody(tasks: Tasks) -> None:
    """Other databases refuse such a row."""
    foreign, good = tasks.add(), tasks.add()
    table = tasks.all.model._meta.db_table
    with connections[tasks.using].cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET timeout = 'abc' WHERE id = %s", [foreign])
    assert {task.id for task in tasks.claim(10)} == {foreign, good}
    tasks.all.update(lease_expires_at=tasks.now() - timedelta(seconds=5))
    assert {task.id for task in lifecycle.rescue(using=tasks.using)} == {foreign, good}


@pytest.mark.parametrize("using", ["postgres"], indirect=True)
@pytest.mark.parametrize("due_at", ["-infinity", "infinity"])
def test_an_endless_due_time_stops_nobody(tasks: Tasks, due_at: str) -> None:
    foreign, good = tasks.add(), tasks.add()
    table = tasks.all.model._meta.db_table
    with connections[tasks.using].cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET due_at = %s WHERE id = %s", [due_at, foreign])
    assert good in {task.id for _ in range(2) for task in look(tasks).tasks}
