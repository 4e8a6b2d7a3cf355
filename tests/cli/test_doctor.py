"""`taskctl doctor`: what it finds besides a healthy set-up, and what it can put right."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connections

from tests.cli.conftest import Ctl, on_each, on_one

on_postgres = pytest.mark.parametrize("using", ["postgres"], indirect=True)


def finding(ctl: Ctl, name: str) -> tuple[str, str, str | None]:
    (record,) = ctl("doctor", "--only", name, "--json").records
    return record["status"], record["detail"], record["hint"]


# --- workers ---


@pytest.fixture
def one_is_lost(up: Any) -> None:
    from django_task_worker.expressions import ago

    up("web-1")
    up("web-2", seen_at=ago(2000))


@on_one
def test_lost_workers_are_told(ctl: Ctl, one_is_lost: None) -> None:
    assert finding(ctl, "workers") == (
        "warn",
        "web-1 (*); lost: web-2",
        "taskctl workers forget --lost, or --fix",
    )


@on_one
def test_fix_forgets_lost_workers_after_asking(ctl: Ctl, one_is_lost: None, using: str) -> None:
    from django_task_worker import operation_log

    words = ["doctor", "--only", "workers", "--fix"]
    refused = ctl(*words)
    assert refused.code == 4
    assert "doctor --fix would remove 1 lost worker and can't ask" in refused.err
    assert ctl(*words, answer="n\n").code == 4
    done = ctl(*words, answer="y\n")
    assert done.code == 0
    assert done.err == "forget 1 lost worker (web-2)? [y/N] "
    assert done.lines == ["ok    workers     web-1 (*)"]
    (operation,) = operation_log.recent(using=using)
    assert (operation.action, operation.changed) == ("forget", 1)
    assert ctl(*words, "--yes").code == 0


# --- stale tasks ---


@on_each
def test_running_tasks_without_a_lease_are_told(ctl: Ctl, using: str) -> None:
    from django_task_worker.models import DatabaseTask

    assert finding(ctl, "stale") == ("ok", "none", None)
    DatabaseTask.objects.using(using).create(name="shop.tasks.tick", status="PROGRESS")
    status, detail, hint = finding(ctl, "stale")
    assert status == "warn"
    assert detail == "1 running without a lease: version 0.0.7 runs them, or has left them"
    assert "taskctl list --status running" in (hint or "")
    assert len(ctl("list", "--status", "running", "-o", "id").lines) == 1


# --- the table ---


@on_each
def test_a_missing_index_is_told(ctl: Ctl, using: str) -> None:
    from django_task_worker.models import DatabaseTask

    index = next(index for index in DatabaseTask._meta.indexes if index.name == "dtw_task_ended")
    with connections[using].schema_editor() as editor:
        editor.remove_index(DatabaseTask, index)
    try:
        status, detail, _ = finding(ctl, "table")
    finally:
        with connections[using].schema_editor() as editor:
            editor.add_index(DatabaseTask, index)
    assert (status, detail) == ("warn", "0 tasks; missing indexes: dtw_task_ended")
    assert finding(ctl, "table")[:2] == ("ok", "0 tasks, all indexes there")


@on_postgres
def test_an_index_that_was_not_finished_is_told(ctl: Ctl, using: str) -> None:
    with connections[using].cursor() as cursor:
        flag = "UPDATE pg_index SET indisvalid = %s WHERE indexrelid = 'dtw_task_ended'::regclass"
        cursor.execute(flag, [False])
        try:
            found = finding(ctl, "table")
        finally:
            cursor.execute(flag, [True])
    assert found == (
        "warn",
        "0 tasks; unusable indexes: dtw_task_ended",
        "REINDEX INDEX CONCURRENTLY dtw_task_ended",
    )


# --- poolers ---


@pytest.mark.parametrize("kind", ["postgres"], indirect=True)
def test_what_a_pooler_pools_is_told_with_what_it_needs(
    run: Any, database: Any, pgbouncer_server: Any, environment: dict[str, str]
) -> None:
    environment["TEST_DATABASE"] = f"{pgbouncer_server.url}/{database.url.rsplit('/', 1)[1]}"
    line = run("doctor", "--only", "pooling").stdout.strip().split("\t")
    assert line[:4] == [
        "pooling",
        "warn",
        "CONN_MAX_AGE = 0, behind a pooler of transactions",
        "in DATABASES: DISABLE_SERVER_SIDE_CURSORS = True",
    ]
