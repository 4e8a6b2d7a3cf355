"""The cache that the shell completes from: who writes it, when, and what is in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from taskctl.flags import Globals
from taskctl.session import Session
from taskctl.suggestions import cache, content
from taskctl.terminal import Terminal
from tests.cli.conftest import Make, on_each, on_one
from tests.databases import Database
from tests.waiting import wait_until

PROJECT = Path(__file__).parents[1] / "project"
Run = Callable[..., Any]
on_sqlite = pytest.mark.parametrize("kind", ["sqlite"], indirect=True)


@pytest.fixture
def folder(environment: dict[str, str]) -> Path:
    """Where the caches of these tests are."""
    return Path(environment["HOME"]) / ".cache" / "taskctl"


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json"))


@on_sqlite
def test_a_command_that_has_reached_the_database_writes_it(
    database: Database, run: Run, folder: Path
) -> None:
    task = run("enqueue", "app.tasks.echo", "password=geheim", "--queue", "mail").stdout.strip()
    (path,) = files(folder)
    assert path.stat().st_mode & 0o777 == 0o600
    text = path.read_text()
    assert "geheim" not in text
    known = json.loads(text)
    assert ["app.tasks.add", "(a: float, b: float)"] in known["task"]
    assert [row[:3] for row in known["id"]] == [[task, "pending", "app.tasks.echo"]]
    assert known["queue"] == [["default", ""], ["mail", ""]]
    assert known["schedule"] == known["worker"] == []
    assert ["list", "list tasks"] in known["command"]
    assert ["status", ""] in known["field"]

    before = path.stat().st_mtime_ns
    assert run("list").returncode == run("list", "--help").returncode == 0
    assert path.stat().st_mtime_ns == before


@on_sqlite
def test_nobody_writes_it_who_should_not(database: Database, run: Run, folder: Path) -> None:
    assert run("list", TASKCTL_NO_CACHE="1").returncode == 0
    assert run("worker", "--burst").returncode == 0
    assert run("list", TEST_DATABASE="postgres://nobody@127.0.0.1:1/x").returncode == 69
    assert run("list", "--limit", "x").returncode == 2
    assert not folder.exists()


@on_sqlite
def test_a_command_does_not_mind_when_it_cannot_be_written(
    database: Database, run: Run, environment: dict[str, str]
) -> None:
    environment["XDG_CACHE_HOME"] = os.devnull
    assert run("list").__dict__ | {"args": None} == {
        "args": None,
        "returncode": 0,
        "stdout": "",
        "stderr": "",
    }


@on_sqlite
def test_tab_answers_at_once_and_has_a_missing_cache_written_behind_its_back(
    database: Database, run: Run, folder: Path, environment: dict[str, str]
) -> None:
    task = run("enqueue", "app.tasks.nothing", TASKCTL_NO_CACHE="1").stdout.strip()
    env = {**environment, "TEST_DATABASE": database.url, "PWD": str(PROJECT)}
    script = Path(sys.executable).parent / "taskctl"

    def ask() -> str:
        command = [script, "__complete", "id:pending", "", "--", "cancel"]
        done = subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True, check=True)
        assert done.stderr == ""
        return done.stdout

    assert ask() == ""
    wait_until(lambda: files(folder), 20)
    assert ask().startswith(f"{task}\tpending    app.tasks.nothing  ")


@on_each
def test_names_last_a_minute_and_ids_ten_seconds(using: str, make: Make, up: Any, tmp_path: Path) -> None:
    path = str(tmp_path / "a.json")

    def write(*, age_s: float = 0.0) -> dict[str, Any]:
        known = cache.load(path)
        if known:
            cache.save(path, known | {key: known[key] - age_s for key in ("at", "ids_at")})
        content.write(path, using)
        return cache.load(path)

    assert write()["id"] == []
    up("web-1", ("mail",))
    first = make(queue="reports")
    assert write(age_s=5)["id"] == []
    known = write(age_s=10)
    assert [row[0] for row in known["id"]] == [first.pk]
    assert known["worker"] == []
    known = write(age_s=50)
    assert known["worker"] == [["web-1", "up, mail"]]
    assert [row[0] for row in known["queue"]] == ["default", "mail", "reports"]
    assert abs(known["at"] - time.time()) < 30


@on_one
@pytest.mark.parametrize(("ago_s", "is_written"), [(0, True), (60, False)])
def test_nobody_waits_at_the_end_for_a_database_that_may_have_gone(
    using: str, tmp_path: Path, ago_s: float, is_written: bool
) -> None:
    path = tmp_path / "a.json"
    session = Session(Globals(), Terminal(), suggestions=str(path), alias=using)
    session.reached_at = time.monotonic() - ago_s
    session.remember()
    assert path.exists() == is_written


@on_one
def test_the_newest_ids_come_first_with_the_words_of_their_states(
    using: str, make: Make, tmp_path: Path
) -> None:
    path = str(tmp_path / "a.json")
    stale = make("PROGRESS", age_s=60)
    failed = make("FAILED", age_s=30, error_type="ValueError", error="canary", traceback="canary")
    for number in range(content.IDS):
        make(age_s=20 - number / 10)
    content.write(path, using)
    rows = cache.load(path)["id"]
    assert len(rows) == content.IDS
    assert not {stale.pk, failed.pk} & {row[0] for row in rows}
    type(failed).objects.using(using).filter(status="PENDING").delete()
    content.write(path, using, force=True)
    assert [row[:2] for row in cache.load(path)["id"]] == [[failed.pk, "failed"], [stale.pk, "stale"]]
    assert "canary" not in Path(path).read_text()


@on_one
def test_a_paused_queue_is_told(using: str, tmp_path: Path) -> None:
    from django_task_worker import queries, registry

    registry.pause("mail", using=using)
    registry.pause("reports", until=queries.database_now(using) - timedelta(seconds=1), using=using)
    assert registry.named_queues(using) == {"mail": True, "reports": False}
    content.write(str(tmp_path / "a.json"), using)
    assert ["mail", "paused"] in cache.load(str(tmp_path / "a.json"))["queue"]


def test_without_a_database_the_tasks_are_kept_up_to_date(tmp_path: Path) -> None:
    path = str(tmp_path / "a.json")
    cache.save(path, {"queue": [["mail", ""]], "task": []})
    content.write(path, None)
    known = cache.load(path)
    assert known["queue"] == [["mail", ""]]
    assert ["app.tasks.nothing", "()"] in known["task"]
