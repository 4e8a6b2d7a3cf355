"""Statistics in the database: what workers write, and what is read from it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from django_task_worker import statistics
from django_task_worker.queries import database_now
from django_task_worker.records import HOUR_S, MINUTE_S, MinuteStats
from django_task_worker.states import Transition
from django_task_worker.statistics import Recorder, rows
from django_task_worker.statistics.counts import Counts
from tests.lifecycle.tasks import Tasks


def recorder(using: str, worker: str = "web1-1", worker_id: str = "id-1") -> Recorder:
    return Recorder(worker_id, worker, using)


def note(
    recorder: Recorder,
    how: Transition = Transition.COMPLETE,
    *,
    queue: str = "default",
    name: str = "app.tasks.add",
    wait_s: float = 0.5,
    run_s: float = 0.1,
    times: int = 1,
) -> None:
    recorder.begin()
    for _ in range(times):
        recorder.note(how, queue, name, wait_s, run_s)


def put(
    using: str,
    at: datetime,
    *,
    completed: int,
    span_s: int = MINUTE_S,
    worker: str = "web1-1",
    queue: str = "default",
) -> None:
    """A row as a worker wrote it some time ago."""
    counts = Counts(completed=completed)
    counts.run.note_all([0.1] * completed)
    subject = {"queue": queue, "name": "app.tasks.add", "worker": worker, "source": worker}
    rows.store([rows.row(counts, starts_at=at, span_s=span_s, **subject)], using)


def test_nothing_has_happened_at_first(using: str) -> None:
    (found,) = statistics.read(60)
    assert (found.key, found.finished, found.rate) == (None, 0, 0.0)
    assert found.wait.quantile_s(0.95) is None
    assert not statistics.read(60, by="queue")


def test_a_worker_overwrites_its_own_rows(using: str) -> None:
    mine = recorder(using)
    note(mine, times=3)
    mine.write()
    note(mine, Transition.FAIL, run_s=2.0)
    mine.write()
    mine.write()
    (found,) = statistics.read(60)
    assert (found.completed, found.failed, found.finished) == (3, 1, 4)
    assert found.run.count == 4
    assert found.run.max_s == 2.0
    assert 60 <= found.window_s <= 120
    assert found.rate == pytest.approx(4 / found.window_s)


def test_writing_takes_one_statement_and_none_when_nothing_ended(using: str) -> None:
    mine = recorder(using)
    for number in range(50):
        note(mine, name=f"app.tasks.t{number}")
    mine.write()
    for number in range(50):
        note(mine, name=f"app.tasks.t{number}")
    with CaptureQueriesContext(
        connections[using],
    ) as captured:
        mine.write()
        mine.write()
    written = [query["sql"] for query in captured if "INSERT" in query["sql"]]
    assert len(written) == 1
    assert len(captured) <= 3  # with BEGIN and COMMIT


def test_workers_do_not_overwrite_each_other_even_with_the_same_name(using: str) -> None:
    for worker_id in ("id-1", "id-2"):
        mine = recorder(using, "web", worker_id)
        note(mine, times=2)
        mine.write()
    (found,) = statistics.read(60, by="worker")
    assert (found.key, found.completed) == ("web", 4)


def test_names_that_differ_by_case_only_are_different(using: str) -> None:
    mine = recorder(using)
    note(mine, name="app.tasks.Add")
    note(mine, name="app.tasks.add", times=2)
    mine.write()
    found = {summary.key: summary.completed for summary in statistics.read(60, by="task")}
    assert found == {"app.tasks.Add": 1, "app.tasks.add": 2}


def test_it_is_added_up_by_queue_by_task_and_by_worker(using: str) -> None:
    first, second = recorder(using), recorder(using, "web2-2", "id-2")
    note(first, times=3)
    note(first, queue="mail", name="app.tasks.send")
    note(second, queue="mail", name="app.tasks.add")
    for mine in (first, second):
        mine.write()

    def by(dimension: statistics.By) -> list[tuple[str | None, int]]:
        return [(found.key, found.completed) for found in statistics.read(60, by=dimension)]

    assert by("queue") == [("default", 3), ("mail", 2)]
    assert by("task") == [("app.tasks.add", 4), ("app.tasks.send", 1)]
    assert by("worker") == [("web1-1", 4), ("web2-2", 1)]


def test_a_failed_write_is_made_up_for_by_the_next(using: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = recorder(using)
    note(mine)

    def fail(*args: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as broken:
        broken.setattr(rows, "store", fail)
        with pytest.raises(ConnectionError):
            mine.write()
    note(mine)
    mine.write()
    assert statistics.read(60)[0].completed == 2


def test_minutes_are_those_of_the_database(using: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - 7200)
    mine = recorder(using)
    note(mine)
    mine.write()
    note(mine, times=4)
    mine.write()
    monkeypatch.undo()
    assert statistics.read(60)[0].completed == 4


def test_what_is_older_than_the_window_does_not_count(using: str) -> None:
    now = rows.floor(database_now(using), MINUTE_S)
    put(using, now - timedelta(minutes=1), completed=1)
    put(using, now - timedelta(minutes=10), completed=10)
    assert statistics.read(60)[0].completed == 1
    assert statistics.read(3600)[0].completed == 11


def test_a_timeline_has_no_gaps(using: str) -> None:
    now = rows.floor(database_now(using), MINUTE_S)
    put(using, now - timedelta(minutes=2), completed=2)
    put(using, now - timedelta(minutes=4), completed=4)
    points = statistics.timeline(300)
    assert [point.at - points[0].at for point in points] == [
        timedelta(minutes=number) for number in range(len(points))
    ]
    assert [point.completed for point in points if point.completed] == [4, 2]
    assert len(points) in (6, 7)
    (sum_of_all,) = [point for point in statistics.timeline(120, step_s=HOUR_S) if point.completed]
    assert sum_of_all.completed in (2, 4, 6)


def test_each_queue_has_a_timeline_of_the_same_minutes(using: str) -> None:
    now = rows.floor(database_now(using), MINUTE_S)
    put(using, now - timedelta(minutes=2), completed=2, queue="mail")
    put(using, now - timedelta(minutes=4), completed=4, queue="mail")
    put(using, now - timedelta(minutes=2), completed=1, queue="reports")
    found = statistics.timelines(300, by="queue")
    done = {queue: [point.completed for point in found[queue] if point.completed] for queue in found}
    assert done == {"mail": [4, 2], "reports": [1]}
    assert [point.at for point in found["mail"]] == [point.at for point in found["reports"]]
    assert len(found["mail"]) in (6, 7)


class TestRollUp:
    @pytest.fixture
    def hour(self, using: str) -> datetime:
        """The start of an hour that has been over for long."""
        return rows.floor(database_now(using), HOUR_S) - timedelta(hours=9)

    def test_the_minutes_of_an_hour_that_is_over_are_added_up_once(self, using: str, hour: datetime) -> None:
        for minute in (0, 1, 59):
            put(using, hour + timedelta(minutes=minute), completed=10)
        put(using, hour + timedelta(minutes=61), completed=5, worker="web2-2")
        assert statistics.roll_up(using)
        assert statistics.roll_up(using)
        assert not statistics.roll_up(using)
        hours = MinuteStats.objects.filter(span_s=HOUR_S).order_by("starts_at")
        assert [(row.starts_at - hour, row.completed, row.worker) for row in hours] == [
            (timedelta(0), 30, "web1-1"),
            (timedelta(hours=1), 5, "web2-2"),
        ]
        assert sum(hours[0].run_counts.values()) == 30

    def test_an_hour_that_is_hardly_over_waits(self, using: str) -> None:
        put(using, rows.floor(database_now(using), MINUTE_S) - timedelta(minutes=1), completed=1)
        assert not statistics.roll_up(using)

    def test_long_windows_count_each_minute_once(self, using: str, hour: datetime) -> None:
        now = rows.floor(database_now(using), MINUTE_S)
        put(using, hour, completed=10)
        put(using, now - timedelta(minutes=2), completed=7)
        assert statistics.read(24 * HOUR_S)[0].completed == 17
        assert statistics.roll_up(using)
        assert statistics.read(24 * HOUR_S)[0].completed == 17
        assert sum(point.completed for point in statistics.timeline(24 * HOUR_S, step_s=HOUR_S)) == 17

    def test_minutes_go_after_eight_days_and_hours_when_they_are_told_to(self, using: str) -> None:
        now = rows.floor(database_now(using), HOUR_S)
        for days in (1, 7, 9, 20):
            put(using, now - timedelta(days=days), completed=days)
        assert statistics.forget(hours_before=None, limit=100, using=using) == 0
        while statistics.roll_up(using):
            pass
        assert statistics.forget(hours_before=None, limit=1, using=using) == 1
        assert statistics.forget(hours_before=None, limit=100, using=using) == 1
        assert statistics.read(30 * 24 * HOUR_S)[0].completed == 1 + 7 + 9 + 20
        assert statistics.forget(hours_before=now - timedelta(days=10), limit=100, using=using) == 1
        assert statistics.read(30 * 24 * HOUR_S)[0].completed == 1 + 7 + 9


def test_the_enqueued_are_counted_up_to_a_cap(tasks: Tasks) -> None:
    for queue in ("default", "default", "mail"):
        tasks.add(queue=queue)
    old = tasks.add()
    tasks.put(old, created_at=datetime(2020, 1, 1, tzinfo=UTC))
    assert statistics.enqueued(3600) == {None: 3}
    assert statistics.enqueued(3600, by="queue") == {"default": 2, "mail": 1}
    assert statistics.enqueued(3600, by="task") == {"app.tasks.add": 3}
    assert statistics.enqueued(3600, cap=2) is None
