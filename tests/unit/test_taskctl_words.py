"""Durations, times, sizes and numbers as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskctl import durations, times, values
from taskctl.errors import CommandError

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7d", 604800),
        ("1h30m", 5400),
        ("90s", 90),
        ("1.5h", 5400),
        ("250ms", 0.25),
        ("2w", 1209600),
        ("1d2h3m4s5ms", 93784.005),
        ("30", 30),
        ("0", 0),
        ("0.5", 0.5),
        (".5s", 0.5),
    ],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert durations.parse(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "x", "7x", "1h 30m", "30m1h", "1h1h", "-1h", "1e3s", "h", "1..5h", "٣d", "7 d"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|units"):
        durations.parse(text)


def test_a_bare_number_is_refused_where_a_mistake_would_hurt() -> None:
    with pytest.raises(ValueError, match="7 what\\? Write 7d, 7h, 7m or 7s"):
        durations.parse("7", bare=False)
    assert durations.parse("0", bare=False) == 0


def test_a_duration_of_more_than_a_hundred_years_is_refused() -> None:
    with pytest.raises(ValueError, match="100 years"):
        durations.parse("99999999999999999999w")


@given(st.integers(min_value=0, max_value=10**11))
def test_an_exact_duration_is_read_back_as_it_was(milliseconds: int) -> None:
    assert durations.parse(durations.exact(milliseconds / 1000)) == pytest.approx(milliseconds / 1000)


def test_days_are_told_as_days() -> None:
    assert [durations.exact(days * 86400) for days in (7, 30)] == ["7d", "30d"]


@given(st.floats(min_value=0, max_value=10**9))
def test_a_brief_duration_is_close_and_can_be_read(seconds: float) -> None:
    shown = durations.brief(seconds)
    assert len(shown) <= 9
    assert durations.parse(shown) == pytest.approx(seconds, rel=0.06, abs=0.0006)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0s"),
        (0.0004, "0ms"),
        (0.18, "180ms"),
        (0.9999, "1s"),
        (2.1, "2.1s"),
        (12, "12s"),
        (59.6, "1m"),
        (252, "4m12s"),
        (3599.9, "1h"),
        (10920, "3h02m"),
        (100800, "1d4h"),
        (86400, "1d"),
    ],
)
def test_durations_are_shown_with_two_units_at_most(seconds: float, shown: str) -> None:
    assert durations.brief(seconds) == shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", NOW),
        ("-2h", NOW - timedelta(hours=2)),
        ("today", datetime(2026, 11, 21, 23, tzinfo=UTC)),
        ("2026-11-30T18:00:00+05:00", datetime(2026, 11, 30, 13, tzinfo=UTC)),
        ("2026-11-30T18:00Z", datetime(2026, 11, 30, 18, tzinfo=UTC)),
        ("2026-11-30T18:00", datetime(2026, 11, 30, 17, tzinfo=UTC)),
        ("2026-07-01", datetime(2026, 6, 30, 22, tzinfo=UTC)),
    ],
)
def test_times_are_read_and_those_without_an_offset_are_local(text: str, expected: datetime) -> None:
    assert times.parse(text).place(NOW, BERLIN) == expected


def test_only_a_time_without_an_offset_depends_on_the_zone() -> None:
    assert times.parse("2026-11-30T18:00").needs_zone
    assert not times.parse("2026-11-30T18:00Z").needs_zone
    assert not times.parse("-2h").needs_zone


@pytest.mark.parametrize(
    "text", ["", "yesterday", "-2", "-", "2026-13-01", "0001-01-01T00:00+14:00", "18:00"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"time|what|duration"):
        times.parse(text)


def test_times_are_shown_in_utc_with_milliseconds() -> None:
    at = datetime(2026, 11, 22, 12, 4, 31, 204999, tzinfo=BERLIN)
    assert times.iso(at) == "2026-11-22T11:04:31.204Z"
    assert times.local(at, BERLIN) == "2026-11-22 12:04:31.204 +01:00"
    assert times.local(at, UTC) == "2026-11-22 11:04:31.204 UTC"


@pytest.mark.parametrize(
    ("text", "size"), [("4096", 4096), ("200M", 200 * 2**20), ("1.5g", 3 * 2**29), ("1KiB", 1024)]
)
def test_sizes_are_read(text: str, size: int) -> None:
    assert values.size("--max-memory", text) == size


def test_a_wrong_value_names_the_flag_and_what_it_must_be() -> None:
    with pytest.raises(CommandError) as caught:
        values.whole("--priority", "101", -100, 100)
    assert caught.value.message == "--priority 101: must be a whole number of at least -100 and at most 100"
    assert caught.value.exit == 2
    with pytest.raises(CommandError) as caught:
        values.size("--max-memory", "much")
    assert caught.value.message == "--max-memory much: not a size. Write it like 200M or 1.5G"


def test_limit_zero_means_all() -> None:
    assert values.limit("0", 50) is None
    assert values.limit(None, 50) == 50
    assert values.limit("7", 50) == 7
