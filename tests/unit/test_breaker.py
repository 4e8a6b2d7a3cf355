"""How soon a Redis that was away is tried again, and how often that is told."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest

from django_task_worker.events import redis
from django_task_worker.events.line import RedisUnavailable
from django_task_worker.events.redis import Breaker


class Clock:
    """A monotonic clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(redis, "time", SimpleNamespace(monotonic=clock.monotonic))
    monkeypatch.setattr(Breaker, "warned_at", 0.0)
    return clock


def pause_s(breaker: Breaker, clock: Clock) -> float:
    """How long it keeps others from trying, to a tenth of a second."""
    began = clock.now
    while breaker.is_open:
        clock.now += 0.1
    return clock.now - began


def test_pauses_grow_and_never_keep_wake_ups_away_for_more_than_four_seconds(clock: Clock) -> None:
    breaker = Breaker()
    pauses = []
    for _ in range(20):
        breaker.failed(RedisUnavailable("away"))
        pauses.append(pause_s(breaker, clock))
    assert pauses[0] <= 1.1
    assert pauses[1] > pauses[0]
    assert 3 < max(pauses) <= 4.1
    assert len(set(pauses[5:])) > 1, "many workers would try at the same moment"


def test_after_a_success_the_pauses_begin_anew(clock: Clock) -> None:
    breaker = Breaker()
    for _ in range(5):
        breaker.failed(RedisUnavailable("away"))
    breaker.succeeded()
    assert not breaker.is_open
    breaker.failed(RedisUnavailable("away"))
    assert pause_s(breaker, clock) <= 1.1


def test_it_warns_once_a_minute_and_says_when_it_is_over(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "django_task_worker.events")
    breaker = Breaker()
    while clock.now < 1000 + 10 * 60:
        breaker.failed(RedisUnavailable("away"))
        pause_s(breaker, clock)
    breaker.succeeded()
    warnings = [record for record in caplog.records if record.levelname == "WARNING"]
    assert 9 <= len(warnings) <= 10
    assert caplog.messages[-1] == "Redis answers again"
