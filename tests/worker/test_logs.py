"""What tasks log and print is kept, per attempt, and still reaches the worker's own output."""

from __future__ import annotations

import json
import re
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from django_task_worker import task_logs
from django_task_worker.models import DatabaseTask
from django_task_worker.records import TaskLog
from tests.processes import Process
from tests.servers import Redis
from tests.waiting import wait_until
from tests.worker.marks import on_postgres
from tests.worker.outcomes import ended, enqueue, running

LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} (\w+) ([\w.]+): (.*)")


@pytest.fixture(autouse=True)
def allowed(task_worker: dict[str, Any]) -> None:
    task_worker["ALLOWED"] = ["talk"]


def log_of(task: DatabaseTask) -> TaskLog:
    (log,) = task_logs.of_task(task.pk)
    return log


@on_postgres
def test_what_a_failed_attempt_said_is_kept(worker: Callable[..., Process]) -> None:
    process = worker("--concurrency", 1, "--name", "first")
    task = ended(enqueue("talk.say", "hello"))
    assert (task.status, task.error) == ("FAILED", "after saying it")
    log = log_of(task)
    first, second, third = log.text.splitlines()
    assert (first, second) == ("hello", "to stderr")
    match = LINE.fullmatch(third)
    assert match
    assert match.groups() == ("warning", "talk.deep", "a warning with arguments")
    assert (log.number, log.worker, log.is_final) == (1, "first", True)
    assert log.size == len(log.text.encode())
    for text in ("hello", "to stderr", "a warning with arguments"):
        process.line(text)


@on_postgres
def test_each_attempt_has_its_own(quick: Any, worker: Callable[..., Process]) -> None:
    worker("--concurrency", 1)
    task = ended(enqueue("talk.say", "hello", max_retries=2))
    assert [log.number for log in task_logs.of_task(task.pk)] == [1, 2, 3]
    from django_task_worker.client import requeue

    assert requeue(task.pk)
    ended(task)
    assert [log.number for log in task_logs.of_task(task.pk)] == [1, 2, 3, 1, 2, 3]


@on_postgres
def test_a_success_leaves_nothing_unless_all_is_to_be_kept(
    worker: Callable[..., Process], task_worker: dict[str, Any]
) -> None:
    first = worker("--concurrency", 1)
    ended(enqueue("talk.say", "hello", False))
    ended(enqueue("talk.quiet"))
    assert first.stop() == 0
    assert not TaskLog.objects.exists()
    task_worker["KEEP_LOGS"] = "all"
    worker("--concurrency", 1)
    task = ended(enqueue("talk.say", "hello", False))
    ended(enqueue("talk.quiet"))
    assert log_of(task).text.startswith("hello\nto stderr\n")
    assert TaskLog.objects.count() == 1


@on_postgres
def test_nothing_is_kept_when_nothing_is_to_be(
    worker: Callable[..., Process], task_worker: dict[str, Any]
) -> None:
    task_worker["KEEP_LOGS"] = "none"
    process = worker("--concurrency", 1)
    ended(enqueue("talk.say", "hello"))
    ended(enqueue("talk.say_and_die", "farewell"))
    process.line("farewell")
    assert not TaskLog.objects.exists()


@on_postgres
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_the_last_words_of_a_dead_task_are_kept(worker: Callable[..., Process], number: int) -> None:
    worker("--concurrency", 1)
    task = ended(enqueue("talk.say_and_die", "farewell", number))
    assert task.error_type == "WorkerLost"
    assert log_of(task).text == "farewell\n"
    other = ended(enqueue("talk.say", "hello"))
    assert log_of(other).text.startswith("hello\n")


@on_postgres
def test_what_a_task_over_its_time_limit_said_is_kept(worker: Callable[..., Process]) -> None:
    worker("--concurrency", 1)
    task = ended(enqueue("talk.say_and_hang", "waiting", timeout=1))
    assert task.error_type == "TaskTimeout"
    assert log_of(task).text == "waiting\n"


@on_postgres
def test_of_much_text_the_beginning_and_the_end_are_kept(worker: Callable[..., Process]) -> None:
    worker("--concurrency", 1)
    task = ended(enqueue("talk.flood", 20_000))
    log = log_of(task)
    assert len(log.text.encode()) < 70_000
    assert log.size > 3_000_000
    lines = log.text.splitlines()
    assert lines[0].startswith("line 0 ")
    assert lines[-1].startswith("line 19999 ")
    (gap,) = [line for line in lines if line.startswith("… ")]
    left_out = int(gap.split()[1].replace(",", ""))
    kept = len(log.text.encode()) - len(gap.encode()) - 2
    assert abs(log.size - left_out - kept) <= 4  # letters that the gap cut in two


@on_postgres
def test_unusual_records_are_logged_and_harm_nothing(worker: Callable[..., Process]) -> None:
    worker("--concurrency", 1)
    task = ended(enqueue("talk.log_strangely"))
    assert task.error == "enough"
    text = log_of(task).text
    assert "error talk.deep: with a traceback\nTraceback (most recent call last):" in text
    assert "KeyError: 'the cause'" in text
    assert "%d is no number" in text
    assert "warning talk.deep: chatty" in text
    assert "with extra" in text
    assert "error talk.private: to nobody else" in text
    assert text.count("said once") == 1


def test_unusual_text_is_kept_as_far_as_databases_take_it(worker: Callable[..., Process]) -> None:
    worker("--concurrency", 1, PYTHONIOENCODING="utf-8:backslashreplace")
    task = ended(enqueue("talk.write_strangely"))
    assert task.error == "enough"
    lines = log_of(task).text.splitlines()
    assert lines[0] == "nul \\x00 surrogate \\ud800 bell \a naïve 日本語 🙂"
    assert lines[1:] == ["one", "two", "from a thread", "from a fork"]


@on_postgres
@pytest.mark.parametrize("spoiler", ["close_output", "replace_output"])
def test_output_that_a_task_replaced_is_back_for_the_next(
    worker: Callable[..., Process], spoiler: str
) -> None:
    process = worker("--concurrency", 1)
    assert ended(enqueue(f"talk.{spoiler}")).status == "COMPLETED"
    task = ended(enqueue("talk.say", "hello again"))
    assert log_of(task).text.startswith("hello again\nto stderr\n")
    process.line("hello again")


@on_postgres
def test_records_name_the_task_they_were_logged_in(worker: Callable[..., Process]) -> None:
    process = worker("--concurrency", 1, "--name", "first", "--log-format", "json")
    task = ended(enqueue("talk.say", "hello"))
    row = json.loads(process.line("a warning with").string)
    assert (row["task_id"], row["task_name"], row["task_attempt"], row["task_worker"]) == (
        task.pk,
        "talk.say",
        1,
        "first",
    )
    assert row["logger"] == "talk.deep"


class TestFollowing:
    @pytest.fixture
    def end(self, tmp_path: Path) -> Path:
        """The task ends once this file is there."""
        return tmp_path / "end"

    def follow_to_the_end(self, task: DatabaseTask, end: Path) -> str:
        found = ""
        for piece in task_logs.follow(task.pk, timeout_s=30):
            assert piece.number == 1
            found += piece.text
            if "line 5\n" in found:
                end.touch()
        return found

    @on_postgres
    def test_a_running_task_is_followed_to_its_last_line(
        self, quick: dict[str, Any], worker: Callable[..., Process], end: Path
    ) -> None:
        worker("--concurrency", 1)
        task = running(enqueue("talk.say_until", str(end)))
        lines = self.follow_to_the_end(task, end).splitlines()
        assert lines[:-1] == [f"line {number}" for number in range(len(lines) - 1)]
        assert len(lines) > 6
        assert lines[-1] == "the last line"
        assert task_logs.of_task(task.pk)[0].is_final

    @on_postgres
    def test_with_redis_it_is_heard_at_once(
        self, redis: Redis, worker: Callable[..., Process], end: Path
    ) -> None:
        worker("--concurrency", 1)
        task = running(enqueue("talk.say_until", str(end)))
        import time

        began = time.monotonic()
        lines = self.follow_to_the_end(task, end).splitlines()
        assert time.monotonic() - began < 6
        assert lines[-1] == "the last line"

    @on_postgres
    def test_what_was_stored_meanwhile_goes_when_the_task_completes_unfollowed(
        self, worker: Callable[..., Process], end: Path
    ) -> None:
        worker("--concurrency", 1)
        task = running(enqueue("talk.say_until", str(end)))
        wait_until(lambda: task_logs.of_task(task.pk), 20, what="the log of a task that runs for long")
        assert not log_of(task).is_final
        end.touch()
        assert ended(task).status == "COMPLETED"
        wait_until(lambda: not task_logs.of_task(task.pk), 10)

    @on_postgres
    def test_the_log_of_a_lost_worker_is_there_as_it_was(
        self, quick: dict[str, Any], worker: Callable[..., Process], end: Path
    ) -> None:
        process = worker("--concurrency", 1)
        task = running(enqueue("talk.say_until", str(end)))
        wait_until(lambda: task_logs.of_task(task.pk), 20)
        process.kill()
        worker("--concurrency", 1)
        assert ended(task).error_type == "WorkerLost"
        assert log_of(task).text.startswith("line 0\nline 1\n")
        assert not log_of(task).is_final

    @on_postgres
    def test_following_ends_with_its_time_and_with_the_task(self, worker: Callable[..., Process]) -> None:
        from django_task_worker.client import create_task

        threads = threading.active_count()
        waiting = create_task("talk.say", ["x"], check=False)
        assert not list(task_logs.follow(waiting.pk, timeout_s=0.2))
        with pytest.raises(DatabaseTask.DoesNotExist):
            list(task_logs.follow("nobody", timeout_s=5))
        worker("--concurrency", 1)
        assert "".join(piece.text for piece in task_logs.follow(waiting.pk)).startswith("x\n")
        assert threading.active_count() <= threads + 1  # one publishes
