"""The first minutes of a new user: the wheel in a clean environment, nothing else installed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.contract.conftest import command
from tests.processes import Process
from tests.servers import Redis

pytestmark = pytest.mark.timeout(300)

SETTINGS = """
import os
INSTALLED_APPS += ["django_task_worker"]
REDIS_URL = os.environ.get("REDIS_URL")
"""
SHELL = """
from django_task_worker.client import create_task, wait_for_completion
task = create_task("app.tasks.multiply_numbers", args=[2, 3])
result = wait_for_completion(task.id, timeout=20)
print(result)
print(repr(result.result))
"""


@pytest.fixture(scope="module")
def python(wheel: Path, virtual_environment: Callable[..., Path], needs: list[str]) -> Path:
    """Python of an environment with the wheel and what it needs, the newest of each, and no setuptools."""
    python = virtual_environment("clean", *needs, without=("setuptools",))
    command(python, "-m", "pip", "install", "--no-index", "--force-reinstall", "--no-deps", wheel)
    command(python, "-m", "pip", "check")
    return python


@pytest.fixture(scope="module")
def needs() -> list[str]:
    import tomllib

    text = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    return list(tomllib.loads(text)["project"]["dependencies"])


@pytest.fixture
def new_project(python: Path, environment: dict[str, str], tmp_path: Path) -> Path:
    """What `django-admin startproject` makes, with the app in its settings and the seed's example."""
    del environment["DJANGO_SETTINGS_MODULE"]
    folder = tmp_path / "shop"
    folder.mkdir()
    command(python, "-m", "django", "startproject", "config", folder, env=environment)
    with (folder / "config" / "settings.py").open("a") as settings:
        settings.write(SETTINGS)
    (folder / "app").mkdir()
    (folder / "app" / "__init__.py").touch()
    (folder / "app" / "tasks.py").write_text("def multiply_numbers(a, b):\n    return a * b\n")
    command(python, "manage.py", "migrate", "-v0", cwd=folder, env=environment)
    return folder


def test_the_quick_example_works_as_documented(
    python: Path, new_project: Path, environment: dict[str, str], redis: Redis, start: Callable[..., Process]
) -> None:
    worker = start(python, "manage.py", "run_worker", "--retry", 1, "--concurrency", 2, cwd=new_project)
    worker.line(r"\bready\b")
    output = command(python, "manage.py", "shell", "-c", SHELL, cwd=new_project, env=environment).splitlines()
    assert re.fullmatch(r"Task \w{22}: app\.tasks\.multiply_numbers \(COMPLETED\)", output[-2])
    assert output[-1] == "'6'"
    assert worker.stop() == 0


def test_it_works_without_redis(
    python: Path, new_project: Path, environment: dict[str, str], start: Callable[..., Process]
) -> None:
    taskctl = [python, "-m", "taskctl"]
    worker = start(*taskctl, "worker", cwd=new_project)
    worker.line(r"\bready\b")
    done = command(
        *taskctl, "enqueue", "app.tasks.multiply_numbers", 2, 3, "--wait", cwd=new_project, env=environment
    )
    assert done == "6\n"
    assert worker.stop() == 0
    assert command(*taskctl, "completions", "zsh", cwd=new_project, env=environment).startswith("#compdef")


def test_a_folder_with_one_module_is_enough(
    python: Path, environment: dict[str, str], tmp_path: Path, start: Callable[..., Process]
) -> None:
    del environment["DJANGO_SETTINGS_MODULE"]
    folder = tmp_path / "plain"
    folder.mkdir()
    (folder / "mytasks.py").write_text("def add(a, b): return a + b\n")
    taskctl = [python, "-m", "taskctl"]
    worker = start(*taskctl, "worker", cwd=folder)
    done = command(*taskctl, "enqueue", "mytasks.add", 1, 2, "--wait", cwd=folder, env=environment)
    assert done == "3\n"
    assert worker.stop() == 0


def test_the_demo_needs_nothing_and_leaves_nothing(
    python: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    del environment["DJANGO_SETTINGS_MODULE"]
    folder, temporary = tmp_path / "empty", tmp_path / "tmp"
    folder.mkdir()
    temporary.mkdir()
    environment["TMPDIR"] = str(temporary)
    command(python, "-m", "taskctl", "demo", "--no-top", cwd=folder, env=environment)
    assert os.listdir(folder) == []
    assert os.listdir(temporary) == []
