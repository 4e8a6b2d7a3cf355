"""Events are hints, the database is the truth."""

from __future__ import annotations

from typing import Any

from django_task_worker.snapshot.rows import CAP, FailureRow, FinishedRow, QueueRow, RunningRow, Snapshot
from taskctl.dashboard.activity import MOST_NAMES
from taskctl.dashboard.messages import (
    DATABASE,
    DOWN,
    OFF,
    OK,
    REDIS,
    Events,
    Health,
    History,
    Past,
    Spreads,
)
from taskctl.dashboard.state import MOST_FAILURES, MOST_RUNNING, State
from taskctl.dashboard.tables import Tables
from taskctl.dashboard.view import View
from taskctl.listening.happenings import Happening
from tests.dashboard import scenes

NOW = scenes.NOW


def empty_snapshot(at: float = NOW, **fields: Any) -> Snapshot:
    values: dict[str, Any] = {
        "at": at,
        "queues": (QueueRow("default", 5, 0, 1, at - 3),),
        "workers": (),
        "failures": (),
        "retrying": 0,
        "running": (RunningRow("r1", "app.slow", "default", "w1", 1, 1, at - 9, at + 9, 60.0),),
        "stale": 0,
        "held": 1,
        "all_failures": True,
    }
    return Snapshot(**{**values, **fields})


def known(**fields: Any) -> State:
    state = State("shop", NOW - 100)
    state.apply(empty_snapshot(**fields), NOW)
    return state


def tell(state: State, *happenings: Happening, now: float = NOW + 1, missed: int = 0) -> State:
    state.apply(Events(happenings, missed), now)
    return state


def happening(event: str, task_id: str | None = "t1", at: float = NOW + 0.5, **fields: Any) -> Happening:
    return Happening(event, at, task_id, "app.add", "default", **fields)


def pending(state: State) -> int:
    return state.queues["default"].pending


def test_the_mode_says_what_is_known() -> None:
    state = State()
    assert state.mode == "POLLING"
    state.apply(Health(REDIS, OK), NOW)
    assert state.mode == "LIVE"
    state.apply(Health(DATABASE, DOWN), NOW)
    assert state.mode == "DB DOWN"
    state.apply(Health(DATABASE, OK), NOW)
    state.apply(Health(REDIS, OFF), NOW)
    assert state.mode == "POLLING"


def test_a_task_that_is_enqueued_begins_and_ends_is_followed() -> None:
    state = tell(known(), happening("enqueued"))
    assert pending(state) == 6
    tell(state, happening("started", worker="w1"))
    assert (pending(state), state.queues["default"].running) == (5, 2)
    assert state.running["t1"].worker == "w1"
    tell(state, happening("completed"))
    assert (pending(state), state.queues["default"].running, "t1" in state.running) == (5, 1, False)


def test_the_age_of_the_oldest_is_known_from_its_event_on() -> None:
    state = known(queues=(QueueRow("default", 0, 0, 1, None),))
    tell(state, happening("enqueued", at=NOW + 0.5), happening("enqueued", "t2", at=NOW + 0.7))
    assert state.queues["default"].oldest_at == NOW + 0.5


def test_a_task_that_began_unheard_and_ended_waits_no_longer() -> None:
    assert pending(tell(known(), happening("completed"))) == 4


def test_many_at_once_are_one_event() -> None:
    assert pending(tell(known(), happening("enqueued", None, number=500))) == 505


def test_a_snapshot_replaces_what_events_told_before_it() -> None:
    state = tell(known(), *(happening("enqueued", f"t{n}") for n in range(9)))
    state.apply(empty_snapshot(NOW + 2), NOW + 2)
    assert pending(state) == 5


def test_events_newer_than_a_snapshot_are_applied_to_it() -> None:
    state = tell(known(), happening("enqueued", at=NOW + 3), now=NOW + 3)
    state.apply(empty_snapshot(NOW + 2), NOW + 3.1)
    assert pending(state) == 6
    state.apply(empty_snapshot(NOW + 4), NOW + 4)
    assert pending(state) == 5


def test_a_snapshot_from_before_the_end_of_a_task_does_not_bring_it_back() -> None:
    state = tell(known(), happening("completed", "r1", at=NOW + 3), now=NOW + 3)
    state.apply(empty_snapshot(NOW + 2), NOW + 3.1)
    assert "r1" not in state.running


def test_counts_never_go_below_zero() -> None:
    state = tell(known(), *(happening("completed", f"t{n}") for n in range(50)))
    assert pending(state) == 0


def test_a_retry_that_begins_was_not_pending() -> None:
    state = known(retrying=3)
    tell(state, happening("started", tries=2))
    assert (pending(state), state.retrying) == (5, 2)
    tell(state, happening("retrying", tries=2))
    assert (pending(state), state.retrying) == (5, 3)


def test_a_number_that_nobody_has_counted_to_its_end_is_not_counted_down() -> None:
    state = known(queues=(QueueRow("default", CAP + 1, 0, 1, NOW - 3),))
    tell(state, happening("started"), happening("completed", "t2"), happening("enqueued", "t3"))
    assert pending(state) == CAP + 1
    tell(state, happening("enqueued", None, number=7))
    assert pending(state) == CAP + 1


def test_a_failure_is_listed_and_its_text_comes_with_the_next_look() -> None:
    state = tell(known(), happening("failed", error_type="KeyError", tries=3))
    assert state.failures["t1"].error == ""
    state.apply(
        empty_snapshot(NOW + 2, failures=(scenes.failure("t1", "app.add", "KeyError", "'sku'", 1),)), NOW + 2
    )
    assert state.failures["t1"].error == "'sku'"


def test_a_failure_that_is_started_over_is_gone() -> None:
    state = tell(known(), happening("failed", error_type="KeyError"), happening("requeued"))
    assert "t1" not in state.failures
    assert pending(state) == 5


def test_a_look_at_all_failures_forgets_those_that_are_gone() -> None:
    state = tell(known(), happening("failed"))
    state.apply(empty_snapshot(NOW + 2, all_failures=False), NOW + 2)
    assert "t1" in state.failures
    state.apply(empty_snapshot(NOW + 4, all_failures=True), NOW + 4)
    assert "t1" not in state.failures


def failure(task_id: str, age_s: float) -> FailureRow:
    return scenes.failure(task_id, "app.add", "KeyError", "'sku'", age_s)


def failed_number(state: State, now: float) -> str:
    return Tables(state, View(), now).failed_number


def test_a_look_that_does_not_reach_back_an_hour_leaves_what_is_known_from_before() -> None:
    state = known(failures=(failure("old", 600), failure("gone", 5)), failures_since=NOW - 3600)
    assert failed_number(state, NOW) == "2"
    state.apply(empty_snapshot(NOW + 30, failures=(failure("new", -10),), failures_since=NOW - 20), NOW + 30)
    assert sorted(state.failures) == ["new", "old"]
    assert failed_number(state, NOW + 30) == "2"


def test_what_is_not_known_of_the_last_hour_makes_the_number_a_least_one() -> None:
    state = known(failures=(failure("new", 5),), failures_since=NOW - 20)
    assert failed_number(state, NOW) == "1+"
    state.apply(empty_snapshot(NOW + 600, failures_since=NOW + 590), NOW + 600)  # nobody looked for a while
    assert failed_number(state, NOW + 600) == "1+"
    state.apply(empty_snapshot(NOW + 4200, failures_since=NOW + 600), NOW + 4200)
    assert failed_number(state, NOW + 4200) == "0"


def test_rates_and_times_come_from_what_ended() -> None:
    state = known()
    for second in range(60):
        tell(
            state, happening("completed", f"t{second}", run_s=0.2, wait_s=1.0, worker="w1"), now=NOW + second
        )
    now = NOW + 60
    assert state.activity.rate(state.activity.all.finished, now, 60) == 1.0
    assert state.activity.rate(state.activity.by_queue["default"].finished, now, 60) == 1.0
    assert state.activity.rate(state.activity.by_worker["w1"], now, 60) == 1.0
    times = state.activity.all.run.times(now)
    assert times is not None
    assert 0.15 < times.p95 < 0.28


def test_a_rate_is_taken_over_the_time_that_was_watched() -> None:
    state = State("shop", NOW)
    for second in range(5):
        tell(state, happening("completed", f"t{second}"), now=NOW + second)
    assert state.activity.rate(state.activity.all.finished, NOW + 5, 60) == 1.0


def test_without_events_what_was_seen_to_end_counts() -> None:
    row = FinishedRow("t1", "app.add", "default", "w1", "completed", NOW - 1, 1, 0.1, 0.2, None)
    state = known()
    for _ in range(2):  # the looks overlap
        state.apply(empty_snapshot(NOW, finished=(row, row._replace(id="t2", status="failed"))), NOW)
    assert sum(state.activity.all.finished.totals(NOW + 1, step_s=1, steps=10)) == 2
    assert sum(state.activity.all.failed.totals(NOW + 1, step_s=1, steps=10)) == 1
    assert [h.source for h in state.tail] == ["poll", "poll"]


def test_what_was_heard_is_not_counted_again_when_it_is_seen() -> None:
    state = tell(known(), happening("completed", at=NOW - 1))
    row = FinishedRow("t1", "app.add", "default", "w1", "completed", NOW - 1.2, 1, 0.1, 0.2, None)
    state.apply(empty_snapshot(NOW + 2, finished=(row,)), NOW + 2)
    assert sum(state.activity.all.finished.totals(NOW + 3, step_s=1, steps=10)) == 1


def test_a_gap_of_more_than_one_in_a_hundred_is_told() -> None:
    state = tell(known(), *(happening("enqueued", f"t{n}") for n in range(10)), missed=3)
    assert [(h.event, h.number) for h in state.tail][-1] == ("gap", 3)


def test_a_small_gap_is_not_worth_a_word() -> None:
    state = tell(known(), *(happening("enqueued", f"t{n}") for n in range(1000)), missed=3)
    assert all(h.event != "gap" for h in state.tail)


def test_dropped_events_are_counted() -> None:
    state = known()
    state.apply(Events((), 0, 250), NOW)
    assert state.dropped == 250
    assert state.share_lost(NOW) == 1.0
    tell(state, *(happening("enqueued", f"t{n}") for n in range(750)), now=NOW)
    assert state.share_lost(NOW) == 0.25
    assert state.share_lost(NOW + 90) == 0.0


def test_the_clock_of_the_database_may_differ() -> None:
    state = State("shop", NOW)
    state.apply(empty_snapshot(NOW + 3600), NOW)
    assert state.database_time(NOW + 2) == NOW + 3602


def test_what_happened_before_is_remembered() -> None:
    state = State("shop", NOW)
    counts = [0] * 20 + [100] + [0] * 39
    state.apply(
        History(
            at=NOW,
            minutes=[Past(NOW - 300, 600, 60), Past(NOW - 20, 120, 0)],
            spreads=[Spreads(None, counts, 1.0, counts, 1.0), Spreads("mail", counts, 1.0, counts, 1.0)],
            queue_minutes=[("mail", [Past(NOW - 300, 60, 6), Past(NOW - 60, 120, 0)])],
            worker_rates=[("w1", 0.5)],
        ),
        NOW,
    )
    activity, now = state.activity, NOW + 1
    assert sum(activity.all.finished.totals(now, step_s=1, steps=600)) == 720
    assert activity.rate(activity.all.finished, now, 600) == 720 / 301
    assert sum(activity.all.failed.totals(now, step_s=1, steps=600)) == 60
    assert 1.9 < activity.rate(activity.by_queue["mail"].finished, now, 60) < 2.1
    assert sum(activity.by_queue["mail"].finished.totals(now, step_s=1, steps=600)) == 180
    assert sum(activity.by_queue["mail"].failed.totals(now, step_s=1, steps=600)) == 6
    assert 0.4 < activity.rate(activity.by_worker["w1"], now, 60) < 0.6
    times = activity.by_queue["mail"].wait.times(now)
    assert times is not None
    assert 0.3 < times.p95 < 0.7
    assert activity.by_queue["mail"].wait.times(NOW + 400) is None


def test_memory_is_bounded_whatever_is_told() -> None:
    state = known()
    for number in range(30_000):
        name = f"x{number}"
        tell(
            state,
            Happening("started", NOW + 1, name, name, name, name),
            Happening("failed", NOW + 1, f"f{number}", name, name, name, 1, 0.1, 0.1, name),
        )
    assert len(state.activity.by_queue) <= MOST_NAMES
    assert len(state.activity.by_worker) <= MOST_NAMES
    assert len(state.failures) <= MOST_FAILURES
    assert len(state.running) <= MOST_RUNNING
    assert len(state._recent) <= 10_000
    assert len(state.activity._ended) <= 5000
    assert len(state.tail) <= 200


def test_names_that_are_gone_make_room() -> None:
    state = known()
    for number in range(300):
        tell(state, Happening("completed", NOW + 1, f"t{number}", "app.add", f"q{number}", f"w{number}"))
    state.apply(empty_snapshot(NOW + 2), NOW + 2)
    tell(state, Happening("completed", NOW + 3, "new", "app.add", "default", "w-new"))
    assert "default" in state.activity.by_queue
    assert "w-new" in state.activity.by_worker
