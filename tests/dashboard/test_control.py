"""What keys do to the view, and what they ask for."""

from __future__ import annotations

import pytest

from taskctl.dashboard.control import Asked, Control, Skip, Wish
from taskctl.dashboard.lines import Look
from taskctl.dashboard.screen import panels
from taskctl.dashboard.tables import Tables
from taskctl.dashboard.view import Job, View
from tests.dashboard import scenes


class Desk:
    """A view of the shop with somebody at the keys."""

    def __init__(self, **choices: object) -> None:
        self.state = scenes.shop()
        self.view: View = scenes.view(**choices)

    def press(self, *keys: str) -> Asked:
        asked: Asked = None
        for key in keys:
            tables = Tables(self.state, self.view, scenes.NOW)
            asked = Control(tables, 80, 18).press(key)
        return asked

    @property
    def selected(self) -> str | None:
        return self.view.keys.get(self.view.focus)


def test_keys_that_only_the_loop_can_fulfil() -> None:
    desk = Desk()
    wishes = {
        "q": Wish.QUIT,
        "Ctrl-C": Wish.QUIT,
        "z": Wish.SUSPEND,
        "Ctrl-Z": Wish.SUSPEND,
        "Ctrl-L": Wish.REDRAW,
        "r": Wish.RECONNECT,
        "+": Wish.INTERVAL,
        "-": Wish.INTERVAL,
    }
    assert {key: desk.press(key) for key in wishes} == wishes


def test_the_focus_goes_round() -> None:
    desk = Desk()
    seen = []
    for _ in range(5):
        seen.append(desk.view.focus)
        desk.press("Tab")
    assert seen == ["running", "failures", "events", "queues", "workers"]
    desk.press("Shift-Tab")
    assert desk.view.focus == "workers"
    desk.press("4")
    assert desk.view.focus == "failures"


def test_the_focus_goes_to_what_is_on_the_screen() -> None:
    desk = Desk()
    tables = Tables(desk.state, desk.view, scenes.NOW)
    shown = panels(tables, Look(), 80, 24)
    assert shown == ["queues", "workers", "running", "failures"]
    assert panels(tables, Look(), 160, 48) == [*shown, "events"]
    assert panels(tables, Look(), 50, 10) == ["running"]
    for key, focus in (("Tab", "failures"), ("Tab", "queues"), ("Shift-Tab", "failures"), ("5", "failures")):
        Control(tables, 80, 18, shown).press(key)
        assert desk.view.focus == focus
    assert desk.view.flash == "the window is too small for the events"
    desk.view.events = False
    Control(tables, 160, 40, shown).press("5")
    assert desk.view.flash == "the events are hidden: e shows them"


def test_the_selection_follows_its_row_when_the_order_changes() -> None:
    desk = Desk()
    desk.press("j", "j")
    chosen = desk.selected
    desk.press("s", "s", "S")
    tables = Tables(desk.state, desk.view, scenes.NOW)
    keys = tables.keys("running")
    assert keys[desk.view.selected("running", keys)] == chosen


def test_the_selection_goes_to_the_ends_and_not_beyond() -> None:
    desk = Desk(focus="queues")
    desk.press("G")
    assert desk.selected == "media"
    desk.press("j", "PgDn")
    assert desk.selected == "media"
    desk.press("g")
    assert desk.selected == "imports"


def test_sorting_changes_the_order_of_the_focused_panel() -> None:
    desk = Desk(focus="queues")

    def names() -> list[str]:
        return [row.name for row in Tables(desk.state, desk.view, scenes.NOW).queues]

    assert names() == ["imports", "default", "mail", "reports", "media"]
    desk.press("S")
    assert names() == ["media", "reports", "mail", "default", "imports"]
    desk.press("S", "s", "s", "s")
    assert names() == sorted(names())


def test_a_filter_is_typed_kept_and_cleared() -> None:
    desk = Desk()
    desk.press("/", "m", "x", "Backspace", "a", "Space", "Paste:il\x1b")
    assert desk.view.typed == "ma il"
    desk.press("Enter")
    assert (desk.view.filter, desk.view.typed) == ("ma il", None)
    desk.press("/", "Ctrl-U", "q")
    assert desk.view.typed == "q"
    desk.press("Esc")
    assert (desk.view.filter, desk.view.typed) == ("", None)


def test_a_filter_works_while_it_is_typed() -> None:
    desk = Desk()
    desk.press("/", "t", "h", "u", "m", "b")
    assert {task.row.task for task in Tables(desk.state, desk.view, scenes.NOW).running} == {
        "media.tasks.thumbnail"
    }


def test_escape_closes_one_page_after_the_other_then_clears_the_filter() -> None:
    desk = Desk(filter="tasks")
    desk.press("?", "Esc", "4", "Enter", "Enter")
    assert [page.kind for page in desk.view.pages] == ["group", "task"]
    desk.press("Esc")
    assert [page.kind for page in desk.view.pages] == ["group"]
    desk.press("Esc")
    assert (desk.view.pages, desk.view.filter) == ([], "tasks")
    desk.press("Esc")
    assert desk.view.filter == ""


def test_the_same_key_closes_help() -> None:
    desk = Desk()
    desk.press("?")
    assert desk.view.page is not None
    desk.press("?")
    assert desk.view.page is None


def test_enter_asks_for_the_details_of_a_task() -> None:
    desk = Desk()
    asked = desk.press("Enter")
    assert asked == Job(verb="task", ids=("7h2k9qxdm3ab",))
    assert desk.view.page is not None
    assert (desk.view.page.kind, desk.view.page.is_loading) == ("task", True)


def test_enter_on_a_group_lists_its_failures_newest_first() -> None:
    desk = Desk(focus="failures")
    assert desk.press("Enter") is None
    assert desk.view.page is not None
    assert desk.view.page.chosen == "m0"
    assert desk.press("j", "Enter") == Job(verb="task", ids=("m1",))


def test_a_recording_cannot_be_asked_why() -> None:
    for key in "wt":
        desk = Desk(speed=1.0)
        assert desk.press(key) is None
        assert "a recording does not know" in desk.view.flash


@pytest.mark.parametrize(("key", "verb"), [("w", "why"), ("t", "stack")])
def test_why_and_stack_are_about_the_selected_task(key: str, verb: str) -> None:
    assert Desk().press(key) == Job(verb=verb, ids=("7h2k9qxdm3ab",))
    assert Desk(focus="failures").press(key) == Job(verb=verb, ids=("m0",))
    assert Desk(focus="queues").press(key) is None


def test_y_shows_the_whole_id() -> None:
    desk = Desk()
    desk.press("y")
    assert desk.view.page is not None
    assert desk.view.page.key == "7h2k9qxdm3ab"


# --- changes ---

CHANGES = [
    ("running", "X", "cancel", "cancel 7h2k9qxdm3ab reports.tasks.monthly, which is running?"),
    ("failures", "R", "retry", "retry 6 x mail.tasks.send_welcome?"),
    ("queues", "P", "pause", "pause queue imports?"),
]


@pytest.mark.parametrize(("focus", "key", "verb", "question"), CHANGES)
def test_a_change_is_asked_before_it_is_made(focus: str, key: str, verb: str, question: str) -> None:
    desk = Desk(focus=focus)
    assert desk.press(key) is None
    assert desk.view.asked is not None
    assert desk.view.asked.question == question
    job = desk.press("y")
    assert isinstance(job, Job)
    assert job.verb == verb
    assert desk.view.asked is None


@pytest.mark.parametrize("answer", ["n", "Enter", "Esc", "q", "x", "Paste:y"])
def test_any_other_answer_changes_nothing(answer: str) -> None:
    desk = Desk()
    desk.press("X")
    assert desk.press(answer) is None
    assert desk.view.asked is None
    assert desk.view.flash == "nothing was changed"


@pytest.mark.parametrize("key", ["R", "X", "P", "D"])
def test_read_only_offers_no_change(key: str) -> None:
    for focus in ("running", "failures", "queues", "workers"):
        desk = Desk(focus=focus, read_only=True)
        assert desk.press(key, "y") is None
        assert desk.view.asked is None


@pytest.mark.parametrize("key", ["R", "X", "P", "D"])
def test_a_recording_offers_no_change(key: str) -> None:
    for focus in ("running", "failures", "queues", "workers"):
        desk = Desk(focus=focus, speed=1.0)
        assert desk.press(key, "y") is None
        assert desk.view.asked is None


def test_a_paused_queue_is_resumed() -> None:
    desk = Desk(focus="queues", keys={"queues": "reports"})
    desk.press("P")
    assert desk.press("y") == Job(verb="resume", name="reports", question="resume queue reports?")


def test_a_live_worker_is_drained_and_a_lost_one_is_not() -> None:
    desk = Desk(focus="workers", keys={"workers": "web1-4711"})
    desk.press("D")
    job = desk.press("y")
    assert isinstance(job, Job)
    assert (job.verb, job.ids) == ("drain", ("web1-4711",))
    desk = Desk(focus="workers", keys={"workers": "web3-1190"})
    desk.press("D")
    assert desk.view.asked is None


def test_a_key_for_another_panel_says_where_to_go() -> None:
    desk = Desk(focus="queues")
    for key in ("R", "X", "D"):
        desk.press(key)
        assert desk.view.asked is None
        assert "select" in desk.view.flash


def test_retry_inside_a_group_is_about_the_chosen_failure() -> None:
    desk = Desk(focus="failures")
    desk.press("Enter", "j", "R")
    assert desk.view.asked is not None
    assert desk.view.asked.ids == ("m1",)


def test_nothing_selected_asks_nothing() -> None:
    desk = Desk(filter="no such thing")
    for focus in "1234":
        desk.press(focus)
        for key in ("Enter", "y", "w", "t", "R", "X", "P", "D"):
            assert desk.press(key) is None
            assert desk.view.asked is None
            assert desk.view.pages == []


# --- pace ---


def test_the_interval_has_steps_and_ends() -> None:
    desk = Desk()
    for _ in range(9):
        desk.press("+")
    assert desk.view.interval_s == 30
    for _ in range(9):
        desk.press("-")
    assert desk.view.interval_s == 0.5


def test_a_replay_has_a_speed_and_can_be_skipped_through() -> None:
    desk = Desk(speed=1.0)
    desk.press("+")
    assert desk.view.speed == 2.0
    assert desk.press("Left") == Skip(-10)
    assert desk.press("Shift-Right") == Skip(60)


def test_long_pages_scroll_to_their_end_and_no_further() -> None:
    desk = Desk()
    desk.press("?", "PgDn", "PgDn", "PgDn", "PgDn", "j")
    page = desk.view.page
    assert page is not None
    bottom = page.top
    desk.press("j")
    assert page.top == bottom > 0
    desk.press("g")
    assert page.top == 0
