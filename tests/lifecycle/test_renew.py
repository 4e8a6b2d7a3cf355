"""Renew: what is ours still, what is to be stopped, and when it began."""

from __future__ import annotations

import pytest

from django_task_worker import lifecycle
from django_task_worker.states import Kind
from tests.lifecycle.tasks import Tasks, seconds_between


def test_renewing_extends_every_lease_we_hold(tasks: Tasks) -> None:
    for _ in range(3):
        tasks.add()
    mine = [*tasks.claim(2, lease="one", lease_s=5), *tasks.claim(1, lease="two", lease_s=5)]
    before = tasks.now()
    renewal = lifecycle.renew([(task.id, task.lease) for task in mine], 30.0, tasks.using)

    assert renewal.held == {task.id: task.lease for task in mine}
    assert renewal.cancelling == frozenset()
    for task in mine:
        assert 30 <= seconds_between(before, tasks.row(task.id).lease_expires_at) < 31


def test_renewing_touches_no_other_lease(tasks: Tasks) -> None:
    theirs = tasks.running(worker="worker-2")
    tasks.add(queue="mail")
    (ours,) = tasks.claim(1, lease="ours", queues=("mail",))
    before = tasks.columns(theirs.id)
    renewal = lifecycle.renew([(ours.id, ours.lease), (theirs.id, ours.lease)], 300.0, tasks.using)

    assert theirs.id not in renewal.held
    assert tasks.columns(theirs.id) == before


@pytest.mark.parametrize("kind", [Kind.COMPLETED, Kind.FAILED, Kind.NOT_STARTED, Kind.MISSING])
def test_what_is_settled_is_held_no_longer(tasks: Tasks, kind: Kind) -> None:
    task = tasks.running(max_retries=1)
    assert tasks.settle(task, kind)
    before = tasks.columns(task.id)

    assert lifecycle.renew([(task.id, task.lease)], 30.0, tasks.using).held == {}
    assert tasks.columns(task.id) == before


def test_what_has_a_new_owner_is_held_no_longer(tasks: Tasks) -> None:
    zombie = tasks.running(max_retries=1)
    tasks.expire(zombie.id)
    lifecycle.rescue(using=tasks.using)
    tasks.make_due(zombie.id)
    tasks.take(worker="worker-2")
    before = tasks.columns(zombie.id)

    assert lifecycle.renew([(zombie.id, zombie.lease)], 300.0, tasks.using).held == {}
    assert tasks.columns(zombie.id) == before


def test_a_renewed_lease_is_rescued_by_nobody(tasks: Tasks) -> None:
    task = tasks.running()
    tasks.expire(task.id, by_s=600)
    assert lifecycle.renew([(task.id, task.lease)], 30.0, tasks.using).held == {task.id: task.lease}

    assert lifecycle.rescue(using=tasks.using) == []
    assert tasks.status(task.id) == "PROGRESS"


def test_renewing_tells_what_is_to_be_cancelled(tasks: Tasks) -> None:
    one, other = tasks.running(queue="a"), tasks.running(queue="b")
    theirs = tasks.running(queue="c")
    lifecycle.cancel([one.id, theirs.id], using=tasks.using)
    held = [(one.id, one.lease), (other.id, other.lease)]

    assert lifecycle.renew(held, 30.0, tasks.using).cancelling == {one.id}
    assert lifecycle.cancelling(held, tasks.using) == {one.id}
    assert lifecycle.cancelling([(other.id, other.lease)], tasks.using) == frozenset()


def test_a_long_run_is_marked_with_its_true_beginning(tasks: Tasks) -> None:
    task = tasks.running()
    assert tasks.row(task.id).started_at is None
    before = tasks.now()
    lifecycle.mark_started([(task, 5.0)], tasks.using)

    assert seconds_between(tasks.row(task.id).started_at, before) == pytest.approx(5.0, abs=0.5)


def test_a_beginning_is_marked_once(tasks: Tasks) -> None:
    task = tasks.running()
    lifecycle.mark_started([(task, 5.0)], tasks.using)
    before = tasks.columns(task.id)
    lifecycle.mark_started([(task, 1.0)], tasks.using)

    assert tasks.columns(task.id) == before


def test_a_beginning_under_a_stale_lease_is_not_marked(tasks: Tasks) -> None:
    zombie = tasks.running(max_retries=1)
    tasks.expire(zombie.id)
    lifecycle.rescue(using=tasks.using)
    tasks.make_due(zombie.id)
    tasks.take(worker="worker-2")
    lifecycle.mark_started([(zombie, 5.0)], tasks.using)

    assert tasks.row(zombie.id).started_at is None
