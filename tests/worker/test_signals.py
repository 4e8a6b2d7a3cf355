"""What a project hears of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.processes import Process
from tests.worker.marks import on_sqlite
from tests.worker.outcomes import ended, enqueue


@on_sqlite
def test_a_failed_attempt_is_told_to_receivers_whatever_they_do(
    task_worker: dict[str, Any], worker: Callable[..., Process], journal: Path
) -> None:
    task_worker["ALLOWED"] = [*task_worker["ALLOWED"], "hearing"]
    process = worker("--concurrency", 1)
    tasks = [enqueue("hearing.fail", str(journal), then) for then in ("return", "fail", "exit", "return")]
    for task in tasks:
        done = ended(task)
        assert (done.status, done.error_type) == ("FAILED", "hearing.Told")
    told = [f"{task.id} hearing.fail Told" for task in tasks]
    assert sorted(journal.read_text().splitlines()) == sorted(told)
    process.line("a receiver of attempt_failed has failed: deaf")
    process.line("a receiver of attempt_failed has ended by SystemExit")
    assert "\x1b" not in process.output
    assert process.stop() == 0
