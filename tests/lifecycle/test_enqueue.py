"""Enqueue: an INSERT in the caller's transaction, and the unique key."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connections, transaction
from django.test.utils import CaptureQueriesContext

from django_task_worker import client, lifecycle
from django_task_worker.exceptions import InvalidArguments, InvalidTask
from django_task_worker.expressions import DatabaseNow
from django_task_worker.ids import digest
from django_task_worker.models import DatabaseTask
from tests.lifecycle.published import Published
from tests.lifecycle.tasks import FINAL, RUNNING, WAITING, Tasks, draft, seconds_between


def test_a_new_task_is_pending_and_due_at_once_by_the_databases_clock(tasks: Tasks) -> None:
    before = tasks.now()
    task = tasks.row(tasks.add())

    assert task.status == "PENDING"
    assert before <= task.due_at <= tasks.now()
    assert (task.queue, task.priority, task.retry_count, task.deferrals) == ("default", 0, 0, 0)
    assert (task.args, task.kwargs, task.timeout, task.max_retries) == ([1, 2], {}, 300, None)
    assert (task.lease, task.worker, task.started_at, task.finished_at, task.next_attempt_at) == (None,) * 5


def test_the_returned_task_knows_its_due_time(tasks: Tasks) -> None:
    task = lifecycle.enqueue(draft(), tasks.using)

    assert task.due_at == tasks.row(task.id).due_at


def test_a_task_exists_exactly_when_the_callers_transaction_commits(tasks: Tasks) -> None:
    with transaction.atomic(using=tasks.using):
        tasks.add()
        transaction.set_rollback(True, using=tasks.using)
    assert not tasks.all.exists()

    with transaction.atomic(using=tasks.using):
        task_id = tasks.add()
    assert tasks.status(task_id) == "PENDING"


def test_a_row_that_the_orm_writes_directly_is_runnable(tasks: Tasks) -> None:
    task = DatabaseTask.objects.using(tasks.using).create(name="app.tasks.add", args=[1, 2])

    (claimed,) = tasks.claim()
    assert (claimed.id, claimed.queue, claimed.timeout_s) == (task.pk, "default", 300)


# Many at once


def test_many_tasks_take_one_insert_a_batch(tasks: Tasks) -> None:
    new = [draft(args=[n]) for n in range(25)]
    with CaptureQueriesContext(connections[tasks.using]) as queries:
        lifecycle.enqueue_many(new, 10, tasks.using)

    assert sum("INSERT" in query["sql"] for query in queries) == 3
    assert sorted(task.args for task in tasks.all) == [[n] for n in range(25)]


def test_many_tasks_are_due_like_single_ones(tasks: Tasks) -> None:
    before = tasks.now()
    at = before + timedelta(hours=1)
    new = [draft(), draft(run_after=at), draft(due_in_s=7200)]
    now, later, latest = lifecycle.enqueue_many(new, 500, tasks.using)

    assert [task.id for task in (now, later, latest)] == [given.id for given in new]
    assert before <= now.due_at <= tasks.now()
    assert now.due_at == tasks.row(now.id).due_at
    assert tasks.row(later.id).due_at == later.due_at == at
    assert 7200 <= seconds_between(before, tasks.row(latest.id).due_at) < 7230
    assert tasks.claimed_ids() == [now.id]


def test_of_many_tasks_all_or_none_are_stored(tasks: Tasks, published: Published) -> None:
    new = [draft(priority=1000 if n == 15 else 0) for n in range(20)]
    with pytest.raises(DatabaseError):
        lifecycle.enqueue_many(new, 5, tasks.using)

    assert not tasks.all.exists()
    assert published.all == []


def test_one_task_and_many_are_stored_alike(tasks: Tasks) -> None:
    fields = {"args": ["naïve", "a'b\"c\\", 1.5, None], "kwargs": {"key": [True, {}]}, "metadata": {"n": 1}}
    one = lifecycle.enqueue(draft(max_retries=2, queue="mail", priority=-3, timeout=9, **fields), tasks.using)
    (other,) = lifecycle.enqueue_many(
        [draft(max_retries=2, queue="mail", priority=-3, timeout=9, **fields)], 500, tasks.using
    )

    own = ("id", "created_at", "updated_at", "due_at")
    columns = [tasks.columns(task.id) for task in (one, other)]
    for column in own:
        assert columns[0].pop(column) is not None
        assert columns[1].pop(column) is not None
    assert columns[0] == columns[1]
    assert (columns[0]["args"], columns[0]["kwargs"]) == (fields["args"], fields["kwargs"])


@pytest.mark.parametrize("many", [False, True])
def test_the_returned_task_holds_what_the_row_holds(tasks: Tasks, many: bool) -> None:
    new = draft(queue="mail", priority=5, max_retries=1, metadata={"n": 1}, timeout=7, due_in_s=60)
    if many:
        (task,) = lifecycle.enqueue_many([new], 500, tasks.using)
    else:
        task = lifecycle.enqueue(new, tasks.using)

    stored = tasks.row(task.pk)
    for field in DatabaseTask._meta.concrete_fields:
        given, kept = getattr(task, field.name), getattr(stored, field.name)
        if field.name in ("created_at", "updated_at"):
            assert abs(seconds_between(given, kept)) < 0.01
        else:
            assert given == kept, field.name


# The unique key


@pytest.mark.parametrize("state", [*WAITING, *RUNNING])
def test_an_unfinished_task_with_the_key_is_returned_instead(
    tasks: Tasks, published: Published, state: str
) -> None:
    first = tasks.in_state(state, unique_key="order-1")
    before = tasks.columns(first)
    published.clear()
    second = lifecycle.enqueue(draft("app.tasks.other", unique_key="order-1"), tasks.using)

    assert second.pk == first
    assert second.already_existed
    assert tasks.columns(first) == before
    assert tasks.all.count() == 1
    assert published.all == []


@pytest.mark.parametrize("state", FINAL)
def test_the_key_is_free_again_once_the_task_is_final(tasks: Tasks, state: str) -> None:
    first = tasks.in_state(state, unique_key="order-1")
    assert tasks.row(first).unique_active is None
    second = lifecycle.enqueue(draft(unique_key="order-1"), tasks.using)

    assert second.pk != first
    assert not second.already_existed


def test_the_key_of_a_rolled_back_task_is_free(tasks: Tasks) -> None:
    with transaction.atomic(using=tasks.using):
        tasks.add(unique_key="order-1")
        transaction.set_rollback(True, using=tasks.using)

    assert tasks.row(tasks.add(unique_key="order-1")).unique_active == digest("order-1")


def test_a_taken_key_does_not_spoil_the_callers_transaction(tasks: Tasks) -> None:
    first = tasks.add(unique_key="order-1")
    with transaction.atomic(using=tasks.using):
        other = tasks.add()
        assert tasks.add(unique_key="order-1") == first

    assert tasks.status(other) == "PENDING"


def test_keys_that_differ_only_in_case_or_accents_are_different(tasks: Tasks) -> None:
    keys = ["order-a", "order-A", "order-ä", "order-a "]
    assert len({tasks.add(unique_key=key) for key in keys}) == len(keys)


def test_a_keyed_task_that_the_database_refuses_raises(tasks: Tasks) -> None:
    with pytest.raises(IntegrityError):
        tasks.add(unique_key="order-1", priority=1000)
    assert not tasks.all.exists()


def test_a_keyed_task_whose_id_is_taken_raises(tasks: Tasks) -> None:
    first = tasks.add()
    with pytest.raises(IntegrityError):
        tasks.add(id=first, unique_key="order-1")
    assert tasks.all.count() == 1


# Through the client


def test_create_task_stores_what_it_is_told(tasks: Tasks) -> None:
    now = tasks.now()
    task = client.create_task(
        "app.tasks.add",
        [1],
        {"b": 2},
        timeout=20,
        queue="mail",
        priority=7,
        run_after=timedelta(minutes=5),
        max_retries=2,
        metadata={"tenant": 3},
        using=tasks.using,
    )

    stored = tasks.row(task.id)
    assert (stored.args, stored.kwargs, stored.timeout) == ([1], {"b": 2}, 20)
    assert (stored.queue, stored.priority, stored.max_retries) == ("mail", 7, 2)
    assert stored.metadata == {"tenant": 3}
    assert 300 <= seconds_between(now, stored.due_at) < 330


def test_an_aware_time_is_stored_as_the_same_instant(tasks: Tasks) -> None:
    at = tasks.now() + timedelta(hours=2)
    task = client.create_task("app.tasks.add", [1, 2], run_after=at, using=tasks.using)

    assert tasks.row(task.id).due_at == at


def test_the_database_compares_a_stored_time_with_its_clock(tasks: Tasks) -> None:
    now = tasks.now()
    client.create_task("app.tasks.add", [1, 2], run_after=now - timedelta(seconds=1), using=tasks.using)
    client.create_task("app.tasks.add", [1, 2], run_after=now + timedelta(hours=1), using=tasks.using)

    assert tasks.all.filter(due_at__lte=DatabaseNow()).count() == 1


def test_create_tasks_stores_each_item(tasks: Tasks) -> None:
    items = [{"name": "app.tasks.add", "args": [n, n], "priority": n} for n in range(3)]
    made = client.create_tasks(items, using=tasks.using)

    stored = [(tasks.row(task.id).args, tasks.row(task.id).priority) for task in made]
    assert stored == [([0, 0], 0), ([1, 1], 1), ([2, 2], 2)]


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ("app.tasks.add", "must be a mapping with a name"),
        ({"args": [1, 2]}, "must be a mapping with a name"),
        ({"name": "app.tasks.add", "unique_key": "k"}, "create_task only"),
        ({"name": "app.tasks.add", "using": "default"}, "cannot have 'using', only name, args, kwargs"),
        ({"name": "app.tasks.add", 5: 6}, "cannot have 5"),
    ],
    ids=["text", "no name", "unique key", "unknown", "no text"],
)
def test_create_tasks_tells_which_item_is_wrong_and_why(tasks: Tasks, item: Any, reason: str) -> None:
    with pytest.raises(InvalidTask, match=f"^item 1: .*{reason}"):
        client.create_tasks([{"name": "app.tasks.add", "args": [1, 2]}, item], using=tasks.using)
    assert not tasks.all.exists()


def test_what_a_module_raises_while_it_is_imported_is_not_hidden(
    tasks: Tasks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    (tmp_path / "broken_at_import.py").write_text("raise TypeError('at import')")
    monkeypatch.syspath_prepend(str(tmp_path))
    settings.TASK_WORKER = {"ALLOWED": ["broken_at_import"]}
    for create in (client.create_task, lambda name: client.create_tasks([{"name": name}])):
        with pytest.raises(TypeError, match="at import"):
            create("broken_at_import.run")


def test_arguments_are_stored_as_deep_as_the_database_takes_them_or_refused_in_words(tasks: Tasks) -> None:
    deep: list[object] = []
    for _ in range(62):
        deep = [deep]

    def store() -> DatabaseTask:
        return client.create_task("app.tasks.add", [deep], check=False, using=tasks.using)

    if connections[tasks.using].vendor == "mysql":
        with pytest.raises(InvalidArguments, match="31 levels"):
            store()
        assert not tasks.all.exists()
    else:
        assert tasks.row(store().id).args == [deep]
