"""The figures that project/client.py takes, for whatever way a peer has to store a task and to wait."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any


def note(number: int) -> None:
    """What `app.tasks.mark` of our project does."""
    entered = time.monotonic_ns()
    marks = os.open(os.environ["BENCHMARK_MARKS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(marks, f"{number} {entered}\n".encode())
    finally:
        os.close(marks)


def single(store: Callable[[], Any], count: int) -> dict[str, float]:
    for _ in range(20):
        store()
    began = time.perf_counter()
    for _ in range(count):
        store()
    return {"per_second": count / (time.perf_counter() - began)}


def bulk(store_many: Callable[[int], Any], count: int) -> dict[str, float]:
    began = time.perf_counter()
    store_many(count)
    return {"per_second": count / (time.perf_counter() - began)}


def marks(store: Callable[[int], Any], count: int, every_s: float) -> dict[str, list[int]]:
    began = []
    due = time.monotonic()
    for number in range(count):
        due += every_s
        time.sleep(max(0.0, due - time.monotonic()))
        began.append(time.monotonic_ns())
        store(number)
    return {"began": began}


def round_trip(call: Callable[[], Any], count: int) -> dict[str, list[float]]:
    taken = []
    for _ in range(count + 5):
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return {"seconds": taken[5:]}


def main(**verbs: Callable[..., Any]) -> None:
    """Run the verb of the command line and print its figures."""
    print(json.dumps(verbs[sys.argv[1]](**json.loads(sys.argv[2]))))
