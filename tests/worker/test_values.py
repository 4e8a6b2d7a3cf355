"""Results and errors that are hard to store: each has one defined end, on each database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from django_task_worker.models import TaskAttempt
from tests.processes import Process
from tests.worker.code import fates
from tests.worker.outcomes import ended, enqueue, running

pytestmark = pytest.mark.parametrize(
    "resident",
    ["postgres", pytest.param("mariadb", marks=pytest.mark.mariadb), "sqlite"],
    indirect=True,
    scope="module",
)

# what the function returns: the text in `result`, the value in `result_json`
COMPLETED: dict[str, tuple[str, Any]] = {
    "app.tasks.value decimal": ("1.50", None),
    "app.tasks.value date": ("2026-01-02", None),
    "app.tasks.value set": ("{1}", None),
    "app.tasks.value bytes": ("b'\\xff'", None),
    "app.tasks.value nan": ("nan", None),
    "app.tasks.value nul": ("a\\x00b", None),
    "app.tasks.value surrogate": ("a\\ud800b", None),
    "app.tasks.value unicode": ("naïve 日本語 🙂", "naïve 日本語 🙂"),
    "app.tasks.value cycle": ("[[...]]", None),
    "fates.result infinity": ("-inf", None),
    "fates.result nan_inside": ("{'a': [nan]}", None),
    "fates.result nul_inside": ("{'a\\x00b': 'c\\x00d'}", None),
    "fates.result surrogate_inside": ("['a\\ud800']", None),
    "fates.result tuple": ("(1, 2)", [1, 2]),
    "fates.result number_keys": ("{1: 'one'}", {"1": "one"}),
    "fates.result mixed_keys": ("{(1, 2): 'pair'}", None),
    "fates.result long_number": (str(10**4000), 10**4000),
    "fates.result float": ("0.1", 0.1),
    "fates.result quotes": (str(fates.result("quotes")), fates.result("quotes")),
    "fates.result escapes": ("\\u0000", None),
    "fates.result exception": ("returned", None),
    "fates.result megabyte": ("x" * 1_000_000, "x" * 1_000_000),
    "fates.result emoji": (str(fates.result("emoji")), fates.result("emoji")),
    "fates.result empty": ("", ""),
    "fates.result true": ("True", True),
}


@pytest.mark.parametrize("call", COMPLETED)
def test_a_result_is_stored_as_text_and_where_it_can_be_as_json(resident: Process, call: str) -> None:
    done = ended(enqueue(*call.split(" ")))
    assert (done.status, done.error) == ("COMPLETED", None)
    assert (done.result, done.result_json) == COMPLETED[call]


@pytest.mark.parametrize("depth", ["deep_40", "deep_700"])
def test_a_deep_result_completes(resident: Process, depth: str) -> None:
    done = ended(enqueue("fates.result", depth))
    assert (done.status, done.error) == ("COMPLETED", None)
    assert done.result == str(fates.result(depth))
    assert done.result_json in (None, fates.result(depth))


@pytest.mark.parametrize(
    ("call", "error_type"),
    [
        ("app.tasks.value unprintable", "ResultNotSerialisable"),
        ("app.tasks.value deep", "ResultNotSerialisable"),
        ("app.tasks.value huge_number", "ResultNotSerialisable"),
        ("fates.result bytes_of_megabyte", "ResultTooLarge"),
    ],
)
def test_a_result_that_cannot_be_stored_fails_once(resident: Process, call: str, error_type: str) -> None:
    done = ended(enqueue(*call.split(" "), max_retries=3))
    assert (done.status, done.error_type, done.retry_count) == ("FAILED", error_type, 0)
    assert done.error
    assert done.result is None


def test_no_result_is_the_text_none(resident: Process) -> None:
    done = ended(enqueue("nothing"))
    assert (done.status, done.result, done.result_json) == ("COMPLETED", "None", None)


def test_a_coroutine_is_awaited(resident: Process) -> None:
    assert ended(enqueue("add_later", 1, 2)).result == "3"


FAILED = {
    "keyboard": ("KeyboardInterrupt", "keys"),
    "base": ("BaseException", "base"),
    "generator_exit": ("GeneratorExit", "generator"),
    "group": ("fates.Group", "several (2 sub-exceptions)"),
    "rude": ("fates.Rude", "<its text form fails: KeyboardInterrupt>"),
    "nul": ("ValueError", "a\\x00b"),
    "surrogate": ("ValueError", "a\\ud800b"),
    "no_message": ("ValueError", ""),
    "cycle": ("ValueError", "first"),
    "no_module": ("None.Homeless", "lost"),
    "memory": ("MemoryError", "no memory"),
    "stop": ("StopIteration", "stop"),
    "exit_text": ("SystemExit", "a reason"),
}


@pytest.mark.parametrize("kind", FAILED)
def test_an_error_keeps_its_type_and_its_message(resident: Process, kind: str) -> None:
    done = ended(enqueue("fates.fail", kind))
    assert (done.status, done.error_type, done.error) == ("FAILED", *FAILED[kind])
    assert done.result is None
    assert "Traceback" in (done.traceback or "") or kind in ("rude", "cycle")
    assert "runner.py" not in (done.traceback or "")


def test_a_huge_error_is_shortened(resident: Process) -> None:
    done = ended(enqueue("fates.fail", "huge"))
    assert done.error_type == "ValueError"
    assert 10_000 < len((done.error or "").encode()) <= 16 * 1024
    assert len((done.traceback or "").encode()) <= 64 * 1024


def test_an_error_of_a_class_with_an_impossible_name_is_stored(resident: Process) -> None:
    done = ended(enqueue("fates.fail", "odd_class"))
    assert (done.status, done.error) == ("FAILED", "odd")
    assert (done.error_type or "").startswith("fates.Odd\\x00")
    assert len(done.error_type or "") <= 255


def test_endless_recursion_is_an_error_of_the_task(resident: Process) -> None:
    done = ended(enqueue("recurse"))
    assert (done.status, done.error_type) == ("FAILED", "RecursionError")
    assert len((done.traceback or "").encode()) <= 64 * 1024


def test_each_failed_attempt_is_kept(resident: Process) -> None:
    done = ended(enqueue("fail", "again", max_retries=2))
    assert (done.status, done.error, done.retry_count) == ("FAILED", "again", 2)
    kept = TaskAttempt.objects.filter(task=done)
    assert [attempt.number for attempt in kept] == [1, 2, 3]
    for attempt in kept:
        assert (attempt.outcome, attempt.error_type, attempt.error) == ("failed", "ValueError", "again")
        assert "in fail" in (attempt.traceback or "")
        assert attempt.duration is not None


def test_a_failure_lasts_as_long_as_it_ran(resident: Process) -> None:
    done = ended(enqueue("sleep", 60, timeout=1))
    assert done.duration is not None
    assert done.duration >= 1
    assert done.started_at is not None
    assert done.finished_at is not None
    assert abs((done.finished_at - done.started_at).total_seconds() - done.duration) < 0.05


def test_an_error_lasts_as_long_as_its_task_has_measured(resident: Process, journal: Path) -> None:
    done = ended(enqueue("fates.fail_after", str(journal), 0.5))
    assert done.error_type == "ValueError"
    assert done.duration is not None
    assert abs(done.duration - float(journal.read_text())) < 0.05


def test_a_running_task_soon_says_since_when_it_runs(resident: Process) -> None:
    task = running(enqueue("sleep", 0.7))
    assert task.started_at is not None
    assert ended(task).status == "COMPLETED"
