"""What lies between the servers and the loop: replies of Redis, the inbox, and the feed's judgement."""

from __future__ import annotations

import select
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskctl.dashboard.messages import Events, Health
from taskctl.listening.happenings import Happening
from taskctl.listening.inbox import CAPACITY, Inbox
from taskctl.listening.resp import Garbled, Replies

SUBSCRIBED = b"*3\r\n$9\r\nsubscribe\r\n$11\r\ntask_events\r\n:1\r\n"
MESSAGE = b"*3\r\n$7\r\nmessage\r\n$11\r\ntask_events\r\n$7\r\na\r\nb\r\nc\r\n"
PONG = b"*2\r\n$4\r\npong\r\n$0\r\n\r\n"
EXPECTED = [
    [b"subscribe", b"task_events", b"1"],
    [b"message", b"task_events", b"a\r\nb\r\nc"],
    [b"pong", b""],
]


@given(st.lists(st.integers(0, len(SUBSCRIBED + MESSAGE + PONG)), max_size=8).map(sorted))
def test_replies_are_put_together_from_any_pieces(cuts: list[int]) -> None:
    stream = SUBSCRIBED + MESSAGE + PONG
    replies, found = Replies(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += replies.feed(stream[start:end])
    assert found == EXPECTED


def test_an_error_is_told_as_one() -> None:
    assert Replies().feed(b"-NOAUTH Authentication required.\r\n") == [
        [b"-", b"NOAUTH Authentication required."]
    ]


@pytest.mark.parametrize(
    "stream",
    [b"*99999\r\n", b"*2\r\n$999999999999\r\n", b"*x\r\n", b"*1\r\n$-5\r\n", b"+" + b"x" * 2_000_000],
)
def test_what_no_subscription_sends_is_refused(stream: bytes) -> None:
    with pytest.raises(Garbled):
        Replies().feed(stream)


@given(st.binary(max_size=200))
def test_any_bytes_are_survived(data: bytes) -> None:
    with suppress(Garbled):
        Replies().feed(data)


@pytest.fixture
def inbox():  # type: ignore[no-untyped-def]
    made = Inbox()
    yield made
    made.close()


def is_rung(inbox: Inbox) -> bool:
    return bool(select.select([inbox.wake], [], [], 0)[0])


def some(number: int) -> list[Happening]:
    return [Happening("completed", 0.0, f"t{n}") for n in range(number)]


def test_messages_come_out_in_their_order_and_ring(inbox: Inbox) -> None:
    first, second = Health("redis", "ok"), Health("database", "ok")
    inbox.put(first)
    inbox.put(second)
    assert is_rung(inbox)
    assert inbox.take() == [first, second]
    assert not is_rung(inbox)
    assert inbox.take() == []


def test_events_wait_for_the_next_frame(inbox: Inbox) -> None:
    inbox.put_events(some(3), 1)
    assert not is_rung(inbox)
    assert inbox.take() == [Events(some(3), 1)]


def test_events_beyond_the_capacity_are_dropped_and_counted(inbox: Inbox) -> None:
    inbox.put_events(some(CAPACITY - 1), 0)
    inbox.put_events(some(5), 2)
    kept, told = inbox.take()
    assert isinstance(kept, Events)
    assert (len(kept.happenings), told) == (CAPACITY - 1, Events((), 0, 7))
    inbox.put_events(some(5), 0)
    assert inbox.take() == [Events(some(5), 0)]


def test_a_full_bell_blocks_nobody(inbox: Inbox) -> None:
    for _ in range(100_000):
        inbox.ring()
    inbox.put(Health("redis"))
    assert len(inbox.take()) == 1
