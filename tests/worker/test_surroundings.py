"""What a task changes of its process, and of its database connection, the next one in it does not see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from tests.databases import Database
from tests.processes import Process
from tests.servers import Postgres
from tests.waiting import wait_until
from tests.worker.marks import on_postgres
from tests.worker.outcomes import ended, enqueue

LONE = pytest.mark.parametrize("resident", ["postgres 1"], indirect=True, scope="module")
LONE_EACH = pytest.mark.parametrize(
    "resident",
    ["postgres 1", pytest.param("mariadb 1", marks=pytest.mark.mariadb), "sqlite 1"],
    indirect=True,
    scope="module",
)


def look() -> dict[str, Any]:
    done = ended(enqueue("fates.surroundings"))
    assert done.status == "COMPLETED", done.error
    found = done.result_json
    assert isinstance(found, dict)
    return found


@LONE
def test_the_next_task_finds_the_process_as_it_was(resident: Process) -> None:
    before = look()
    assert ended(enqueue("fates.disturb")).status == "COMPLETED"
    after = look()
    del before["pid"], after["pid"]
    assert after == before
    assert ended(enqueue("sleep", 0.7)).status == "COMPLETED", "an alarm of another task rang"


@LONE
def test_a_task_that_changes_nothing_leaves_its_process_in_use(resident: Process) -> None:
    pids = {look()["pid"] for _ in range(5)}
    assert len(pids) == 1


@LONE
def test_a_module_is_loaded_once_in_a_process(resident: Process) -> None:
    numbers = {ended(enqueue("fates.identity")).result for _ in range(3)}
    assert len(numbers) == 1


@LONE_EACH
@pytest.mark.parametrize("kind", ["transaction", "atomic", "savepoint", "broken", "closed", "rows"])
def test_the_next_task_finds_a_working_database(resident: Process, kind: str) -> None:
    assert ended(enqueue("fates.leave_the_database", kind)).status == "COMPLETED"
    done = ended(enqueue("fates.use_the_database"))
    assert (done.status, done.result) == ("COMPLETED", "True")


@LONE
def test_what_a_task_leaves_in_a_transaction_is_rolled_back(resident: Process) -> None:
    from django_task_worker.models import Queue

    assert ended(enqueue("fates.write_and_leave_open", "left")).status == "COMPLETED"
    assert ended(enqueue("fates.use_the_database")).status == "COMPLETED"
    assert not Queue.objects.filter(name="left").exists()


def connected() -> int:
    from config.router import CurrentDatabase
    from django.db import connections

    with connections[CurrentDatabase.alias or ""].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


@LONE
def test_connections_do_not_pile_up(resident: Process, postgres_server: Postgres) -> None:
    wait_until(lambda: connected() <= 3)
    for _ in range(10):
        assert ended(enqueue("fates.use_the_database")).status == "COMPLETED"
    wait_until(lambda: connected() <= 3)


@LONE
def test_connections_that_tasks_keep_go_with_their_process(
    resident: Process, postgres_server: Postgres
) -> None:
    few = {ended(enqueue("fates.leak_connections", 1)).result for _ in range(3)}
    assert len(few) == 1, "a handful is no reason to replace it"
    wait_until(lambda: connected() <= 3 + 3)
    assert ended(enqueue("fates.leak_connections", 100)).result in few
    wait_until(lambda: connected() <= 3, 5)
    assert ended(enqueue("process_id")).result not in few


@LONE
def test_a_task_that_deletes_its_own_row_harms_nobody(resident: Process) -> None:
    from django_task_worker.models import DatabaseTask

    task = enqueue("fates.delete_own_row")
    wait_until(lambda: not DatabaseTask.objects.filter(pk=task.pk).exists())
    assert ended(enqueue("add", 1, 1)).result == "2"
    resident.line(f"stale outcome of task {task.id}")


@on_postgres
def test_asynchronous_queries_find_a_working_database(
    task_worker: dict[str, Any], worker: Callable[..., Process], database: Database
) -> None:
    """They run in a thread of their own, whose connection is cut between two tasks."""
    task_worker["ALLOWED"] = [*task_worker["ALLOWED"], "hearing"]
    worker("--concurrency", 1)
    for number in range(1, 4):
        done = ended(enqueue("hearing.count"))
        assert (done.status, done.result) == ("COMPLETED", str(number)), done.error
        with connections[database.alias].cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


@on_postgres
def test_a_log_record_without_a_text_fails_no_task(
    task_worker: dict[str, Any], worker: Callable[..., Process]
) -> None:
    task_worker["ALLOWED"] = [*task_worker["ALLOWED"], "hearing"]
    worker("--concurrency", 1)
    done = ended(enqueue("hearing.log_what_has_no_text"))
    assert done.status == "COMPLETED", done.error


@on_postgres
def test_a_signal_handler_may_print_while_its_task_logs(
    task_worker: dict[str, Any], worker: Callable[..., Process]
) -> None:
    task_worker["ALLOWED"] = [*task_worker["ALLOWED"], "hearing"]
    worker("--concurrency", 1)
    done = ended(enqueue("hearing.print_in_a_signal_handler", 500))
    assert done.status == "COMPLETED", done.error
