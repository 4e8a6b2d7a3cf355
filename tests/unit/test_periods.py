"""Periods of time in settings, and in words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from django_task_worker.conf import Retention, read
from django_task_worker.exceptions import ConfigurationError
from django_task_worker.periods import in_words, seconds_of


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (90, 90),
        (0.5, 0.5),
        ("45s", 45),
        ("1.5h", 5400),
        ("1h30m", 5400),
        ("30d", 30 * 86400),
        ("2w", 14 * 86400),
        (timedelta(days=1, seconds=1), 86401),
    ],
)
def test_a_period_is_a_number_a_timedelta_or_text(value: Any, seconds: float) -> None:
    assert seconds_of(value) == seconds


@pytest.mark.parametrize(
    "value", [0, -1, "", "7", "7 d", "d", "-7d", "7y", True, None, [], timedelta(0), float("nan"), 1e300]
)
def test_anything_else_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^must be "):
        seconds_of(value)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "less than a second"),
        (0.3, "less than a second"),
        (-5, "less than a second"),
        (1, "1 s"),
        (59.4, "59 s"),
        (60, "1 m"),
        (252, "4 m 12 s"),
        (3600 * 3 + 60 * 12 + 5, "3 h 12 m"),
        (86400 * 2 + 5, "2 d"),
        (86400 * 30 + 3600, "30 d 1 h"),
    ],
)
def test_people_read_two_units_at_most(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_tasks_are_kept_for_ever_unless_told_otherwise() -> None:
    kept = read({}, None, None).retention
    assert (kept.completed_s, kept.failed_s, kept.cancelled_s) == (None, None, None)
    assert kept.logs_s == 30 * 86400


def test_each_kind_has_its_own_retention() -> None:
    table = {"RETENTION": {"completed": "7d", "failed": timedelta(days=30), "logs": None}}
    assert read(table, None, None).retention == Retention(
        completed_s=7 * 86400, failed_s=30 * 86400, logs_s=None
    )


@pytest.mark.parametrize("value", ["30d", {"done": "30d"}, {"completed": "soon"}, {"failed": 0}])
def test_a_wrong_retention_is_refused_with_a_reason(value: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^TASK_WORKER\['RETENTION'\] .*must be"):
        read({"RETENTION": value}, None, None)


def test_a_wrong_choice_of_logs_is_refused_with_the_right_ones() -> None:
    with pytest.raises(ConfigurationError, match="must be one of 'failed', 'all', 'none'"):
        read({"KEEP_LOGS": "some"}, None, None)
