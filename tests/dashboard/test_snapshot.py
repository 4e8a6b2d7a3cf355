"""What a look at the database brings, on every kind of database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connections
from django.test.utils import CaptureQueriesContext

from django_task_worker import lifecycle, queries, registry
from django_task_worker.expressions import ago, later
from django_task_worker.models import DatabaseTask, Queue, TaskAttempt, Worker
from django_task_worker.snapshot import counts, read
from django_task_worker.snapshot.read import Look
from django_task_worker.snapshot.rows import QueueRow, Snapshot

EVENTS_TELL = Look()


def look(using: str, **seen: Any) -> Snapshot:
    return read.read(Look(**seen), using)


def queue(using: str, name: str) -> QueueRow:
    return next(row for row in look(using).queues if row.name == name)


def task(using: str, **columns: Any) -> DatabaseTask:
    return DatabaseTask.objects.using(using).create(**{"name": "app.tasks.add", "args": [], **columns})


def running(using: str, **columns: Any) -> DatabaseTask:
    held = {"lease": "x", "lease_expires_at": later(20), "worker": "w1", "started_at": ago(5)}
    return task(using, status="PROGRESS", **{**held, **columns})


def failed(using: str, **columns: Any) -> DatabaseTask:
    made = task(using, status="FAILED", finished_at=ago(1), error_type="KeyError", error="'sku'", **columns)
    TaskAttempt.objects.using(using).create(
        task_id=made.pk, number=1, worker="w1", outcome="failed", error_type="KeyError", error="'sku'"
    )
    return made


def test_an_empty_database_gives_an_empty_snapshot(using: str) -> None:
    found = look(using)
    assert (found.queues, found.running, found.workers, found.failures) == ((), (), (), ())
    assert (found.held, found.retrying, found.stale) == (0, 0, 0)
    assert abs(found.at - queries.database_now(using).timestamp()) < 5


def test_waiting_tasks_are_counted_by_queue_across_priorities(using: str) -> None:
    for priority in (-5, 0, 7):
        task(using, queue="mail", priority=priority, due_at=ago(100 + priority))
    task(using, queue="mail", due_at=later(60))
    task(using, queue="zoo", due_at=later(60))
    mail, zoo = look(using).queues
    assert (mail.name, mail.pending, mail.scheduled) == ("mail", 3, 1)
    assert mail.oldest_at is not None
    assert 105 < look(using).at - mail.oldest_at < 120
    assert (zoo.name, zoo.pending, zoo.scheduled, zoo.oldest_at) == ("zoo", 0, 1, None)


def test_counting_ends_at_the_cap(using: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "CAP", 3)
    for _ in range(5):
        task(using)
        task(using, due_at=later(60), priority=1)
    row = queue(using, "default")
    assert (row.pending, row.scheduled) == (4, 4)
    assert queue(using, "default").running == 0


def test_running_and_retrying_tasks_are_counted(using: str) -> None:
    running(using, queue="mail")
    running(using, queue="mail", lease_expires_at=ago(1))
    running(using, queue="imports", worker="w2")
    task(using, status="FAILED", next_attempt_at=later(5), queue="mail")
    found = look(using)
    assert {row.name: row.running for row in found.queues} == {"imports": 1, "mail": 2}
    assert (found.held, found.retrying, found.stale) == (3, 1, 1)


def test_what_began_first_is_listed_first_and_what_was_only_claimed_last(using: str) -> None:
    claimed = running(using, started_at=None)
    young = running(using, started_at=ago(1), timeout=None, max_retries=2, retry_count=1)
    old = running(using, started_at=ago(50), cancel_requested_at=ago(1))
    rows = look(using).running
    assert [row.id for row in rows] == [old.pk, young.pk, claimed.pk]
    assert [row.is_cancelling for row in rows] == [True, False, False]
    assert (rows[1].limit_s, rows[1].tries, rows[1].max_tries) == (300.0, 2, 3)


def test_a_paused_queue_is_listed_even_when_it_is_empty(using: str) -> None:
    registry.pause("reports", by="ana", reason="month end", using=using)
    row = queue(using, "reports")
    assert (row.paused_by, row.pause_reason) == ("ana", "month end")
    assert row.is_paused(look(using).at)
    Queue.objects.using(using).update(paused_until=ago(1))
    assert not queue(using, "reports").is_paused(look(using).at)


def test_a_worker_brings_what_it_holds_and_one_that_signed_off_is_left_out(using: str) -> None:
    for name in ("w1", "w2"):
        who = registry.new_identity(name)
        registry.register(who, queues=["mail"], exclude_queues=[], slots=4, using=using)
    registry.sign_off(who, registry.Load(), using)
    running(using)
    (row,) = look(using).workers
    assert (row.name, row.slots, row.held, row.queues) == ("w1", 4, 1, ("mail",))
    assert row.listens("mail")
    assert not row.listens("other")


def test_a_worker_that_was_started_again_by_the_same_name_holds_what_runs(using: str) -> None:
    for _ in range(2):
        Worker.objects.using(using).update(started_at=ago(10))
        who = registry.new_identity("w1")
        registry.register(who, queues=[], exclude_queues=[], slots=4, using=using)
    running(using)
    rows = {row.id: row.held for row in look(using).workers}
    assert len(rows) == 2
    assert rows[who.id] == 1
    assert sum(rows.values()) == 1


def test_failures_are_final_ones_with_their_error(using: str) -> None:
    made = failed(using, queue="mail")
    retried = failed(using)
    DatabaseTask.objects.using(using).filter(pk=retried.pk).update(next_attempt_at=later(5))
    (row,) = look(using).failures
    assert (row.task_id, row.queue, row.error_type, row.error) == (made.pk, "mail", "KeyError", "'sku'")


def test_a_task_that_failed_after_retries_is_one_failure(using: str) -> None:
    made = failed(using, retry_count=2)
    for number in (2, 3):
        TaskAttempt.objects.using(using).create(
            task_id=made.pk, number=number, outcome="failed", error_type="KeyError", error=f"try {number}"
        )
    (row,) = look(using).failures
    assert (row.tries, row.error) == (3, "try 3")


def test_a_failure_that_was_started_over_is_gone(using: str) -> None:
    made = failed(using)
    lifecycle.requeue([made.pk], using=using)
    assert look(using).failures == ()


def test_failures_of_more_than_an_hour_ago_are_left_out(using: str) -> None:
    failed(using)
    TaskAttempt.objects.using(using).update(finished_at=ago(3700))
    assert look(using).failures == ()


def test_a_look_at_failures_says_how_far_back_it_reaches(using: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "FIRST_ATTEMPTS", 2)
    made = [failed(using) for _ in range(4)]
    TaskAttempt.objects.using(using).update(finished_at=ago(50))
    found = look(using)
    assert {row.task_id for row in found.failures} == {task.pk for task in made[2:]}
    assert 40 < found.at - found.failures_since < 60
    monkeypatch.undo()
    TaskAttempt.objects.using(using).filter(task_id=made[0].pk).update(finished_at=ago(7000))
    found = look(using)
    assert len(found.failures) == 3
    assert 3500 < found.at - found.failures_since <= 3600.001


def test_the_next_look_at_failures_goes_on_from_the_last(using: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "OVERLAP", 0)
    failed(using)
    first = look(using)
    later_one = failed(using)
    second = look(using, after_failure=first.last_failure)
    assert (first.all_failures, second.all_failures) == (True, False)
    assert [row.task_id for row in second.failures] == [later_one.pk]
    assert second.last_failure > first.last_failure


def test_what_ended_is_read_only_when_it_is_asked_for(using: str) -> None:
    made = task(using, status="COMPLETED", due_at=ago(9), started_at=ago(7), finished_at=ago(5), duration=2.0)
    assert look(using).finished == ()
    (row,) = look(using, finished_since=look(using).at - 60).finished
    assert (row.id, row.status, row.run_s) == (made.pk, "completed", 2.0)
    assert row.wait_s is not None
    assert 1.5 < row.wait_s < 2.5


def test_more_ended_tasks_than_wanted_are_said_to_be_missed(
    using: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read, "MOST_FINISHED", 2)
    for _ in range(3):
        task(using, status="COMPLETED", finished_at=ago(1))
    found = look(using, finished_since=look(using).at - 60)
    assert (len(found.finished), found.finished_missed) == (2, True)


def test_a_look_takes_four_statements(using: str) -> None:
    look(using)
    with CaptureQueriesContext(connections[using]) as captured:
        look(using, after_failure=1)
    reads = [q["sql"] for q in captured.captured_queries if "SELECT" in q["sql"].upper()]
    assert len(reads) == 4, reads


@pytest.mark.parametrize("using", ["postgres"], indirect=True)
def test_a_look_writes_nothing_and_ends_a_statement_that_takes_too_long(
    using: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read, "STATEMENT_S", 0.1)
    with read._bounded(using), pytest.raises(Exception, match="read-only transaction"):
        Worker.objects.using(using).update(busy=1)
    with (
        pytest.raises(OperationalError, match="statement timeout"),
        read._bounded(using),
        connections[using].cursor() as cursor,
    ):
        cursor.execute("SELECT pg_sleep(5)")


def test_a_look_leaves_the_connection_as_it_found_it(using: str) -> None:
    look(using)
    task(using)
    assert timedelta(0) <= timedelta(seconds=look(using).took_s) < timedelta(seconds=5)
