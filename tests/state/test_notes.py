"""Progress and logs in the database: under the lease's guard, and before the outcome."""

from __future__ import annotations

from dataclasses import replace

import pytest

from django_task_worker import lifecycle, task_logs, wishes
from django_task_worker.client import requeue
from django_task_worker.lifecycle import Notes, Outcome
from django_task_worker.records import Wish
from django_task_worker.states import Kind
from tests.lifecycle.tasks import Tasks

PROGRESS = {"done": 3, "total": 10, "message": "naïve"}
KINDS = [Kind.COMPLETED, Kind.FAILED, Kind.CANCELLED, Kind.LOST]


def test_progress_is_written_while_the_lease_is_ours(tasks: Tasks) -> None:
    task = tasks.running()
    lifecycle.note_progress([(task, PROGRESS)], tasks.using)
    assert tasks.row(task.id).progress == PROGRESS
    stranger = replace(task, lease="x" * 22)
    lifecycle.note_progress([(stranger, {**PROGRESS, "done": 9})], tasks.using)
    assert tasks.row(task.id).progress == PROGRESS
    assert tasks.settle(task)
    lifecycle.note_progress([(task, {**PROGRESS, "done": 9})], tasks.using)
    assert tasks.row(task.id).progress == PROGRESS


@pytest.mark.parametrize("how", KINDS)
def test_an_outcome_brings_its_notes(tasks: Tasks, how: Kind) -> None:
    task = tasks.running()
    assert tasks.settle(task, how, notes=Notes(log="said", log_size=4, progress=PROGRESS))
    assert tasks.row(task.id).progress == PROGRESS
    (log,) = task_logs.of_task(task.id)
    assert (log.text, log.size, log.number, log.worker, log.is_final) == ("said", 4, 1, "worker-1", True)


def test_notes_without_a_log_store_none(tasks: Tasks) -> None:
    task = tasks.running()
    assert tasks.settle(task, notes=Notes(log=None, log_size=4))
    assert not task_logs.of_task(task.id)


def test_a_log_so_far_is_replaced_by_the_whole(tasks: Tasks) -> None:
    task = tasks.running()
    for text in ("first\n", "first\nsecond\n"):
        notes = Notes(log=text, log_size=len(text))
        lifecycle.store_logs([(task, notes)], worker="worker-1", is_final=False, using=tasks.using)
        (log,) = task_logs.of_task(task.id)
        assert (log.text, log.is_final) == (text, False)
    assert tasks.settle(task, Kind.FAILED, notes=Notes(log="all", log_size=3))
    (log,) = task_logs.of_task(task.id)
    assert (log.text, log.size, log.is_final) == ("all", 3, True)


def test_a_log_can_be_discarded(tasks: Tasks) -> None:
    first, second = tasks.running(), tasks.running()
    notes = Notes(log="x", log_size=1)
    lifecycle.store_logs([(first, notes), (second, notes)], worker="w", is_final=False, using=tasks.using)
    lifecycle.discard_logs([first], tasks.using)
    assert not task_logs.of_task(first.id)
    assert task_logs.of_task(second.id)
    lifecycle.discard_logs([], tasks.using)
    assert task_logs.of_task(second.id)


def test_every_attempt_has_its_own_log_even_when_the_count_starts_over(tasks: Tasks) -> None:
    task = tasks.running(max_retries=1)
    assert tasks.settle(task, Kind.FAILED, notes=Notes(log="one", log_size=3))
    tasks.make_due(task.id)
    again = tasks.take()
    assert tasks.settle(again, Kind.FAILED, notes=Notes(log="two", log_size=3))
    assert requeue(task.id)
    assert tasks.settle(tasks.take(), Kind.FAILED, notes=Notes(log="three", log_size=5))
    assert [(log.number, log.text) for log in task_logs.of_task(task.id)] == [
        (1, "one"),
        (2, "two"),
        (1, "three"),
    ]


def test_an_attempt_begins_without_progress(tasks: Tasks) -> None:
    task = tasks.running(max_retries=1)
    assert tasks.settle(task, Kind.FAILED, notes=Notes(progress=PROGRESS))
    assert tasks.row(task.id).progress == PROGRESS
    tasks.make_due(task.id)
    tasks.take()
    assert tasks.row(task.id).progress is None
    assert tasks.all.filter(progress__isnull=True).exists()


def test_starting_over_forgets_the_progress(tasks: Tasks) -> None:
    task = tasks.running()
    assert tasks.settle(task, Kind.FAILED, notes=Notes(progress=PROGRESS))
    assert lifecycle.requeue([task.id], using=tasks.using)
    assert tasks.row(task.id).progress is None


def test_a_log_is_stored_though_somebody_else_owns_the_task_now(tasks: Tasks) -> None:
    task = tasks.running(max_retries=1)
    tasks.expire(task.id)
    assert lifecycle.rescue(using=tasks.using)
    late = Outcome(task=task, kind=Kind.FAILED, worker="late", notes=Notes(log="said", log_size=4))
    assert not lifecycle.finish([late], tasks.using)
    assert task_logs.of_task(task.id)[0].text == "said"


class TestWishes:
    def test_a_wish_is_open_until_it_is_answered(self, using: str) -> None:
        wish = wishes.ask("a", wishes.STACK, using)
        wishes.ask("b", wishes.STACK, using)
        assert [found.pk for found in wishes.open_wishes(["a", "c"], using)] == [wish]
        assert wishes.answer_to(wish, using) is None
        wishes.answer(wish, "", using)
        assert wishes.answer_to(wish, using) == ""
        assert not wishes.open_wishes(["a", "c"], using)

    def test_a_standing_wish_is_left_once_in_a_while(self, using: str) -> None:
        standing = wishes.Standing("a", wishes.LOG, using)
        for _ in range(5):
            standing.renew()
        assert Wish.objects.count() == 1


def test_a_log_is_followed_piece_by_piece(tasks: Tasks) -> None:
    task = tasks.running()

    def write(text: str) -> None:
        notes = Notes(log=text, log_size=len(text.encode()))
        lifecycle.store_logs([(task, notes)], worker="w", is_final=False, using=tasks.using)

    write("öne\n")
    pieces = task_logs.follow(task.id, timeout_s=20)
    assert next(pieces).text == "öne\n"
    assert Wish.objects.get().kind == wishes.LOG
    write("öne\ntwö\n")
    assert next(pieces).text == "twö\n"
    assert tasks.settle(task, Kind.FAILED, notes=Notes(log="öne\ntwö\nthree\n", log_size=16))
    assert [piece.text for piece in pieces] == ["three\n"]
