"""What a command loads: nothing that it does not need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from taskctl.app import COMMANDS
from taskctl.tree import verb_of
from tests.databases import Database

PROJECT = Path(__file__).parents[1] / "project"
HEAVY = {
    "django",
    "redis",
    "typer",
    "rich",
    "pydantic",
    "asyncio",
    "importlib.metadata",
    "psycopg",
    "pymysql",
}
on_sqlite = pytest.mark.parametrize("kind", ["sqlite"], indirect=True)


def loaded(*words: str, env: dict[str, str], cwd: Path = PROJECT, code: int = 0) -> set[str]:
    """The modules that a command line imports, by dotted name."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "taskctl", *words],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stderr[-2000:]
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.split("|")[-1].strip() for line in lines}


def heavy(modules: set[str]) -> set[str]:
    return {name for name in HEAVY if name in modules}


def test_the_version_loads_nothing(environment: dict[str, str], tmp_path: Path) -> None:
    modules = loaded("--version", env=environment, cwd=tmp_path)
    assert not heavy(modules)
    assert {name for name in modules if name.startswith("taskctl.")} == {"taskctl.__main__"} & modules


@pytest.mark.parametrize("words", [(), ("--help",), ("list", "--help"), ("help", "json")])
def test_help_loads_typer_and_no_more(
    environment: dict[str, str], tmp_path: Path, words: tuple[str, ...]
) -> None:
    modules = loaded(*words, env=environment, cwd=tmp_path)
    assert heavy(modules) <= {"typer"}
    commands = {name for name in modules if name.startswith("taskctl.commands.")}
    assert len(commands) <= (0 if words in ((), ("--help",)) else 1)


@pytest.mark.parametrize(
    "words",
    [
        ("lits",),
        ("list", "--limt", "3"),
        ("list", "--limit", "x"),
        ("list", "--status", "faild"),
        ("list", "--since", "yesterday"),
        ("list", "--fields", "nosuch"),
        ("show",),
        ("wait",),
        ("retry",),
        ("cancel",),
        ("requeue",),
        ("requeue", "--stale", "--older-than", "7"),
        ("purge", "--older-than", "7"),
        ("purge", "--all", "--status", "pending"),
        ("enqueue",),
        ("enqueue", "app.tasks.add", "json:{"),
        ("enqueue", "app.tasks.add", "--wiat"),
        ("enqueue", "app.tasks.add", "--args-json", "{}"),
        ("worker", "--concurrency", "0"),
        ("doctor", "--only", "nosuch"),
        ("events", "--type", "nosuch"),
        ("stats", "--by", "nosuch"),
        ("queues", "pause"),
        ("workers", "nosuch"),
        ("demo", "--duration", "x"),
    ],
)
def test_a_usage_error_sets_no_project_up(environment: dict[str, str], words: tuple[str, ...]) -> None:
    assert heavy(loaded(*words, env=environment, code=2)) <= {"typer"}


@on_sqlite
@pytest.mark.parametrize(
    "words",
    [
        ("list",),
        ("list", "--json"),
        ("stats",),
        ("workers",),
        ("queues",),
        ("retry", "--failed"),
        ("requeue", "--stale"),
        ("purge", "--all"),
    ],
)
def test_reading_in_a_pipe_loads_neither_rich_nor_redis_nor_tasks(
    environment: dict[str, str], database: Database, words: tuple[str, ...]
) -> None:
    env = {**environment, "TEST_DATABASE": database.url, "REDIS_URL": "redis://127.0.0.1:1/0"}
    modules = loaded(*words, env=env)
    assert not modules & {"rich", "redis", "pydantic", "app.tasks", "importlib.metadata"}


@on_sqlite
def test_enqueue_without_redis_loads_neither_redis_nor_rich(
    environment: dict[str, str], database: Database
) -> None:
    env = {**environment, "TEST_DATABASE": database.url}
    assert not loaded("enqueue", "app.tasks.add", "1", "2", env=env) & {"rich", "redis", "pydantic"}


def test_every_command_in_the_table_is_there_and_begins_its_help_with_two_examples() -> None:
    for entry in COMMANDS:
        verb = verb_of(entry)
        for each in (verb, *verb.verbs.values()):
            assert len(each.examples) == 2, each.usage
            assert all("taskctl" in example for example in each.examples)
            assert each.usage.startswith("taskctl ")
            assert each.function.__doc__, each.usage
