"""From version 0.0.7: the real one fills a database and is killed, ours is installed over it and goes on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from tests.contract.conftest import command
from tests.databases import Database
from tests.processes import Process, journal_lines
from tests.servers import Redis
from tests.waiting import wait_until

OLD = ["django-task-worker==0.0.7", "setuptools<81", "Django==5.2.*", "psycopg[binary]", "rich", "typer"]
COLUMNS = [
    "id",
    "name",
    "status",
    "retry_count",
    "next_attempt_at",
    "finished_at",
    "error",
    "result",
    "timeout",
]

BEFORE = """
create_task("app.tasks.add", args=[1, 2], timeout=11)
create_task("app.tasks.fail_times", args=[1, journal + ".counter"], timeout=12)
create_task("app.tasks.journal_and_fail", args=[journal, "failed"], timeout=13)
create_task("app.tasks.sleep", args=[600], timeout=1200)
create_task("app.tasks.sleep", args=[600], timeout=1201)
"""
AFTER = """
create_task("app.tasks.journal", kwargs={"path": journal, "key": "pending"}, timeout=14)
create_task("app.tasks.journal", args=[journal, "owed"], timeout=15)
create_task("app.tasks.journal", args=[journal, "later"], timeout=16)
now, tasks = timezone.now(), DatabaseTask.objects
failed = {"status": "FAILED", "retry_count": 1, "finished_at": now - timedelta(seconds=9)}
tasks.filter(timeout=15).update(next_attempt_at=now - timedelta(seconds=5), **failed)
tasks.filter(timeout=16).update(next_attempt_at=now + timedelta(days=1), **failed)
for task in tasks.filter(timeout__in=[12, 13]):
    task.next_attempt_at = task.finished_at - timedelta(seconds=1)  # 0.0.7 nearly always leaves such a value
    task.save()
tasks.filter(timeout=1201).update(started_at=now - timedelta(hours=2))
"""
PREAMBLE = """
import django; django.setup()
import sys
from datetime import timedelta
from django.utils import timezone
from django_task_worker.client import create_task
from django_task_worker.models import DatabaseTask
journal = sys.argv[1]
"""

pytestmark = [
    pytest.mark.upgrade,
    pytest.mark.timeout(300),
    pytest.mark.parametrize("kind", ["postgres", "sqlite"], indirect=True),
]


@dataclass
class Project:
    """A project in a folder and a virtual environment of its own. Rows are known by their timeout."""

    folder: Path
    python: Path
    alias: str
    environment: dict[str, str]
    journal: Path

    def call(self, *arguments: object) -> str:
        return command(self.python, *arguments, cwd=self.folder, env=self.environment)

    def manage(self, *arguments: object) -> str:
        return self.call("manage.py", *arguments)

    def script(self, text: str) -> None:
        (self.folder / "fill.py").write_text(PREAMBLE + text)
        self.call("fill.py", self.journal)

    def rows(self) -> dict[int, dict[str, Any]]:
        with connections[self.alias].cursor() as cursor:
            cursor.execute(f"SELECT {', '.join(COLUMNS)} FROM django_task_worker_databasetask")
            rows = [dict(zip(COLUMNS, row, strict=True)) for row in cursor.fetchall()]
        return {row["timeout"]: row for row in rows}

    def row(self, timeout: int) -> dict[str, Any]:
        return self.rows()[timeout]

    def starts(self, key: str) -> int:
        return [(word, name) for word, name, _ in journal_lines(self.journal)].count(("start", key))


@pytest.fixture
def project(
    unmigrated: Database,
    redis: Redis,
    environment: dict[str, str],
    journal: Path,
    tmp_path: Path,
    virtual_environment: Callable[..., Path],
    start: Callable[..., Process],
) -> Project:
    """A project with version 0.0.7 that has a row in every status, as a killed worker leaves them."""
    folder = tmp_path / "project"
    shutil.copytree(
        Path(__file__).parents[1] / "project", folder, ignore=shutil.ignore_patterns("__pycache__")
    )
    (folder / "sentry_sdk.py").write_text("def capture_exception(error): pass\n")
    environment |= {"TEST_DATABASE": unmigrated.url, "PYTHONPATH": str(folder)}
    old = Project(folder, virtual_environment("old", *OLD), unmigrated.alias, environment, journal)
    old.manage("migrate", "-v0")
    old.script(BEFORE)
    run_the_old_worker(old, start)
    old.script(AFTER)
    return old


def run_the_old_worker(old: Project, start: Callable[..., Process]) -> None:
    """Until one is done, one done after a retry, one failed for good and two run; then kill -9."""
    command = [old.python, "manage.py", "run_worker", "--retry", 2, "--concurrency", 4]
    worker = start(*command, cwd=old.folder)
    wanted = {11: "COMPLETED", 12: "COMPLETED", 13: "FAILED", 1200: "PROGRESS", 1201: "PROGRESS"}

    def has_settled() -> bool:
        statuses = {timeout: row["status"] for timeout, row in old.rows().items()}
        return statuses == wanted and old.row(13)["retry_count"] == 2

    wait_until(
        has_settled,
        90,
        what=lambda: f"{old.rows()}\n{worker.output}",
    )
    worker.kill()


def test_an_upgrade_loses_nothing_and_repeats_nothing(project: Project, wheel: Path) -> None:
    before = project.rows()
    runs = project.starts("failed")  # 0.0.7 also counts runs that SQLite's lock prevented

    project.call("-m", "pip", "install", "--no-index", f"{wheel}[postgres]")
    project.manage("migrate", "-v0")
    project.manage("makemigrations", "--check", "--dry-run")
    project.manage("check", "--fail-level", "WARNING")
    after = project.rows()
    assert {t: row["id"] for t, row in after.items()} == {t: row["id"] for t, row in before.items()}
    assert {t for t, row in after.items() if row["next_attempt_at"]} == {15, 16}

    project.call("-m", "taskctl", "worker", "--burst", "--retry", "5")
    done = project.rows()
    for timeout in (11, 12, 13):
        assert done[timeout] == {**before[timeout], "next_attempt_at": None}
    assert project.starts("failed") == runs
    assert (done[14]["status"], done[14]["result"], project.starts("pending")) == ("COMPLETED", "pending", 1)
    assert (done[15]["status"], project.starts("owed")) == ("COMPLETED", 1)
    assert (done[16]["status"], project.starts("later")) == ("FAILED", 0)

    project.call("-m", "taskctl", "requeue", "--stale")
    left = project.row(1201)
    assert left["status"] == "FAILED"
    assert "left by version 0.0.7" in left["error"]
    assert project.row(1200)["status"] == "PROGRESS", "it may still be running on a worker of 0.0.7"
    assert len(project.rows()) == len(before)
