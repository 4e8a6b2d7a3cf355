"""Outcomes that the database refuses: what is less important goes first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DataError

from django_task_worker import lifecycle
from django_task_worker.lifecycle import Change, Notes, Outcome
from django_task_worker.states import Kind, Transition
from django_task_worker.worker.completer import Completer
from tests.unit.claims import claimed


def outcome(number: int, **fields: Any) -> Outcome:
    return Outcome(
        task=claimed(number), kind=Kind.COMPLETED, result="3", result_json="3", duration_s=0.1, **fields
    )


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[Outcome]:
    """What a database took that refuses notes."""
    found: list[Outcome] = []

    def finish(outcomes: Sequence[Outcome], using: str) -> list[Change]:
        if any(each.notes for each in outcomes):
            raise DataError("incorrect string value")
        found.extend(outcomes)
        return [Change(outcome=each, transition=Transition.COMPLETE) for each in outcomes]

    monkeypatch.setattr(lifecycle, "finish", finish)
    return found


def completer_on(database: object) -> Completer:
    def ignore(*args: object) -> None:
        pass

    return Completer(
        database,  # type: ignore[arg-type]
        SimpleNamespace(remove=ignore),  # type: ignore[arg-type]
        SimpleNamespace(release=ignore),  # type: ignore[arg-type]
        SimpleNamespace(begin=ignore, note=ignore),  # type: ignore[arg-type]
        ignore,
    )


def test_notes_that_the_database_refuses_cost_nobody_a_result(written: list[Outcome]) -> None:
    database = SimpleNamespace(using="default", is_away=False, run=lambda what, action: action())
    completer = completer_on(database)
    completer.add([outcome(1), outcome(2, notes=Notes(log="x", log_size=1)), outcome(3)])
    for _ in range(10):
        completer.settle(1)
    assert [each.task.id for each in written] == ["task1", "task2", "task3"]
    assert [(each.result, each.result_json, each.notes) for each in written] == [("3", "3", None)] * 3
    assert completer.is_empty
    assert completer.completed == 3


@pytest.mark.parametrize("transition", [Transition.FAIL, Transition.RETRY, Transition.RELEASE])
def test_what_a_row_holds_is_logged_clean(caplog: pytest.LogCaptureFixture, transition: Transition) -> None:
    caplog.set_level("DEBUG", "django_task_worker")
    ended = outcome(1, error_type="E", error="a\x1b]0;owned\x07\nb")
    ended = replace(ended, task=replace(ended.task, name="app.\x1b[2J"))
    completer_on(None).finish([ended], [Change(outcome=ended, transition=transition)])
    (record,) = caplog.records
    assert record.getMessage().isprintable()
