"""The judge itself: it finds nothing wrong with what is right, and names everything that is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connections

from django_task_worker.models import DatabaseTask
from tests.chaos import audit
from tests.chaos.audit import Entry
from tests.chaos.oracle import Note, Oracle, Row, judge

ROW: dict[str, Any] = {
    "id": "t",
    "key": "k",
    "state": "COMPLETED",
    "retry_count": 0,
    "max_retries": 0,
    "has_lease": False,
    "error_type": None,
}
GOOD = [(None, "PENDING"), ("PENDING", "PROGRESS"), ("PROGRESS", "COMPLETED")]
RAN = ["start 1", "end 1"]


def entries(*arrows: tuple[str | None, str | None], lease: str | None = None) -> list[Entry]:
    """Each claim under a lease of its own, unless one is given for all."""
    found = []
    for number, (was, became) in enumerate(arrows):
        new = (lease or f"lease{number}") if became == "PROGRESS" else None
        found.append(
            Entry(task_id="t", was=was, became=became, was_lease=None, became_lease=new, worker=None)
        )
    return found


def notes(*lines: str) -> list[Note]:
    """`word pid`, with what else is to be said."""
    words = [line.split(" ") for line in lines]
    return [
        Note(word=word, key="k", pid=int(pid), at=0.0, about=about[0] if about else "-")
        for word, pid, *about in words
    ]


def verdict(arrows: Any = GOOD, ran: Any = RAN, **row: Any) -> str:
    return "\n".join(judge([Row(**{**ROW, **row})], entries(*arrows), notes(*ran)).wrong)


def test_a_task_that_ran_once_and_completed_is_right() -> None:
    assert verdict() == ""


def test_retries_interruptions_and_cancellations_are_right() -> None:
    retried = [*GOOD[:2], ("PROGRESS", "RETRYING"), ("RETRYING", "PROGRESS"), ("PROGRESS", "COMPLETED")]
    assert verdict(retried, ["start 1", "fail 1", *RAN], retry_count=1, max_retries=1) == ""
    handed_back = [*GOOD[:2], ("PROGRESS", "PENDING"), *GOOD[1:]]
    assert verdict(handed_back, ["start 1", *RAN], max_retries=1) == ""
    assert verdict([GOOD[0], ("PENDING", "CANCELLED")], [], state="CANCELLED") == ""


WRONG = {
    "it changed after its end": ([*GOOD, ("COMPLETED", "COMPLETED")], RAN, {}, "was final and changed"),
    "it ended twice": (
        [*GOOD, ("COMPLETED", "FAILED")],
        RAN,
        {"state": "FAILED"},
        "has 2 outcomes",
    ),
    "it skipped a state": ([GOOD[0], ("PENDING", "COMPLETED")], RAN, {}, "no such transition"),
    "a lease changed hands": (
        [*GOOD[:2], ("PROGRESS", "PROGRESS"), GOOD[2]],
        RAN,
        {},
        "no such transition: PROGRESS → PROGRESS",
    ),
    "it ran more often than it was claimed": (GOOD, [*RAN, *RAN], {}, "ran 2 times with 1 claims"),
    "it completed without having run": (GOOD, ["start 1"], {}, "never came to its end"),
    "it ran beside itself": (GOOD, ["start 1", "overlap 2 1:S", "end 1"], {}, "beside 1:S"),
    "it has not ended": (GOOD[:2], ["start 1"], {"state": "PROGRESS", "has_lease": True}, "has not ended"),
    "it was run again without a budget": (
        [*GOOD[:2], ("PROGRESS", "PENDING"), *GOOD[1:]],
        ["start 1", *RAN],
        {},
        "may not run again",
    ),
    "it spent more than it had": (
        [*GOOD[:2], ("PROGRESS", "RETRYING"), ("RETRYING", "PROGRESS"), GOOD[2]],
        ["start 1", *RAN],
        {"retry_count": 1},
        "spent 2 attempts",
    ),
    "the row says something else": (GOOD, RAN, {"state": "FAILED"}, "the audit ends with COMPLETED"),
}


@pytest.mark.parametrize("what", WRONG)
def test_it_names_what_is_wrong(what: str) -> None:
    arrows, ran, row, sentence = WRONG[what]
    assert sentence in verdict(arrows, ran, **row)


def test_a_process_that_was_stopped_may_be_overtaken() -> None:
    arrows = [*GOOD[:2], ("PROGRESS", "RETRYING"), ("RETRYING", "PROGRESS"), GOOD[2]]
    ran = ["start 1", "overlap 2 1:T", "start 2", "end 2", "end 1"]
    assert verdict(arrows, ran, retry_count=1, max_retries=1) == ""


def test_a_second_claim_under_the_same_lease_is_wrong() -> None:
    arrows = [*GOOD[:2], ("PROGRESS", "PENDING"), *GOOD[1:]]
    found = judge([Row(**{**ROW, "max_retries": 1})], entries(*arrows, lease="x"), notes("start 1", *RAN))
    assert "under the same lease twice" in "\n".join(found.wrong)


def test_rows_that_are_gone_are_lost_unless_they_had_ended() -> None:
    assert judge([], entries(*GOOD, ("COMPLETED", None)), notes(*RAN)).wrong == []
    lost = judge([], entries(*GOOD[:2], ("PROGRESS", None)), notes("start 1")).wrong
    assert lost == ["task t is lost: PROGRESS", "ran and have no row: ['k']"]


def test_the_audit_sees_every_change_in_its_order(oracle: Oracle) -> None:
    (task,) = oracle.store()
    row = DatabaseTask.objects.filter(pk=task.pk)
    row.update(status="PROGRESS", lease="one", worker="w")
    row.update(worker="nobody cares")
    row.update(lease="two")
    row.update(status="FAILED", lease=None, next_attempt_at="2026-01-01T00:00:00Z")
    row.update(status="COMPLETED", next_attempt_at=None)
    row.update(result="changed")
    row.delete()
    seen = [(e.was, e.became, e.was_lease, e.became_lease) for e in audit.entries(oracle.alias)]
    assert seen == [
        (None, "PENDING", None, None),
        ("PENDING", "PROGRESS", None, "one"),
        ("PROGRESS", "PROGRESS", "one", "two"),
        ("PROGRESS", "RETRYING", "two", None),
        ("RETRYING", "COMPLETED", None, None),
        ("COMPLETED", "COMPLETED", None, None),
        ("COMPLETED", None, None, None),
    ]


def test_the_audit_is_part_of_the_transaction(oracle: Oracle) -> None:
    from django.db import transaction

    with transaction.atomic(using=oracle.alias):
        oracle.store()
        transaction.set_rollback(True, using=oracle.alias)
    assert audit.entries(oracle.alias) == []
    assert connections[oracle.alias].get_autocommit()
