"""Counting in memory: buckets, quantiles, minutes."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_task_worker.states import Transition
from django_task_worker.statistics.histogram import BOUNDS_S, BUCKETS, FACTOR, Distribution
from django_task_worker.statistics.tally import MAX_SERIES, OTHER, Tally

times = st.floats(min_value=0.0, max_value=100_000.0)
MINUTE = 1_000_000 * 60


def of(*times_s: float) -> Distribution:
    distribution = Distribution()
    distribution.note_all(list(times_s))
    return distribution


def test_the_buckets_reach_from_a_millisecond_to_most_of_a_day() -> None:
    assert len(BOUNDS_S) == BUCKETS - 1
    assert BOUNDS_S[0] == 0.001
    assert 15 * 3600 < BOUNDS_S[-1] < 24 * 3600


@given(st.lists(times))
def test_every_time_is_in_the_bucket_between_its_bounds(all_s: list[float]) -> None:
    found = of(*all_s)
    assert found.count == len(all_s)
    for bucket, count in enumerate(found.counts):
        low = BOUNDS_S[bucket - 1] if bucket else 0.0
        high = BOUNDS_S[bucket] if bucket < len(BOUNDS_S) else math.inf
        assert count == sum(low <= time_s < high for time_s in all_s)


@given(st.lists(times, min_size=1), st.floats(min_value=0.01, max_value=1.0))
def test_a_quantile_is_right_within_the_width_of_a_bucket(all_s: list[float], share: float) -> None:
    exact_s = sorted(all_s)[max(math.ceil(share * len(all_s) - 1e-9), 1) - 1]
    found_s = of(*all_s).quantile_s(share)
    assert found_s is not None
    if exact_s < BOUNDS_S[-1]:
        assert exact_s / FACTOR - 0.001 <= found_s <= max(exact_s * FACTOR, 0.001)
    assert found_s <= max(all_s)


def test_no_times_have_no_quantile_and_no_mean() -> None:
    assert of().quantile_s(0.5) is None
    assert of().mean_s is None


@given(st.lists(times), st.lists(times))
def test_distributions_add_up_as_if_they_had_been_one(first: list[float], second: list[float]) -> None:
    one, other, both = of(*first), of(*second), of(*first, *second)
    one.add(other.stored_counts(), other.sum_s, other.max_s)
    assert one.counts == both.counts
    assert one.sum_s == pytest.approx(both.sum_s)
    assert one.max_s == both.max_s


def test_attempts_are_counted_by_minute_queue_name_and_how_they_ended() -> None:
    tally = Tally()
    tally.turn_to(MINUTE + 59.9)
    tally.note(Transition.COMPLETE, "default", "add", 0.5, 0.1)
    tally.note(Transition.FAIL, "default", "add", 0.5, 0.2)
    tally.note(Transition.CANCEL, "default", "add", 0.5, None)
    tally.note(Transition.RETRY, "mail", "add", 0.5, 0.3)
    tally.note(Transition.RELEASE, "mail", "add", 0.5, 0.3)
    tally.turn_to(MINUTE + 60.0)
    tally.note(Transition.COMPLETE, "default", "add", 2.0, 0.1)
    found = {(entry.minute - MINUTE, entry.queue, entry.name): entry.series for entry in tally.changed()}
    assert set(found) == {(0, "default", "add"), (0, "mail", "add"), (60, "default", "add")}
    first = found[0, "default", "add"]
    assert (first.completed, first.failed, first.cancelled, first.retried) == (1, 1, 1, 0)
    assert (first.wait.count, first.run.count, first.run.sum_s) == (3, 2, pytest.approx(0.3))
    assert (found[0, "mail", "add"].retried, found[0, "mail", "add"].wait.count) == (1, 1)
    assert found[60, "default", "add"].wait.max_s == 2.0


def test_only_what_has_changed_is_written_again() -> None:
    tally = Tally()
    tally.turn_to(MINUTE)
    tally.note(Transition.COMPLETE, "default", "add", 0.5, 0.1)
    tally.note(Transition.COMPLETE, "default", "echo", 0.5, 0.1)
    tally.written(tally.changed())
    assert not tally.changed()
    tally.note(Transition.COMPLETE, "default", "add", 0.5, 0.1)
    (entry,) = tally.changed()
    assert (entry.name, entry.series.completed) == ("add", 2)


def test_a_minute_that_is_over_and_written_is_forgotten() -> None:
    tally = Tally()
    for minute in range(3):
        tally.turn_to(MINUTE + minute * 60)
        tally.note(Transition.COMPLETE, "default", "add", 0.5, 0.1)
        assert len(tally.changed()) == 1
        tally.written(tally.changed())


def test_what_cannot_be_written_is_kept_for_some_minutes_only() -> None:
    tally = Tally()
    for minute in range(100):
        tally.turn_to(MINUTE + minute * 60)
        tally.note(Transition.COMPLETE, "default", "add", 0.5, 0.1)
    minutes = [entry.minute for entry in tally.changed()]
    assert 10 <= len(minutes) <= 20
    assert max(minutes) == MINUTE + 99 * 60


def test_thousands_of_names_in_a_minute_become_one() -> None:
    tally = Tally()
    tally.turn_to(MINUTE)
    for number in range(MAX_SERIES + 50):
        tally.note(Transition.COMPLETE, "default", f"name{number}", 0.5, 0.1)
    entries = tally.changed()
    assert len(entries) == MAX_SERIES + 1
    (other,) = [entry for entry in entries if entry.name == OTHER]
    assert other.series.completed == 50


def test_many_thousand_attempts_take_no_more_room_than_one() -> None:
    tally = Tally()
    tally.turn_to(MINUTE)
    for _ in range(2500):
        tally.note(Transition.COMPLETE, "default", "add", 0.5, 0.1)
    (series,) = tally._current.values()
    assert len(series.waits_s) < 1000
    assert tally.changed()[0].series.wait.count == 2500
