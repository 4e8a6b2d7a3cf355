"""Which functions a worker runs: decided by it, from the row, before anything is imported."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from config.router import CurrentDatabase
from django.db import connections

from django_task_worker.expressions import DatabaseNow
from django_task_worker.models import DatabaseTask
from tests.databases import Database
from tests.processes import Process
from tests.waiting import wait_until
from tests.worker.conftest import PROJECT
from tests.worker.marks import on_postgres, on_sqlite
from tests.worker.outcomes import ended, enqueue, row

NEVER = [
    "os.system",
    "subprocess.call",
    "builtins.eval",
    "app.tasks.os.system",
    "app.tasks.signal.raise_signal",
    "app.tasks.Unprintable",
    "app.tasks.ANSWER",
    "app.tasks.__doc__",
    "django.core.management.call_command",
    "django_task_worker.client.create_task",
    "config.settings.entry",
    "manage.main",
    "psycopg.connect",
    "...",
    "",
    "app.tasks.add\n",
    "app.tаsks.add",  # noqa: RUF001  the second a is Cyrillic
]


@pytest.mark.parametrize("name", NEVER)
def test_a_name_that_may_not_run_fails_once(resident: Process, tmp_path: Path, name: str) -> None:
    trace = tmp_path / "trace"
    done = ended(DatabaseTask.objects.create(name=name, args=[f"touch {trace}"], max_retries=3))
    assert (done.status, done.retry_count, done.deferrals) == ("FAILED", 0, 0)
    assert done.error_type in ("TaskNotAllowed", "InvalidTask")
    assert done.error
    assert not trace.exists()


def test_a_module_that_cannot_be_imported_fails_with_its_own_error(resident: Process) -> None:
    done = ended(enqueue("app.broken.anything"))
    assert (done.status, done.error_type, done.error) == ("FAILED", "RuntimeError", "this module is broken")


@pytest.mark.parametrize(
    ("module", "error_type", "reason"),
    [
        ("blocks", "TaskTimeout", "2 s"),
        ("leaves", "SystemExit", "3"),
        ("dies", "WorkerLost", "exited with code 3"),
    ],
)
def test_an_import_is_part_of_the_run_and_its_time_limit(
    resident: Process, module: str, error_type: str, reason: str
) -> None:
    done = ended(enqueue(f"spoilt.{module}.never", timeout=2), 2 + 5)
    assert (done.status, done.error_type) == ("FAILED", error_type)
    assert reason in (done.error or "")
    assert ended(enqueue("add", 1, 2)).result == "3"


@on_sqlite
def test_a_refused_module_is_not_even_imported(
    task_worker: dict[str, Any], worker: Callable[..., Process], tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    task_worker["STRICT"] = True
    worker(LOUD_FILE=str(trace))
    assert ended(enqueue("app.loud.hello")).error_type == "TaskNotAllowed"
    assert not trace.exists()


BAD = {
    "object": '{"a": 1}',
    "text": '"text"',
    "number": "17",
    "long_number": "[1" + "0" * 5000 + "]",
    "deep": "[" * 3000 + "]" * 3000,
}


@pytest.mark.parametrize("shape", BAD)
@pytest.mark.parametrize("column", ["args", "metadata"])
def test_a_row_with_impossible_values_ends_and_harms_nobody(
    resident: Process, column: str, shape: str
) -> None:
    task = DatabaseTask.objects.create(name="app.tasks.nothing", queue="held", due_at=later_than_all())
    with connections[CurrentDatabase.alias or ""].cursor() as cursor:
        cursor.execute(
            f"UPDATE {DatabaseTask._meta.db_table} SET {column} = %s, due_at = now() WHERE id = %s",
            [BAD[shape], task.pk],
        )

    def status() -> str:
        found = DatabaseTask.objects.filter(pk=task.pk).values_list("status", "error_type").get()
        return " ".join(filter(None, found))

    wanted = ["COMPLETED"] if column == "metadata" else ["FAILED InvalidArguments"]
    if (column, shape) == ("args", "deep"):
        wanted.append("FAILED TypeError")  # Python 3.13 reads as deep, and then it is one argument too many
    wait_until(lambda: status() in wanted, 10, what=status)
    assert ended(enqueue("add", 1, 2)).result == "3"
    assert resident.running


def later_than_all() -> Any:
    import datetime

    return datetime.datetime(2100, 1, 1, tzinfo=datetime.UTC)


def make_due(task: DatabaseTask) -> None:
    DatabaseTask.objects.filter(pk=task.pk).update(due_at=DatabaseNow())


@pytest.fixture
def deployed(tmp_path: Path) -> Path:
    """The project with one function more."""
    folder = tmp_path / "project"
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns("__pycache__"))
    with (folder / "app" / "tasks.py").open("a") as file:
        file.write("\n\ndef new(a):\n    return a + 1\n")
    return folder


@on_postgres
def test_a_task_of_a_rolling_deploy_waits_for_a_worker_that_knows_it(
    database: Database,
    worker: Callable[..., Process],
    start: Callable[..., Process],
    deployed: Path,
) -> None:
    old = worker("--concurrency", 1, "--name", "old")
    task = enqueue("app.tasks.new", 20)
    wait_until(lambda: row(task).deferrals == 1)
    deferred = row(task)
    assert (deferred.status, deferred.retry_count, deferred.error) == ("PENDING", 0, None)
    assert (deferred.due_at - deferred.updated_at).total_seconds() == pytest.approx(10, abs=0.5)
    assert old.stop() == 0
    new = start(
        *(sys.executable, "-m", "taskctl", "worker", "--name", "new"),
        cwd=deployed,
        TEST_DATABASE=database.url,
    )
    make_due(task)
    done = ended(task)
    assert (done.result, done.worker, done.retry_count) == ("21", "new", 0)
    assert new.stop() == 0


@on_postgres
def test_a_task_that_nobody_knows_fails_after_three_looks(worker: Callable[..., Process]) -> None:
    worker("--concurrency", 1)
    task = enqueue("app.nowhere.missing", max_retries=5)
    for deferrals in (1, 2, 3):
        wait_until(lambda: row(task).deferrals == deferrals)  # noqa: B023
        make_due(task)
    done = ended(task)
    assert (done.status, done.error_type, done.retry_count) == ("FAILED", "UnknownTask", 0)
