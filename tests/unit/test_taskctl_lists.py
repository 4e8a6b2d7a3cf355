"""What lists look like: the same rows at 80 columns, as tsv and as JSON, stored to the letter."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from django_task_worker.snapshot.rows import QueueRow, WorkerRow
from taskctl.listening.happenings import Happening
from taskctl.listing import Listing
from taskctl.render import events, queues, workers
from taskctl.render.columns import Column
from taskctl.terminal import Terminal

NOW = datetime(2026, 11, 22, 12, 4, 31, tzinfo=UTC)
AT = NOW.timestamp()


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """`printed(columns, rows, form)`: what appears on an 80-column terminal, or in a pipe."""
    monkeypatch.setenv("COLUMNS", "80")

    def show(columns: Sequence[Column], rows: Sequence[dict[str, Any]], form: str, **how: Any) -> str:
        Listing(columns, Terminal(form=form, **how), key="name").show(rows, NOW)
        return "\n" + capsys.readouterr().out

    return show


def worker(name: str, **columns: Any) -> WorkerRow:
    values = {
        "id": name,
        "name": name,
        "host": "web",
        "pid": 4711,
        "version": "1.0.0",
        "queues": (),
        "exclude_queues": (),
        "slots": 5,
        "busy": 4,
        "completed": 81234,
        "failed": 12,
        "state": "up",
        "started_at": AT - 11530,
        "seen_at": AT - 1.25,
        "drain_requested": False,
    }
    return WorkerRow(**{**values, **columns})


WORKERS = [
    workers.as_object(worker("web1-4711", queues=("default", "mail")), at=AT, status="up", busy=4),
    workers.as_object(
        worker("web2-4802", exclude_queues=("slow",), drain_requested=True, version="0.9"),
        at=AT,
        status="draining",
        busy=1,
    ),
    workers.as_object(worker("web3-1190", seen_at=AT - 3700, completed=0), at=AT, status="lost", busy=0),
]


def test_workers_on_a_terminal(printed: Any) -> None:
    assert (
        printed(workers.COLUMNS, WORKERS, "table")
        == """
NAME       STATUS    SLOTS  BUSY   SEEN     UP    DONE  FAILED  VERSION  QUEUES
web1-4711  up            5     4     1s  3h12m  81,234      12  1.0.0    defaul…
web2-4802  draining      5     1     1s  3h12m  81,234      12  0.9      * but …
web3-1190  lost          5     0  1h01m      -       0      12  1.0.0    *
"""
    )


def test_workers_in_a_pipe(printed: Any) -> None:
    assert (
        printed(workers.COLUMNS, WORKERS, "tsv", header=True)
        == """
name\tstatus\tslots\tbusy\tseen\tup\tdone\tfailed\tversion\tqueues
web1-4711\tup\t5\t4\t1.2\t11530\t81234\t12\t1.0.0\tdefault,mail
web2-4802\tdraining\t5\t1\t1.2\t11530\t81234\t12\t0.9\t* but slow
web3-1190\tlost\t5\t0\t3700.0\t\t0\t12\t1.0.0\t*
"""
    )


def test_a_worker_as_json(printed: Any) -> None:
    assert json.loads(printed(workers.COLUMNS, WORKERS[:1], "json")) == {
        "v": 1,
        "type": "worker",
        "name": "web1-4711",
        "host": "web",
        "pid": 4711,
        "status": "up",
        "queues": ["default", "mail"],
        "slots": 5,
        "busy": 4,
        "seen_s": 1.2,
        "up_s": 11530,
        "version": "1.0.0",
        "done": 81234,
        "failed": 12,
        "draining": False,
        "exclude_queues": [],
    }


def queue(row: QueueRow, rate: float | None = 0.0, **figures: Any) -> dict[str, Any]:
    values = {"wait_p95_s": None, "run_p95_s": None, "workers": 2, **figures}
    return queues.as_object(row, at=AT, rate=rate, **values)


QUEUES = [
    queue(QueueRow("default", 1102, 310, 4, AT - 12.4), 38.14, wait_p95_s=2.1, run_p95_s=0.18),
    queue(QueueRow("imports", 10_001, 0, 0, AT - 100_000), workers=0),
    queue(QueueRow("mail", 0, 0, 2, None), None),
]
PAUSED = queue(
    QueueRow("reports", 12, 0, 1, AT - 10920, AT - 180, "ana@web1", "the mail server is away", AT + 1620)
)


def test_queues_on_a_terminal(printed: Any) -> None:
    assert (
        printed(queues.COLUMNS, QUEUES, "table")
        == """
QUEUE    PENDING  SCHEDULED  RUNNING  OLDEST  RATE  WAIT95  WORKERS  PAUSED
default    1,102        310        4     12s  38.1    2.1s        2  -
imports  10,000+          0        0    1d3h   0.0       -        0  -
mail           0          0        2       -     -       -        2  -
"""
    )


def test_a_pause_takes_the_room_of_figures(printed: Any) -> None:
    assert (
        printed(queues.COLUMNS, [*QUEUES, PAUSED], "table")
        == """
QUEUE    PENDING  RUNNING  OLDEST  RATE  WORKERS  PAUSED
default    1,102        4     12s  38.1        2  -
imports  10,000+        0    1d3h   0.0        0  -
mail           0        2       -     -        2  -
reports       12        1   3h02m   0.0        2  3m, 27m left, by ana@web1: th…
"""
    )


def test_queues_in_a_pipe(printed: Any) -> None:
    assert (
        printed(queues.COLUMNS, [QUEUES[0], PAUSED], "tsv", header=True)
        == """
queue\tpending\tscheduled\trunning\toldest\trate\twait95\trun95\tworkers\tpaused
default\t1102\t310\t4\t12.4\t38.14\t2.1\t0.18\t2\tfalse
reports\t12\t0\t1\t10920.0\t0.0\t\t\t2\ttrue
"""
    )


def test_a_queue_as_json(printed: Any) -> None:
    assert json.loads(printed(queues.COLUMNS, [PAUSED], "json")) == {
        "v": 1,
        "type": "queue",
        "queue": "reports",
        "paused": True,
        "paused_by": "ana@web1",
        "paused_at": "2026-11-22T12:01:31.000Z",
        "pending": 12,
        "pending_capped": False,
        "scheduled": 0,
        "running": 1,
        "oldest_s": 10920.0,
        "rate_1m": 0.0,
        "wait_p95_s": None,
        "run_p95_s": None,
        "workers": 2,
        "paused_until": "2026-11-22T12:31:31.000Z",
        "pause_reason": "the mail server is away",
    }


EVENTS = [
    events.as_object(happening, NOW)
    for happening in (
        Happening("worker up", AT - 3, worker="web1-4711"),
        Happening("enqueued", AT - 2, queue="mail", number=1200),
        Happening(
            "completed", AT - 1.5, "7h2kab01k1k0", "app.tasks.add", "default", "web1-4711", 1, 0.04, 0.012
        ),
        Happening("gap", AT - 1.25, number=3, publisher="p", seq=None),
        Happening(
            "failed",
            AT - 1,
            "7h2ka9v2m8m8",
            "reports.tasks.quarterly.monthly",
            "mail",
            "web2",
            5,
            0.2,
            61.0,
            "SMTPServerDisconnected",
            seq=7,
            publisher="p",
        ),
        Happening("paused", AT, queue="reports", source="poll"),
    )
]


def test_events_on_a_terminal(printed: Any) -> None:
    assert (
        printed(events.TABLE, EVENTS, "table")
        == """
TIME          EVENT      ID        TASK                DETAILS
12:04:28.000  worker_up            web1-4711
12:04:29.000  enqueued             queue mail          1,200 tasks
12:04:29.500  completed  7h2kab01  app.tasks.add       run 12ms, wait 40ms
12:04:29.750  gap                                      3 missed on the way
12:04:30.000  failed     7h2ka9v2  reports.t….monthly  SMTPServerDisconnected, …
12:04:31.000  paused               queue reports
"""
    )


def test_events_in_a_pipe(printed: Any) -> None:
    lines = printed(events.LINES, EVENTS[3:5], "tsv").splitlines()[1:]
    assert lines == [
        "2026-11-22T12:04:29.750Z\tgap\t\t\t\t\t\t\t\t\tredis\t\t3\tp",
        "2026-11-22T12:04:30.000Z\tfailed\t7h2ka9v2m8m8\treports.tasks.quarterly.monthly\tmail\tweb2"
        "\t0.2\t61.0\t5\tSMTPServerDisconnected\tredis\t7\t1\tp",
    ]


def test_an_event_as_json(printed: Any) -> None:
    assert json.loads(printed(events.LINES, EVENTS[4:5], "json")) == {
        "v": 1,
        "type": "event",
        "seq": 7,
        "ts": "2026-11-22T12:04:30.000Z",
        "event": "failed",
        "id": "7h2ka9v2m8m8",
        "task": "reports.tasks.quarterly.monthly",
        "queue": "mail",
        "worker": "web2",
        "wait_s": 0.2,
        "run_s": 61.0,
        "tries": 5,
        "error_type": "SMTPServerDisconnected",
        "source": "redis",
        "count": 1,
        "publisher": "p",
    }


def test_only_chosen_fields_in_their_order(printed: Any) -> None:
    chosen = [workers.COLUMNS[9], workers.COLUMNS[0]]
    fields = ("queues", "name")
    assert printed(chosen, WORKERS[:1], "tsv", fields=fields) == "\ndefault,mail\tweb1-4711\n"
    assert json.loads(printed(chosen, WORKERS[:1], "json", fields=fields)) == {
        "queues": ["default", "mail"],
        "name": "web1-4711",
    }
    assert printed(chosen, WORKERS[:1], "id") == "\nweb1-4711\n"
