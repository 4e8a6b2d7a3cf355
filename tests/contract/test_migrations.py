"""The schema: complete, reversible, and usable by code of version 0.0.7."""

from __future__ import annotations

import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connections

from django_task_worker.models import DatabaseTask
from tests.contract.conftest import command
from tests.databases import Database

INSERT = """
INSERT INTO django_task_worker_databasetask
    (id, name, args, kwargs, timeout, status, retry_count, created_at, updated_at)
VALUES ('0123456789abcdefghijkl', 'app.tasks.add', '[1, 2]', '{}', 300, 'PENDING', 0, %s, %s)
"""


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_the_models_need_no_further_migration(
    database: Database, environment: dict[str, str], project: Path
) -> None:
    environment["TEST_DATABASE"] = database.url
    command(
        sys.executable, "manage.py", "makemigrations", "--check", "--dry-run", cwd=project, env=environment
    )


def test_a_new_project_passes_djangos_checks(
    database: Database, environment: dict[str, str], project: Path
) -> None:
    environment["TEST_DATABASE"] = database.url
    arguments = ["check", "--database", "default", "--fail-level", "WARNING"]
    command(sys.executable, "-W", "error", "manage.py", *arguments, cwd=project, env=environment)


def test_the_way_back_to_the_old_version_is_open(unmigrated: Database) -> None:
    def migrate(*target: str) -> None:
        call_command("migrate", *target, database=unmigrated.alias, verbosity=0, stdout=StringIO())

    migrate()
    DatabaseTask.objects.create(name="app.tasks.add")
    migrate("django_task_worker", "0002")
    migrate()
    assert DatabaseTask.objects.get().status == "PENDING"


def test_a_row_that_old_code_inserts_is_a_task_that_runs(
    database: Database, worker: Callable[..., object], run: Callable[..., object]
) -> None:
    from django.utils import timezone

    now = timezone.now().isoformat(sep=" ").removesuffix("+00:00")
    with connections[database.alias].cursor() as cursor:
        cursor.execute(INSERT, [now, now])
    assert DatabaseTask.objects.due().count() == 1
    worker("--burst", ready=False).wait()  # type: ignore[attr-defined]
    assert DatabaseTask.objects.get().result == "3"


@pytest.mark.parametrize("kind", ["postgres"], indirect=True)
def test_old_rows_are_looked_at_only_when_nobody_is_locked_out(unmigrated: Database) -> None:
    """A check that is added with its column is looked for in every row, under a lock on the whole table."""

    def unchecked(target: str) -> set[str]:
        call_command("migrate", "django_task_worker", target, database=unmigrated.alias, verbosity=0)
        with connections[unmigrated.alias].cursor() as cursor:
            cursor.execute("SELECT conname FROM pg_constraint WHERE contype = 'c' AND NOT convalidated")
            return {name.removeprefix("django_task_worker_databasetask_") for (name,) in cursor.fetchall()}

    ours = {"dtw_task_status", "dtw_task_lease", "dtw_task_finished", "dtw_task_priority"}
    assert unchecked("0003") == {"deferrals_check", "max_retries_check"}
    assert unchecked("0006") == {"deferrals_check", "max_retries_check", *ours}
    assert unchecked("0007") == set()
    call_command("migrate", database=unmigrated.alias, verbosity=0)
    with pytest.raises(IntegrityError):
        DatabaseTask.objects.create(name="app.tasks.add", max_retries=-1)
