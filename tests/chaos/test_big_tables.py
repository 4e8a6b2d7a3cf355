"""Tables of five million rows, and tables that nobody may vacuum. All of it takes minutes."""

from __future__ import annotations

import statistics as statistics_of
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connections

from django_task_worker import lifecycle, queries, statistics
from django_task_worker.ids import new_id
from django_task_worker.lifecycle import Demand, Outcome
from django_task_worker.lifecycle.known import Known
from django_task_worker.models import DatabaseTask
from django_task_worker.queries import Selection
from django_task_worker.states import Kind
from tests.chaos.audit import TASKS
from tests.chaos.old_code import fill, storing
from tests.databases import Database
from tests.worker.marks import on_postgres

pytestmark = [pytest.mark.slow, pytest.mark.direct, pytest.mark.timeout(1800), on_postgres]

OPEN = "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM django_task_worker_queue"


def p99_ms(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.99)] * 1000


def timed(action: Callable[[], Any], times: int) -> list[float]:
    found = []
    for _ in range(times):
        began = time.perf_counter()
        action()
        found.append(time.perf_counter() - began)
    return found


def claim(alias: str, count: int) -> list[lifecycle.Claimed]:
    demand = Demand(count=count, lease=new_id(), lease_s=30.0, worker="w", default_retries=0)
    return lifecycle.claim(demand, alias).tasks


def complete(tasks: list[lifecycle.Claimed], alias: str) -> None:
    outcomes = [Outcome(task=task, kind=Kind.COMPLETED, duration_s=0.0, result="3") for task in tasks]
    assert len(lifecycle.finish(outcomes, alias)) == len(tasks)


@pytest.mark.parametrize("due", [100_000, 0], ids=["some due", "all in the future"])
def test_claims_sweeps_and_reads_are_quick_beside_five_million_rows(database: Database, due: int) -> None:
    alias = database.alias
    if due:
        fill(alias, 1, 4_900_000, "COMPLETED")
        fill(alias, 4_900_001, 4_900_000 + due, "PENDING")
    else:
        fill(alias, 1, 5_000_000, "PENDING", more=", due_at", values=", now() + interval '1 day'")
    with connections[alias].cursor() as cursor:
        cursor.execute(f"VACUUM ANALYZE {TASKS}")
    newest = queries.select(Selection(), alias).order_by("-created_at", "-id")
    found = {
        "claim": p99_ms(timed(lambda: claim(alias, 10), 300)),
        "sweep": p99_ms(timed(lambda: lifecycle.rescue(using=alias), 100)),
        "list": p99_ms(timed(lambda: list(newest[:50]), 20)),
        "statistics": p99_ms(timed(lambda: statistics.read(3600, using=alias), 20)),
    }
    print(f"\n5,000,000 rows, {due:,} due, p99 in ms: { {key: round(ms, 1) for key, ms in found.items()} }")
    assert found["claim"] < 10
    assert found["sweep"] < 20
    assert max(found["list"], found["statistics"]) < 1000


class Looking:
    """Claims as a worker does: from the levels it knows, with a look at all that waits once a second."""

    def __init__(self, alias: str) -> None:
        self._alias = alias
        self._known = Known()
        self._looked_at = 0.0

    def claim(self, count: int) -> list[lifecycle.Claimed]:
        now = time.monotonic()
        look = now - self._looked_at > 1.0
        demand = Demand(
            count=count,
            lease=new_id(),
            lease_s=30.0,
            worker="w",
            default_retries=0,
            level=self._known.level(now),
            look=look,
        )
        claims = lifecycle.claim(demand, self._alias)
        if claims.groups is not None:
            self._looked_at = now
        self._known.note(claims, (), now)
        return claims.tasks


def test_claims_stay_quick_while_nothing_can_be_vacuumed(database: Database) -> None:
    """A million tasks are run while a snapshot is kept open: every dead row stays, and claims pass it."""
    alias, count, batch = database.alias, 1_000_000, 200
    fill(alias, 1, count, "PENDING", more=", due_at", values=", now() - (1e6 - i) * interval '1 ms'")
    with connections[alias].cursor() as cursor:
        cursor.execute(f"ANALYZE {TASKS}")
    worker = Looking(alias)
    with psycopg.connect(database.url, autocommit=True) as snapshot:
        snapshot.execute(OPEN)
        times: list[float] = []
        for _ in range(count // batch):
            began = time.perf_counter()
            tasks = worker.claim(batch)
            times.append(time.perf_counter() - began)
            complete(tasks, alias)
    tenth = len(times) // 10
    parts = [times[start : start + tenth] for start in range(0, len(times), tenth)]
    curve = [(round(statistics_of.median(part) * 1000, 1), round(p99_ms(part), 1)) for part in parts]
    print(f"\n1,000,000 tasks under a snapshot, claims of {batch} by tenths, median and p99 in ms: {curve}")
    assert not DatabaseTask.objects.using(alias).filter(status="PENDING").exists()
    assert curve[0][1] < 100
    assert curve[-1][0] < 3 * curve[0][0]
    assert curve[-1][1] < 1000


@pytest.fixture
def old(unmigrated: Database) -> Database:
    """The schema of version 0.0.7."""
    call_command("migrate", "django_task_worker", "0002", database=unmigrated.alias, verbosity=0)
    return unmigrated


def test_migrating_five_million_rows_locks_nobody_out_for_a_second(old: Database) -> None:
    fill(old.alias, 1, 4_900_000, "COMPLETED")
    fill(old.alias, 4_900_001, 5_000_000, "PENDING")
    with storing(old.url, 0.02) as took:
        began = time.monotonic()
        call_command("migrate", "django_task_worker", database=old.alias, verbosity=0)
        migrated_s = time.monotonic() - began
    slowest_s = max(took)
    print(
        f"\n5,000,000 rows migrated in {migrated_s:.0f} s; slowest of {len(took)} INSERTs: {slowest_s:.2f} s"
    )
    assert slowest_s < 1
    assert DatabaseTask.objects.using(old.alias).filter(status="PENDING").count() >= 100_000 + len(took)
