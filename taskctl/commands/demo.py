"""`taskctl demo`: real commands and a real worker on a database in a temporary folder."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from taskctl import exits, values
from taskctl.commands.top import has_screen
from taskctl.demo_load import SteadyLoad, toys
from taskctl.errors import CommandError
from taskctl.options import flag, value
from taskctl.session import session_of
from taskctl.terminal import BOLD, RESET, Terminal
from taskctl.verb import verb

DURATION_S = 5.0
STEP_S = 60.0
STOP_S = 10.0
FOREIGN = ("DJANGO_", "TASKCTL_", "REDIS_")
COMMENT_AT = 47
SCREEN = ("--interval", "1s")
_CODES = re.compile(r"\x1b\[\d*m")

STEPS = """\
Your project, four steps:
  1. add "django_task_worker" to INSTALLED_APPS
  2. python manage.py migrate
  3. taskctl worker --concurrency 4          (in your project folder)
  4. taskctl enqueue yourapp.tasks.hello --wait
Check the set-up any time:  taskctl doctor"""


@verb("taskctl demo [FLAGS]", "taskctl demo", "taskctl demo --duration 20s --keep")
def demo(
    context: typer.Context,
    no_top: Annotated[bool, flag("--no-top", about="plain lines, no live screen")] = False,
    duration: Annotated[str, value("--duration", metavar="DUR", about="of the steady load; 5s")] = "5s",
    keep: Annotated[bool, flag("--keep", about="keep the folder, and say how to look at it")] = False,
) -> int:
    """Try it in one minute: SQLite in a temporary folder, a worker, and commands as you would type them.

    Needs neither Redis nor Postgres nor a Django project, and leaves nothing behind.
    """
    session = session_of(context)
    terminal = session.terminal
    duration_s = values.duration("--duration", duration)
    temporary = Path(tempfile.mkdtemp(prefix="taskctl-"))
    folder = temporary / "demo"  # its name is that of the project
    folder.mkdir()
    try:
        with _stoppable(), _worker(folder) as worker:
            show = Show(terminal, folder, worker)
            if has_screen(session) and not no_top:
                show.run_live()
            else:
                show.run(duration_s)
            terminal.line("")
            terminal.line(STEPS)
            terminal.flush()
    finally:
        if not keep:
            shutil.rmtree(temporary, ignore_errors=True)
    if keep:
        terminal.line(f"Kept: {folder}     look at it with: taskctl --project {folder} list")
    return exits.OK


@contextmanager
def _stoppable() -> Iterator[None]:
    """SIGTERM and SIGHUP clean up as Ctrl-C does."""

    def leave(number: int, frame: object) -> NoReturn:
        sys.exit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _worker(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker on the folder, which is prepared first; stopped and reaped at the end."""
    source = Path(__file__).parents[1] / "demo_tasks.py"
    shutil.copyfile(source, folder / "demo.py")
    (folder / ".git").mkdir()  # ends the search for a project here, wherever the temporary folder lies
    with (folder / "worker.log").open("wb") as log:
        worker = subprocess.Popen(
            _command("worker", "--concurrency", "4", "--poll", "100ms", "--grace", "1s"),
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is ours: we end it when we have seen it
        )
    try:
        yield worker
    finally:
        worker.terminate()
        try:
            worker.wait(STOP_S)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()


def _command(*words: str) -> list[str]:
    return [sys.executable, "-m", "taskctl", *words]


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith(FOREIGN)}
    return kept | {"TASKCTL_PROJECT": str(folder), "TASKCTL_NO_CACHE": "1"}


@dataclass
class Show:
    """The performance: each step prints its command line and what the command said."""

    terminal: Terminal
    folder: Path
    worker: subprocess.Popen[bytes]

    def run(self, duration_s: float) -> None:
        self._introduce()
        self._say(["enqueue", "demo.add", "1", "2", "--wait"], "queued, ran and answered in {took}")
        slow = self._say(
            ["enqueue", "demo.slow", "seconds=20", "--time-limit", "1s"], "will be stopped by force after 1s"
        )
        flaky = self._say(["enqueue", "demo.flaky", "--retries", "3"], "will fail twice, then work")
        self._say(["enqueue", "demo.add", "one"], "so you know what it looks like")
        self._load(duration_s)
        self._say(["wait", slow[:12], flaky[:12], "--timeout", "30s"], "retried until it worked", table=True)
        self._say(["show", flaky[:12]], "", table=True)
        self._say(["list", "--limit", "8"], "", table=True)
        self._sum_up()

    def run_live(self) -> None:
        """With the live screen, until the user leaves it."""
        self._introduce()
        self._say(["enqueue", "demo.add", "1", "2", "--wait"], "queued, ran and answered in {took}")
        self._say(["enqueue", "demo.slow", "seconds=20", "--time-limit", "30s"], "")
        self._say(["enqueue", "demo.flaky", "--retries", "3"], "will fail twice, then work")
        self._say(["enqueue", "demo.add", "one"], "so you know what it looks like")
        self.terminal.line("\nOpening the live screen (q to leave) …")
        self.terminal.flush()
        shape = ["--ascii"] if self.terminal.ascii_only else []
        environment = _environment(self.folder)
        with SteadyLoad(self.folder, environment):
            screen = subprocess.Popen(_command("top", *SCREEN, *shape), cwd=self.folder, env=environment)
            try:
                screen.wait()
            finally:
                screen.terminate()  # when we are ended ourselves: it gives the terminal back first
                screen.wait(STOP_S)
        self._sum_up()

    def _introduce(self) -> None:
        self.terminal.line(
            "taskctl demo: SQLite in a temporary folder, polling instead of Redis,\n"
            "one worker with 4 child processes. No Redis and no Postgres needed.\n"
            "Ctrl-C ends it and removes everything.\n"
        )

    def _say(self, words: Sequence[str], comment: str, *, table: bool = False, stdin: str = "") -> str:
        """Shows and runs one command; its first line of output."""
        self._prompt(f"taskctl {shlex.join(words)}")
        began = time.monotonic()
        lines = self._call(words, table=table, stdin=stdin)
        comment = comment.format(took=f"{time.monotonic() - began:.2f}s")
        commented = len(lines) - 1 if table else 0
        for at, line in enumerate(lines):
            space = " " * max(COMMENT_AT - 2 - len(_CODES.sub("", line)), 2)
            self.terminal.line(f"  {line}{space}{comment}".rstrip() if at == commented else f"  {line}")
        self.terminal.flush()
        return lines[0] if lines else ""

    def _prompt(self, line: str, comment: str = "") -> None:
        shown = f"{BOLD}{line}{RESET}" if self.terminal.out_colour else line
        self.terminal.line(f"  $ {shown}{comment}")
        self.terminal.flush()

    def _call(self, words: Sequence[str], *, table: bool = False, stdin: str = "") -> list[str]:
        """The lines that a command prints; both streams. Raises CommandError when the demo cannot go on."""
        shape = ["-o", "table"] if table else []
        if self.terminal.ascii_only:
            shape.append("--ascii")
        if self.terminal.out_colour:
            shape += ["--color", "always"]
        done = subprocess.run(
            _command(*words, "-q", *shape),
            cwd=self.folder,
            env=_environment(self.folder) | {"COLUMNS": str(max(self.terminal.width - 2, 40))},
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=STEP_S,
            check=False,
        )
        if self.worker.poll() is not None or done.returncode in (exits.BUG, exits.TIMED_OUT):
            log = (self.folder / "worker.log").read_text(errors="replace").splitlines()
            raise CommandError(
                "demo", exits.BUG, "the demo broke off", facts=[*done.stdout.splitlines(), *log[-10:]]
            )
        return done.stdout.splitlines()

    def _load(self, duration_s: float) -> None:
        """A steady stream of small tasks."""
        self._prompt("./make-tasks | taskctl enqueue --stdin", "       a line of JSON for each task")
        end, stored = time.monotonic() + duration_s, 0
        while True:
            rows = [row for number in range(10) for row in toys(stored + number)]
            stored += len(
                self._call(["enqueue", "--stdin"], stdin="".join(json.dumps(row) + "\n" for row in rows))
            )
            if time.monotonic() >= end:
                break
        self.terminal.line(f"  {stored} tasks stored")

    def _sum_up(self) -> None:
        lines = self._call(["list", "--limit", "0", "--json"])
        tasks: list[dict[str, Any]] = [json.loads(line) for line in lines]
        done = sum(task["status"] == "completed" for task in tasks)
        failed = sum(task["status"] == "failed" for task in tasks)
        retried = sum(task["tries"] - 1 for task in tasks)
        self.terminal.line("")
        self.terminal.line(f"That was it: {done} tasks done, {failed} failed, {retried} retried.")
