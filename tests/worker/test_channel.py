"""What a task may do to the channel between its process and the supervisor: nothing comes of it elsewhere."""

from __future__ import annotations

import json
import time
from pathlib import Path

import psutil
import pytest

from django_task_worker.worker.text import MAX_ERROR_BYTES
from tests.processes import Process
from tests.waiting import wait_until
from tests.worker.outcomes import ended, enqueue, row, running


def seconds_used(process: Process) -> float:
    """The processor time of the supervisor itself."""
    times = psutil.Process(process.pid).cpu_times()
    return float(times.user + times.system)


def test_a_forged_report_for_another_task_is_refused(resident: Process, tmp_path: Path) -> None:
    other = enqueue("fates.wait_for_file", str(tmp_path / "go"))
    running(other)
    forger = enqueue("fates.forge", other.id, 5)
    done = ended(forger)
    assert (done.status, done.error_type) == ("FAILED", "WorkerLost")
    assert "a task that it is not running" in (done.error or "")
    assert row(other).status == "PROGRESS"
    (tmp_path / "go").touch()
    assert ended(other).result == "seen"


GARBAGE = [
    "text",
    "huge",
    "not_json",
    "list",
    "deep",
    "unknown_field",
    "wrong_types",
    "endless_run",
    "a_kind_of_ours",
]


@pytest.mark.parametrize("kind", GARBAGE)
def test_garbage_on_the_channel_costs_the_sender_its_process(resident: Process, kind: str) -> None:
    done = ended(enqueue("fates.send_garbage", kind, 30), 5)
    assert (done.status, done.error_type) == ("FAILED", "WorkerLost")
    assert "the child process" in (done.error or "")
    assert resident.running


OWN = {
    "huge duration": ("failed", {"duration_s": 10**400}, 0),
    "surrogate": ("failed", {"error": "\ud800", "error_type": "\ud800", "traceback": "\ud800"}, 0),
    "nul": ("failed", {"error": "a\0b", "error_type": "\0", "traceback": "\0"}, 0),
    "result": ("completed", {"result": "\ud800\0"}, 0),
    "bad json": ("completed", {"result_json": "{"}, 0),
    "surrogate json": ("completed", {"result_json": '"\\ud800"'}, 0),
    "infinite json": ("completed", {"result_json": "1e999999"}, 0),
    "long": ("failed", {}, 9_000_000),
}


@pytest.mark.parametrize("resident", ["postgres 1", "sqlite 1"], indirect=True, scope="module")
@pytest.mark.parametrize("what", OWN)
def test_what_a_task_reports_of_itself_leaves_the_worker_whole(resident: Process, what: str) -> None:
    kind, fields, length = OWN[what]
    pid = resident.pid
    done = ended(enqueue("fates.report_itself", kind, json.dumps(fields), length), 10)
    assert done.status == ("COMPLETED" if kind == "completed" else "FAILED")
    assert len((done.error or "").encode()) <= MAX_ERROR_BYTES
    assert done.result_json is None
    assert ended(enqueue("fates.recursion_limit"), 10).status == "COMPLETED"
    assert resident.running
    assert resident.pid == pid


def test_half_a_message_spoils_the_report(resident: Process) -> None:
    done = ended(enqueue("fates.send_garbage", "half", timeout=2), 10)
    assert done.status == "FAILED"
    assert done.error_type in ("WorkerLost", "TaskTimeout")


def test_a_flood_on_the_channel_neither_fills_the_memory_nor_hurts_the_others(
    resident: Process, journal: Path
) -> None:
    before = psutil.Process(resident.pid).memory_info().rss
    flood = enqueue("fates.flood", 5)
    neighbours = [enqueue("journal", str(journal), f"k{number}") for number in range(20)]
    done = ended(flood, 5)
    assert (done.status, done.error_type) == ("FAILED", "WorkerLost")
    for task in neighbours:
        assert ended(task).status == "COMPLETED"
    assert psutil.Process(resident.pid).memory_info().rss < before + 64 * 1024 * 1024


@pytest.mark.parametrize("function", ["close_everything", "cover_everything"])
def test_a_task_that_loses_its_channel_fails(resident: Process, function: str) -> None:
    done = ended(enqueue(f"fates.{function}"), 5)
    assert (done.status, done.error_type) == ("FAILED", "WorkerLost")


def test_a_task_that_closes_its_channel_and_goes_on_is_ended(resident: Process) -> None:
    began, used = time.monotonic(), seconds_used(resident)
    done = ended(enqueue("fates.close_everything", 60), 10)
    assert (done.status, done.error_type) == ("FAILED", "WorkerLost")
    assert "closed its channel" in (done.error or "")
    assert int((done.error or "").split()[3]) not in {child.pid for child in resident.children()}
    assert seconds_used(resident) - used < 0.5 * (time.monotonic() - began), "the loop went round and round"


def test_a_function_that_returns_in_two_processes_is_done_once(resident: Process, journal: Path) -> None:
    done = ended(enqueue("fates.return_twice", str(journal)))
    assert (done.status, done.result) == ("COMPLETED", "the original")
    first, *pids = journal.read_text().split()
    copy = next(pid for pid in pids if pid != first)
    wait_until(lambda: not psutil.pid_exists(int(copy)))


def test_many_functions_that_return_in_two_processes_hurt_nobody(resident: Process, journal: Path) -> None:
    tasks = [enqueue("fates.return_twice", str(journal)) for _ in range(12)]
    tasks += [enqueue("journal", str(journal), f"k{number}", 0.01) for number in range(60)]
    for task in tasks:
        done = ended(task)
        assert (done.status, done.error) == ("COMPLETED", None)


def test_much_output_passes_through(resident: Process) -> None:
    done = ended(enqueue("fates.shout", 30), 60)
    assert (done.status, done.result) == ("COMPLETED", "30")


def test_a_task_that_closes_its_output_completes(resident: Process) -> None:
    assert ended(enqueue("fates.close_output")).result == "silent"
    for _ in range(8):
        assert ended(enqueue("add", 1, 1)).status == "COMPLETED"


def test_large_arguments_and_results_go_both_ways(resident: Process) -> None:
    text = "x" * 900_000
    tasks = [enqueue("echo", text) for _ in range(8)]
    for task in tasks:
        done = ended(task)
        assert done.status == "COMPLETED"
        assert done.result_json == {"args": [text], "kwargs": {}}
