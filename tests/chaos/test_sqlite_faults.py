"""SQLite without its write-ahead log, locked by somebody else, or in a folder that cannot be written."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connections

from tests.chaos.oracle import Oracle
from tests.databases import Database
from tests.processes import Process
from tests.waiting import wait_until
from tests.worker.marks import on_sqlite

READ_ONLY = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"'


def plain(database: Database) -> str:
    """The database with a rollback journal, for everybody from now on; the URL that leaves it so."""
    connections[database.alias].close()
    connections[database.alias].settings_dict["OPTIONS"].pop("init_command", None)
    with closing(sqlite3.connect(urlsplit(database.url).path)) as connection:
        assert connection.execute("PRAGMA journal_mode=DELETE").fetchone() == ("delete",)
    return f"{database.url}?plain"


@on_sqlite
def test_without_a_write_ahead_log_each_task_runs_once(
    database: Database, worker: Callable[..., Process], oracle: Oracle
) -> None:
    url = plain(database)
    workers = [worker("--concurrency", 2, TEST_DATABASE=url) for _ in range(2)]
    stored = oracle.store(120, 0.01)
    verdict = oracle.assert_holds(50)
    assert (verdict.ends, verdict.reruns) == ({"COMPLETED": len(stored)}, 0)
    with closing(sqlite3.connect(urlsplit(database.url).path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert [process.stop() for process in workers] == [0, 0]


@pytest.mark.slow
@on_sqlite
def test_a_file_that_is_locked_for_ten_seconds_costs_no_task(
    database: Database, worker: Callable[..., Process], oracle: Oracle, task_worker: dict[str, object]
) -> None:
    task_worker["LEASE"] = 30.0
    workers = [worker("--concurrency", 2) for _ in range(2)]
    stored = oracle.store(400, 0.005)
    wait_until(lambda: oracle.words("end").total() > 50)
    with closing(sqlite3.connect(urlsplit(database.url).path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        time.sleep(10)
        other.execute("ROLLBACK")
    done = oracle.words("end").total()
    wait_until(lambda: oracle.words("end").total() > done, 10)
    verdict = oracle.assert_holds(50)
    assert (verdict.ends, verdict.reruns) == ({"COMPLETED": len(stored)}, 0)
    assert [process.stop() for process in workers] == [0, 0]


@pytest.mark.root
@on_sqlite
def test_a_folder_that_cannot_be_written_ends_a_worker_with_a_sentence(
    database: Database, start: Callable[..., Process], tmp_path: Path
) -> None:
    connections[database.alias].close()
    folder = Path(urlsplit(database.url).path).parent
    within = ["unshare", "--mount", "sh", "-ec", READ_ONLY, "sh", str(folder)]
    process = start(*within, sys.executable, "-m", "taskctl", "worker", TEST_DATABASE=database.url)
    assert process.wait(20) in (69, 77)
    assert "Traceback" not in process.output
    assert process.lines[0].startswith("error: ")
