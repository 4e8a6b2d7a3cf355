"""Postgres finds every task through an index, whatever the worker and the commands ask for."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections

from django_task_worker import overview
from django_task_worker.models import DatabaseTask
from django_task_worker.queries import Span, changed, database_now, happened
from django_task_worker.statistics import By
from tests.databases import Database
from tests.processes import Process
from tests.servers import Postgres

FILL = """
INSERT INTO django_task_worker_databasetask (id, name, args, kwargs, status, queue, retry_count,
    created_at, updated_at, due_at, finished_at)
SELECT 'task' || lpad(n::text, 18, '0'), 'app.tasks.nothing', '[]', '{}', status, 'default', 0,
    at, at, CASE WHEN n % 100 = 0 THEN now() + interval '1 day' ELSE at END,
    CASE WHEN status = 'PENDING' THEN NULL ELSE at END
FROM generate_series(1, 20000) AS n,
    LATERAL (SELECT now() - n * interval '1 s' AS at) AS a,
    LATERAL (SELECT (ARRAY['COMPLETED', 'FAILED', 'COMPLETED', 'CANCELLED'])[n % 4 + 1] AS ended) AS b,
    LATERAL (SELECT CASE WHEN n % 100 IN (0, 1) THEN 'PENDING' ELSE ended END AS status) AS c
"""
EXPLAIN = [
    "ALTER DATABASE {name} SET session_preload_libraries = 'auto_explain'",
    "ALTER DATABASE {name} SET auto_explain.log_min_duration = 0",
    "ALTER DATABASE {name} SET auto_explain.log_nested_statements = on",
]
PLAN = re.compile(r"LOG:.*?plan:\n(.*?)(?=^\d{4}-|\Z)", re.S | re.M)


@pytest.fixture
def plans(database: Database, postgres_server: Postgres) -> Callable[[], list[str]]:
    """A database with 20,000 tasks; call it for the plans of all statements since then."""
    with connections[database.alias].cursor() as cursor:
        cursor.execute(FILL)
        cursor.execute("ANALYZE")
    connections[database.alias].close()
    name = database.url.rsplit("/", 1)[-1]
    postgres_server.execute(*(line.format(name=name) for line in EXPLAIN))
    before = len(postgres_server.log)
    return lambda: PLAN.findall(postgres_server.log[before:])


def scans(plans: list[str]) -> list[str]:
    return [plan for plan in plans if "Seq Scan on django_task_worker_databasetask" in plan]


@pytest.mark.parametrize("kind", ["postgres"], indirect=True)
def test_these_tests_would_see_it(plans: Callable[[], list[str]]) -> None:
    assert DatabaseTask.objects.filter(error="no index on this").count() == 0
    assert scans(plans())


@pytest.mark.parametrize("kind", ["postgres"], indirect=True)
def test_a_worker_never_reads_the_whole_table(
    plans: Callable[[], list[str]], worker: Callable[..., Process]
) -> None:
    worker("--burst", "--concurrency", 2, ready=False).wait(60)
    found = plans()
    assert any("dtw_task_pending" in plan for plan in found)
    assert not scans(found)


@pytest.mark.parametrize("kind", ["postgres"], indirect=True)
@pytest.mark.parametrize(
    "arguments",
    [
        ["list"],
        ["list", "--status", "failed"],
        ["list", "--status", "running"],
        ["list", "--status", "scheduled", "--sort", "due"],
        ["show", "task000000000000004711"],
        ["cancel", "task000000000000005000"],
        ["retry", "task000000000000004709"],
        ["requeue", "--stale"],
    ],
    ids=" ".join,
)
def test_a_command_never_reads_the_whole_table(
    plans: Callable[[], list[str]], run: Callable[..., Any], arguments: list[str]
) -> None:
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    found = plans()
    assert found
    assert not scans(found)


BY: tuple[By | None, ...] = ("queue", "task", "worker", None)
LOOKS: dict[str, Callable[[str], Any]] = {
    "queues": overview.queues,
    "workers": overview.workers,
    "stats": lambda using: [overview.figures(3600, by=by, using=using) for by in BY],
    "events": lambda using: list(happened(span(using), using)),
    "list --watch": lambda using: list(changed(DatabaseTask.objects.using(using).all(), span(using).since)),
}


def span(using: str) -> Span:
    now = database_now(using)
    return Span(since=now - timedelta(minutes=5), until=now)


@pytest.mark.parametrize("kind", ["postgres"], indirect=True)
def test_a_look_at_the_whole_never_reads_the_whole_table(
    plans: Callable[[], list[str]], database: Database
) -> None:
    for look in LOOKS.values():
        look(database.alias)
    connections[database.alias].close()
    found = plans()
    assert len(found) > 2 * len(LOOKS)
    assert not scans(found)
