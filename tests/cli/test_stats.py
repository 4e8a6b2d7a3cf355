"""`taskctl stats`: what has happened in a window, in four forms and for Prometheus."""

from __future__ import annotations

import re
from typing import Any

import pytest

from django_task_worker.states import Transition
from django_task_worker.statistics import Recorder
from tests.cli.conftest import Ctl, Make, on_each, on_one

KEYS = [
    *("v", "type", "ts", "window_s", "group", "enqueued", "completed", "failed", "rate"),
    *("wait_p50_s", "wait_p95_s", "wait_p99_s", "run_p50_s", "run_p95_s", "run_p99_s"),
    *("pending", "running", "pending_capped", "retried", "cancelled"),
]


@pytest.fixture
def shop(make: Make, using: str) -> None:
    """Four tasks have ended, two are due, one runs, one is due later."""
    recorder = Recorder("id-1", "web-1", using)
    recorder.begin()
    for _ in range(3):
        recorder.note(Transition.COMPLETE, "mail", "mail.tasks.send", 0.5, 0.25)
    recorder.note(Transition.FAIL, "default", "app.tasks.add", 2.0, 60.0)
    recorder.note(Transition.RETRY, "default", "app.tasks.add", 2.0, 60.0)
    recorder.write()
    make(queue="mail", name="mail.tasks.send")
    make(queue="reports", name="reports.tasks.monthly")
    make("PROGRESS", worker="web-2")
    make(queue="mail", name="mail.tasks.send", due_at=make("CANCELLED", age_s=-3600).due_at)


def by(records: list[dict[str, Any]], key: str) -> dict[str, dict[str, Any]]:
    return {record["group"][key]: record for record in records}


@on_each
def test_figures_by_queue(ctl: Ctl, shop: None) -> None:
    done = ctl("stats", "--json")
    assert done.code == 0
    assert all(list(record) == KEYS for record in done.records)
    found = by(done.records, "queue")
    assert list(found) == ["mail", "default", "reports"]
    mail = found["mail"]
    assert (mail["completed"], mail["failed"], mail["enqueued"]) == (3, 0, 2)
    assert (mail["wait_p50_s"], mail["run_p99_s"]) == (0.5, 0.25)
    assert (mail["pending"], mail["running"], mail["pending_capped"]) == (1, 0, False)
    assert 3600 <= mail["window_s"] <= 3660
    assert mail["rate"] == pytest.approx(3 / mail["window_s"], abs=1e-6)
    default = found["default"]
    assert (default["failed"], default["retried"], default["running"]) == (1, 1, 1)
    assert (found["reports"]["completed"], found["reports"]["run_p50_s"]) == (0, None)


@on_each
def test_figures_by_task_by_worker_and_of_all(ctl: Ctl, shop: None) -> None:
    tasks = by(ctl("stats", "--by", "task", "--json").records, "task")
    assert (tasks["mail.tasks.send"]["completed"], tasks["mail.tasks.send"]["pending"]) == (3, 1)
    assert (tasks["app.tasks.add"]["failed"], tasks["app.tasks.add"]["running"]) == (1, 1)
    assert tasks["reports.tasks.monthly"]["pending"] == 1
    workers = by(ctl("stats", "--by", "worker", "--json").records, "worker")
    assert (workers["web-1"]["completed"], workers["web-1"]["running"]) == (3, 0)
    assert (workers["web-1"]["enqueued"], workers["web-1"]["pending"]) == (None, None)
    assert workers["web-2"]["running"] == 1
    (every,) = ctl("stats", "--by", "none", "--json").records
    assert (every["group"], every["completed"], every["failed"]) == ({}, 3, 1)
    assert (every["pending"], every["running"]) == (2, 1)


@on_one
def test_many_waiting_tasks_are_not_counted_by_name(
    ctl: Ctl, shop: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django_task_worker.overview.window.WAITING_CAP", 1)
    tasks = by(ctl("stats", "--by", "task", "--json").records, "task")
    assert {row["pending"] for row in tasks.values()} == {None}
    assert tasks["app.tasks.add"]["running"] == 1


@on_one
def test_figures_in_a_pipe_and_on_a_terminal(ctl: Ctl, shop: None) -> None:
    title, first, *_ = (line.split("\t") for line in ctl("stats", "--header").lines)
    assert title[:5] == ["time", "queue", "enqueued", "done", "failed"]
    assert first[1:5] == ["mail", "2", "3", "0"]
    assert ctl("stats", "-o", "id").lines == ["mail", "default", "reports"]
    assert ctl("stats", "--by", "task", "--fields", "task,completed").lines[0] == "mail.tasks.send\t3"
    done = ctl("stats", "--by", "task", tty=True, width=80)
    assert done.lines[0].split()[:2] == ["TASK", "DONE"]
    assert all(len(line) <= 80 for line in done.lines)


@on_one
def test_nothing_at_all(ctl: Ctl, using: str) -> None:
    assert ctl("stats").__dict__ == {"code": 0, "out": "", "err": ""}
    assert ctl("stats", tty=True).err == "nothing has happened in this window\n"
    (every,) = ctl("stats", "--by", "none", "--json").records
    assert (every["completed"], every["enqueued"], every["pending"], every["rate"]) == (0, 0, 0, 0.0)


@on_one
def test_figures_again_and_again(ctl: Ctl, shop: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taskctl.commands.stats.TITLE_EVERY", 2)
    done = ctl("stats", "--interval", "100ms", "--count", 5, tty=True)
    words = [line.split()[0] for line in done.lines]
    times = [word for word in words if re.fullmatch(r"\d\d:\d\d:\d\d", word)]
    assert [word == "TIME" for word in words] == [True, False, False, True, False, False, True, False]
    assert len(times) == 5
    records = ctl("stats", "-i", "100ms", "--count", 2, "--json").records
    assert [record["completed"] for record in records] == [3, 3]
    assert records[0]["ts"] < records[1]["ts"]


@on_one
def test_a_database_that_is_away_is_tried_again(
    ctl: Ctl, shop: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import OperationalError

    from django_task_worker import overview

    reads = []
    real = overview.figures

    def figures(*args: Any, **options: Any) -> Any:
        reads.append(1)
        if len(reads) in (2, 3):
            raise OperationalError("gone")
        return real(*args, **options)

    monkeypatch.setattr(overview, "figures", figures)
    done = ctl("stats", "-i", "100ms", "--count", 4)
    assert len(done.lines) == 2
    assert done.err.splitlines() == [
        "the database does not answer; trying again",
        "the database answers again",
    ]


@on_one
def test_figures_for_prometheus(ctl: Ctl, shop: None, up: Any, make: Make) -> None:
    up()
    make(name='evil"\n\x1b', queue="q\\")
    done = ctl("stats", "--prometheus", "--by", "task")
    assert done.code == 0
    assert 'django_task_worker_tasks_completed{task="mail.tasks.send"} 3' in done.lines
    assert 'django_task_worker_tasks_pending{task="evil\\"\\n\\\\x1b"} 1' in done.lines
    assert 'django_task_worker_queue_pending{queue="q\\\\"} 1' in done.lines
    assert 'django_task_worker_workers{status="up"} 1' in done.lines
    assert all(line.isprintable() for line in done.lines)


@on_one
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--by", "name"], "--by name: choose one of queue, task, worker, none"),
        (["--window", "7"], "--window 7: 7 what? Write 7d, 7h, 7m or 7s"),
        (["--window", "91d"], "--window 91d: must be from 1s to 90d"),
        (["--window", "0s"], "--window 0s: must be from 1s to 90d"),
        (["--interval", "1ms"], "--interval 1ms: must be at least 100ms"),
        (["--count", "3"], "--count goes with --interval"),
        (["--interval", "1s", "--count", "0"], "--count 0: must be a whole number of at least 1"),
        (["--prometheus", "--json"], "--prometheus goes with neither --interval nor --json"),
        (["--prometheus", "-i", "1s"], "--prometheus goes with neither --interval nor --json"),
    ],
)
def test_what_is_wrong_is_said(ctl: Ctl, using: str, words: list[str], message: str) -> None:
    done = ctl("stats", *words)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
