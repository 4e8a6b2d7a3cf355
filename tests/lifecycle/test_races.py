"""Two connections at the same task: one wins, and the loser changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from django_task_worker import lifecycle
from django_task_worker.lifecycle import Claimed, postgresql
from django_task_worker.states import Kind
from tests.lifecycle.connections import open_transaction, while_it_waits
from tests.lifecycle.published import Published
from tests.lifecycle.tasks import FINAL, Tasks, draft

EVERY = ["COMPLETED", "FAILED", "CANCELLED"]

MOVES: dict[str, Callable[[Tasks, Any], Any]] = {
    "complete": lambda tasks, task: tasks.settle(task),
    "fail": lambda tasks, task: tasks.settle(task, Kind.FAILED),
    "release": lambda tasks, task: tasks.settle(task, Kind.NOT_STARTED),
    "defer": lambda tasks, task: tasks.settle(task, Kind.MISSING),
    "renew": lambda tasks, task: lifecycle.renew([(task.id, task.lease)], 30.0, tasks.using).held,
    "rescue": lambda tasks, task: lifecycle.rescue(using=tasks.using),
    "claim": lambda tasks, task: tasks.claim(3, worker="worker-2"),
    "cancel": lambda tasks, task: lifecycle.cancel([id_of(task)], using=tasks.using).cancelled,
    "requeue": lambda tasks, task: lifecycle.requeue([id_of(task)], force=True, using=tasks.using),
    "purge": lambda tasks, task: lifecycle.purge(before=None, statuses=EVERY, using=tasks.using),
}
"""Each returns something truthy when it has changed something."""

FAST = ["claim", "complete"]


def id_of(task: Claimed | str) -> str:
    return task if isinstance(task, str) else task.id


def everything(tasks: Tasks, task: Claimed | str) -> tuple[Any, Any]:
    attempts = [attempt.outcome for attempt in tasks.attempts(id_of(task))]
    return tasks.all.filter(pk=id_of(task)).values().first(), attempts


def race(tasks: Tasks, task: Claimed | str, winner: str, loser: str) -> Any:
    """The loser begins while the winner's change is not yet committed; what the loser says it changed."""
    with open_transaction(tasks.using, for_fast_path=winner in FAST):
        assert MOVES[winner](tasks, task), f"{winner} should have come first"
        left_by_winner = everything(tasks, task)
        other = while_it_waits(tasks.using, lambda: MOVES[loser](tasks, task))
    said = other.result
    assert everything(tasks, task) == left_by_winner
    return said


OVER_A_LOST_TASK = [
    ("complete", "rescue"),
    ("rescue", "complete"),
    ("fail", "rescue"),
    ("rescue", "fail"),
    ("release", "rescue"),
    ("rescue", "release"),
    ("defer", "rescue"),
    ("rescue", "defer"),
    ("renew", "rescue"),
    ("rescue", "renew"),
    ("rescue", "rescue"),
    ("complete", "complete"),
    ("complete", "fail"),
    ("fail", "complete"),
    ("complete", "release"),
    ("release", "complete"),
    ("complete", "renew"),
    ("complete", "cancel"),
]


@pytest.mark.parametrize(("winner", "loser"), OVER_A_LOST_TASK)
def test_over_a_task_whose_lease_has_expired(
    tasks: Tasks, published: Published, winner: str, loser: str
) -> None:
    task = tasks.running(max_retries=1, unique_key="order-1")
    tasks.expire(task.id)
    published.clear()

    assert not race(tasks, task, winner, loser)
    assert len(published.told) <= 1


OVER_A_WAITING_TASK = [("claim", "claim"), ("cancel", "claim"), ("cancel", "cancel")]


@pytest.mark.parametrize(("winner", "loser"), OVER_A_WAITING_TASK)
@pytest.mark.parametrize("state", ["pending", "retrying"])
def test_over_a_waiting_task(tasks: Tasks, winner: str, loser: str, state: str) -> None:
    task_id = tasks.in_state(state)
    tasks.make_due(task_id)

    assert not race(tasks, task_id, winner, loser)


OVER_AN_ENDED_TASK = [("requeue", "purge"), ("purge", "requeue"), ("requeue", "requeue"), ("purge", "purge")]


@pytest.mark.parametrize(("winner", "loser"), OVER_AN_ENDED_TASK)
@pytest.mark.parametrize("state", FINAL)
def test_over_a_task_that_has_ended(tasks: Tasks, winner: str, loser: str, state: str) -> None:
    task_id = tasks.in_state(state)

    assert not race(tasks, task_id, winner, loser)


# A cancellation is a wish: whoever comes second goes by it


def test_a_task_claimed_first_is_stopped_by_its_owner(tasks: Tasks) -> None:
    task_id = tasks.add()
    with open_transaction(tasks.using, for_fast_path=True):
        (task,) = tasks.claim()
        other = while_it_waits(tasks.using, lambda: lifecycle.cancel([task_id], using=tasks.using))
    said = other.result

    assert (said.cancelled, said.requested) == ([], [task_id])
    assert lifecycle.renew([(task.id, task.lease)], 30.0, tasks.using).cancelling == {task_id}


@pytest.mark.parametrize(("kind", "status"), [(Kind.COMPLETED, "COMPLETED"), (Kind.FAILED, "CANCELLED")])
def test_an_outcome_that_comes_second_goes_by_the_wish(tasks: Tasks, kind: Kind, status: str) -> None:
    task = tasks.running(max_retries=3)
    with open_transaction(tasks.using):
        assert lifecycle.cancel([task.id], using=tasks.using).requested == [task.id]
        other = while_it_waits(tasks.using, lambda: tasks.settle(task, kind))

    assert other.result
    assert tasks.status(task.id) == status


@pytest.mark.parametrize("retries", [0, 1])
def test_a_rescue_that_comes_second_goes_by_the_wish(tasks: Tasks, retries: int) -> None:
    task = tasks.running(max_retries=retries)
    tasks.expire(task.id)
    with open_transaction(tasks.using):
        lifecycle.cancel([task.id], using=tasks.using)
        other = while_it_waits(tasks.using, lambda: lifecycle.rescue(using=tasks.using))
    other.result  # noqa: B018  it may leave the task to the next sweep
    lifecycle.rescue(using=tasks.using)

    assert tasks.status(task.id) == "CANCELLED"


# The unique key


@pytest.mark.parametrize("commits", [True, False])
def test_of_two_that_enqueue_a_key_at_once_the_second_waits_for_the_first(
    tasks: Tasks, commits: bool
) -> None:
    second = draft(unique_key="order-1")
    with transaction.atomic(using=tasks.using):
        first = lifecycle.enqueue(draft(unique_key="order-1"), tasks.using)
        other = while_it_waits(tasks.using, lambda: lifecycle.enqueue(second, tasks.using))
        transaction.set_rollback(not commits, using=tasks.using)
    task = other.result

    assert task.pk == (first.pk if commits else second.id)
    assert task.already_existed is commits
    assert tasks.all.get().pk == task.pk


def test_a_requeue_loses_against_a_new_task_with_its_key(tasks: Tasks) -> None:
    old = tasks.in_state("failed", unique_key="order-1")
    before = tasks.columns(old)
    with transaction.atomic(using=tasks.using):
        new = tasks.add(unique_key="order-1")
        other = while_it_waits(tasks.using, lambda: lifecycle.requeue([old], using=tasks.using))

    assert other.result == []
    assert tasks.columns(old) == before
    assert tasks.status(new) == "PENDING"


def test_a_new_task_loses_against_a_requeue_with_its_key(tasks: Tasks) -> None:
    old = tasks.in_state("failed", unique_key="order-1")
    with transaction.atomic(using=tasks.using):
        assert lifecycle.requeue([old], using=tasks.using) == [old]
        other = while_it_waits(tasks.using, lambda: tasks.add(unique_key="order-1"))

    assert other.result == old
    assert tasks.all.count() == 1


def test_the_fast_path_took_part(tasks: Tasks) -> None:
    """A switch that is set wrongly would let the reference race against itself."""
    from django.db import connections

    is_reference = not postgresql.is_enabled
    is_fast = connections[tasks.using].vendor == "postgresql" and not is_reference

    assert postgresql.is_supported(tasks.using) is is_fast
