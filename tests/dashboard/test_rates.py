"""Counts by second and quantiles of times."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskctl.dashboard.rates import Meter, Spread

NOW = 1_000_000.0


def test_counts_fall_into_their_spans() -> None:
    meter = Meter(60)
    for at, number in ((NOW, 1), (NOW + 3, 2), (NOW + 4, 4), (NOW + 11, 8)):
        meter.add(number, at)
    assert meter.totals(NOW + 12, step_s=4, steps=3) == [3, 4, 8]


def test_the_second_that_is_not_over_is_not_counted_yet() -> None:
    meter = Meter(60)
    meter.add(5, NOW + 0.5)
    assert meter.rate(NOW + 0.9, 1) == 0
    assert meter.rate(NOW + 1.1, 1) == 5


def test_old_counts_are_forgotten() -> None:
    meter = Meter(10)
    meter.add(7, NOW)
    assert sum(meter.totals(NOW + 9, step_s=1, steps=10)) == 7
    assert sum(meter.totals(NOW + 30, step_s=1, steps=10)) == 0
    meter.add(3, NOW + 5)
    assert sum(meter.totals(NOW + 31, step_s=1, steps=60)) == 0


def test_spans_beyond_the_history_are_empty() -> None:
    meter = Meter(10)
    meter.add(1, NOW)
    assert meter.totals(NOW + 1, step_s=1, steps=15) == [0] * 14 + [1]


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 9)), max_size=60), st.integers(1, 20))
def test_a_meter_agrees_with_a_plain_count(events: list[tuple[int, int]], step: int) -> None:
    meter = Meter(100)
    events.sort()
    for second, number in events:
        meter.add(number, NOW + second)
    now = NOW + 201
    end = int(now) // step * step
    expected = [
        sum(
            number
            for second, number in events
            if start <= NOW + second < start + step and NOW + second > now - 100
        )
        for start in range(end - 5 * step, end, step)
    ]
    assert meter.totals(now, step_s=step, steps=5) == expected


def test_quantiles_are_right_within_a_bucket() -> None:
    spread, random_ = Spread(), random.Random(4)
    times = sorted(random_.lognormvariate(-2, 1.5) for _ in range(5000))
    for seconds in times:
        spread.add(seconds, NOW)
    found = spread.times(NOW)
    assert found is not None
    for share, value in ((0.5, found.p50), (0.9, found.p90), (0.95, found.p95), (0.99, found.p99)):
        exact = times[int(share * len(times))]
        assert exact / 1.37 < value < exact * 1.37
    assert found.longest == times[-1]


def test_times_of_more_than_five_minutes_ago_are_forgotten() -> None:
    spread = Spread()
    spread.add(10.0, NOW)
    spread.add(1.0, NOW + 200)
    assert spread.times(NOW + 400) == pytest.approx((1.0, 1.0, 1.0, 1.0, 1.0))
    assert spread.times(NOW + 1000) is None


def test_extremes_have_a_bucket() -> None:
    spread = Spread()
    for seconds in (0.0, 1e9):
        spread.add(seconds, NOW)
    found = spread.times(NOW)
    assert found is not None
    assert found.longest == 1e9
    assert found.p50 <= 0.001
