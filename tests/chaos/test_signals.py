"""Signals at moments of chance: between a claim and a start, in the middle of a finish, in any order."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.chaos.oracle import Oracle
from tests.databases import Database
from tests.processes import Process
from tests.worker.marks import on_postgres

FEW, MANY = 4, pytest.param(300, marks=[pytest.mark.slow, pytest.mark.timeout(900)])


@pytest.fixture
def drive(
    start: Callable[..., Process], database: Database, task_worker: dict[str, Any]
) -> Callable[..., list[dict[str, Any]]]:
    """Runs `drive.py` to its end; what it says of each worker."""

    def drive(turns: int, kinds: str, most: int) -> list[dict[str, Any]]:
        variables = {"TEST_DATABASE": database.url, "TEST_TASK_WORKER": json.dumps(task_worker)}
        process = start(sys.executable, "-m", "drive", turns, kinds, most, **variables)
        assert process.wait(900) == 0, process.output
        return [json.loads(line) for line in process.lines if line.startswith("{")]

    return drive


@on_postgres
@pytest.mark.parametrize("turns", [FEW, MANY])
def test_a_signal_at_any_moment_leaves_nothing_in_progress_and_fails_nothing(
    drive: Callable[..., list[dict[str, Any]]], worker: Callable[..., Process], oracle: Oracle, turns: int
) -> None:
    """Each worker gets one SIGTERM. None of the tasks may run twice, and none may be cut off."""
    for seconds in (0.0, 0.02):
        oracle.store(turns * 40, seconds)
    said = drive(turns, "SIGTERM", 1)
    assert [turn for turn in said if turn["left"]] == []
    assert {turn["code"] for turn in said} <= {0, -signal.SIGTERM}, "killed before it listens, or in order"
    assert max(turn["took_s"] for turn in said) < 5
    worker("--concurrency", 4)
    verdict = oracle.assert_holds(120)
    assert (set(verdict.ends), verdict.reruns) == ({"COMPLETED"}, 0)


@on_postgres
@pytest.mark.parametrize("turns", [FEW, MANY])
def test_signals_of_all_kinds_never_give_a_task_two_outcomes(
    drive: Callable[..., list[dict[str, Any]]], worker: Callable[..., Process], oracle: Oracle, turns: int
) -> None:
    """Up to three signals. The tasks outlast them, so that some are cut off and handed back."""
    oracle.store(turns * 2, 0.4, max_retries=50)
    oracle.store(turns * 20, 0.0, max_retries=50)
    said = drive(turns, "SIGTERM,SIGINT,SIGQUIT,SIGHUP,SIGUSR1", 3)
    endings = {0, *(128 + n for n in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP))}
    early = {-n for n in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGUSR1)}
    assert {turn["code"] for turn in said} <= endings | early
    assert [turn for turn in said if turn["left"] and len(turn["sent"]) < 3] == []
    worker("--concurrency", 4)
    verdict = oracle.assert_holds(120)
    assert set(verdict.ends) == {"COMPLETED"}
