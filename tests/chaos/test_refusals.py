"""Rows that the database refuses to change: they harm no other, and cost no task an attempt."""

from __future__ import annotations

from django_task_worker import lifecycle
from django_task_worker.ids import new_id
from django_task_worker.lifecycle import Demand
from django_task_worker.models import DatabaseTask
from tests.chaos.oracle import Oracle
from tests.chaos.refusal import refuse, relent
from tests.databases import Database


def test_a_row_that_cannot_be_taken_back_holds_no_other_back(database: Database, oracle: Oracle) -> None:
    stored = oracle.store(3)
    demand = Demand(count=3, lease=new_id(), lease_s=-1.0, worker="dead", default_retries=0)
    first = lifecycle.claim(demand, database.alias).tasks[0]
    refuse(database.alias, f"OLD.id = '{first.id}'")
    rescued = lifecycle.rescue(using=database.alias)
    assert {task.id for task in rescued} == {task.id for task in stored} - {first.id}
    assert DatabaseTask.objects.get(pk=first.id).status == "PROGRESS"
    relent(database.alias)
    assert [task.id for task in lifecycle.rescue(using=database.alias)] == [first.id]
