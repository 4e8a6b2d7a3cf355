"""How lines are shared out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from taskctl.dashboard.layout import Need, share

needs = st.lists(
    st.tuples(st.integers(1, 8), st.integers(0, 40), st.integers(0, 2)),
    min_size=1,
    max_size=7,
).map(
    lambda rows: [Need(str(at), least, least + more, *rest) for at, (least, more, *rest) in enumerate(rows)]
)


@given(needs, st.integers(0, 100))
def test_never_more_lines_than_there_are_and_never_a_panel_below_its_least(
    wanted: list[Need], height: int
) -> None:
    found = share(wanted, height)
    assert sum(found.values()) <= height
    assert all(found[need.name] == 0 or found[need.name] >= need.least for need in wanted)


@given(needs, st.integers(0, 100))
def test_no_line_is_left_over_when_somebody_takes_what_is_spare(wanted: list[Need], height: int) -> None:
    found = share(wanted, height)
    if any(need.spare and found[need.name] for need in wanted):
        assert sum(found.values()) == height


def test_the_most_important_panels_come_first() -> None:
    wanted = [Need("running", 4, 10), Need("queues", 3, 9), Need("events", 5, 9)]
    assert share(wanted, 7) == {"running": 4, "queues": 3, "events": 0}


def test_panels_grow_alike_towards_what_they_want() -> None:
    wanted = [Need("running", 4, 20), Need("queues", 3, 4), Need("failures", 3, 20)]
    assert share(wanted, 18) == {"running": 8, "queues": 4, "failures": 6}


def test_what_nobody_needs_stays_where_it_does_not_disturb() -> None:
    wanted = [Need("running", 4, 5, spare=2), Need("queues", 3, 4), Need("failures", 3, 3, spare=1)]
    assert share(wanted, 18) == {"running": 9, "queues": 4, "failures": 5}
