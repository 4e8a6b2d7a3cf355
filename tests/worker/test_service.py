"""A worker as a service of systemd, and the workers as their own caretakers."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from django_task_worker.models import DatabaseTask
from django_task_worker.records import Turn
from tests.processes import Process
from tests.waiting import wait_until
from tests.worker.marks import on_postgres
from tests.worker.outcomes import ended, enqueue


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[socket.socket]:
    """The socket on which systemd would listen."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(20)
        yield listener


def words(listener: socket.socket) -> list[str]:
    return listener.recv(4096).decode().splitlines()


@on_postgres
def test_systemd_hears_of_each_step(
    worker: Callable[..., Process], heard: socket.socket, tmp_path: Path
) -> None:
    process = worker(
        "--concurrency", 3, NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="1000000", ready=False
    )
    said = words(heard)
    while said != ["READY=1"]:
        said = words(heard)
    began = time.monotonic()
    for _ in range(4):
        alive, status = words(heard)
        assert alive == "WATCHDOG=1"
        assert status.startswith("STATUS=0/3 busy, ")
    assert time.monotonic() - began < 8
    assert ended(enqueue("environment", "NOTIFY_SOCKET")).result == "None"
    process.send(signal.SIGTERM)
    while said != ["STOPPING=1"]:
        said = words(heard)
    assert process.wait() == 0


@on_postgres
def test_a_listener_that_is_gone_harms_nobody(worker: Callable[..., Process], tmp_path: Path) -> None:
    worker("--concurrency", 1, NOTIFY_SOCKET=str(tmp_path / "nothing"), WATCHDOG_USEC="200000")
    assert ended(enqueue("add", 1, 2)).result == "3"


@on_postgres
def test_workers_delete_what_is_too_old_and_one_of_them_suffices(
    quick: dict[str, Any], task_worker: dict[str, Any], worker: Callable[..., Process]
) -> None:
    task_worker["RETENTION"] = {"completed": "1s"}
    workers = [worker("--concurrency", 1) for _ in range(2)]
    failed, *others = [ended(enqueue(name)) for name in ("fail", "nothing", "nothing")]
    wait_until(lambda: not DatabaseTask.objects.filter(pk__in=[task.pk for task in others]).exists(), 20)
    assert DatabaseTask.objects.get() == failed
    assert Turn.objects.count() == 1
    assert [process.stop() for process in workers] == [0, 0]
