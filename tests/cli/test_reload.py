"""`taskctl worker --reload`: which files count, when the worker starts again, and how it ends."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from taskctl import reloading
from taskctl.reloading import Reloader, changed, command, times
from tests.waiting import wait_until

WORKER = """
import pathlib, signal, sys, time
def stop(*_): sys.exit({code})
signal.signal(signal.SIGTERM, stop)
with pathlib.Path({journal!r}).open("a") as file:
    file.write("start\\n")
{body}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    return folder


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


# --- which files ---


def test_the_projects_own_python_files_count(folder: Path) -> None:
    counted = {write(folder / name) for name in ("manage.py", "app/tasks.py", "app/deep/er.py")}
    for name in (
        *("app/data.txt", "app/__pycache__/tasks.py", ".git/hook.py", "node_modules/x.py"),
        *("venv/pyvenv.cfg", "venv/lib/x.py", "lib/site-packages/x.py"),
    ):
        write(folder / name)
    elsewhere = write(folder.parent / "library" / "module.py")
    found = times(folder, [str(elsewhere), str(folder / "gone.py")])
    assert {Path(path) for path in found} == counted | {elsewhere}


def test_writing_making_and_removing_are_changes(folder: Path) -> None:
    kept, written, removed = (write(folder / f"{name}.py") for name in ("kept", "written", "removed"))
    before = times(folder, [])
    os.utime(written, ns=(1, 1))
    removed.unlink()
    made = write(folder / "made.py")
    now = times(folder, [])
    assert changed(before, now) == sorted(map(str, (made, removed, written)))
    assert changed(now, now) == []
    assert str(kept) in now


def test_a_folder_that_leads_to_itself_is_walked_once(folder: Path) -> None:
    write(folder / "app" / "tasks.py")
    (folder / "app" / "loop").symlink_to(folder)
    assert len(times(folder, [])) == 1


def test_the_worker_is_started_by_the_same_command_line() -> None:
    assert command(["/usr/bin/python3", "-m", "taskctl", "worker", "--reload", "-c", "2"]) == [
        *(sys.executable, "-m", "taskctl", "worker", "-c", "2")
    ]
    assert command(["python", "manage.py", "taskctl", "worker", "--reload"])[1:] == [
        *("manage.py", "taskctl", "worker")
    ]


# --- when it starts again ---

Reload = Callable[..., tuple[int, list[str], int]]


@pytest.fixture
def reload(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Reload:
    """`reload(script, body)`: what it returned and said, and how often the worker started.

    `script` is a generator that goes on with each look at the files, once a worker runs. The worker runs
    `body`, and ends with `code` when it is told to.
    """
    journal = tmp_path / "journal"
    journal.touch()
    monkeypatch.chdir(folder)
    for name in ("LOOK_EVERY_S", "QUIET_S"):
        monkeypatch.setattr(reloading, name, 0.02)

    def run(
        script: Iterator[None], body: str = "time.sleep(60)", code: int = 0
    ) -> tuple[int, list[str], int]:
        said: list[str] = []

        def look() -> dict[str, int]:
            if journal.read_text():
                next(script, None)
            return times(folder, [])

        worker = [sys.executable, "-c", WORKER.format(code=code, journal=str(journal), body=body)]
        return Reloader(worker, look, said.append).run(), said, journal.read_text().count("start")

    return run


def test_a_change_starts_it_again_and_a_signal_ends_both(
    reload: Reload, folder: Path, tmp_path: Path
) -> None:
    def script() -> Iterator[None]:
        yield
        write(folder / "app" / "tasks.py")
        write(folder / "app" / "views.py")
        while (tmp_path / "journal").read_text().count("start") < 2:
            yield
        os.kill(os.getpid(), signal.SIGTERM)
        yield

    code, said, starts = reload(script())
    assert (code, starts) == (0, 2)
    assert said == ["app/tasks.py and 1 more changed: starting the worker again"]


def test_a_worker_that_cannot_start_waits_for_a_change(reload: Reload, folder: Path) -> None:
    def script() -> Iterator[None]:
        yield
        write(folder / "fixed.py")
        yield

    body = f"""
import os
if os.path.exists("{folder}/fixed.py"): sys.exit(0)
sys.exit(78)
"""
    code, said, starts = reload(script(), body)
    assert (code, starts) == (0, 2)
    assert said == ["the worker ended with 78: it starts again when code has changed"]


def test_a_signal_while_it_waits_ends_it(reload: Reload) -> None:
    def script() -> Iterator[None]:
        yield
        os.kill(os.getpid(), signal.SIGINT)
        yield

    assert reload(script(), "sys.exit(78)")[0] == 0


def test_a_worker_that_ends_well_by_itself_ends_all(reload: Reload) -> None:
    assert reload(iter(()), "sys.exit(0)") == (0, [], 1)


def test_the_exit_code_of_a_stopped_worker_is_handed_on(reload: Reload) -> None:
    def script() -> Iterator[None]:
        yield
        os.kill(os.getpid(), signal.SIGTERM)
        yield

    assert reload(script(), code=69)[0] == 69
    assert reload(script(), "signal.signal(signal.SIGTERM, signal.SIG_DFL); time.sleep(60)")[0] == 143


# --- a real worker ---


def test_new_code_runs_and_nothing_is_left_behind(
    start: Any, run: Any, environment: dict[str, str], folder: Path
) -> None:
    del environment["DJANGO_SETTINGS_MODULE"]
    (folder / ".git").mkdir()
    tasks = write(folder / "mytasks.py", "def answer(): return 'old'\n")
    process = start(sys.executable, "-m", "taskctl", "worker", "--reload", "-c", 1, cwd=folder)
    process.line(r"\bready\b")
    assert run("enqueue", "mytasks.answer", "--wait", "--timeout", "20s", cwd=folder).stdout == '"old"\n'
    tasks.write_text("def answer(): return 'newer'\n")
    process.line("mytasks.py changed: starting the worker again")
    wait_until(lambda: process.output.count(" ready ") == 2, 20, what=lambda: process.output)
    assert run("enqueue", "mytasks.answer", "--wait", "--timeout", "20s", cwd=folder).stdout == '"newer"\n'
    worker = process.children()[0]
    process.kill()
    psutil.wait_procs([worker], timeout=20)
    assert not worker.is_running()


@pytest.mark.parametrize("words", [["--burst"], ["--dry-run"]])
def test_it_is_for_workers_that_stay(run: Any, words: list[str]) -> None:
    done = run("worker", "--reload", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: --reload goes with neither --burst nor --dry-run\n"
