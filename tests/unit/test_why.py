"""The words in which it is said why a task is as it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from django_task_worker.why.facts import AHEAD_CAP, Facts
from django_task_worker.why.reasons import ENDINGS, reasons, state_of

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def ago(**duration: float) -> datetime:
    return NOW - timedelta(**duration)


def later(**duration: float) -> datetime:
    return NOW + timedelta(**duration)


def task(status: str = "PENDING", **fields: Any) -> Any:
    return SimpleNamespace(
        **{
            "id": "7h2k9qxd",
            "name": "app.tasks.add",
            "queue": "default",
            "status": status,
            "due_at": ago(seconds=12),
            "next_attempt_at": None,
            "lease_expires_at": later(seconds=20) if status == "PROGRESS" else None,
            "cancel_requested_at": None,
            "started_at": ago(minutes=4, seconds=12) if status == "PROGRESS" else None,
            "finished_at": ago(minutes=2),
            "duration": 1.5,
            "worker": "web1-4711",
            "timeout": 300,
            "retry_count": 0,
            "max_retries": 0,
            "deferrals": 0,
            "progress": None,
            "error": None,
            "error_type": None,
            "traceback": None,
            **fields,
        }
    )


def worker(name: str = "web1-4711", **fields: Any) -> Any:
    known = {
        "queues": [],
        "exclude_queues": [],
        "slots": 4,
        "busy": 0,
        "state": "up",
        "seen_at": ago(seconds=2),
    }
    return SimpleNamespace(name=name, **{**known, **fields})


def facts(about: Any, **known: Any) -> Facts:
    workers = known.pop("workers", [worker()])
    return Facts(
        task=about, now=NOW, **{"workers": workers, "listening": workers, "owner": worker(), **known}
    )


def said(about: Any, **known: Any) -> list[str]:
    return [reason.text for reason in reasons(facts(about, **known))]


def codes(about: Any, **known: Any) -> list[str]:
    return [reason.code for reason in reasons(facts(about, **known))]


def commands(about: Any, **known: Any) -> list[str | None]:
    return [reason.command for reason in reasons(facts(about, **known))]


STATES = [
    ("pending", task()),
    ("scheduled", task(due_at=later(hours=3, minutes=12))),
    ("retrying", task("FAILED", next_attempt_at=later(minutes=2), retry_count=1, max_retries=5)),
    ("running", task("PROGRESS")),
    ("cancelling", task("PROGRESS", cancel_requested_at=ago(seconds=1))),
    ("stale", task("PROGRESS", lease_expires_at=ago(seconds=5))),
    ("completed", task("COMPLETED")),
    ("failed", task("FAILED", error_type="KeyError", error="'sku'")),
    ("cancelled", task("CANCELLED")),
]


@pytest.mark.parametrize(("state", "about"), STATES)
def test_every_state_has_a_word_and_a_reason(state: str, about: Any) -> None:
    assert state_of(about, NOW) == state
    for reason in reasons(facts(about)):
        assert reason.text
        assert "None" not in reason.text


# Waiting


def test_a_paused_queue_is_named_with_who_why_and_until_when() -> None:
    pause = SimpleNamespace(
        paused_by="ana@web1", paused_at=ago(hours=3), paused_until=later(minutes=30), pause_reason="deploy"
    )
    about = task(queue="my mail")
    assert said(about, pause=pause) == [
        "the queue 'my mail' was paused 3 h ago by ana@web1, for 30 m more: deploy"
    ]
    assert commands(about, pause=pause) == ["taskctl queues resume 'my mail'"]
    bare = SimpleNamespace(paused_by=None, paused_at=ago(hours=3), paused_until=None, pause_reason=None)
    assert said(about, pause=bare) == ["the queue 'my mail' was paused 3 h ago"]


def test_a_time_to_come_is_said_in_words() -> None:
    assert said(task(due_at=later(hours=3, minutes=12))) == [
        "it is due in 3 h 12 m, at 2026-11-22 15:12:00 UTC"
    ]


def test_a_function_that_no_worker_found_is_looked_for_again() -> None:
    about = task(due_at=later(seconds=15), deferrals=2, queue="mail")
    assert said(about) == [
        "workers have looked for its function in vain, 2 of 4 times; the next look is in 15 s; "
        "this project has it, so they run other code: restart them, or start one here"
    ]
    assert commands(about) == ["taskctl worker --queue mail"]


def test_a_function_that_is_missing_here_too_is_to_be_looked_up() -> None:
    about = task(deferrals=1)
    assert said(about, misfit="no task named 'app.tasks.add'") == [
        "workers have looked for its function in vain, 1 of 4 times",
        "this project would not run it: no task named 'app.tasks.add'",
    ]
    assert commands(about, misfit="x") == [None, "taskctl tasks 'app.*'"]


def test_a_retry_is_counted() -> None:
    about = task(
        "FAILED",
        next_attempt_at=later(seconds=8),
        due_at=later(seconds=8),
        retry_count=3,
        max_retries=5,
        error_type="KeyError",
        error="'sku'\nmore",
    )
    assert said(about) == ["attempt 3 failed (KeyError: 'sku'); retry 3 of 5 is due in 8 s"]


def test_a_retry_that_is_overdue_is_told_with_what_it_waits_for() -> None:
    about = task(
        "FAILED", next_attempt_at=ago(seconds=8), due_at=ago(seconds=8), retry_count=3, max_retries=5
    )
    first, second = said(about, workers=[worker(busy=4)])
    assert first == "attempt 3 failed (no reason was kept); retry 3 of 5 has been due for 8 s"
    assert second == "all 4 slots of 1 worker are busy"
    assert codes(about, workers=[]) == ["waits-for-retry", "no-worker"]


def test_without_a_worker_somebody_must_start_one() -> None:
    assert said(task(), workers=[]) == ["no worker is up"]
    assert commands(task(), workers=[]) == ["taskctl worker"]
    assert commands(task(queue="mail"), workers=[]) == ["taskctl worker --queue mail"]


def test_workers_that_take_other_queues_are_named() -> None:
    others = [
        worker("web1", queues=["default", "mail"]),
        worker("web2", exclude_queues=["reports"]),
        worker("web3", state="draining"),
    ]
    about = task(queue="reports")
    assert said(about, workers=others, listening=[]) == [
        "no worker that is up takes tasks of the queue 'reports'; there is "
        "web1 (default, mail), web2 (all queues but reports), web3 (about to leave)"
    ]
    assert commands(about, workers=others, listening=[]) == ["taskctl worker --queue reports"]


def test_of_many_workers_only_some_are_named() -> None:
    (text,) = said(task(queue="reports"), workers=[worker(f"w{n}") for n in range(50)], listening=[])
    assert text.endswith("w9 (all queues), 40 more")


def test_all_that_keeps_a_task_is_said() -> None:
    about = task(due_at=later(minutes=5))
    pause = SimpleNamespace(paused_by=None, paused_at=ago(hours=3), paused_until=None, pause_reason=None)
    assert codes(about, pause=pause, workers=[], misfit="no module named 'app'") == [
        "queue-paused",
        "not-due",
        "no-worker",
        "function-refused",
    ]


def test_in_line_the_tasks_ahead_and_the_start_are_told() -> None:
    assert said(task(), ahead=120, rate=2.0) == [
        "it waits in line, due for 12 s: 120 tasks go first; at 2 tasks a second it starts in about 1 m"
    ]
    (text,) = said(task(), ahead=AHEAD_CAP + 1)
    assert text == "it waits in line, due for 12 s: more than 10,000 tasks go first"


def test_busy_workers_are_told() -> None:
    busy = [worker("a", busy=4), worker("b", busy=4)]
    assert said(task(), workers=busy) == ["all 8 slots of 2 workers are busy"]


def test_when_nothing_is_in_the_way_it_starts_at_once() -> None:
    assert said(task()) == [
        "nothing is in its way: it has been due for 12 s and 1 worker should take it at once"
    ]


# Running


def test_a_running_task_is_told_with_its_limit_and_its_progress() -> None:
    about = task("PROGRESS", progress={"done": 3, "total": 10, "message": "rows"}, max_retries=2)
    assert said(about) == [
        "it has been running on web1-4711 for 4 m 12 s, attempt 1 of 3; its time limit is 5 m",
        "it says that it has done 3 of 10 (rows)",
    ]
    assert commands(about)[0] == "taskctl stack 7h2k9qxd"


def test_a_claimed_task_that_has_not_begun_says_so() -> None:
    assert said(task("PROGRESS", started_at=None)) == ["web1-4711 has claimed it and is about to start it"]


def test_a_cancellation_that_is_under_way_is_told() -> None:
    first, *_ = said(task("PROGRESS", cancel_requested_at=ago(seconds=3)))
    assert first == "its cancellation was asked for 3 s ago; web1-4711 is stopping it"


@pytest.mark.parametrize(
    ("owner", "text"),
    [
        (worker(seen_at=ago(seconds=45)), "but its worker has not been seen for 45 s: "),
        (worker(state="stopped"), "but its worker web1-4711 is not up: "),
        (None, "but its worker web1-4711 is not up: "),
    ],
)
def test_a_silent_worker_is_told_with_when_others_take_over(owner: Any, text: str) -> None:
    *_, last = said(task("PROGRESS"), owner=owner)
    assert last == text + "its lease ends in 20 s, then others take it back"


@pytest.mark.parametrize(
    ("fields", "after"),
    [
        ({}, "failed"),
        ({"max_retries": 2, "retry_count": 2}, "failed"),
        ({"max_retries": 2, "retry_count": 1}, "run again"),
        ({"max_retries": 2, "cancel_requested_at": ago(seconds=1)}, "cancelled"),
    ],
)
def test_a_lost_task_is_told_with_what_becomes_of_it(fields: Any, after: str) -> None:
    about = task("PROGRESS", lease_expires_at=ago(seconds=5), **fields)
    assert said(about) == [
        "it lost its worker web1-4711: the lease ended 5 s ago",
        f"a worker that is up takes it back within 10 s; it is then {after}",
    ]
    assert said(about, workers=[])[1] == f"no worker is up to take it back; it will then be {after}"
    assert commands(about, workers=[])[1] == "taskctl requeue --stale"


# Over


def test_a_completed_task_is_told_with_its_times() -> None:
    assert said(task("COMPLETED")) == ["it completed 2 m ago on web1-4711 after 2 s"]


def test_a_cancelled_task_is_told_with_its_time() -> None:
    assert said(task("CANCELLED")) == ["it was cancelled 2 m ago"]


def test_a_failure_is_told_with_what_it_raised_and_what_helps() -> None:
    about = task("FAILED", error_type="KeyError", error="'sku'\nsecond line", traceback="Traceback")
    found = reasons(facts(about, has_log=True))
    assert [reason.text for reason in found] == [
        "its function raised KeyError: 'sku'",
        "attempt 1 of 1 ended 2 m ago; it has no retries",
        "what it logged is kept",
    ]
    assert [reason.command for reason in found] == [
        "taskctl show 7h2k9qxd --traceback",
        "taskctl retry 7h2k9qxd",
        "taskctl logs 7h2k9qxd",
    ]


@pytest.mark.parametrize(
    ("error_type", "command"),
    [
        ("UnknownTask", "taskctl tasks 'app.*'"),
        ("TaskNotAllowed", "taskctl tasks 'app.*'"),
        ("WorkerLost", "taskctl show 7h2k9qxd"),
    ],
)
def test_a_failure_without_a_traceback_sends_nobody_to_one(error_type: str, command: str) -> None:
    assert commands(task("FAILED", error_type=error_type, error="x"))[0] == command


def test_an_odd_id_harms_no_command_line() -> None:
    about = task("FAILED", id="$(rm) x", error_type="KeyError", error="x")
    assert commands(about)[1] == "taskctl retry '$(rm) x'"


def test_retries_that_are_spent_are_counted() -> None:
    about = task("FAILED", error_type="KeyError", error="x", retry_count=2, max_retries=2)
    assert said(about)[1] == "attempt 3 of 3 ended 2 m ago; all retries are spent"
    about.retry_count = 0
    assert said(about)[1] == "attempt 1 of 3 ended 2 m ago; it cannot be retried"


@pytest.mark.parametrize("error_type", ENDINGS)
def test_every_ending_of_our_own_has_its_words(error_type: str) -> None:
    first, *_ = said(task("FAILED", error_type=error_type, error="the {reason}"))
    assert "{" not in first.replace("the {reason}", "")
    assert "raised" not in first


def test_errors_without_a_text_and_very_long_ones_are_told_too() -> None:
    assert said(task("FAILED"))[0] == "its function raised no reason was kept"
    first, *_ = said(task("FAILED", error_type="ValueError", error="x" * 5000))
    assert len(first) < 300
