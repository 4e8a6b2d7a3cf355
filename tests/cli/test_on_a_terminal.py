"""taskctl in a pseudo-terminal of 80 x 24: colours, questions, Ctrl-C, lists that follow."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pexpect
import pyte
import pytest

from tests.databases import Database
from tests.waiting import wait_until

PROJECT = Path(__file__).parents[1] / "project"
ALLOWED = re.compile(r"\x1b\[[0-9;]*m|\r|\n")
pytestmark = pytest.mark.parametrize("kind", ["sqlite"], indirect=True)


class Screen:
    """One command on a terminal and what it has drawn so far."""

    def __init__(self, words: tuple[str, ...], env: dict[str, str]) -> None:
        command = ["-m", "taskctl", *words]
        self.child = pexpect.spawn(
            sys.executable,
            command,
            cwd=str(PROJECT),
            env=env,
            dimensions=(24, 80),
            encoding="utf-8",
            timeout=20,
        )
        self.raw = ""

    @property
    def text(self) -> str:
        """Everything that was written, without colours."""
        return re.sub(r"\x1b\[[0-9;]*m", "", self.raw).replace("\r", "")

    def read(self) -> bool:
        """Takes in what has come; False at the end."""
        try:
            self.raw += self.child.read_nonblocking(65536, timeout=0.1)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        return True

    def see(self, pattern: str) -> None:
        """Waits until the pattern is on the screen."""

        def seen() -> bool:
            alive = self.read()
            assert alive or re.search(pattern, self.text), self.text
            return re.search(pattern, self.text) is not None

        wait_until(seen, 20, what=lambda: f"no {pattern!r} in:\n{self.text}")

    def type(self, text: str) -> None:
        self.child.send(text)

    def end(self) -> int:
        """Waits for the end; the exit code."""
        wait_until(lambda: not self.read(), 30, what=lambda: f"goes on:\n{self.text}")
        self.child.close()
        return -self.child.signalstatus if self.child.exitstatus is None else int(self.child.exitstatus)

    def cells(self) -> pyte.Screen:
        """The screen as a terminal shows it."""
        screen = pyte.Screen(80, 24)
        pyte.Stream(screen).feed(self.raw)
        return screen


@pytest.fixture
def on_terminal(database: Database, environment: dict[str, str]) -> Iterator[Callable[..., Screen]]:
    started: list[Screen] = []

    def start(*words: object, **variables: str) -> Screen:
        env = {**environment, "TEST_DATABASE": database.url, "TERM": "xterm-256color", **variables}
        screen = Screen(tuple(map(str, words)), env)
        started.append(screen)
        return screen

    yield start
    for screen in started:
        screen.child.close(force=True)


def test_a_list_is_a_coloured_table_in_80_columns(on_terminal: Any, run: Any) -> None:
    assert run("enqueue", "app.tasks.add", 1, 2).returncode == 0
    assert run("cancel", "--all", "--yes").returncode == 0
    assert run("enqueue", "app.tasks.multiply_numbers", 1, 2).returncode == 0
    screen = on_terminal("list")
    assert screen.end() == 0
    lines = screen.text.splitlines()
    assert len(lines) == 3
    assert all(len(line) <= 80 for line in lines)
    assert "app.tasks.multiply_numbers" in lines[1]
    assert screen.cells().buffer[0][0].fg == "default"
    assert "\x1b[2mcancelled\x1b[0m" in screen.raw
    assert ALLOWED.sub("", screen.raw).isprintable()


def test_no_colour_means_none(on_terminal: Any) -> None:
    for screen in (
        on_terminal("doctor", NO_COLOR="1"),
        on_terminal("doctor", "--color", "never"),
        on_terminal("doctor", TERM="dumb"),
    ):
        assert screen.end() == 0
        assert "\x1b" not in screen.raw


def test_help_is_coloured_and_fits(on_terminal: Any) -> None:
    screen = on_terminal("enqueue", "--help")
    assert screen.end() == 0
    assert "\x1b[1m" in screen.raw
    assert max(len(line) for line in screen.text.splitlines()) <= 80


def test_a_question_is_asked_and_answered(on_terminal: Any, run: Any) -> None:
    for _ in range(2):
        assert run("enqueue", "app.tasks.nothing").returncode == 0
    refused = on_terminal("cancel", "--all")
    refused.see(r"cancel 2 tasks\? \[y/N\] ")
    refused.type("n\n")
    assert refused.end() == 4
    agreed = on_terminal("cancel", "--all")
    agreed.see(r"\[y/N\] ")
    agreed.type("y\n")
    assert agreed.end() == 0
    assert "2 tasks cancelled" in agreed.text


def test_ctrl_c_at_a_question_changes_nothing(on_terminal: Any, run: Any) -> None:
    assert run("enqueue", "app.tasks.nothing").returncode == 0
    screen = on_terminal("purge", "--all", "--status", "failed,completed,cancelled")
    assert screen.end() == 0
    assert run("cancel", "--all", "--yes").returncode == 0
    screen = on_terminal("purge", "--all")
    screen.see(r"Type 1 to go on: ")
    screen.type("\x03")
    assert screen.end() == 130
    assert "Traceback" not in screen.text
    assert run("list", "--count").stdout == "1\n"


def test_no_input_never_asks(on_terminal: Any, run: Any) -> None:
    for _ in range(2):
        assert run("enqueue", "app.tasks.nothing").returncode == 0
    screen = on_terminal("cancel", "--all", CI="1")
    assert screen.end() == 4
    assert "error: cancel would stop 2 tasks and can't ask (--no-input)" in screen.text


def test_a_followed_list_shows_each_change_on_a_new_line(on_terminal: Any, run: Any) -> None:
    first = run("enqueue", "app.tasks.nothing").stdout.strip()
    screen = on_terminal("list", "--watch")
    screen.see(rf"{first[:8]}  pending")
    assert run("cancel", first).returncode == 0
    screen.see(rf"{first[:8]}  cancelled")
    second = run("enqueue", "app.tasks.nothing").stdout.strip()
    screen.see(rf"{second[:8]}  pending")
    screen.type("\x03")
    assert screen.end() == 130
    assert "Traceback" not in screen.text
    assert len(re.findall(r"^\w{8}  ", screen.text, re.MULTILINE)) == 3


@pytest.mark.parametrize("verb", ["wait", "show"])
def test_how_far_a_task_is_can_be_watched(on_terminal: Any, database: Database, verb: str) -> None:
    from django_task_worker.models import DatabaseTask

    task = DatabaseTask.objects.create(name="app.tasks.add", status="PROGRESS", lease="x" * 22)
    mine = DatabaseTask.objects.filter(pk=task.pk)
    mine.update(progress={"done": 1, "total": 4, "message": "rows"})
    screen = on_terminal(verb, task.pk, *(["--watch"] if verb == "show" else []))
    screen.see("25%, 1 of 4 rows")
    mine.update(progress={"done": 3, "total": 4, "message": "rows"})
    screen.see("75%, 3 of 4 rows")
    mine.update(status="COMPLETED", lease=None, duration=1.5)
    assert screen.end() == 0
    if verb == "wait":
        assert "███████████████░░░░░  75%" in screen.text
        assert screen.cells().display[0].rstrip() == f"{task.pk[:8]}  completed    1.5s  app.tasks.add"
        assert screen.cells().display[1].strip() == ""


def test_a_worker_shows_a_banner_and_stops_gently_on_ctrl_c(on_terminal: Any, run: Any) -> None:
    screen = on_terminal("worker", "--concurrency", 2, "--name", "web-1")
    screen.see(r"ready name=web-1")
    lines = screen.text.splitlines()
    assert re.fullmatch(r"taskctl worker 1\.0\.0, 2 tasks at a time, all queues", lines[0])
    assert lines[1].startswith("database default (sqlite, ")
    assert lines[2] == "Ctrl-C stops it: running tasks may finish first"
    (ready,) = (line for line in lines if " ready " in line)
    assert re.fullmatch(r"\d\d:\d\d:\d\d info    ready name=web-1 slots=2 queues=\* redis=off", ready)
    task = run("enqueue", "app.tasks.sleep", 4).stdout.strip()
    assert run("wait", task, "--for", "running", "--timeout", "20s").returncode == 0
    screen.type("\x03")
    screen.see(r"stopping: waiting up to 30s for 1 running task, press Ctrl-C again to hand them back now")
    assert screen.end() == 0
    assert run("list", "--status", "completed", "-o", "id").stdout.strip() == task


def test_json_on_a_terminal_is_ascii(on_terminal: Any, run: Any) -> None:
    assert run("enqueue", "app.tasks.echo", "naïve\u202e\x9b", "--unique", "ключ").returncode == 0
    screen = on_terminal("list", "--json")
    assert screen.end() == 0
    assert screen.raw.isascii()
    assert "\\u043a" in screen.raw
