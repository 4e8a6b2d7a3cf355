"""How long `taskctl` takes to start, in multiples of what cannot be avoided."""

from __future__ import annotations

import os
import pty
import random
import re
import select
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.ours import PROJECT, TASKS, Project
from benchmarks.processes import Failed
from benchmarks.report import Finding, Goal, Row
from benchmarks.stage import Stage, say

EMPTY, SETUP, WITH_REDIS = "python -c pass", "django.setup() + driver", "django.setup() + driver + redis"
PATIENCE_S = 30.0
COLOURS = re.compile(rb"\x1b\[[0-9;]*m")
SET_UP = "import django; django.setup(); import psycopg, app.tasks"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A command and the time it may take, from the times of the three floors: (empty, setup, with redis)."""

    name: str
    words: Sequence[str]
    text: str
    allowed: Callable[[float, float, float], float] | None = None
    on_terminal: bool = False
    until: str = ""
    """Stop it when it says this."""


def _cases(task_id: str) -> list[Case]:
    taskctl = _taskctl()
    cases = [
        Case(name=EMPTY, words=[sys.executable, "-c", "pass"], text=""),
        Case(name=SETUP, words=[sys.executable, "-c", SET_UP], text=""),
        Case(name=WITH_REDIS, words=[sys.executable, "-c", f"{SET_UP}, redis"], text=""),
        Case(
            name="taskctl __complete",
            words=[*taskctl, "__complete", "task", "app", "--", "enqueue"],
            text="2 x empty",
            allowed=lambda empty, setup, redis: 2.0 * empty,
        ),
        Case(
            name="taskctl --version",
            words=[*taskctl, "--version"],
            text="2.2 x empty",
            allowed=lambda empty, setup, redis: 2.2 * empty,
        ),
        Case(
            name="usage error",
            words=[*taskctl, "list", "--nope"],
            text="8 x empty",
            allowed=lambda empty, setup, redis: 8 * empty,
        ),
        Case(
            name="--help, plain",
            words=[*taskctl, "--help"],
            text="8 x empty",
            allowed=lambda empty, setup, redis: 8 * empty,
        ),
        Case(
            name="--help on a terminal",
            words=[*taskctl, "--help"],
            text="13 x empty",
            allowed=lambda empty, setup, redis: 13 * empty,
            on_terminal=True,
        ),
        Case(
            name="list on a terminal",
            words=[*taskctl, "list"],
            text="1.35 x setup + 6 x empty",
            allowed=lambda empty, setup, redis: 1.35 * setup + 6 * empty,
            on_terminal=True,
        ),
        Case(
            name="enqueue",
            words=[*taskctl, "enqueue", "app.tasks.add", "1", "2"],
            text="1.8 x setup",
            allowed=lambda empty, setup, redis: 1.8 * setup,
        ),
        Case(
            name="top, first frame",
            words=[*taskctl, "top"],
            text="setup + 15 x empty",
            allowed=lambda empty, setup, redis: setup + 15 * empty,
            on_terminal=True,
            until=r"pending\s+[\d,]",
        ),
        Case(
            name="worker, ready",
            words=[*taskctl, "worker"],
            text="setup with redis + 0.2 s",
            allowed=lambda empty, setup, redis: redis + 0.2,
            until=r"\bready\b",
        ),
    ]
    for words in (
        ("list",),
        ("show", task_id),
        ("why", task_id),
        ("logs", task_id),
        ("stats",),
        ("retry", "--failed"),
        ("requeue", "--stale"),
        ("purge", "--older-than", "7d", "--yes"),
    ):
        cases.append(
            Case(
                name=f"{words[0]}, piped",
                words=[*taskctl, *words],
                text="1.35 x setup",
                allowed=lambda empty, setup, redis: 1.35 * setup,
            )
        )
    return cases


def _taskctl() -> list[str]:
    script = Path(sys.executable).with_name("taskctl")
    return [str(script)] if script.exists() else [sys.executable, "-m", "taskctl"]


def p15(stage: Stage) -> Finding:
    rounds = stage.size(10, 2)
    project = stage.project()
    project.environment["XDG_CACHE_HOME"] = str(stage.folder / "cache")
    project.client("bulk", count=20)
    cases = _cases(project.query(f"SELECT id FROM {TASKS} LIMIT 1")[0][0])
    known = [case for case in cases if _is_known(case, project)]
    fill = [*_taskctl(), "completions", "--refresh"]
    subprocess.run(fill, cwd=PROJECT, env=project.environment, check=True, capture_output=True)
    taken: dict[str, list[float]] = {case.name: [] for case in known}
    for _ in range(rounds):
        for case in random.sample(known, len(known)):
            taken[case.name].append(_seconds(case, project))
    for name, figures in taken.items():
        say(f"{name}: {min(figures):.3f} s at best of {rounds}")
    rows = [Row(name=name, unit="s", figures=figures, kind=name) for name, figures in taken.items()]
    floors = [row.median for row in rows[:3]]
    goals = [
        Goal(
            text=f"{case.name}: part of {case.text}",
            figure=row.median / case.allowed(floors[0], floors[1], floors[2]),
            limit=1.0,
            at_least=False,
        )
        for case, row in zip(known, rows, strict=True)
        if case.allowed
    ]
    missing = [case.name for case in cases if case not in known]
    notes = [f"there is no {', '.join(missing)}"] if missing else []
    return Finding(number="P15", title="start-up of taskctl", rows=rows, goals=goals, notes=notes)


def _is_known(case: Case, project: Project) -> bool:
    """Whether this version has the command."""
    name = case.words[-1] if case.name.startswith(("stats", "top")) else ""
    if not name:
        return True
    words = [*_taskctl(), name, "--help"]
    done = subprocess.run(words, cwd=PROJECT, env=project.environment, capture_output=True, check=False)
    return done.returncode == 0


def _read(stream: int, case: Case) -> bytes:
    """What comes next. Raises Failed when nothing comes."""
    if not select.select([stream], [], [], PATIENCE_S)[0]:
        raise Failed(f"{case.name} says nothing more for {PATIENCE_S:.0f} s")
    return os.read(stream, 65536)


def _seconds(case: Case, project: Project) -> float:
    """From its start until it ends, or says what it is to say."""
    ours, theirs = pty.openpty() if case.on_terminal else os.pipe()
    environment = {**project.environment, "PYTHONPATH": str(PROJECT), "TERM": "xterm-256color"}
    try:
        began = time.perf_counter()
        process = subprocess.Popen(
            case.words,
            cwd=PROJECT,
            env=environment,
            stdin=theirs if case.on_terminal else subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        said = b""
        with suppress(OSError):  # a terminal whose last user has gone
            while chunk := _read(ours, case):
                said += chunk
                if case.until and re.search(case.until.encode(), COLOURS.sub(b"", said)):
                    break
        if not case.until:
            process.wait(60)
        taken = time.perf_counter() - began
    finally:
        os.close(ours)
    process.terminate()
    process.wait(60)
    return taken
