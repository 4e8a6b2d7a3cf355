"""`taskctl worker`: a real one, as its operator sees it."""

from __future__ import annotations

import json
import re
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.databases import Database
from tests.waiting import wait_until

Run = Callable[..., Any]
pytestmark = pytest.mark.parametrize("kind", ["sqlite"], indirect=True)


def test_it_says_that_it_is_ready_and_stops_when_told(worker: Any, database: Database) -> None:
    process = worker("--concurrency", 2, "--queue", "default", "--queue", "mail", "--name", "web-1")
    (ready,) = (line for line in process.lines if "ready" in line)
    assert re.fullmatch(r"\S+Z info    ready name=web-1 slots=2 queues=default,mail redis=off", ready)
    assert process.stop() == 0
    assert process.lines[-1].endswith("stopped name=web-1 completed=0 failed=0")


def test_it_logs_json_where_that_is_wanted(worker: Any, run: Run, database: Database) -> None:
    process = worker("--log-format", "json")
    assert run("enqueue", "app.tasks.fail", "a\x1b[2Jb", "--wait", "--timeout", "20s").returncode == 1
    assert process.stop() == 0
    records = [json.loads(line) for line in process.lines]
    assert {record["type"] for record in records} == {"log"}
    assert any("a\ufffd[2Jb" in record["message"] for record in records)


def test_nothing_a_task_says_can_speak_to_the_terminal(worker: Any, run: Run, database: Database) -> None:
    process = worker()
    assert run("enqueue", "app.tasks.fail", "a\x1b[2J\nb", "--wait", "--timeout", "20s").returncode == 1
    process.line("failed: ValueError: a")
    assert process.stop() == 0
    assert all(line.isprintable() for line in process.lines)


def test_a_burst_ends_when_nothing_is_due(worker: Any, run: Run, database: Database) -> None:
    ids = [run("enqueue", "app.tasks.add", n, 1).stdout.strip() for n in range(3)]
    assert run("enqueue", "app.tasks.add", 1, 1, "--delay", "1h").returncode == 0
    process = worker("--burst", "-c", "auto", ready=False)
    assert process.wait() == 0
    done = run("wait", *ids, "--timeout", 0)
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 3)


def test_a_dry_run_shows_what_would_be_claimed(run: Run, database: Database) -> None:
    low = run("enqueue", "app.tasks.nothing", "--queue", "mail").stdout.strip()
    high = run("enqueue", "app.tasks.nothing", "--queue", "mail", "--priority", 5).stdout.strip()
    first = run("enqueue", "app.tasks.nothing").stdout.strip()
    assert run("enqueue", "app.tasks.nothing", "--delay", "1h").returncode == 0
    assert run("enqueue", "app.tasks.nothing", "--queue", "other").returncode == 0
    words = ["--queue", "default", "--queue", "mail", "--dry-run", "-o", "id"]
    assert run("worker", *words).stdout.split() == [first, high, low]
    assert run("worker", *words, "-c", 1).stdout.split() == [first]
    assert set(run("worker", "--exclude-queue", "other", "--dry-run", "-o", "id").stdout.split()) == {
        first,
        high,
        low,
    }


def test_the_budget_comes_from_the_settings_unless_given(worker: Any, run: Run, database: Database) -> None:
    def tries_of(*words: str) -> str:
        process = worker(*words, TEST_TASK_WORKER=json.dumps({"MAX_RETRIES": 2, "BACKOFF": {"base": 0.05}}))
        done = run("enqueue", "app.tasks.fail", "--wait", "--json", "--timeout", "30s")
        assert process.stop() == 0
        record = json.loads(done.stdout)
        return f"{record['tries']}/{record['max_tries']}"

    assert tries_of() == "3/3"
    assert tries_of("--retry", "1") == "2/2"


def test_settings_that_cannot_work_are_refused_at_once(run: Run, database: Database) -> None:
    done = run("worker", TEST_TASK_WORKER='{"MAX_RETRIES": -1}')
    assert done.returncode == 78
    assert done.stderr.startswith("error: TASK_WORKER['MAX_RETRIES'] must be a whole number of at least 0\n")
    assert run("worker", "--queue", "a b").returncode == 2


@pytest.mark.parametrize("optimised", [[], ["-O"]], ids=["", "without asserts"])
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-m", "taskctl", "worker", "--concurrency", "0"], "--concurrency"),
        (["-m", "taskctl", "worker", "--retry", "-1"], "--retry"),
        (["manage.py", "run_worker", "--concurrency", "0"], "must be at least 1"),
        (["manage.py", "run_worker", "--retry", "-1"], "must be at least 0"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(
    start: Any, database: Database, optimised: list[str], words: list[str], said: str
) -> None:
    process = start(sys.executable, *optimised, *words, TEST_DATABASE=database.url)
    assert process.wait() == 2
    assert said in process.output
    assert "Traceback" not in process.output


def test_redis_that_is_missing_is_no_error(worker: Any, run: Run, database: Database) -> None:
    process = worker(REDIS_URL="redis://u:geheim@127.0.0.1:1/0")
    assert "redis=down" in process.output
    assert run("enqueue", "app.tasks.add", 1, 2, "--wait", "--timeout", "20s").stdout == "3\n"
    assert process.stop() == 0
    assert "geheim" not in process.output


def test_without_redis_it_does_not_look_for_it(worker: Any, database: Database) -> None:
    process = worker("--no-redis", REDIS_URL="redis://127.0.0.1:1/0")
    assert "redis=off" in process.output
    assert process.stop() == 0
    assert "not reachable" not in process.output


def test_it_touches_its_heartbeat_files(worker: Any, database: Database, tmp_path: Path) -> None:
    process = worker("--heartbeat-file", tmp_path / "alive")
    wait_until((tmp_path / "alive").exists, 10, what="no heartbeat")
    wait_until((tmp_path / "alive.ready").exists, 10, what="not fit")
    assert process.stop() == 0


def test_a_second_signal_hands_back_what_runs(worker: Any, run: Run, database: Database) -> None:
    process = worker("--grace", "30s")
    task = run("enqueue", "app.tasks.sleep", 30, "--retries", 1).stdout.strip()
    assert run("wait", task, "--for", "running", "--timeout", "20s").returncode == 0
    process.send(signal.SIGINT)
    process.line("stopping: waiting up to 30s for 1 running task")
    wait_until(lambda: _again(process), 10, what="the second signal was not taken")
    assert process.wait() == 130
    (record,) = (json.loads(line) for line in run("list", task, "--json").stdout.splitlines())
    assert (record["status"], record["tries"]) == ("pending", 1)


def _again(process: Any) -> bool:
    if "stopping now" in process.output:
        return True
    process.send(signal.SIGINT)
    time.sleep(0.35)  # closer ones are the same key press
    return False


def test_verbose_and_quiet_are_levels_of_the_log(worker: Any, run: Run, database: Database) -> None:
    process = worker("-v")
    assert run("enqueue", "app.tasks.add", 1, 2, "--wait", "--timeout", "20s").returncode == 0
    process.line(r"debug   task \w+ app\.tasks\.add completed")
    assert process.stop() == 0
    quiet = worker("-q", "--burst", ready=False)
    assert (quiet.wait(), quiet.output) == (0, "")
