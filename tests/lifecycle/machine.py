"""The lifecycle as a machine: moves that the database and the model make alike, and what always holds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db.models import F, Q
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from django_task_worker import lifecycle, registry
from django_task_worker.ids import new_id
from django_task_worker.lifecycle import Claimed, Outcome
from django_task_worker.models import RETRYING, DatabaseTask, Queue, TaskAttempt
from django_task_worker.states import Kind, Transition
from tests.lifecycle.model import (
    BLOCKED_S,
    ENDED,
    LATER_S,
    LEASE_S,
    QUEUES,
    SEEN_BY,
    TICKS,
    WORKERS,
    Model,
    Task,
)
from tests.lifecycle.tasks import Tasks

numbers = st.integers(0, 1_000)
kinds = st.sampled_from([*Kind, Kind.COMPLETED, Kind.FAILED, Kind.FAILED])


def when(is_useful: Callable[[Lifecycle], object]) -> Any:
    """A move that could change nothing would only take the place of others."""
    return precondition(lambda machine: bool(is_useful(machine)))


def something(machine: Lifecycle) -> bool:
    return bool(machine.model.tasks)


def something_held(machine: Lifecycle) -> bool:
    return any(machine.held)


def something_running(machine: Lifecycle) -> bool:
    return something_held(machine) and any(t.status == "PROGRESS" for t in machine.model.tasks.values())


def something_claimable(machine: Lifecycle) -> bool:
    return bool(machine.model.claimable(QUEUES))


def something_lost(machine: Lifecycle) -> bool:
    return bool(machine.model.lost())


class Lifecycle(RuleBasedStateMachine):
    """Three workers, two queues, two unique keys, and an operator."""

    def __init__(self, tasks: Tasks) -> None:
        super().__init__()
        self.tasks = tasks
        self.model = Model()
        self.held: list[list[Claimed]] = [[] for _ in WORKERS]
        """What each worker believes to own. Nobody tells it when that is over."""
        self.ended: dict[str, dict[str, Any]] = {}

    @initialize()
    def empty(self) -> None:
        for model in (TaskAttempt, DatabaseTask, Queue):
            model._default_manager.using(self.tasks.using).all().delete()

    def some_task(self, number: int, *, is_final: bool) -> str:
        """A task: a final one, or one that is not, as far as there is one."""
        ids = [pk for pk, task in self.model.tasks.items() if task.is_final is is_final]
        ids = ids or list(self.model.tasks)
        return ids[number % len(ids)]

    def some_believed(self, number: int) -> list[Claimed]:
        """What one of the workers believes to own, and it is something."""
        busy = [believed for believed in self.held if believed]
        return busy[number % len(busy)]

    # Callers

    @rule(
        count=st.integers(1, 3),
        queue=st.sampled_from(QUEUES),
        priority=st.sampled_from([-1, 0, 5]),
        retries=st.sampled_from([None, 0, 1, 2]),
        key=st.sampled_from([None, None, "one", "two"]),
        wait_s=st.sampled_from([0, 0, 0, LATER_S]),
    )
    def create(
        self, count: int, queue: str, priority: int, retries: int | None, key: str | None, wait_s: int
    ) -> None:
        for _ in range(count):
            holder = self.model.holder(key)
            fields = {"queue": queue, "priority": priority, "max_retries": retries, "unique_key": key}
            task_id = self.tasks.add(due_in_s=wait_s or None, **fields)
            if holder is None:
                self.model.tasks[task_id] = Task(queue, priority, retries, key, self.model.now + wait_s)
            else:
                assert task_id == holder

    # Workers

    @when(something_claimable)
    @rule(worker=st.sampled_from([0, 0, 1, 2]), count=st.integers(1, 4))
    def claim(self, worker: int, count: int) -> None:
        claimable = self.model.claimable(SEEN_BY[worker])
        lease = new_id()
        found = self.tasks.claim(count, lease=lease, lease_s=LEASE_S, **WORKERS[worker])

        assert {task.id for task in found} <= claimable
        assert len(found) == min(count, len(claimable))
        assert {task.id for task in lifecycle.held(lease, self.tasks.using)} == {task.id for task in found}
        for task in found:
            told = self.model.claim(task.id, lease, WORKERS[worker]["retries"])
            assert (task.retry_count, task.max_retries) == (told.retries, told.max_retries)
            assert task.deferrals == told.deferrals
        self.held[worker] += found

    @when(something_held)
    @rule(number=numbers)
    def renew(self, number: int) -> None:
        believed = self.some_believed(number)
        renewal = lifecycle.renew([(task.id, task.lease) for task in believed], LEASE_S, self.tasks.using)
        ids = {task.id for task in believed}
        mine = {
            task_id: task
            for task_id, task in self.model.tasks.items()
            if task_id in ids and any(self.model.owns(task_id, held.lease) for held in believed)
        }

        assert renewal.held == {task_id: task.lease for task_id, task in mine.items()}
        assert renewal.cancelling == {task_id for task_id, task in mine.items() if task.is_cancelling}
        for task in mine.values():
            task.lease_until = self.model.now + LEASE_S

    @when(something_held)
    @rule(number=numbers, kind=kinds)
    def finish(self, number: int, kind: Kind) -> None:
        self._finish(self.some_believed(number), number, [kind])

    @when(something_held)
    @rule(number=numbers, first=kinds, second=kinds)
    def finish_two(self, number: int, first: Kind, second: Kind) -> None:
        self._finish(self.some_believed(number), number, [first, second])

    @when(something_held)
    @rule(number=numbers, kind=kinds)
    def finish_and_forget_about_it(self, number: int, kind: Kind) -> None:
        """The worker will send another outcome of the same attempt one day."""
        self._finish(list(self.some_believed(number)), number, [kind])

    def _finish(self, believed: list[Claimed], number: int, ends: list[Kind]) -> None:
        start = number % len(believed)
        batch = list(zip(believed[start : start + 2], ends, strict=False))
        outcomes = [
            Outcome(task=task, kind=kind, duration_s=0.1, delay_s=BLOCKED_S if kind is Kind.BLOCKED else None)
            for task, kind in batch
        ]
        changes = lifecycle.finish(outcomes, self.tasks.using)

        changed = {(change.outcome.task.id, change.outcome.task.lease) for change in changes}
        for task, kind in batch:
            assert self.model.finish(task.id, task.lease, kind.value) is ((task.id, task.lease) in changed)
            believed.remove(task)

    @when(something_held)
    @rule(number=numbers, forgets=st.booleans())
    def expire(self, number: int, forgets: bool) -> None:
        """Nothing has been heard from this worker for long; it has died or will wake up again."""
        believed = self.some_believed(number)
        for task_id, task in self.model.tasks.items():
            if any(self.model.owns(task_id, held.lease) for held in believed):
                self.tasks.expire(task_id, by_s=60)
                task.lease_until = self.model.now - 1
        if forgets:
            believed.clear()

    @when(something_running)
    @rule(number=numbers, worker=st.sampled_from([0, 1, 2]))
    def take_over(self, number: int, worker: int) -> None:
        """A worker freezes, others rescue what it held and run it again; it may wake up then."""
        self.expire(number, forgets=False)
        self.rescue("fail")
        self.tick(max(TICKS))
        self.claim(worker, 4)

    @when(something_lost)
    @rule(lost=st.sampled_from(["fail", "fail", "requeue"]))
    def rescue(self, lost: Any) -> None:
        stale = self.model.lost()
        found = lifecycle.rescue(lost=lost, using=self.tasks.using)

        assert sorted(task.id for task in found) == sorted(stale)
        for rescued in found:
            task = self.model.tasks[rescued.id]
            if lost == "requeue" and task.retries_left <= 0 and not task.is_cancelling:
                assert rescued.transition is Transition.RELEASE
                self.model.release(rescued.id)
            else:
                self.model.end(rescued.id, "lost")

    # An operator: one rule, or the machine would see little else

    @when(something)
    @rule(
        move=st.sampled_from(["cancel", "cancel", "requeue", "requeue", "purge", "pause"]),
        number=numbers,
        flag=st.booleans(),
        statuses=st.sets(st.sampled_from(ENDED), min_size=1),
    )
    def operate(self, move: str, number: int, flag: bool, statuses: set[str]) -> None:
        if move == "cancel":
            self._cancel(self.some_task(number, is_final=number % 4 == 0))
        elif move == "requeue":
            self._requeue(self.some_task(number, is_final=number % 4 != 0), force=flag)
        elif move == "purge":
            self._purge(statuses)
        else:
            self._pause_or_resume(QUEUES[flag])

    def _cancel(self, task_id: str) -> None:
        done = lifecycle.cancel([task_id], using=self.tasks.using)
        said = {"cancelled": done.cancelled, "requested": done.requested}
        expected = self.model.cancel(task_id)
        assert said == {key: [task_id] if key == expected else [] for key in said}

    def _requeue(self, task_id: str, *, force: bool) -> None:
        done = lifecycle.requeue([task_id], force=force, using=self.tasks.using)
        expected = self.model.requeue(task_id, force)
        assert done == ([task_id] if expected else [])
        if expected:
            del self.ended[task_id]

    def _purge(self, statuses: set[str]) -> None:
        gone = lifecycle.purge(before=None, statuses=sorted(statuses), using=self.tasks.using)
        tasks = self.model.tasks
        assert set(gone) == {pk for pk, task in tasks.items() if task.is_final and task.status in statuses}
        for task_id in gone:
            del tasks[task_id], self.ended[task_id]

    def _pause_or_resume(self, queue: str) -> None:
        if queue in self.model.paused:
            assert registry.resume(queue, using=self.tasks.using)
            self.model.paused.remove(queue)
        else:
            registry.pause(queue, using=self.tasks.using)
            self.model.paused.add(queue)

    # Time

    @when(something)
    @rule(seconds=st.sampled_from(TICKS))
    def tick(self, seconds: int) -> None:
        """The database's clock cannot be set, so everything that waits for it comes nearer."""
        unfinished = self.tasks.all.filter(Q(status__in=["PENDING", "PROGRESS"]) | RETRYING)
        by = timedelta(seconds=seconds)
        unfinished.update(due_at=F("due_at") - by)
        unfinished.filter(next_attempt_at__isnull=False).update(next_attempt_at=F("next_attempt_at") - by)
        unfinished.filter(lease__isnull=False).update(lease_expires_at=F("lease_expires_at") - by)
        self.model.now += seconds

    # What always holds

    @invariant()
    def the_database_is_as_the_model_says(self) -> None:
        rows = {row["id"]: row for row in self.tasks.all.values()}
        assert rows.keys() == self.model.tasks.keys()
        for task_id, task in self.model.tasks.items():
            row = rows[task_id]
            assert row["status"] == task.status
            assert (row["next_attempt_at"] is not None) is task.is_retrying
            assert (row["retry_count"], row["deferrals"]) == (task.retries, task.deferrals)
            assert (row["max_retries"], row["lease"]) == (task.max_retries, task.lease)
            assert task.max_retries is None or task.retries <= task.max_retries
            assert (row["lease_expires_at"] is None) is (task.lease is None)
            assert (row["unique_active"] is None) is (task.key is None or task.is_final)
            assert (row["finished_at"] is not None) is task.is_final
            assert (row["cancel_requested_at"] is not None) is task.is_cancelling
            if task.is_final:
                assert self.ended.setdefault(task_id, row) == row, "it had ended"

    def teardown(self) -> None:
        """Every attempt was kept, and in the end somebody can claim every task that has not ended."""
        for task_id, task in self.model.tasks.items():
            assert len(self.tasks.attempts(task_id)) == task.attempts
        for queue in sorted(self.model.paused):
            self._pause_or_resume(queue)
        self.tick(max(TICKS))
        self.rescue("fail")
        self.tick(max(TICKS))
        unfinished = {task_id for task_id, task in self.model.tasks.items() if not task.is_final}
        assert set(self.tasks.claimed_ids(len(unfinished) + 1)) == unfinished
