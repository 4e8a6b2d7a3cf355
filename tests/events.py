"""Events put on the wire as a publisher would, without one."""

from __future__ import annotations

import json
import socket
from typing import Any

from django_task_worker.events.event import EVENTS_CHANNEL
from tests.servers import Redis


def event(number: int, **fields: Any) -> bytes:
    values = {
        "v": 1,
        "event": "task_finished",
        "task_id": f"t{number}",
        "name": "app.tasks.add",
        "queue": "default",
        "worker": "w1",
        "tries": 1,
        "wait_s": 0.01,
        "run_s": 0.02,
        "at": "2030-01-01T00:00:00+00:00",
        "publisher": "test",
        "seq": number + 1,
    }
    return json.dumps({**values, **fields}, default=str).encode("utf-8", "replace")


def publish(redis: Redis, *payloads: bytes) -> None:
    with socket.create_connection(("127.0.0.1", redis.port), timeout=5) as connection:
        for payload in payloads:
            parts = (b"PUBLISH", EVENTS_CHANNEL.encode(), payload)
            command = b"*3\r\n" + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)
            connection.sendall(command)
            connection.recv(100)
