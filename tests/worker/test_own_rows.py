"""What a task does to its own row, or to the table, is its own affair: the worker and the others go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from django_task_worker.models import DatabaseTask
from tests.processes import Process
from tests.waiting import wait_until
from tests.worker.outcomes import all_ended, ended, ends, enqueue, row

CHANGES: dict[str, dict[str, Any]] = {
    "done": {"status": "COMPLETED", "lease": None, "lease_expires_at": None, "result": "its own"},
    "cancelled": {"status": "CANCELLED", "lease": None, "lease_expires_at": None},
    "another lease": {"status": "CANCELLED", "lease": None, "lease_expires_at": None, "worker": "elsewhere"},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_row_that_its_task_has_ended_stays_as_the_task_left_it(resident: Process, change: str) -> None:
    columns = CHANGES[change]
    changed = DatabaseTask.objects.create(name="fates.change_own_row", args=[], kwargs=columns)
    resident.line(f"stale outcome of task {changed.pk}")
    found = row(changed)
    assert {name: getattr(found, name) for name in columns} == columns
    assert ended(enqueue("add", 1, 2)).result == "3"


def test_a_task_that_takes_its_lease_away_loses_itself_only(resident: Process) -> None:
    """Nobody owns it then, so that it is rescued once its made-up lease has run out."""
    stolen = DatabaseTask.objects.create(name="fates.change_own_row", args=[], kwargs={"lease": "mine"})
    done = ended(stolen, 10)
    assert (done.status, done.error_type) == ("FAILED", "WorkerLost")
    assert ended(enqueue("add", 1, 2)).result == "3"


def test_a_task_that_enqueues_itself_ends_when_it_stops_doing_so(resident: Process) -> None:
    before = DatabaseTask.objects.count()
    enqueue("fates.enqueue_itself", 20)
    wait_until(lambda: DatabaseTask.objects.count() == before + 21)
    assert set(all_ended()) <= {"COMPLETED", "FAILED", "CANCELLED"}


def test_a_task_may_enqueue_thousands(resident: Process, journal: Path) -> None:
    count = 1000
    task = enqueue("fates.enqueue_many", str(journal), count)
    assert ended(task, 40).result == str(count)
    wait_until(lambda: sum(ends(journal).values()) == count, 20)
    assert set(ends(journal).values()) == {1}


def test_a_task_that_deletes_the_whole_table_harms_nobody(resident: Process) -> None:
    enqueue("fates.delete_all_rows")
    resident.line("stale outcome of task .* dropped")
    wait_until(lambda: not DatabaseTask.objects.exists())
    assert ended(enqueue("add", 1, 2)).result == "3"
    assert resident.running
