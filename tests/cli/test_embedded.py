"""A folder without a Django project: the embedded default, and the demo."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.processes import Process

Run = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path, environment: dict[str, str]) -> Path:
    del environment["DJANGO_SETTINGS_MODULE"]
    folder = tmp_path / "plain"
    folder.mkdir()
    (folder / "mytasks.py").write_text(
        "def add(a, b): return a + b\ndef zone():\n    import os\n    return os.getcwd()\n"
    )
    return folder


@pytest.fixture
def start(folder: Path, environment: dict[str, str]) -> Iterator[Callable[..., Process]]:
    started: list[Process] = []

    def start(*words: str) -> Process:
        process = Process([sys.executable, "-m", "taskctl", *words], cwd=folder, env=environment)
        started.append(process)
        return process

    yield start
    for process in started:
        process.close()


def test_a_worker_and_enqueues_that_start_together_do_not_race(run: Run, folder: Path, start: Any) -> None:
    worker = start("worker")
    others = [start("enqueue", "mytasks.add", str(n), "2", "--wait", "-q") for n in range(3)]
    assert [other.wait() for other in others] == [0, 0, 0]
    assert [other.lines[-1] for other in others] == ["2", "3", "4"]
    assert worker.stop() == 0
    assert worker.lines[0] == "using ~/plain/.taskctl/tasks.sqlite3"


def test_the_file_belongs_to_its_user_and_git_leaves_it_alone(run: Run, folder: Path) -> None:
    done = run("enqueue", "mytasks.add", 1, 2, cwd=folder)
    assert done.returncode == 0
    assert done.stderr.splitlines()[0] == "using ~/plain/.taskctl/tasks.sqlite3"
    store = folder / ".taskctl"
    assert stat.S_IMODE(store.stat().st_mode) == 0o700
    assert stat.S_IMODE((store / "tasks.sqlite3").stat().st_mode) == 0o600
    assert (store / ".gitignore").read_text() == "*\n"


def test_other_commands_use_it_from_below_and_never_make_it(run: Run, folder: Path) -> None:
    (folder / "deep").mkdir()
    missing = run("list", cwd=folder)
    assert (missing.returncode, "can't find your Django settings" in missing.stderr) == (78, True)
    assert not (folder / ".taskctl").exists()
    task = run("enqueue", "mytasks.add", 1, 2, cwd=folder).stdout.strip()
    assert run("list", "-o", "id", cwd=folder / "deep").stdout.strip() == task
    assert run("list", "-o", "id", "--project", folder, cwd="/").stdout.strip() == task


@pytest.mark.parametrize("words", [["enqueue", "x.y"], ["worker"]])
def test_it_is_not_made_where_there_is_no_code(run: Run, folder: Path, words: list[str]) -> None:
    (folder / "empty").mkdir()
    (folder / "empty" / ".git").mkdir()
    assert run(*words, cwd=folder / "empty").returncode == 78
    assert os.listdir(folder / "empty") == [".git"]


def test_modules_of_python_stay_out_of_reach(run: Run, folder: Path) -> None:
    (folder / "os.py").write_text("def system(x): return x\n")
    done = run("enqueue", "os.system", "true", cwd=folder)
    assert done.returncode == 2
    assert "'os.system' may not run as a task" in done.stderr


def test_a_file_that_cannot_be_made_is_told(run: Run, folder: Path) -> None:
    (folder / ".taskctl").write_text("in the way")
    done = run("enqueue", "mytasks.add", 1, 2, cwd=folder)
    assert done.returncode == 77
    assert done.stderr.splitlines()[1:] == [
        "error: can't write the task file ~/plain/.taskctl/tasks.sqlite3",
        "  because: File exists",
        "try: another folder: taskctl --project DIR …, or name a Django project: --settings",
    ]


def test_redis_comes_from_the_environment(run: Run, folder: Path) -> None:
    assert "Redis" not in run("enqueue", "mytasks.add", 1, 2, cwd=folder).stderr
    done = run("enqueue", "mytasks.add", 1, 2, cwd=folder, REDIS_URL="redis://127.0.0.1:1/0")
    assert "warning: Redis is not reachable (redis://127.0.0.1:1/0: connection refused)" in done.stderr


# --- demo ---


@pytest.fixture
def temporary(tmp_path: Path, environment: dict[str, str]) -> Path:
    """Where the demo makes its folder."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    environment["TMPDIR"] = str(folder)
    return folder


@pytest.mark.timeout(120)
def test_the_demo_shows_real_commands_and_leaves_nothing(run: Run, folder: Path, temporary: Path) -> None:
    before = sorted(os.listdir(folder))
    done = run("demo", "--no-top", "--duration", "1s", cwd=folder, timeout=100)
    assert (done.returncode, done.stderr) == (0, "")
    for line in (
        "  $ taskctl enqueue demo.add 1 2 --wait",
        "  $ taskctl enqueue demo.slow seconds=20 --time-limit 1s",
        "  $ taskctl enqueue demo.flaky --retries 3",
        "  $ taskctl enqueue demo.add one",
        "    signature: add(a: int, b: int)",
        "Your project, four steps:",
    ):
        assert line in done.stdout.splitlines()
    assert "  error: demo.add() misses the argument 'b'" in done.stdout
    assert "  3                                            queued, ran and answered in " in done.stdout
    assert "1 failed, 2 retried." in done.stdout
    assert (os.listdir(temporary), sorted(os.listdir(folder))) == ([], before)


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_demo_cleans_up_when_it_is_ended(
    environment: dict[str, str], folder: Path, temporary: Path, number: int, code: int
) -> None:
    command = [sys.executable, "-m", "taskctl", "demo"]
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while "answered in" not in process.stdout.readline():
            assert process.poll() is None
        time.sleep(0.1)
        process.send_signal(number)
        assert process.wait(30) == code
    assert os.listdir(temporary) == []


@pytest.mark.timeout(120)
def test_the_demo_can_be_kept(run: Run, folder: Path, temporary: Path) -> None:
    done = run("demo", "--duration", "0", "--keep", cwd=folder, timeout=100)
    assert (done.returncode, done.stderr) == (0, "")
    (kept,) = temporary.glob("*/demo")
    assert done.stdout.splitlines()[-1] == f"Kept: {kept}     look at it with: taskctl --project {kept} list"
    assert len(run("--project", kept, "list", cwd=folder).stdout.splitlines()) == 23
