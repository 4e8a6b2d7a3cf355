"""`taskctl wait`"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.cli.conftest import Ctl, Make, on_each, on_one


@pytest.fixture
def soon(using: str) -> Iterator[Callable[..., None]]:
    """Changes a task a moment later."""
    threads = []

    def change(task: Any, after_s: float = 0.15, **fields: Any) -> None:
        thread = threading.Thread(target=_change, args=(task.pk, using, after_s, fields))
        threads.append(thread)
        thread.start()

    yield change
    for thread in threads:
        thread.join()


def _change(pk: str, using: str, after_s: float, fields: dict[str, Any]) -> None:
    from django.db import connections

    from django_task_worker.models import DatabaseTask

    time.sleep(after_s)
    try:
        DatabaseTask.objects.using(using).filter(pk=pk).update(**fields)
    finally:
        connections.close_all()


@on_each
def test_wait_prints_a_line_for_each_task_as_it_ends(ctl: Ctl, make: Make, soon: Any) -> None:
    first, last, done_before = make(), make(), make("COMPLETED")
    soon(last, 0.6, status="COMPLETED", duration=0.25)
    soon(first, 0.1, status="COMPLETED", duration=1.5)
    done = ctl("wait", last.pk, first.pk[:8], done_before.pk, "--timeout", "20s")
    assert done.code == 0
    assert done.lines == [
        f"{done_before.pk}\tcompleted\t0.5\tapp.tasks.add",
        f"{first.pk}\tcompleted\t1.5\tapp.tasks.add",
        f"{last.pk}\tcompleted\t0.25\tapp.tasks.add",
    ]


@on_one
def test_a_failure_among_them_is_exit_1(ctl: Ctl, make: Make) -> None:
    assert ctl("wait", make("COMPLETED").pk, make("FAILED").pk).code == 1
    assert ctl("wait", make("CANCELLED").pk).code == 1


@on_one
def test_a_task_that_will_be_retried_has_not_ended(ctl: Ctl, make: Make, soon: Any) -> None:
    task = make("FAILED", next_attempt_at=make().due_at, finished_at=None)
    soon(task, status="COMPLETED", next_attempt_at=None)
    assert ctl("wait", task.pk, "--timeout", "20s").code == 0


@on_one
def test_the_timeout_is_124(ctl: Ctl, make: Make) -> None:
    task = make()
    done = ctl("wait", task.pk, make("COMPLETED").pk, "--timeout", "50ms")
    assert done.code == 124
    assert len(done.lines) == 1
    assert done.err == f"error: not finished after 50ms; the task goes on\ntry: taskctl wait {task.pk[:12]}\n"
    assert ctl("wait", task.pk, "--timeout", 0).code == 124


@on_one
def test_any_ends_with_the_first(ctl: Ctl, make: Make, soon: Any) -> None:
    make_never, quick = make(), make()
    soon(quick, status="COMPLETED")
    assert len(ctl("wait", make_never.pk, quick.pk, "--any", "--timeout", "20s").lines) == 1


@on_one
def test_fail_fast_ends_with_the_first_failure(ctl: Ctl, make: Make) -> None:
    assert ctl("wait", make().pk, make("FAILED").pk, "--fail-fast", "--timeout", "20s").code == 1
    assert ctl("wait", make().pk, make("FAILED").pk, "--for", "completed", "--timeout", "20s").code == 1


@on_one
def test_wait_for_running_ends_when_it_starts(ctl: Ctl, make: Make, soon: Any) -> None:
    task = make()
    soon(task, status="PROGRESS", lease="x", worker="w")
    assert ctl("wait", task.pk, "--for", "running", "--timeout", "20s").lines == [
        f"{task.pk}\trunning\t\tapp.tasks.add"
    ]


@on_one
def test_ids_come_from_stdin(ctl: Ctl, make: Make) -> None:
    task = make("COMPLETED")
    assert ctl("wait", "-", stdin=f"{task.pk}\n{task.pk}\n").lines == [
        f"{task.pk}\tcompleted\t0.5\tapp.tasks.add"
    ]
    assert ctl("wait", "-", stdin="").__dict__ == {"code": 0, "out": "", "err": ""}


@on_one
def test_json_and_ids(ctl: Ctl, make: Make) -> None:
    task = make("COMPLETED")
    (record,) = ctl("wait", task.pk, "--json").records
    assert (record["type"], record["id"], record["status"]) == ("task", task.pk, "completed")
    assert ctl("wait", task.pk, "-o", "id").lines == [task.pk]


@on_one
@pytest.mark.parametrize(
    ("words", "code"),
    [([], 2), (["nosuchid"], 3), (["x", "--for", "ever"], 2), (["x", "--timeout", "soon"], 2)],
)
def test_what_is_wrong_is_told_at_once(ctl: Ctl, using: str, words: list[str], code: int) -> None:
    assert ctl("wait", *words).code == code


@on_one
def test_a_database_that_is_away_for_a_moment_is_no_failure(
    ctl: Ctl, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import OperationalError

    from django_task_worker import queries

    task, light, calls = make("COMPLETED"), queries.light, iter(range(3))

    def flaky(ids: list[str], using: str) -> Any:
        if next(calls, None) is not None:
            raise OperationalError("server closed the connection unexpectedly")
        return light(ids, using)

    monkeypatch.setattr(queries, "light", flaky)
    done = ctl("wait", task.pk, "--timeout", "20s")
    assert (done.code, len(done.lines)) == (0, 1)
    assert done.err == "the database does not answer; trying again\n"


@on_one
def test_an_interrupt_says_how_to_go_on(ctl: Ctl, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    from django_task_worker import queries

    task = make()

    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(queries, "light", interrupted)
    done = ctl("wait", task.pk)
    assert done.code == 130
    assert done.err == f"still running; taskctl wait {task.pk[:12]} to resume\n"


@on_one
def test_a_duration_that_is_no_number_is_none(ctl: Ctl, make: Make) -> None:
    task = make("COMPLETED", duration=float("inf"))
    assert ctl("wait", task.pk).lines == [f"{task.pk}\tcompleted\t\tapp.tasks.add"]
    for verb in ("list", "wait", "show"):
        words = [] if verb == "list" else [task.pk]
        (record,) = ctl(verb, *words, "--json").records
        assert record["run_s"] is None
        assert ctl(verb, *words, "-o", "table").code == 0


@on_one
@pytest.mark.parametrize("verb", ["show", "logs", "why", "wait"])
def test_an_id_written_by_others_is_printed_clean(ctl: Ctl, make: Make, verb: str) -> None:
    task = make("COMPLETED", id="abc\x1b]0;owned\x07")
    assert ctl(verb, task.pk, "-o", "id").out.rstrip("\n").isprintable()


@on_one
def test_a_traceback_of_debug_is_clean(ctl: Ctl, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    from django_task_worker import queries

    def refuse(*args: object) -> None:
        raise RuntimeError("a\x1b]0;owned\x07")

    task = make("COMPLETED")
    monkeypatch.setattr(queries, "get", refuse)
    done = ctl("show", task.pk, "--debug")
    assert "Traceback" in done.err
    assert all(line.isprintable() for line in done.err.splitlines())
