"""What an import costs and does: nothing that was not asked for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.databases import Database

HEAVY = {"django", "redis", "typer", "rich", "click", "pydantic", "psycopg", "shortuuid", "asyncio"}


def loaded(*statements: str, env: dict[str, str]) -> set[str]:
    """The top-level modules of a new Python after the statements."""
    script = "\n".join([*statements, "import sys, json; print(json.dumps(sorted(sys.modules)))"])
    done = subprocess.run(
        [sys.executable, "-c", script], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return {name.split(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


def modules_of(*command: str, env: dict[str, str], cwd: Path) -> set[str]:
    """The top-level modules that a command imports until its end."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *command],
        env=env,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.split("|")[-1].strip().split(".")[0] for line in lines}


@pytest.mark.parametrize("package", ["django_task_worker", "taskctl"])
def test_importing_a_package_imports_nothing_heavy(package: str, environment: dict[str, str]) -> None:
    assert not loaded(f"import {package}", env=environment) & HEAVY


def test_the_version_is_told_without_loading_anything(environment: dict[str, str], tmp_path: Path) -> None:
    assert not modules_of("-m", "taskctl", "--version", env=environment, cwd=tmp_path) & HEAVY


def test_help_needs_no_django_and_no_redis(environment: dict[str, str], tmp_path: Path) -> None:
    assert not modules_of("-m", "taskctl", "--help", env=environment, cwd=tmp_path) & {"django", "redis"}


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_reading_commands_need_no_redis(
    database: Database, environment: dict[str, str], project: Path
) -> None:
    environment["TEST_DATABASE"] = database.url
    environment["REDIS_URL"] = "redis://127.0.0.1:1/0"
    assert "redis" not in modules_of("-m", "taskctl", "list", env=environment, cwd=project)


def test_importing_the_client_opens_no_socket_and_leaves_logging_alone(
    environment: dict[str, str], project: Path
) -> None:
    environment |= {"REDIS_URL": "redis://127.0.0.1:1/0", "PYTHONPATH": str(project)}
    loaded(
        "import logging, socket",
        "def refuse(*_, **__): raise AssertionError('a socket at import')",
        "socket.socket.connect = refuse",
        "import django; django.setup()",
        "handlers, level = list(logging.root.handlers), logging.root.level",
        "import django_task_worker.client, django_task_worker.worker.supervisor",
        "assert (logging.root.handlers, logging.root.level) == (handlers, level)",
        env=environment,
    )


def test_settings_are_read_when_they_are_needed(settings: Any) -> None:
    from django_task_worker import conf

    settings.REDIS_URL = "redis://elsewhere:1/0"
    assert conf.settings().redis_url == "redis://elsewhere:1/0"
    settings.REDIS_URL = None
    assert conf.settings().redis_url is None


def test_the_public_names_are_where_the_package_says() -> None:
    import django_task_worker

    for name in django_task_worker.__all__:
        assert getattr(django_task_worker, name) is not None
