"""`taskctl top` without a screen: flags, text, objects, recordings."""

from __future__ import annotations

import json
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from django_task_worker.expressions import ago, later
from django_task_worker.models import DatabaseTask, Worker
from tests.dashboard.terminal import Terminal
from tests.dashboard.test_terminal import failed, running, task
from tests.databases import Database
from tests.events import event, publish
from tests.servers import Postgres, Redis
from tests.waiting import wait_until

Run = Callable[..., Any]
SQLITE = pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
POSTGRES = pytest.mark.parametrize("kind", ["postgres"], indirect=True)


@pytest.fixture
def shop(database: Database) -> Database:
    task(database, queue="mail")
    task(database, queue="mail", due_at=later(60))
    running(database, name="app.tasks.monthly")
    failed(database, name="app.tasks.import_row")
    Worker.objects.using(database.alias).create(
        name="w1", host="h", pid=1, version="1.0.0", queues=["default"], slots=4
    )
    return database


def test_once_shows_everything_as_text(shop: Database, run: Run) -> None:
    done = run("top", "--once", "--utc")
    assert done.returncode == 0
    assert done.stderr == ""
    assert "pending 1 " in done.stdout
    assert "running 1 of 4 slots" in done.stdout
    for word in ("mail", "app.tasks.monthly", "app.tasks.import_row", "KeyError: 'sku'", "w1"):
        assert word in done.stdout
    assert re.search(r"app.tasks.monthly .* [\d.]+s / 10m +1, 2$", done.stdout, re.MULTILINE)
    assert "! mail: 1 pending and no worker listens to it" in done.stdout
    assert "\x1b" not in done.stdout


def test_without_a_terminal_it_is_one_look_and_says_so(shop: Database, run: Run) -> None:
    done = run("monitor")
    assert done.returncode == 0
    assert "app.tasks.monthly" in done.stdout
    assert "no terminal" in done.stderr


def test_once_as_objects(shop: Database, run: Run) -> None:
    done = run("top", "--once", "--json")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["type"] for row in rows] == ["stats", "queue", "queue", "worker", "task", "failure"]
    assert {row["v"] for row in rows} == {1}
    stats, mail, default, worker, running_, failure = rows
    assert (stats["pending"], stats["scheduled"], stats["running"], stats["failed_1h"]) == (1, 1, 1, 1)
    assert (mail["queue"], mail["pending"], mail["pending_capped"], mail["workers"]) == ("mail", 1, False, 0)
    assert (default["running"], default["workers"]) == (1, 1)
    assert (worker["name"], worker["busy"], worker["slots"], worker["status"]) == ("w1", 1, 4, "up")
    assert (running_["task"], running_["time_limit_s"]) == ("app.tasks.monthly", 600.0)
    assert (failure["task"], failure["error_type"], failure["count"]) == (
        "app.tasks.import_row",
        "KeyError",
        1,
    )


@SQLITE
def test_one_queue_and_a_filter(shop: Database, run: Run) -> None:
    assert "app.tasks.monthly" not in run("top", "--once", "--queue", "mail").stdout
    assert "app.tasks.monthly" not in run("top", "--once", "--filter", "IMPORT").stdout
    assert "app.tasks.import_row" in run("top", "--once", "--filter", "IMPORT").stdout


@SQLITE
def test_objects_come_again_and_count_events_exactly(
    shop: Database, start: Any, redis: Redis, environment: dict[str, str]
) -> None:
    environment["TEST_DATABASE"] = shop.url
    process = start(sys.executable, "-m", "taskctl", "top", "--json", "--interval", "300ms")
    process.line('"mode":"live"')
    publish(redis, *(event(n) for n in range(2000)))

    def completed() -> int:
        rows = [json.loads(line) for line in process.lines if '"stats"' in line]
        return max(row["completed"] or 0 for row in rows)

    wait_until(lambda: completed() == 2000, 20, what=completed)
    assert process.stop() == 143


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--interval", "0"], "--interval 0: must be from 100ms to 1h"),
        (["--interval", "soon"], "--interval soon: not a duration"),
        (["--fps", "0"], "--fps 0: must be a number from 0.1 to 60"),
        (["--speed", "fast"], "--speed fast: must be a number"),
        (["--layout", "wide"], "--layout wide: choose one of auto, compact, full"),
        (["--replay", "x", "--record", "y"], "--replay goes with neither --record nor --once"),
        (["--once", "--record", "y"], "leave out --once"),
        (["--replay", "no/such"], "--replay no/such: No such file or directory"),
        (["--replay", "manage.py"], "--replay manage.py: this was not made by taskctl top --record"),
    ],
)
def test_what_is_wrong_with_the_flags_is_said(arguments: list[str], message: str, run: Run) -> None:
    done = run("top", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


@SQLITE
def test_an_unknown_queue_is_refused(shop: Database, run: Run) -> None:
    done = run("top", "--once", "--queue", "mial")
    assert done.returncode == 2
    assert "did you mean: mail" in done.stderr


@SQLITE
def test_a_place_that_cannot_be_written_is_refused(shop: Database, run: Run) -> None:
    done = run("top", "--record", "no/such/file")
    assert done.returncode == 2
    assert "--record no/such/file: No such file or directory" in done.stderr


@POSTGRES
def test_a_database_that_is_down_is_69(database: Database, run: Run, postgres_server: Postgres) -> None:
    connections[database.alias].close()
    postgres_server.stop()
    done = run("top", "--once")
    assert done.returncode == 69
    postgres_server.start()


@SQLITE
def test_a_night_is_recorded_without_a_terminal_and_watched_on_one(
    shop: Database,
    start: Any,
    terminal: Callable[..., Terminal],
    redis: Redis,
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    environment["TEST_DATABASE"] = shop.url
    path = tmp_path / "night.jsonl.gz"
    process = start(sys.executable, "-m", "taskctl", "top", "--record", path, "--interval", "300ms")
    wait_until(path.exists, 20)
    publish_until(redis, path)
    DatabaseTask.objects.using(shop.alias).filter(status="PROGRESS").update(started_at=ago(100))
    assert process.stop(signal.SIGINT) == 0
    screen = terminal("--replay", path, "--speed", "100", size=(160, 48), TEST_DATABASE="sqlite:///nowhere")
    screen.sees("REPLAY")
    screen.sees("app.tasks.monthly")
    screen.sees(r"completed +t\d+")
    screen.press("X")
    screen.sees("read-only")
    screen.press("\x1b[D")
    screen.sees("REPLAY")
    screen.press("q")
    assert screen.ends() == 0
    screen.assert_restored()


def publish_until(redis: Redis, path: Path) -> None:
    """Events until some have been written down."""
    size = path.stat().st_size

    def grown() -> bool:
        publish(redis, *(event(n) for n in range(20)))
        return path.stat().st_size > size + 500

    wait_until(grown, 30)
