"""Events are taken from anybody: what is no event is nothing, and nothing raises."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_task_worker.events.event import Event, EventName, current_time
from taskctl.listening.happenings import Happening, Numbering, parse


def wire(**fields: Any) -> bytes:
    return json.dumps({"v": 1, "event": "task_finished", "task_id": "abc123", **fields}).encode()


def heard(seq: int, publisher: str = "p") -> Happening:
    found = parse(wire(publisher=publisher, seq=seq))
    assert found is not None
    return found


def test_an_event_of_ours_arrives_whole() -> None:
    event = Event(
        event=EventName.TASK_FINISHED,
        task_id="7h2k",
        name="app.add",
        queue="mail",
        worker="w1",
        tries=2,
        wait_s=0.5,
        run_s=1.25,
    )
    found = parse(event.payload("pub", 7, current_time()))
    assert found is not None
    assert (found.event, found.id, found.task, found.queue) == (
        "completed",
        "7h2k",
        "app.add",
        "mail",
    )
    assert (found.worker, found.tries, found.wait_s, found.run_s) == ("w1", 2, 0.5, 1.25)
    assert found.at > 1_700_000_000
    assert (found.publisher, found.seq) == ("pub", 7)


def test_an_event_of_version_0_0_7_is_one() -> None:
    found = parse(b'{"event": "task_created", "task_id": "abc"}')
    assert found is not None
    assert (found.event, found.id, found.at) == ("enqueued", "abc", 0.0)


def test_a_requeue_after_an_error_is_a_retry() -> None:
    retry, operator = (
        parse(wire(event="task_requeued", error_type="KeyError")),
        parse(wire(event="task_requeued")),
    )
    assert retry is not None
    assert operator is not None
    assert (retry.event, operator.event) == ("retrying", "requeued")


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"[" * 4000,
        b'{"event": 1}',
        b'{"event": "task_exploded", "task_id": "abc"}',
        wire(task_id="../../etc"),
        wire(task_id="\x1b[2J"),
        wire(task_id="x" * 33),
        wire(task_id=5),
        wire(name="x" * 5000),
    ],
)
def test_what_is_no_event_is_nothing(payload: bytes) -> None:
    assert parse(payload) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("wait_s", -1),
        ("wait_s", 1e300),
        ("run_s", True),
        ("run_s", "1"),
        ("tries", -1),
        ("tries", 1.5),
        ("tries", 2**60),
        ("name", 5),
        ("queue", ["x"]),
        ("worker", {}),
        ("error_type", 1),
    ],
)
def test_a_field_that_makes_no_sense_is_left_out(field: str, value: Any) -> None:
    found = parse(wire(**{field: value}))
    assert found is not None
    name = {"name": "task"}.get(field, field)
    assert getattr(found, name) is None


def test_not_a_number_is_no_duration() -> None:
    found = parse(
        b'{"event": "task_finished", "task_id": "a", "run_s": NaN, "wait_s": Infinity, "at": "never"}'
    )
    assert found is not None
    assert (found.run_s, found.wait_s, found.at) == (None, None, 0.0)


@given(st.binary(max_size=200) | st.text().map(str.encode))
def test_any_bytes_are_survived(payload: bytes) -> None:
    parse(payload)


@given(
    st.dictionaries(
        st.sampled_from(["event", "task_id", "name", "at", "seq", "publisher", "count", "wait_s"]),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(max_size=9)
        | st.lists(st.integers(), max_size=2),
    )
)
def test_any_fields_are_survived(fields: dict[str, Any]) -> None:
    parse(json.dumps({"event": "task_created", **fields}).encode())


def test_a_publisher_that_skips_numbers_is_noticed() -> None:
    numbering = Numbering()
    assert [numbering.missed(heard(seq)) for seq in (5, 6, 9, 10)] == [0, 0, 2, 0]


def test_publishers_are_numbered_apart_and_an_old_number_is_no_gap() -> None:
    numbering = Numbering()
    missed = [
        numbering.missed(heard(seq, who)) for seq, who in ((1, "a"), (50, "b"), (2, "a"), (49, "b"), (1, "a"))
    ]
    assert missed == [0, 0, 0, 0, 0]


def test_the_memory_of_publishers_is_bounded() -> None:
    numbering = Numbering()
    for number in range(3000):
        numbering.missed(heard(1, f"p{number}"))
    assert len(numbering._last) <= 1000
