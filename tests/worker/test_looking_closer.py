"""`taskctl why`, `stack` and `logs` about tasks that a real worker runs."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from taskctl import app
from tests.databases import Database
from tests.processes import Process
from tests.servers import Redis
from tests.worker.marks import on_postgres
from tests.worker.outcomes import ended, enqueue, running


@on_postgres
def test_a_running_task_can_be_watched_from_the_command_line(
    redis: Redis,
    database: Database,
    worker: Callable[..., Process],
    start: Callable[..., Process],
    task_worker: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    def ctl(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        code = app.run(words, is_set_up=True)
        return code, capsys.readouterr().out

    task_worker["ALLOWED"] = ["talk"]
    worker("--concurrency", 2, "--name", "first")
    end = tmp_path / "end"
    talking = running(enqueue("talk.say_until", str(end)))
    follower = start(
        *(sys.executable, "-m", "taskctl", "logs", talking.pk, "--follow"), TEST_DATABASE=database.url
    )

    blocked = running(enqueue("sleep_in_c", 3))
    began = time.monotonic()
    code, text = ctl("stack", blocked.pk)
    assert time.monotonic() - began < 2
    assert code == 0
    assert text.splitlines()[0].startswith("Current thread")
    assert text.splitlines()[1].endswith(" in sleep_in_c")
    code, text = ctl("why", blocked.pk, "--json")
    assert json.loads(text)["commands"] == [f"taskctl stack {blocked.pk}"]

    follower.line(r"^line 5$")
    end.touch()
    assert follower.wait() == 0
    assert follower.lines[0] == "line 0"
    assert follower.lines[-1] == "the last line"
    assert ctl("logs", talking.pk)[1].splitlines() == follower.lines
    assert ended(blocked).status == "COMPLETED"
