"""The lifecycle as a whole: any sequence of moves leaves the database as the model says.

MACHINE_EXAMPLES in the environment says how many sequences are tried; a nightly run may take thousands.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis.stateful import run_state_machine_as_test

from django_task_worker import states
from tests.lifecycle.machine import Lifecycle
from tests.lifecycle.model import BACKOFF, DEFERRAL_S
from tests.lifecycle.tasks import Tasks

EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "10"))
STEPS = 50


@pytest.mark.timeout(600)
def test_any_sequence_of_moves_leaves_the_database_as_the_model_says(
    tasks: Tasks, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TASK_WORKER = {"BACKOFF": BACKOFF}
    monkeypatch.setattr(states, "FIRST_DEFERRAL_S", float(DEFERRAL_S))
    run_state_machine_as_test(
        lambda: Lifecycle(tasks),
        settings=hypothesis_settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
