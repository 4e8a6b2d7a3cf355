"""How much is assigned and claimed ahead, from how long tasks took."""

from __future__ import annotations

from django_task_worker.worker.pace import Pace


def paced(duration_s: float, per_second: float, count: int = 200) -> Pace:
    """After so many tasks of that duration have ended, the last of them at 0."""
    pace = Pace()
    for number in range(count):
        pace.note("app.tasks.some", duration_s, (number - count + 1) / per_second)
    return pace


def test_short_tasks_queue_in_the_children_and_not_before_them() -> None:
    pace = paced(0.001, 1000)
    assert pace.window >= 19
    assert pace.ahead(0.0) == 0


def test_of_longer_ones_as_many_wait_for_the_next_child_as_end_in_10_ms() -> None:
    pace = paced(0.010, 1600)
    assert pace.window == 1
    assert pace.ahead(0.0) == 16
    assert paced(0.1, 160).ahead(0.0) == 1
    assert paced(1.0, 16).ahead(0.0) == 0


def test_nothing_is_claimed_ahead_on_the_strength_of_what_was_long_ago() -> None:
    assert paced(0.010, 1600).ahead(60.0) == 0


def test_nothing_is_claimed_ahead_before_enough_is_known() -> None:
    assert paced(0.010, 1600, count=10).ahead(0.0) == 0


def test_a_fresh_worker_knows_after_a_few_tasks_how_long_they_take() -> None:
    assert paced(0.00002, 1000, count=7).window == 1
    assert paced(0.00002, 1000, count=8).window > 100


def test_the_longest_of_the_first_tasks_counts() -> None:
    pace = paced(0.00002, 1000, count=7)
    pace.note("app.tasks.other", 0.010, 0.0)
    assert pace.window == 1
