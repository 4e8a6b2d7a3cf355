"""The load of `taskctl demo`: a stream of toy tasks, so that the live screen has something to show."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

PAUSE_S = 0.25
STOP_S = 10.0


def toys(number: int) -> list[dict[str, Any]]:
    return [
        {"task": "demo.resize", "args": [number]},
        {"task": "demo.mail", "kwargs": {"to": f"user{number}@example.org"}, "priority": 5},
    ]


def extras(number: int) -> list[dict[str, Any]]:
    """Now and then one that takes long, one that takes too long, one that is scheduled, one that fails."""
    found: list[dict[str, Any]] = []
    if number % 12 == 0:
        found.append({"task": "demo.slow", "args": [6], "queue": "reports", "time_limit": "10s"})
    if number % 40 == 20:
        found.append({"task": "demo.slow", "args": [60], "queue": "reports", "time_limit": "4s"})
    if number % 16 == 8:
        found.append({"task": "demo.add", "args": [number, 1], "delay": "30s"})
    if number % 30 == 10:
        found.append({"task": "demo.resize", "args": [number], "kwargs": {"width": 0}})
    return found


class SteadyLoad:
    """Inside, tasks are stored all the time by one `taskctl enqueue --stdin`."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = dict(environment)
        self._ended = threading.Event()

    def __enter__(self) -> SteadyLoad:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "taskctl", "enqueue", "--stdin", "--batch", "2", "-q"],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._feeder = threading.Thread(target=self._feed, name="demo-load", daemon=True)
        self._feeder.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._feeder.join(STOP_S)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _feed(self) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        number = 0
        with suppress(BrokenPipeError), pipe:
            while not self._ended.wait(PAUSE_S):
                rows = [*toys(number), *extras(number)]
                pipe.write("".join(json.dumps(row) + "\n" for row in rows).encode())
                pipe.flush()
                number += 1
