"""What a command loads: nothing that it does not need."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import pytest

from taskctl.app import COMMANDS
from taskctl.suggestions import cache, place
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


TAB = {"taskctl", "taskctl.upwards", "taskctl.suggestions"} | {
    f"taskctl.suggestions.{module}" for module in ("answer", "cache", "place")
}


def loaded(*words: str, env: dict[str, str], cwd: Path = PROJECT, code: int = 0) -> set[str]:
    """The modules that a command line imports, by dotted name."""
    return imported("-m", "taskctl", *words, env=env, cwd=cwd, code=code)


def imported(*arguments: str, env: dict[str, str], cwd: Path = PROJECT, code: int = 0) -> set[str]:
    """Those that a Python imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments],
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


@pytest.mark.parametrize("kind", ["command", "task", "param", "queue", "id:failed", "schedule", "field"])
def test_tab_loads_what_reads_the_cache_and_no_more(
    environment: dict[str, str], tmp_path: Path, kind: str
) -> None:
    (tmp_path / "manage.py").touch()
    del environment["DJANGO_SETTINGS_MODULE"]
    environment |= {"XDG_CACHE_HOME": str(tmp_path), "PWD": str(tmp_path)}
    path = place.file_for({}, environment, str(tmp_path))
    assert path is not None
    cache.save(path, {"at": time.time(), "task": [["app.tasks.add", "(a)"]]})
    modules = loaded("__complete", kind, "", "--", "enqueue", "app.tasks.add", env=environment, cwd=tmp_path)
    ours = {name for name in modules if name.partition(".")[0] in ("taskctl", "django_task_worker")}
    assert ours == TAB
    assert modules - ours <= imported("-c", "import __future__, json, runpy", env=environment)


def test_tab_takes_hardly_longer_than_an_empty_python(environment: dict[str, str], tmp_path: Path) -> None:
    """The goal is 2.0 times; what runs beside the tests may add a third."""
    environment["XDG_CACHE_HOME"] = str(tmp_path)
    path = place.file_for({}, environment, os.getcwd())
    assert path is not None
    names = [[f"app.tasks.number_{number}", "(a: int, b: str = 'x')"] for number in range(500)]
    cache.save(path, {"at": time.time(), "task": names})
    script = str(Path(sys.executable).parent / "taskctl")
    tab, empty = [script, "__complete", "task", "app"], [sys.executable, "-c", "pass"]
    used = [(cpu_s(tab, environment), cpu_s(empty, environment)) for _ in range(12)][1:]
    assert [entry.name for entry in (tmp_path / "taskctl").iterdir()] == [Path(path).name]
    assert median(first for first, _ in used) < 2.6 * median(second for _, second in used)


def cpu_s(command: list[str], env: dict[str, str]) -> float:
    """The processor time of a command, which hardly depends on what else runs."""
    nowhere = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    pid = os.posix_spawn(command[0], command, env, file_actions=nowhere)
    _, status, usage = os.wait4(pid, 0)
    assert status == 0
    return usage.ru_utime + usage.ru_stime


@pytest.mark.parametrize(
    "words", [(), ("--help",), ("list", "--help"), ("help", "json"), ("why", "-h"), ("completions", "bash")]
)
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
        ("why",),
        ("stack", "7h2k9qxd", "--timeout", "soon"),
        ("logs", "7h2k9qxd", "--attempt", "0"),
        ("completions", "fsh"),
        ("completions", "bash", "--refresh"),
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
        ("completions", "--refresh"),
    ],
)
def test_reading_in_a_pipe_loads_neither_rich_nor_redis_nor_tasks(
    environment: dict[str, str], database: Database, words: tuple[str, ...]
) -> None:
    env = {**environment, "TEST_DATABASE": database.url, "REDIS_URL": "redis://127.0.0.1:1/0"}
    modules = loaded(*words, env=env)
    assert not modules & {"rich", "redis", "pydantic", "app.tasks", "importlib.metadata"}


@on_sqlite
@pytest.mark.parametrize("verb", ["why", "logs"])
def test_looking_at_a_task_loads_neither_rich_nor_redis(
    environment: dict[str, str], database: Database, verb: str
) -> None:
    env = {**environment, "TEST_DATABASE": database.url, "REDIS_URL": "redis://127.0.0.1:1/0"}
    assert not loaded(verb, "nosuchid", env=env, code=3) & {"rich", "redis", "pydantic", "app.tasks"}


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
