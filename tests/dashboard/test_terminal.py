"""The live screen in a pseudo-terminal: what it shows, how it takes faults, how it leaves."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from django_task_worker.client import create_task
from django_task_worker.expressions import ago, later
from django_task_worker.models import DatabaseTask, Queue, TaskAttempt, Worker
from tests.dashboard.scenes import HOSTILE
from tests.dashboard.terminal import Terminal
from tests.databases import Database
from tests.events import event, publish
from tests.servers import Postgres, Redis
from tests.waiting import wait_until

Open = Callable[..., Terminal]
SQLITE = pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
POSTGRES = pytest.mark.parametrize("kind", ["postgres"], indirect=True)


def task(database: Database, **columns: Any) -> DatabaseTask:
    values = {"name": "app.tasks.add", "args": [1, 2], "kwargs": {}, **columns}
    for name in ("name", "queue", "error"):
        if name in values:
            values[name] = values[name].replace("\0", "").encode("utf-8", "replace").decode()[:90]
    return DatabaseTask.objects.using(database.alias).create(**values)


def running(database: Database, **columns: Any) -> DatabaseTask:
    held = {"lease": "x", "lease_expires_at": later(600), "worker": "w1", "started_at": ago(5)}
    return task(database, status="PROGRESS", timeout=600, **{**held, **columns})


def failed(database: Database, error: str = "'sku'", **columns: Any) -> DatabaseTask:
    made = task(database, status="FAILED", finished_at=ago(1), error_type="KeyError", error=error, **columns)
    TaskAttempt.objects.using(database.alias).create(
        task_id=made.pk, number=1, worker="w1", outcome="failed", error_type="KeyError", error=made.error
    )
    return made


# --- what it shows ---


def test_it_shows_what_is_there_on_every_database(database: Database, terminal: Open) -> None:
    task(database, queue="imports")
    running(database, name="app.tasks.monthly")
    failed(database, name="app.tasks.import_row")
    screen = terminal()
    screen.sees(r"imports +1 ")
    screen.sees(r"app.tasks.monthly +w1 ")
    screen.sees(r"app.tasks.import_row +KeyError: 'sku'")
    screen.sees(r"POLLING")
    screen.press("q")
    assert screen.ends() == 0
    screen.assert_restored()
    screen.assert_only_allowed()
    assert screen.attributes() == screen.before


@SQLITE
def test_events_are_shown_as_they_come(database: Database, terminal: Open, redis: Redis, worker: Any) -> None:
    worker("--concurrency", 2)
    screen = terminal(size=(160, 48))
    screen.sees("  LIVE  ")
    create_task("app.tasks.add", [1, 2], check=False)
    screen.sees(r"completed +\w{12}  app.tasks.add +default")
    screen.sees(r"now [1-9.]+ |now 0\.[1-9]")


@SQLITE
def test_hostile_names_reach_the_terminal_as_text(database: Database, terminal: Open, redis: Redis) -> None:
    for name in HOSTILE:
        running(database, name=name, queue=name, args=[name.encode("utf-8", "replace").decode()])
        failed(database, name=name, error=name)
    Worker.objects.using(database.alias).create(
        name="\x1b]0;evil\x07", host="\x9b2J", pid=1, version="\x1b[31m", queues=list(HOSTILE[:3]), slots=2
    )
    Queue.objects.using(database.alias).create(name="\x1b[2Jq", paused_at=ago(1), paused_by="\u202eana")
    screen = terminal(size=(160, 48))
    screen.sees("  LIVE  ")
    publish(redis, *(event(n, name=name, queue=name, worker=name) for n, name in enumerate(HOSTILE)))
    screen.sees("日本語")
    for keys in ("?", "1", "\r", "\x1b", "2", "\r", "\x1b", "4", "\r", "\r"):
        screen.press(keys)
        time.sleep(0.15)
    screen.press("q")
    assert screen.ends() == 0
    screen.assert_only_allowed()
    screen.assert_restored()


@SQLITE
def test_ascii_draws_with_ascii(database: Database, terminal: Open) -> None:
    running(database, name="日本.tasks.add")
    screen = terminal("--ascii")
    screen.sees(r"- RUNNING")
    assert all(line.isascii() for line in screen.lines)


@SQLITE
def test_no_colour_means_no_colour(database: Database, terminal: Open) -> None:
    screen = terminal(NO_COLOR="1")
    screen.sees("RUNNING")
    assert b"\x1b[1m" not in screen.stream
    assert b"\x1b[2m" not in screen.stream


@SQLITE
def test_the_ordinary_screen_keeps_the_last_frame(database: Database, terminal: Open) -> None:
    screen = terminal("--no-alt-screen")
    screen.sees("RUNNING")
    screen.press("q")
    assert screen.ends() == 0
    assert b"1049" not in screen.stream
    assert "RUNNING" in screen.text


# --- keys ---


@SQLITE
def test_keys_change_the_screen_at_once(database: Database, terminal: Open) -> None:
    running(database)
    screen = terminal("--interval", "30s")
    screen.sees("app.tasks.add")
    screen.press("?", "G")
    screen.sees("DB DOWN +the last figures")
    screen.press("\x1b")
    screen.sees("RUNNING")
    screen.press("/", "n", "o", "p", "e")
    screen.sees("filter: nope_")
    screen.sees("nothing is running")
    screen.press("\x1b")
    screen.sees("app.tasks.add")


@SQLITE
def test_details_of_a_task_mask_its_secrets(database: Database, terminal: Open) -> None:
    running(database, args=[], kwargs={"password": "hunter2", "month": "2026-10"})
    screen = terminal(size=(160, 40))
    screen.sees(r"password=\[redacted\], mon")
    screen.press("\r")
    screen.sees(r"call .*\[redacted\]")
    assert b"hunter2" not in screen.stream


@SQLITE
def test_a_failed_task_is_retried_after_a_question(database: Database, terminal: Open) -> None:
    made = failed(database)
    screen = terminal()
    screen.sees("KeyError")
    screen.press("4", "R")
    screen.sees(r"retry 1 x app.tasks.add\? \[y/N\]")
    screen.press("n")
    screen.sees("nothing was changed")
    screen.press("R", "y")
    screen.sees("1 task put back to pending")
    made.refresh_from_db()
    assert made.status == "PENDING"


@SQLITE
def test_a_queue_is_paused_and_resumed(database: Database, terminal: Open) -> None:
    task(database, queue="mail")
    screen = terminal()
    screen.sees("mail")
    screen.press("1", "P", "y")
    screen.sees(r"mail +1  paused")
    row = Queue.objects.using(database.alias).get(pk="mail")
    assert row.paused_by
    screen.press("P", "y")
    wait_until(lambda: not Queue.objects.using(database.alias).filter(paused_at__isnull=False).exists())


@SQLITE
def test_a_running_task_is_cancelled_and_a_worker_drained(
    database: Database, terminal: Open, worker: Any
) -> None:
    process = worker("--concurrency", 1, "--name", "w-one", TEST_TASK_WORKER='{"LEASE": 2}')
    made = create_task("app.tasks.sleep", [60], check=False)
    screen = terminal("--interval", "200ms")
    screen.sees(r"app.tasks.sleep +w-one")
    screen.press("X", "y")
    screen.sees("asked to stop it")
    wait_until(lambda: DatabaseTask.objects.using(database.alias).get(pk=made.pk).status == "CANCELLED", 20)
    screen.press("2", "D", "y")
    assert process.wait() == 0


@SQLITE
def test_read_only_changes_nothing(database: Database, terminal: Open) -> None:
    made = failed(database)
    screen = terminal("--read-only")
    screen.sees("KeyError")
    screen.press("4", "R")
    screen.sees("read-only")
    screen.press("y")
    made.refresh_from_db()
    assert made.status == "FAILED"


@SQLITE
def test_space_holds_the_screen_still(database: Database, terminal: Open) -> None:
    screen = terminal("--interval", "100ms")
    screen.sees("RUNNING")
    screen.press(" ")
    screen.sees("PAUSED")
    running(database)
    time.sleep(0.5)  # five looks
    assert "app.tasks.add" not in screen.text
    screen.press(" ")
    screen.sees("app.tasks.add")


# --- sizes and signals ---


@SQLITE
def test_a_new_size_is_drawn_at_once(database: Database, terminal: Open) -> None:
    screen = terminal("--interval", "30s")
    screen.sees("QUEUES")
    for columns, lines, pattern in (
        (160, 48, "EVENTS"),
        (60, 12, "RUNNING"),
        (30, 5, "make the window"),
        (120, 30, "LATENCY"),
    ):
        screen.resize(columns, lines)
        screen.sees(pattern, 5)
    screen.assert_only_allowed()


@SQLITE
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 0)]
)
def test_a_signal_leaves_the_terminal_as_it_was(
    database: Database, terminal: Open, number: int, code: int
) -> None:
    screen = terminal()
    screen.sees("RUNNING")
    assert screen.attributes() != screen.before
    screen.send(number)
    assert screen.ends() == code
    screen.assert_restored()
    assert screen.attributes() == screen.before


@SQLITE
def test_ctrl_c_is_a_key_that_quits(database: Database, terminal: Open) -> None:
    screen = terminal()
    screen.sees("RUNNING")
    screen.press("\x03")
    assert screen.ends() == 0
    screen.assert_restored()


@SQLITE
def test_a_crash_leaves_the_terminal_as_it_was(database: Database, terminal: Open, tmp_path: Path) -> None:
    crash = tmp_path / "sitecustomize.py"
    crash.write_text(
        "import os, threading, time\n"
        "def crash():\n"
        "    while not os.path.exists(os.environ['CRASH']): time.sleep(0.05)\n"
        "    import taskctl.dashboard.screen as screen\n"
        "    def broken(*_): raise KeyError('drawn badly')\n"
        "    screen.render = broken\n"
        "threading.Thread(target=crash, daemon=True).start()\n"
    )
    screen = terminal(PYTHONPATH=str(tmp_path), CRASH=str(tmp_path / "now"))
    screen.sees("RUNNING")
    (tmp_path / "now").touch()
    assert screen.ends(30) == 70
    screen.assert_restored()
    assert screen.attributes() == screen.before
    assert b"something went wrong inside taskctl (KeyError: 'drawn badly')" in screen.stream


@SQLITE
def test_it_is_suspended_and_comes_back(database: Database, terminal: Open) -> None:
    running(database)
    shell = terminal(command=["/bin/bash", "--norc", "--noprofile", "-i"], PS1="shell> ")
    shell.sees(r"^shell>$")
    cooked = shell.attributes()
    shell.press("python -m taskctl top\r")
    shell.sees("app.tasks.add")
    for key in ("z", "\x1a"):
        shell.press(key)
        shell.sees(r"Stopped")
        shell.sees(r"^shell>$")
        shell.assert_restored("1049", "25", "7")  # the shell sets paste marks of its own
        wait_until(lambda: shell.attributes()[3] == cooked[3])
        begin = len(shell.stream)
        shell.press("fg\r")
        wait_until(lambda: b"RUNNING" in shell.stream[begin:])  # noqa: B023  the older frame is still there
        shell.sees("app.tasks.add")
    shell.press("q")
    wait_until(lambda: shell.attributes()[3] == cooked[3])  # an older prompt may still be on the screen
    shell.assert_restored("1049", "25", "7")
    shell.press("exit\r")
    shell.ends()


@SQLITE
def test_without_a_keyboard_the_screen_runs(database: Database, terminal: Open) -> None:
    screen = terminal(command=["/bin/sh", "-c", "python -m taskctl top < /dev/null"])
    clock = screen.sees(r"\d\d:\d\d:\d\d$")[0]
    wait_until(lambda: clock not in screen.lines[0], 5)
    screen.child.kill(signal.SIGINT)


# --- faults ---


@SQLITE
def test_redis_may_go_and_come_back(database: Database, terminal: Open, redis: Redis) -> None:
    screen = terminal("--interval", "200ms")
    screen.sees("  LIVE  ")
    redis.kill()
    screen.sees("  POLLING  ")
    screen.sees("Redis unreachable")
    running(database)
    screen.sees("app.tasks.add")
    redis.start()
    screen.press("r")
    screen.sees("  LIVE  ")
    assert "Redis unreachable" not in screen.text


@SQLITE
def test_redis_that_is_down_at_the_start_is_no_obstacle(
    database: Database, terminal: Open, redis: Redis
) -> None:
    redis.stop()
    screen = terminal()
    screen.sees("Redis unreachable")
    redis.start()
    screen.press("r")
    screen.sees("  LIVE  ")


@POSTGRES
def test_the_database_may_go_and_come_back(
    database: Database, terminal: Open, postgres_server: Postgres, redis: Redis
) -> None:
    running(database)
    screen = terminal("--interval", "200ms")
    screen.sees("app.tasks.add")
    screen.sees("  LIVE  ")
    connections[database.alias].close()
    postgres_server.kill()
    screen.sees("  DB DOWN  ")
    screen.sees(r"from\s+\d\d:\d\d:\d\d\s+\(\d+s\s+ago\)")
    assert "app.tasks.add" in screen.text
    postgres_server.start()
    screen.press("r")
    screen.sees("  LIVE  ")
    screen.press("q")
    assert screen.ends() == 0
    screen.assert_restored()


@POSTGRES
def test_a_database_that_hangs_keeps_nobody(
    database: Database, terminal: Open, postgres_server: Postgres
) -> None:
    screen = terminal("--interval", "100ms")
    screen.sees("RUNNING")
    postgres_server.freeze()
    screen.press("?")
    screen.sees("HELP", 3)
    screen.press("\x1b", "4", "q")
    assert screen.ends(5) == 0
    screen.assert_restored()
    postgres_server.thaw()


@POSTGRES
def test_both_servers_may_be_away(
    database: Database, terminal: Open, postgres_server: Postgres, redis: Redis
) -> None:
    screen = terminal("--interval", "200ms")
    screen.sees("  LIVE  ")
    connections[database.alias].close()
    postgres_server.kill()
    redis.kill()
    screen.sees("Database unreachable")
    screen.sees("Redis unreachable")
    clock = screen.sees(r"\d\d:\d\d:\d\d *$")[0]
    wait_until(lambda: clock not in screen.lines[0], 5)
    postgres_server.start()
    redis.start()
    screen.press("r")
    screen.sees("  LIVE  ", 40)


@POSTGRES
def test_a_database_that_is_down_at_the_start_ends_it(
    database: Database, terminal: Open, postgres_server: Postgres
) -> None:
    connections[database.alias].close()
    postgres_server.stop()
    screen = terminal()
    assert screen.ends(20) == 69
    assert b"1049" not in screen.stream
    assert b"can't reach the database" in screen.stream
    postgres_server.start()


# --- many events ---


@SQLITE
def test_a_thousand_events_a_second_are_counted_exactly(
    database: Database, terminal: Open, redis: Redis
) -> None:
    screen = terminal(size=(160, 48))
    screen.sees("  LIVE  ")
    began = time.monotonic()
    for second in range(2):
        publish(redis, *(event(n) for n in range(1000 * second, 1000 * (second + 1))))
        time.sleep(max(0.0, began + second + 1 - time.monotonic()))
    screen.sees(r"10m 3\.3 ")  # 2,000 in 600 s
    screen.sees(r"peak (\d,)?\d{3}")
    screen.sees(r"0 dropped")
    assert "missed" not in screen.text


@SQLITE
def test_events_that_are_missed_are_told(database: Database, terminal: Open, redis: Redis) -> None:
    screen = terminal(size=(160, 48))
    screen.sees("  LIVE  ")
    publish(redis, *(event(n) for n in (0, 1, 2, 90, 91)))
    screen.sees("87 events were missed on the way")


@SQLITE
def test_rubbish_on_the_channel_is_ignored(database: Database, terminal: Open, redis: Redis) -> None:
    screen = terminal(size=(160, 48))
    screen.sees("  LIVE  ")
    publish(redis, b"", b"\xff" * 100, b"x" * 100_000, b"[" * 5000, b"null", b'{"event": 1}')
    publish(redis, event(1, name="app.tasks.after"))
    screen.sees("app.tasks.after")
    assert "  LIVE  " in screen.text
