"""Many connections at once, in no order: each change happens once, and nothing gets lost."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

from django_task_worker import lifecycle
from django_task_worker.lifecycle import Claimed, Outcome
from django_task_worker.lifecycle.writing import again
from django_task_worker.states import Kind
from tests.lifecycle.connections import Elsewhere
from tests.lifecycle.tasks import Tasks, draft


def together(tasks: Tasks, *actions: Callable[[], list[str]]) -> list[list[str]]:
    """Run the actions at the same moment, each over a connection of its own."""
    start = threading.Barrier(len(actions))

    def after_the_start(action: Callable[[], list[str]]) -> Callable[[], list[str]]:
        def run() -> list[str]:
            start.wait(20)
            return action()

        return run

    running = [Elsewhere(tasks.using, after_the_start(action)) for action in actions]
    return [elsewhere.result for elsewhere in running]


def add_many(tasks: Tasks, count: int, queues: Sequence[str] = ("default",), retries: int = 0) -> list[str]:
    new = [draft(queue=queues[n % len(queues)], max_retries=retries) for n in range(count)]
    return [task.pk for task in lifecycle.enqueue_many(new, 500, tasks.using)]


def test_each_task_is_claimed_by_one_of_many_workers(tasks: Tasks) -> None:
    ids = add_many(tasks, 120, queues=("a", "b", "c"))

    def claim_all(worker: str) -> list[str]:
        mine: list[str] = []
        while len(mine) < 1000:
            found = again(lambda: tasks.claimed_ids(7, worker=worker), tasks.using)
            mine += found
            if not found and not tasks.all.filter(status="PENDING").exists():
                return mine
        raise AssertionError("claimed the same again and again")

    claimed = together(tasks, *[lambda n=n: claim_all(f"worker-{n}") for n in range(4)])  # type: ignore[misc]
    assert Counter(pk for mine in claimed for pk in mine) == Counter(ids)
    for number, mine in enumerate(claimed):
        assert set(tasks.all.filter(worker=f"worker-{number}").values_list("pk", flat=True)) == set(mine)


def test_owner_and_rescuers_settle_each_task_once(tasks: Tasks) -> None:
    add_many(tasks, 40, retries=1)
    claimed = tasks.claim(40)
    tasks.expire(*[task.id for task in claimed])

    def settle() -> list[str]:
        done = []
        for task in random.sample(claimed, len(claimed)):
            kind = random.choice([Kind.COMPLETED, Kind.FAILED])
            done += again(partial(changed, task, kind), tasks.using)
        return done

    def changed(task: Claimed, kind: Kind) -> list[str]:
        return [task.id] if tasks.settle(task, kind) else []

    def rescue() -> list[str]:
        done: list[str] = []
        while tasks.all.filter(status="PROGRESS").exists():
            done += [rescued.id for rescued in lifecycle.rescue(limit=3, using=tasks.using)]
        return done

    by_owner, *by_rescuers = together(tasks, settle, rescue, rescue)
    rescued = [pk for mine in by_rescuers for pk in mine]
    assert Counter(by_owner + rescued) == Counter(task.id for task in claimed)
    lost = tasks.all.filter(error_type="WorkerLost").values_list("pk", flat=True)
    assert set(lost) == set(rescued)
    assert set(tasks.all.values_list("retry_count", flat=True)) <= {0, 1}


def test_a_key_that_many_enqueue_at_once_gives_one_task(tasks: Tasks) -> None:
    keys = [f"order-{n}" for n in range(10)]

    def enqueue_all() -> list[str]:
        order = random.sample(keys, len(keys))
        ids = {key: tasks.add(unique_key=key) for key in order}
        return [ids[key] for key in keys]

    answers = together(tasks, *[enqueue_all] * 4)
    assert answers.count(answers[0]) == 4
    assert sorted(tasks.all.values_list("unique_key", flat=True)) == keys


def test_work_cancellations_and_purges_lose_nothing(tasks: Tasks) -> None:
    ids = add_many(tasks, 90)

    def unfinished() -> bool:
        return tasks.all.filter(status__in=["PENDING", "PROGRESS"]).exists()

    def work() -> list[str]:
        done: list[str] = []
        while unfinished():
            for task in again(partial(tasks.claim, 5), tasks.using):
                done += again(partial(settled, task), tasks.using)
        return done

    def settled(task: Claimed) -> list[str]:
        assert tasks.settle(task)
        return [task.id]

    def cancel() -> list[str]:
        done: list[str] = []
        for pk in random.sample(ids, 30):
            done += lifecycle.cancel([pk], using=tasks.using).cancelled
        return done

    def purge() -> list[str]:
        done: list[str] = []
        while unfinished():
            done += lifecycle.purge(before=None, limit=5, using=tasks.using)
        return done

    first, second, cancelled, purged = together(tasks, work, work, cancel, purge)
    left = list(tasks.all.values_list("pk", flat=True))
    assert Counter(first + second + cancelled) == Counter(ids)
    assert Counter(purged + left) == Counter(ids)


def test_a_batch_and_a_bulk_cancellation_do_not_fail_each_other(tasks: Tasks) -> None:
    for _ in range(4):
        ids = add_many(tasks, 60)
        claimed = tasks.claim(60)

        def settle(claimed: list[Claimed] = claimed) -> list[str]:
            kinds = random.choices([Kind.COMPLETED, Kind.FAILED], k=len(claimed))
            batch = random.sample(claimed, len(claimed))
            outcomes = [Outcome(task=task, kind=kind) for task, kind in zip(batch, kinds, strict=True)]
            changes = again(lambda: lifecycle.finish(outcomes, tasks.using), tasks.using)
            return [change.outcome.task.id for change in changes]

        def cancel(ids: list[str] = ids) -> list[str]:
            return lifecycle.cancel(ids, using=tasks.using).requested

        settled, _ = together(tasks, settle, cancel)
        assert len(settled) <= len(ids)
        assert not tasks.all.filter(status="PROGRESS").exists()
