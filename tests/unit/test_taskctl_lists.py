"""What lists look like: the same rows at 80 columns, as tsv and as JSON, stored to the letter."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from django_task_worker.overview import Figures
from django_task_worker.snapshot.rows import QueueRow, WorkerRow
from django_task_worker.statistics import Summary
from taskctl.listening.happenings import Happening
from taskctl.listing import Listing
from taskctl.render import events, queues, stats, workers
from taskctl.render.columns import Column, per_second
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
    return queues.as_object(row, at=AT, per_second=rate, **values)


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
imports  10,000+          0        0    1d3h     0       -        0  -
mail           0          0        2       -     -       -        2  -
"""
    )


def test_a_pause_takes_the_room_of_figures(printed: Any) -> None:
    assert (
        printed(queues.COLUMNS, [*QUEUES, PAUSED], "table")
        == """
QUEUE    PENDING  RUNNING  OLDEST  RATE  WORKERS  PAUSED
default    1,102        4     12s  38.1        2  -
imports  10,000+        0    1d3h     0        0  -
mail           0        2       -     -        2  -
reports       12        1   3h02m     0        2  3m, the mail server is away, …
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


def figures(
    key: str | None, completed: int = 0, failed: int = 0, *, run_s: float = 0.1, **now: Any
) -> Figures:
    summary = Summary(key=key, since=NOW, window_s=3600.0, completed=completed, failed=failed)
    summary.run.note_all([run_s] * (completed + failed))
    summary.wait.note_all([run_s * 2] * (completed + failed))
    values = {"enqueued": 5, "pending": 2, "pending_capped": False, "running": 1, **now}
    return Figures(at=NOW, summary=summary, **values)


BY_TASK = [
    figures("app.tasks.add", 137_000, 2, run_s=0.012),
    figures("reports.tasks.quarterly.monthly", 3, 40, run_s=252.0, enqueued=None, pending=None),
    figures("mail.tasks.send", pending=10_000, pending_capped=True),
]


def test_figures_on_a_terminal(printed: Any) -> None:
    rows = [stats.as_object(row, "task") for row in BY_TASK]
    assert (
        printed(stats.columns("task", is_table=True, has_time=False), rows, "table")
        == """
TASK                        DONE  FAILED   RATE  WAIT95  RUN95  PENDING  RUNNING
app.tasks.add            137,000       2   38.1    24ms   12ms        2        1
reports.tasks.….monthly        3      40  0.012   8m24s  4m12s        -        1
mail.tasks.send                0       0      0       -      -  10,000+        1
"""
    )


def test_figures_that_come_again_have_a_time(printed: Any) -> None:
    rows = [stats.as_object(figures(None, 7), None)]
    assert (
        printed(stats.columns(None, is_table=True, has_time=True), rows, "table")
        == """
TIME      ENQUEUED  DONE  FAILED   RATE  WAIT95  RUN50  RUN95  PENDING  RUNNING
12:04:31         5     7       0  0.002   200ms   86ms   99ms        2        1
"""
    )


def test_figures_in_a_pipe(printed: Any) -> None:
    rows = [stats.as_object(row, "task") for row in BY_TASK[1:2]]
    columns = stats.columns("task", is_table=False, has_time=False)
    assert (
        printed(columns, rows, "tsv", header=True)
        == """
time\ttask\tenqueued\tdone\tfailed\trate\twait50\twait95\twait99\trun50\trun95\trun99\tpending\trunning\t\
window\tretried\tcancelled
2026-11-22T12:04:31.000Z\treports.tasks.quarterly.monthly\t\t3\t40\t0.011944\t473.59118\t504.0\t504.0\t252.0\t\
252.0\t252.0\t\t1\t3600.0\t0\t0
"""
    )


def test_figures_as_json(printed: Any) -> None:
    rows = [stats.as_object(figures("default", 7), "queue")]
    assert json.loads(printed(stats.columns("queue", is_table=False, has_time=False), rows, "json")) == {
        "v": 1,
        "type": "stats",
        "ts": "2026-11-22T12:04:31.000Z",
        "window_s": 3600.0,
        "group": {"queue": "default"},
        "enqueued": 5,
        "completed": 7,
        "failed": 0,
        "rate": 0.001944,
        "wait_p50_s": 0.2,
        "wait_p95_s": 0.2,
        "wait_p99_s": 0.2,
        "run_p50_s": 0.08636,
        "run_p95_s": 0.099176,
        "run_p99_s": 0.1,
        "pending": 2,
        "running": 1,
        "pending_capped": False,
        "retried": 0,
        "cancelled": 0,
    }


def test_a_rate_has_about_three_figures() -> None:
    rates = [0, 0.0001, 0.0123, 0.5, 1.234, 12.34, 999.4, 1234.5]
    assert [per_second(rate) for rate in rates] == [
        *("0", "<0.001", "0.012", "0.500", "1.23", "12.3", "999.4", "1,234")
    ]


def test_only_chosen_fields_in_their_order(printed: Any) -> None:
    chosen = [workers.COLUMNS[9], workers.COLUMNS[0]]
    fields = ("queues", "name")
    assert printed(chosen, WORKERS[:1], "tsv", fields=fields) == "\ndefault,mail\tweb1-4711\n"
    assert json.loads(printed(chosen, WORKERS[:1], "json", fields=fields)) == {
        "queues": ["default", "mail"],
        "name": "web1-4711",
    }
    assert printed(chosen, WORKERS[:1], "id") == "\nweb1-4711\n"


@pytest.mark.parametrize("width", [20, 30, 40, 60, 80, 200])
def test_no_line_of_a_table_is_wider_than_the_terminal(
    printed: Any, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    for columns, rows in ((queues.COLUMNS, [*QUEUES, PAUSED]), (workers.COLUMNS, WORKERS)):
        lines = printed(columns, rows, "table").splitlines()
        assert max(map(len, lines)) <= width
        assert lines[1].startswith(("QUEUE", "NAME"))
