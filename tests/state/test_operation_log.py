"""Who did what, when, why, and to how many tasks."""

from __future__ import annotations

import logging

import pytest
from django.db import DatabaseError

from django_task_worker import operation_log
from django_task_worker.operation_log import MAX_TARGETS
from django_task_worker.records import Operation, OperationTarget
from tests.lifecycle.tasks import Tasks


def test_an_operation_is_remembered_with_everything(tasks: Tasks) -> None:
    before = tasks.now()
    operation_log.record(
        "retry",
        ids=["a", "b"],
        matched=3,
        changed=2,
        skipped=1,
        selector="--status failed --task 'mail.*'",
        reason="the mail server is back",
        who="ana@web1",
        via="admin",
    )
    (found,) = operation_log.recent()
    assert before <= found.at <= tasks.now()
    assert (found.action, found.who, found.via) == ("retry", "ana@web1", "admin")
    assert (found.matched, found.changed, found.skipped) == (3, 2, 1)
    assert found.selector == "--status failed --task 'mail.*'"
    assert found.reason == "the mail server is back"


def test_unless_told_otherwise_it_was_the_user_of_this_process(
    using: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "ana")
    monkeypatch.setattr("socket.gethostname", lambda: "web1")
    operation_log.record("purge", matched=1, changed=1)
    assert operation_log.recent()[0].who == "ana@web1"


def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise OSError

    monkeypatch.setattr("getpass.getuser", nobody)
    assert operation_log.this_user().partition("@")[0].isdecimal()


def test_a_task_knows_the_operations_that_changed_it(using: str) -> None:
    operation_log.record("retry", ids=["a", "b"], matched=2, changed=2)
    operation_log.record("cancel", ids=["b"], matched=1, changed=1)
    operation_log.record("pause", matched=1, changed=1, selector="mail")
    assert [found.action for found in operation_log.of_task("b")] == ["cancel", "retry"]
    assert [found.action for found in operation_log.of_task("a")] == ["retry"]
    assert not operation_log.of_task("c")
    assert [found.action for found in operation_log.recent(2)] == ["pause", "cancel"]


def test_of_many_tasks_the_first_thousand_are_remembered(using: str) -> None:
    ids = [f"task{number}" for number in range(MAX_TARGETS + 10)]
    operation_log.record("purge", ids=ids, matched=len(ids), changed=len(ids))
    assert operation_log.recent()[0].changed == len(ids)
    assert OperationTarget.objects.count() == MAX_TARGETS


def test_text_that_a_database_refuses_is_made_fit(using: str) -> None:
    operation_log.record(
        "x" * 100, matched=1, changed=1, reason="nul \0 esc \x1b surrogate \ud800" + "y" * 500, who="z" * 500
    )
    (found,) = operation_log.recent()
    assert found.reason.startswith("nul \N{REPLACEMENT CHARACTER} esc")
    assert (len(found.action), len(found.reason), len(found.who)) == (40, 255, 255)


def test_what_was_done_stands_when_it_cannot_be_remembered(
    using: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise DatabaseError("read-only")

    monkeypatch.setattr(Operation, "save", refuse)
    with caplog.at_level(logging.WARNING):
        operation_log.record("retry", matched=1, changed=1, who="ana@web1")
    assert "cannot record the operation retry by ana@web1: read-only" in caplog.text
