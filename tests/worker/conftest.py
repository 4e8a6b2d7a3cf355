"""What the tests of real workers share: short times, and a worker on them."""

from __future__ import annotations

import json
import os
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.processes import MARK, Process, end_marked

HERE = Path(__file__).parent
PROJECT = HERE.parent / "project"
ALLOWED = {"ALLOWED": ["fates", "spoilt"]}
QUICK = {"LEASE": 2.0, "SWEEP": 0.5, "BACKOFF": {"base": 0.2, "factor": 1.0, "jitter": 0.0}}


@pytest.fixture
def task_worker(environment: dict[str, str]) -> dict[str, Any]:
    """The setting TASK_WORKER of the workers, to change before one is started."""
    environment["PYTHONPATH"] = str(HERE / "code")
    return {**ALLOWED}


@pytest.fixture
def quick(task_worker: dict[str, Any]) -> dict[str, Any]:
    """The same with short leases, sweeps and retries, for tests in which workers die."""
    task_worker.update(QUICK)
    return task_worker


@pytest.fixture
def worker(worker: Callable[..., Process], task_worker: dict[str, Any]) -> Callable[..., Process]:
    def start(*arguments: object, **variables: Any) -> Process:
        return worker(*arguments, **{"TEST_TASK_WORKER": json.dumps(task_worker), **variables})

    return start


@pytest.fixture(scope="module")
def resident(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    _databases: dict[str, Any],
    django_db_blocker: Any,
) -> Iterator[Process]:
    """One worker for all tests of a module: what one does to it must not hurt the next.

    It has four slots and is on Postgres, unless the test's parameter says `KIND` or `KIND SLOTS`.
    """
    kind, slots = [*getattr(request, "param", "postgres").split(), "4"][:2]
    mark = uuid.uuid4().hex
    with django_db_blocker.unblock(), _databases[kind].fresh() as database:
        process = Process(
            [sys.executable, "-m", "taskctl", "worker", "--concurrency", slots, "--poll", "50ms"],
            cwd=PROJECT,
            env={
                "PATH": os.environ.get("PATH", os.defpath),
                "HOME": str(tmp_path_factory.mktemp("home")),
                "PYTHONPATH": str(HERE / "code"),
                "PYTHONUNBUFFERED": "1",
                "DJANGO_SETTINGS_MODULE": "config.settings",
                "TEST_DATABASE": database.url,
                "TEST_TASK_WORKER": json.dumps({**ALLOWED, **QUICK}),
                MARK: mark,
            },
        )
        try:
            process.line(r"\bready\b")
            yield process
            assert process.stop() == 0
        finally:
            process.close()
            left = end_marked(mark)
    assert not left
