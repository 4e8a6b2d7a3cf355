"""Workers are replaced one by one under load, code and schema change: each task still runs once."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections

from django_task_worker.expressions import DatabaseNow
from django_task_worker.models import DatabaseTask
from tests.chaos.audit import TASKS
from tests.chaos.old_code import fill, storing
from tests.chaos.oracle import Oracle
from tests.conftest import PROJECT
from tests.databases import Database
from tests.processes import Process
from tests.waiting import wait_until
from tests.worker.marks import on_postgres
from tests.worker.outcomes import enqueue, row

NEW_FUNCTION = "\n\ndef new(a):\n    return a + 1\n"


@pytest.fixture
def deployed(tmp_path: Path) -> Path:
    """The project with one function more."""
    folder = tmp_path / "project"
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns("__pycache__"))
    with (folder / "app" / "tasks.py").open("a") as file:
        file.write(NEW_FUNCTION)
    return folder


@pytest.fixture
def on_new_code(
    deployed: Path, start: Callable[..., Process], database: Database, task_worker: dict[str, Any]
) -> Callable[[str], Process]:
    """Starts a worker of that name on the new code."""

    def on_new_code(name: str) -> Process:
        words = ["-m", "taskctl", "worker", "--concurrency", 2, "--poll", "200ms", "--name", name]
        variables = {"TEST_DATABASE": database.url, "TEST_TASK_WORKER": json.dumps(task_worker)}
        process = start(sys.executable, *words, cwd=deployed, **variables)
        process.line(r"\bready\b")
        return process

    return on_new_code


@on_postgres
def test_a_rolling_deploy_loses_fails_and_repeats_nothing(
    worker: Callable[..., Process], on_new_code: Callable[[str], Process], oracle: Oracle
) -> None:
    """The old workers give back what only the new ones know."""
    old = [worker("--concurrency", 2, "--poll", "200ms", "--name", f"old{n}") for n in range(3)]
    new: list[Process] = []
    stored = oracle.store(150, 0.1)
    unknown = [enqueue("app.tasks.new", number) for number in range(4)]
    wait_until(lambda: all(row(task).deferrals for task in unknown))
    for number, process in enumerate(old):
        stored += oracle.store(50, 0.1)
        new.append(on_new_code(f"new{number}"))
        assert process.stop() == 0
    DatabaseTask.objects.filter(pk__in=[task.pk for task in unknown]).update(due_at=DatabaseNow())
    verdict = oracle.assert_holds(40)
    assert verdict.ends == {"COMPLETED": len(stored) + len(unknown)}
    assert verdict.reruns == 0
    assert [row(task).result for task in unknown] == ["1", "2", "3", "4"]
    assert {task.worker[:3] for task in DatabaseTask.objects.all() if task.worker} == {"old", "new"}
    assert [process.stop() for process in new] == [0, 0, 0]


@pytest.mark.parametrize(
    "kind",
    ["postgres", pytest.param("mariadb", marks=[pytest.mark.mariadb, pytest.mark.slow])],
    indirect=True,
)
def test_a_column_that_a_later_version_adds_disturbs_no_worker(
    worker: Callable[..., Process], database: Database, oracle: Oracle
) -> None:
    """The next version's migration, while workers of this one run."""
    process = worker("--concurrency", 2)
    stored = oracle.store(200, 0.01)
    wait_until(lambda: oracle.words("end").total() > 30)
    with connections[database.alias].cursor() as cursor:
        cursor.execute(f"ALTER TABLE {TASKS} ADD COLUMN later varchar(40) NULL")
        cursor.execute(f"ALTER TABLE {TASKS} ADD COLUMN much_later integer DEFAULT 7 NOT NULL")
    assert oracle.words("end").total() < len(stored)
    stored += oracle.store(20)
    verdict = oracle.assert_holds()
    assert (verdict.ends, verdict.reruns) == ({"COMPLETED": len(stored)}, 0)
    assert process.stop() == 0


@pytest.mark.parametrize("kind", ["postgres"], indirect=True)
@pytest.mark.parametrize("schema", ["0002", "0007"], ids=["of version 0.0.7", "older"])
@pytest.mark.parametrize("command", [["-m", "taskctl", "worker"], ["manage.py", "run_worker"]], ids=" ".join)
def test_a_worker_on_an_old_schema_says_so_and_ends(
    unmigrated: Database, start: Callable[..., Process], schema: str, command: list[str]
) -> None:
    call_command("migrate", "django_task_worker", schema, database=unmigrated.alias, verbosity=0)
    process = start(sys.executable, *command, TEST_DATABASE=unmigrated.url)
    assert process.wait() == 78
    assert "migrat" in process.lines[0]
    assert "manage.py migrate" in process.output
    assert "Traceback" not in process.output


@pytest.mark.parametrize("kind", ["postgres"], indirect=True)
def test_a_migration_ends_though_old_code_goes_on_storing_tasks(
    unmigrated: Database, start: Callable[..., Process]
) -> None:
    call_command("migrate", "django_task_worker", "0002", database=unmigrated.alias, verbosity=0)
    fill(unmigrated.alias, 1, 100_000, "COMPLETED")
    with storing(unmigrated.url) as took:
        wait_until(lambda: len(took) > 100)
        variables = {"TEST_DATABASE": unmigrated.url}
        migrate = start(sys.executable, "manage.py", "migrate", "django_task_worker", **variables)
        assert migrate.wait(30) == 0, migrate.output
        so_far = len(took)
        wait_until(lambda: len(took) > so_far, what="old code cannot store any more")
    assert DatabaseTask.objects.due().count() == len(took)
