"""Rows that the database refuses to change: they harm no other, and cost no task an attempt."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from django_task_worker import lifecycle
from django_task_worker.ids import new_id
from django_task_worker.lifecycle import Demand
from django_task_worker.models import DatabaseTask
from tests.chaos.oracle import Oracle
from tests.chaos.refusal import refuse, refuse_every_fourth, relent
from tests.databases import Database
from tests.processes import Process
from tests.servers import Postgres
from tests.worker.marks import on_postgres


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


def assert_refusals_cost_no_attempt(worker: Callable[..., Process], oracle: Oracle) -> None:
    process = worker("--concurrency", 2, "--poll", "100ms")
    good, bad = oracle.store(20), oracle.store(6, fate="fail")
    verdict = oracle.assert_holds(50)
    assert verdict.ends == {"COMPLETED": len(good), "FAILED": len(bad)}
    assert verdict.reruns == 0
    assert process.stop() == 0


@pytest.mark.parametrize(
    ("kind", "code", "number"),
    [
        ("postgres", "40P01", 0),
        pytest.param("postgres", "40001", 0, marks=pytest.mark.slow),
        pytest.param("postgres", "55P03", 0, marks=pytest.mark.slow),
        pytest.param("mariadb", "40001", 1213, marks=[pytest.mark.mariadb, pytest.mark.slow]),
        pytest.param("mariadb", "HY000", 1205, marks=[pytest.mark.mariadb, pytest.mark.slow]),
    ],
    ids=["deadlock", "serialization", "lock timeout", "mariadb deadlock", "mariadb lock wait"],
    indirect=["kind"],
)
def test_refused_claims_and_outcomes_cost_no_attempt(
    worker: Callable[..., Process], database: Database, oracle: Oracle, code: str, number: int
) -> None:
    """However many a claim or a batch of outcomes tries to change at once."""
    refuse_every_fourth(database.alias, code=code, number=number)
    assert_refusals_cost_no_attempt(worker, oracle)


@on_postgres
@pytest.mark.slow
def test_a_commit_that_is_refused_after_all_was_answered_costs_no_attempt(
    worker: Callable[..., Process], database: Database, oracle: Oracle
) -> None:
    """As a serializable transaction, or a constraint that is checked at the end."""
    refuse_every_fourth(database.alias, code="40001", at_commit=True)
    assert_refusals_cost_no_attempt(worker, oracle)


@on_postgres
@pytest.mark.direct
@pytest.mark.slow
@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_a_database_with_another_isolation_level_runs_each_task_once(
    worker: Callable[..., Process], database: Database, oracle: Oracle, postgres_server: Postgres, level: str
) -> None:
    name = urlsplit(database.url).path.lstrip("/")
    postgres_server.execute(f"ALTER DATABASE {name} SET default_transaction_isolation = '{level}'")
    workers = [worker("--concurrency", 2, "--poll", "100ms") for _ in range(2)]
    good, bad = oracle.store(300), oracle.store(20, fate="fail", max_retries=1)
    verdict = oracle.assert_holds(60)
    assert verdict.ends == {"COMPLETED": len(good), "FAILED": len(bad)}
    assert verdict.reruns == len(bad)
    assert [process.stop() for process in workers] == [0, 0]
