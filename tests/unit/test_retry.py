"""How long a retry waits (architecture.md, promise 9)."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_task_worker.retry import Backoff

RANDOM = st.floats(0, 1)


@pytest.mark.parametrize(
    ("retry", "seconds"),
    [(1, 2), (2, 4), (3, 8), (8, 256), (9, 512), (10, 600), (11, 600), (1000, 600), (10**6, 600)],
)
def test_the_default_doubles_from_2_seconds_up_to_600(retry: int, seconds: float) -> None:
    assert Backoff().delay_s(retry, 0.0) == seconds
    assert Backoff().delay_s(retry, 1.0) == pytest.approx(seconds * 1.1)


@given(retry=st.integers(-5, 10**6), random=RANDOM)
def test_it_never_raises_and_stays_between_base_and_cap_with_jitter(retry: int, random: float) -> None:
    assert 2.0 <= Backoff().delay_s(retry, random) <= 600 * 1.1


@given(
    retry=st.integers(1, 10**6),
    random=RANDOM,
    base=st.floats(0.01, 1e6) | st.integers(1, 1000),
    factor=st.floats(1, 1e6) | st.integers(1, 1000),
    cap=st.floats(0, 1e6),
    jitter=st.floats(0, 1),
)
def test_any_backoff_gives_a_finite_delay_up_to_its_cap(
    retry: int, random: float, base: float, factor: float, cap: float, jitter: float
) -> None:
    backoff = Backoff(base_s=base, factor=factor, cap_s=cap, jitter=jitter)
    delay_s = backoff.delay_s(min(retry, 5000), random)
    assert math.isfinite(delay_s)
    assert 0 <= delay_s <= cap * (1 + jitter) * 1.000001


@given(retry=st.integers(1, 100), random=RANDOM)
def test_a_later_retry_waits_no_shorter_before_jitter(retry: int, random: float) -> None:
    assert Backoff().delay_s(retry + 1, 0.0) >= Backoff().delay_s(retry, 0.0)
    assert Backoff().delay_s(retry, random) >= Backoff().delay_s(retry, 0.0)


def test_without_jitter_chance_changes_nothing() -> None:
    backoff = Backoff(base_s=1, factor=3, cap_s=100, jitter=0)
    assert [backoff.delay_s(retry, 0.5) for retry in range(1, 7)] == [1, 3, 9, 27, 81, 100]


def test_retry_zero_waits_like_the_first() -> None:
    assert Backoff().delay_s(0, 0.0) == Backoff().delay_s(1, 0.0)
