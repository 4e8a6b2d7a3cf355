"""Which events are wanted, and the names they have on the wire."""

from __future__ import annotations

from typing import Any

import pytest

from taskctl.listening.happenings import WORDS, Happening, names_of
from taskctl.listening.wanted import Wanted

DONE = Happening("completed", 1.0, "t1", "mail.tasks.send", "mail", "w1")
GAP = Happening("gap", 1.0, number=3)
PAUSED = Happening("paused", 1.0, queue="mail")


@pytest.mark.parametrize(
    ("wanted", "takes"),
    [
        ({}, True),
        ({"types": frozenset({"completed", "failed"})}, True),
        ({"types": frozenset({"failed"})}, False),
        ({"task": "mail.*"}, True),
        ({"task": "mail.tasks.sen?"}, True),
        ({"task": "mail"}, False),
        ({"task": "Mail.*"}, False),
        ({"task": "mail.tasks.[s]end"}, False),
        ({"queue": "mail"}, True),
        ({"queue": "default"}, False),
        ({"id": "t1"}, True),
        ({"id": "t"}, False),
        ({"id": "t1", "queue": "mail", "task": "*"}, True),
    ],
)
def test_what_is_asked_for_is_taken(wanted: dict[str, Any], takes: bool) -> None:
    assert Wanted(**wanted).takes(DONE) is takes


def test_a_gap_may_have_held_anything() -> None:
    assert Wanted(task="mail.*", queue="mail", id="t1").takes(GAP)
    assert not Wanted(types=frozenset({"failed"})).takes(GAP)


def test_what_an_event_does_not_tell_is_not_what_is_wanted() -> None:
    assert Wanted(queue="mail").takes(PAUSED)
    assert not Wanted(task="*").takes(PAUSED)
    assert not Wanted(id="t1").takes(PAUSED)


def test_every_word_but_a_gap_has_names_on_the_wire() -> None:
    assert names_of(["retrying"]) == names_of(["requeued"]) == {"task_requeued"}
    assert names_of(["enqueued"]) == {"task_created", "tasks_created"}
    assert names_of(["gap"]) == set()
    assert all(names_of([word]) for word in WORDS if word != "gap")
