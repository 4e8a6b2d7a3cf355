"""The order in which a worker takes what is due."""

from __future__ import annotations

import pytest

from tests.lifecycle.tasks import Tasks


def retrying(tasks: Tasks, *, overdue_s: float, queue: str = "default") -> str:
    """A retry that has been due for a while, in a queue that holds nothing else that is due."""
    task_id = tasks.in_state("retrying", queue=f"{queue} at first")
    tasks.put(task_id, queue=queue)
    tasks.make_due(task_id, ago_s=overdue_s)
    return task_id


def test_the_task_that_has_been_due_for_longest_goes_first(tasks: Tasks) -> None:
    ids = [tasks.add(due_in_s=-seconds) for seconds in (10, 40, 20, 30)]

    assert tasks.claimed_ids() == [ids[1], ids[3], ids[2], ids[0]]


def test_a_larger_priority_goes_first(tasks: Tasks) -> None:
    ids = {
        priority: tasks.add(priority=priority, due_in_s=priority / 10) for priority in (0, -100, 5, 100, -1)
    }
    for task_id in ids.values():
        tasks.make_due(task_id, ago_s=5)

    assert tasks.claimed_ids() == [ids[100], ids[5], ids[0], ids[-1], ids[-100]]


def test_priority_counts_across_queues(tasks: Tasks) -> None:
    low = tasks.add(queue="a", priority=1, due_in_s=-100)
    high = tasks.add(queue="b", priority=2)

    assert tasks.claimed_ids() == [high, low]


def test_within_a_priority_the_due_time_counts_across_queues(tasks: Tasks) -> None:
    ids = [tasks.add(queue=queue, due_in_s=-s) for queue, s in [("a", 10), ("b", 40), ("a", 30), ("c", 20)]]

    assert tasks.claimed_ids() == [ids[1], ids[2], ids[3], ids[0]]


def test_a_workers_queue_preference_comes_before_priority(tasks: Tasks) -> None:
    ids = {
        (queue, priority): tasks.add(queue=queue, priority=priority)
        for queue in ("mail", "bulk")
        for priority in (0, 50)
    }

    assert tasks.claimed_ids(queues=("mail", "bulk")) == [
        ids["mail", 50],
        ids["mail", 0],
        ids["bulk", 50],
        ids["bulk", 0],
    ]


def test_a_worker_takes_only_from_its_queues(tasks: Tasks) -> None:
    mine = tasks.add(queue="mail")
    tasks.add(queue="bulk", priority=100)
    tasks.add()

    assert tasks.claimed_ids(queues=("mail",)) == [mine]


def test_a_worker_takes_nothing_from_queues_that_it_excludes(tasks: Tasks) -> None:
    tasks.add(queue="bulk", priority=100)
    retrying(tasks, queue="bulk", overdue_s=500)
    mine = tasks.add(queue="mail")

    assert tasks.claimed_ids(exclude=("bulk",)) == [mine]


def test_new_tasks_go_before_retries(tasks: Tasks) -> None:
    retry = retrying(tasks, overdue_s=50)
    new = [tasks.add(priority=-100), tasks.add(queue="other", priority=-50)]

    assert tasks.claimed_ids() == [new[1], new[0], retry]


def test_the_retry_that_is_due_for_longest_goes_first(tasks: Tasks) -> None:
    ids = [retrying(tasks, overdue_s=s, queue=queue) for s, queue in [(10, "a"), (40, "b"), (20, "a")]]

    assert tasks.claimed_ids() == [ids[1], ids[2], ids[0]]


@pytest.mark.parametrize("wanted", [1, 4])
def test_a_retry_that_is_overdue_by_a_minute_is_held_back_no_longer(tasks: Tasks, wanted: int) -> None:
    for _ in range(10):
        tasks.add(priority=100)
    retry = retrying(tasks, overdue_s=61)

    assert retry in tasks.claimed_ids(wanted)


def test_many_overdue_retries_leave_room_for_new_tasks(tasks: Tasks) -> None:
    new = {tasks.add() for _ in range(4)}
    for _ in range(6):
        retrying(tasks, overdue_s=100)
    first = tasks.claimed_ids(4)

    assert len(first) == 4
    assert len(new & set(first)) == 2


def test_an_overdue_retry_does_not_bring_younger_ones_with_it(tasks: Tasks) -> None:
    overdue = retrying(tasks, overdue_s=61)
    young = retrying(tasks, overdue_s=5)
    new = {tasks.add() for _ in range(3)}

    assert set(tasks.claimed_ids(4)) == {overdue, *new}
    assert tasks.claimed_ids(4) == [young]


def test_a_claim_of_many_goes_through_all_levels_in_order(tasks: Tasks) -> None:
    young = retrying(tasks, overdue_s=5)
    overdue = retrying(tasks, overdue_s=500)
    low, high = tasks.add(), tasks.add(priority=1)

    assert tasks.claimed_ids() == [overdue, high, low, young]
