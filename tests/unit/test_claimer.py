"""When a supervisor looks for tasks, and where: from what it is told and from what claims have brought."""

from __future__ import annotations

import time
from typing import Any

import pytest

from django_task_worker.events.subscription import Place, _place
from django_task_worker.lifecycle import Claims
from django_task_worker.lifecycle.order import Group
from django_task_worker.worker.claimer import AROUND_S, Claimer
from django_task_worker.worker.leases import Leases
from django_task_worker.worker.options import WorkerOptions
from tests.unit.claims import claimed

POLL_S = 60.0


class Looking:
    """A claimer, and a database that says what the test wants."""

    def __init__(self, *groups: Group) -> None:
        nothing: Any = None
        self.claimer = Claimer(
            WorkerOptions(concurrency=4, using="default"), "worker", nothing, Leases(30.0), nothing
        )
        self.looks(*groups)

    def looks(self, *groups: Group) -> None:
        """A look around that finds these groups, and tasks in none."""
        demand = self.claimer.demand(4)
        self.claimer.note(demand, Claims(tasks=[], groups=list(groups)), time.monotonic(), POLL_S)

    def claims(self, count: int, sent_at: float) -> None:
        """A claim of up to four from the known level that brings so many."""
        tasks = [claimed(number) for number in range(count)]
        self.claimer.note(self.claimer.demand(4), Claims(tasks=tasks, groups=None), sent_at, POLL_S)


MAIL = Group(queue="mail", priority=0, due_in_s=-1.0)


def test_a_worker_that_is_woken_for_what_it_knows_claims_without_a_look() -> None:
    looking = Looking(MAIL)
    looking.claimer.wake(time.monotonic(), {("mail", 0)})
    demand = looking.claimer.demand(4)
    assert demand.level is not None
    assert demand.level.queues == ("mail",)
    assert not demand.look


@pytest.mark.parametrize("place", [("other", 0), ("mail", 5), None])
def test_a_worker_that_is_woken_for_anything_else_looks_around_at_once(place: Place | None) -> None:
    looking = Looking(MAIL)
    looking.claimer.wake(time.monotonic(), {("mail", 0)})
    looking.claimer.wake(time.monotonic(), {place})
    assert looking.claimer.is_due
    assert looking.claimer.demand(4).look


def test_a_stream_of_tasks_does_not_put_off_the_look_around() -> None:
    looking = Looking(MAIL)
    began = time.monotonic()
    for number in range(5):
        looking.claimer.wake(began, {("mail", 0)})
        looking.claims(1, sent_at=began + number / 100)
    assert looking.claimer.look_at <= began + AROUND_S


def test_the_look_around_takes_place_even_when_a_worker_is_woken_for_what_it_knows() -> None:
    looking = Looking(MAIL)
    began = time.monotonic()
    looking.claimer.wake(began, {("mail", 0)})
    looking.claims(1, sent_at=began - AROUND_S)
    looking.claimer.wake(began, {("mail", 0)})
    assert looking.claimer.demand(4).look


def test_what_will_be_due_sooner_is_looked_for_then() -> None:
    looking = Looking(MAIL, Group(queue="later", priority=0, due_in_s=AROUND_S / 2))
    began = time.monotonic()
    looking.claimer.wake(began, {("mail", 0)})
    looking.claims(1, sent_at=began)
    assert looking.claimer.look_at < began + AROUND_S * 0.9


def test_a_claim_that_was_filled_is_followed_by_another() -> None:
    looking = Looking(MAIL)
    looking.claims(4, sent_at=time.monotonic())
    assert looking.claimer.is_due
    assert not looking.claimer.demand(4).look


@pytest.mark.parametrize(
    ("message", "place"),
    [
        (b'{"v":1,"event":"task_created","queue":"mail","priority":-3}', ("mail", -3)),
        (b'{"v":1,"event":"queue_resumed","queue":"mail","priority":null}', None),
        (b'{"queue":["mail"],"priority":0}', None),
        (b'{"queue":"mail"}', None),
        (b'{"queue":"ma', None),
        (b"{" * 100_000, None),
        (b'{"queue":"\xff","priority":0}', None),
        (b"{}", None),
    ],
)
def test_a_wake_up_is_read_with_suspicion(message: bytes, place: Place | None) -> None:
    assert _place(message) == place
