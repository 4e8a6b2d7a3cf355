"""What an application does with tasks, timed: `client.py VERB [JSON OPTIONS]` prints its figures as JSON."""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import django

django.setup()

from django_task_worker import create_task, create_tasks, events, wait_for_completion  # noqa: E402

ADD = "app.tasks.add"


def single(count: int) -> dict[str, float]:
    """Tasks stored one by one, a second: until the last event is sent."""
    for _ in range(20):
        create_task(ADD, [1, 2])
    events.flush(5)
    began = time.perf_counter()
    for _ in range(count):
        create_task(ADD, [1, 2])
    events.flush(5)
    return {"per_second": count / (time.perf_counter() - began)}


def bulk(count: int) -> dict[str, float]:
    """Tasks stored in one call, a second."""
    create_tasks([])
    items = [{"name": ADD, "args": [1, 2]} for _ in range(count)]
    began = time.perf_counter()
    create_tasks(items)
    return {"per_second": count / (time.perf_counter() - began)}


def payload(count: int, size: int) -> dict[str, float]:
    """As `bulk`, with texts that do not become small when compressed."""
    source = random.Random(1)
    items = [{"name": "app.tasks.echo", "args": [source.randbytes(size // 2).hex()]} for _ in range(count)]
    began = time.perf_counter()
    create_tasks(items)
    return {"per_second": count / (time.perf_counter() - began)}


def numbered(count: int) -> dict[str, float]:
    """Tasks that leave their number in the file of marks, all in one transaction."""
    create_tasks([{"name": "app.tasks.mark", "args": [number]} for number in range(count)])
    events.flush(5)
    return {}


def naps(groups: list[list[float]]) -> dict[str, float]:
    """Sleeping tasks, `[seconds, how many]` a group, due a millisecond after each other."""
    seconds = [length for length, count in groups for _ in range(int(count))]
    first = datetime.now(UTC) - timedelta(hours=1)
    create_tasks(
        [
            {"name": "app.tasks.sleep", "args": [length], "run_after": first + timedelta(milliseconds=number)}
            for number, length in enumerate(seconds)
        ]
    )
    return {}


def marks(count: int, every_s: float, spread_s: float = 0.0) -> dict[str, list[int]]:
    """Stores a task now and then; when each call began, in ns of the monotonic clock."""
    began = []
    due = time.monotonic()
    for number in range(count):
        due += every_s + random.uniform(0.0, spread_s)
        time.sleep(max(0.0, due - time.monotonic()))
        began.append(time.monotonic_ns())
        create_task("app.tasks.mark", [number])
    events.flush(5)
    return {"began": began}


def round_trip(count: int) -> dict[str, list[float]]:
    """Seconds from the call of `create_task` until its result is there."""
    taken = []
    for _ in range(count + 5):
        began = time.perf_counter()
        wait_for_completion(create_task(ADD, [1, 2]).id, timeout=30)
        taken.append(time.perf_counter() - began)
    return {"seconds": taken[5:]}


VERBS: dict[str, Callable[..., Any]] = {
    verb.__name__: verb for verb in (single, bulk, payload, numbered, naps, marks, round_trip)
}

if __name__ == "__main__":
    options = json.loads(sys.argv[2]) if len(sys.argv) > 2 else {}
    print(json.dumps(VERBS[sys.argv[1]](**options)))
