"""What the fault scenarios share: workers on short times, recorded tasks, and the oracle."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.worker.conftest import HERE as WORKER_TESTS
from tests.worker.conftest import QUICK
from tests.worker.conftest import worker as worker

if TYPE_CHECKING:
    from tests.chaos.oracle import Oracle
    from tests.databases import Database

CODE = Path(__file__).parent / "code"
ALLOWED = {"ALLOWED": ["fates", "recorded"]}


@pytest.fixture
def task_worker(environment: dict[str, str]) -> dict[str, Any]:
    """The setting TASK_WORKER of the workers, with short times; to change before one is started."""
    environment["PYTHONPATH"] = os.pathsep.join([str(CODE), str(WORKER_TESTS / "code")])
    return {**ALLOWED, **QUICK}


@pytest.fixture
def oracle(database: Database, tmp_path: Path) -> Oracle:
    from tests.chaos.oracle import Oracle

    return Oracle(database.alias, tmp_path / "record")
