"""The screen is a function of state, view and size; `UPDATE_SCREENS=1` writes the stored copies anew."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from taskctl.dashboard.lines import Look
from taskctl.dashboard.messages import Events
from taskctl.dashboard.pages import help_page
from taskctl.dashboard.screen import render
from taskctl.dashboard.state import State
from taskctl.dashboard.tables import Tables
from taskctl.dashboard.view import Job, View
from taskctl.listening.happenings import Happening
from tests.dashboard import scenes

STORED = Path(__file__).parent / "screens"
SIZES = [(60, 12), (80, 24), (120, 30), (160, 48)]
ODD_SIZES = [
    (1, 1),
    (32, 7),
    (40, 8),
    (59, 11),
    (60, 13),
    (79, 23),
    (100, 40),
    (121, 31),
    (200, 60),
    (300, 20),
]
SCENES = [scenes.shop, scenes.redis_down, scenes.database_down, scenes.hostile]
STYLE = re.compile(r"\x1b\[[0-9;]*m")
PLAIN = Look(colour=False)


def draw(state: State, size: tuple[int, int], look: Look = PLAIN, view: View | None = None) -> list[str]:
    return render(Tables(state, view or scenes.view(), scenes.NOW), look, *size)


def names(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


@pytest.mark.parametrize("size", SIZES, ids=names)
@pytest.mark.parametrize("scene", SCENES)
def test_the_screen_is_as_it_was_stored(scene: Any, size: tuple[int, int]) -> None:
    path = STORED / f"{scene.__name__}-{names(size)}.txt"
    drawn = "".join(line.rstrip() + "\n" for line in draw(scene(), size))
    if os.environ.get("UPDATE_SCREENS"):
        STORED.mkdir(exist_ok=True)
        path.write_text(drawn)
    assert drawn == path.read_text()


@pytest.mark.parametrize("size", SIZES, ids=names)
def test_how_far_a_task_is_has_its_place_at_every_width(size: tuple[int, int]) -> None:
    state = scenes.shop()
    for task_id, row in state.running.items():
        state.running[task_id] = row._replace(progress="40% of the rows that are to be imported")
    lines = [line for line in draw(state, size) if "reports.tasks.monthly" in line or "thumbnail" in line]
    assert lines
    assert all(re.search(r"/ \w+  40%", line) for line in lines if "░" in line or "█" in line)


def test_words_of_which_nothing_could_be_read_are_left_out() -> None:
    state = scenes.shop()
    for task_id, row in state.running.items():
        state.running[task_id] = row._replace(progress="40% pages")
    narrow, wide = draw(state, (80, 24)), draw(state, (160, 48))
    assert any(re.search(r"reports.tasks.monthly .*█░+  4m12s / 5m  40%$", line.rstrip()) for line in narrow)
    assert any(re.search(r"reports.tasks.monthly .*█░+  4m12s / 5m  40% pages", line) for line in wide)


def test_in_a_wide_window_what_belongs_together_stands_together() -> None:
    text = "\n".join(draw(scenes.shop(), (240, 60)))
    assert re.search(r"app.tasks.add {5,20}default", text)
    assert re.search(r"web1-4711 {2,6}████░  4/5", text)
    assert re.search(r"imports {5,40}10k\+  █{30}", text)


@pytest.mark.parametrize("size", [*SIZES, *ODD_SIZES], ids=names)
@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("look", [Look(), PLAIN, Look(ascii_only=True)], ids=["colour", "plain", "ascii"])
def test_every_line_fills_the_width_and_no_more(scene: Any, size: tuple[int, int], look: Look) -> None:
    lines = draw(scene(), size, look)
    assert len(lines) == size[1]
    assert [cell_len(STYLE.sub("", line)) for line in lines] == [size[0]] * size[1]


@pytest.mark.parametrize("size", [*SIZES, *ODD_SIZES], ids=names)
def test_nothing_but_colours_of_ours_reaches_the_terminal(size: tuple[int, int]) -> None:
    for line in draw(scenes.hostile(), size, Look()):
        assert STYLE.sub("", line).isprintable()


@pytest.mark.parametrize("size", SIZES, ids=names)
def test_ascii_is_ascii(size: tuple[int, int]) -> None:
    assert all(line.isascii() for line in draw(scenes.hostile(), size, Look(colour=False, ascii_only=True)))


def test_without_colours_there_is_no_escape_at_all() -> None:
    assert not any("\x1b" in line for line in draw(scenes.shop(), (160, 48)))


def test_drawing_changes_nothing() -> None:
    state, view = scenes.shop(), scenes.view()
    before = repr((vars(view), state.queues, state.running, list(state.tail)))
    first = draw(state, (160, 48), view=view)
    assert draw(state, (160, 48), view=view) == first
    assert repr((vars(view), state.queues, state.running, list(state.tail))) == before


def text(state: State, size: tuple[int, int] = (160, 48), **choices: Any) -> str:
    return "\n".join(draw(state, size, view=scenes.view(**choices)))


def test_the_mode_is_a_word() -> None:
    assert "  LIVE  " in text(scenes.shop())
    assert "  POLLING  " in text(scenes.redis_down())
    assert "  DB DOWN  " in text(scenes.database_down())
    assert "  PAUSED  " in text(scenes.shop(), paused=True)


def test_a_recording_says_when_it_was_and_how_it_stood_then() -> None:
    view = scenes.view(speed=2.0)
    assert draw(scenes.redis_down(), (80, 24), view=view)[0].rstrip() == (
        " taskctl top  shop  REPLAY (POLLING)             2x  14:52  2026-11-19 12:04:31"
    )
    view.paused = True
    assert "  PAUSED (REPLAY)  " in draw(scenes.shop(), (80, 24), view=view)[0]
    view.is_over = True
    assert "  REPLAY (end)  " in draw(scenes.shop(), (80, 24), view=view)[0]


def test_a_server_that_is_down_is_explained() -> None:
    assert "Redis unreachable" in text(scenes.redis_down(), (80, 24))
    down = text(scenes.database_down(), (80, 24))
    assert "from 12:04:13 (18s ago)" in down
    assert "db DOWN 0:18" in down


def test_while_the_database_is_away_too_it_is_not_read_instead() -> None:
    state = scenes.redis_down()
    assert "Reading the database every 2s instead" in " ".join(text(state).split())
    state.database = scenes.database_down().database
    assert "Redis unreachable" in text(state)
    assert "instead" not in text(state)


def test_a_try_that_takes_its_time_is_told() -> None:
    state = scenes.redis_down()
    state.redis = state.redis._replace(retry_at=scenes.NOW - 3)
    assert "Trying now." in text(state)


def test_a_lost_worker_comes_first_until_its_tasks_are_rescued() -> None:
    state = scenes.shop()
    tables = Tables(state, scenes.view(), scenes.NOW)
    assert [work.row.name for work in tables.workers] == ["web3-1190", "web1-4711", "web2-4802"]
    assert state.snapshot is not None
    rows = [row._replace(held=0) for row in state.snapshot.workers if row.name == "web3-1190"]
    others = [row for row in state.snapshot.workers if row.name != "web3-1190"]
    state.snapshot = state.snapshot._replace(workers=(*rows, *others))
    tables = Tables(state, scenes.view(), scenes.NOW)
    assert [work.row.name for work in tables.workers] == ["web1-4711", "web2-4802", "web3-1190"]


def test_figures_that_are_less_good_than_they_look_are_told_at_every_size() -> None:
    state = scenes.shop()
    state.apply(Events((), 900, 0), scenes.NOW)
    assert state.snapshot is not None
    state.snapshot = state.snapshot._replace(finished_missed=True)
    for size in ((60, 12), (80, 24), (160, 48)):
        text = " ".join(" ".join(draw(state, size)).split())
        assert "% of the last minute's events were not heard" in text
        assert "More tasks end than one look takes in" in text


def test_old_figures_are_drawn_faintly() -> None:
    line = next(line for line in draw(scenes.database_down(), (80, 24), Look()) if "imports" in line)
    assert line.startswith("\x1b[2m")


def test_a_filter_leaves_what_contains_it() -> None:
    shown = text(scenes.shop(), filter="THUMBNAIL")
    assert "media.tasks.thumbnail" in shown
    assert "reports.tasks.monthly" not in shown
    assert "filter: THUMBNAIL" in shown


def test_one_queue_alone() -> None:
    shown = text(scenes.shop(), queue="mail")
    assert "send_welcome" in shown
    assert "app.tasks.import_row" not in shown.partition("FAILURES")[0]
    assert "pending 170 " in shown


def test_the_figures_of_one_queue_are_its_own() -> None:
    state = scenes.shop()
    state.failures["r0"] = state.failures["r0"]._replace(queue="reports")
    lines = draw(state, (160, 48), view=scenes.view(queue="mail"))
    assert lines[1].split("    ")[:6] == [
        " pending 170",
        "running 1 of 10 slots",
        "scheduled 2",
        "failed 11 (1h)",
        "stale 0",
        "paused queues 0",
    ]
    whole = draw(scenes.shop(), (160, 48))[2]
    assert re.search(r"1m 1\.0 ", lines[2]), lines[2]
    assert re.search(r"1m 4\.0 ", whole), whole


def test_a_queue_that_is_empty_for_a_moment_does_not_come_and_go() -> None:
    state = scenes.shop()
    del state.queues["mail"], state.queues["media"]
    lines = draw(state, (160, 48))
    assert any(re.match(r" mail +0 +0 +- +1\.0 +200ms", line) for line in lines)
    assert not any(line.startswith(" media ") for line in lines)
    tables = Tables(state, scenes.view(), scenes.NOW + 700)
    assert [row.name for row in tables.queues] == ["imports", "default", "reports"]


def test_a_queue_that_nobody_listens_to_is_named() -> None:
    assert "! imports: 10k+ pending and no worker listens to it" in text(scenes.shop(), (80, 24))


def test_the_fate_of_a_lost_workers_tasks_is_told() -> None:
    assert "web3-1190: 1 task to be rescued by 12:04:41" in text(scenes.shop())


def test_what_runs_on_a_worker_that_was_started_again_by_its_name_is_counted() -> None:
    state = scenes.shop()
    assert state.snapshot is not None
    web1 = state.snapshot.workers[0]
    dead = web1._replace(id="before", seen_at=scenes.NOW - 300, held=0)
    state.snapshot = state.snapshot._replace(workers=(*state.snapshot.workers, dead))
    assert "running 7 of 10 slots" in draw(state, (160, 48))[1]


def test_what_it_runs_is_told_of_the_newest_worker_of_a_name() -> None:
    state = scenes.shop()
    assert state.snapshot is not None
    web1 = state.snapshot.workers[0]
    dead = web1._replace(id="before", started_at=web1.started_at - 300, seen_at=scenes.NOW - 300, held=0)
    state.snapshot = state.snapshot._replace(workers=(web1, dead, *state.snapshot.workers[1:]))
    tables = Tables(state, scenes.view(), scenes.NOW)
    found = {work.row.id: len(tables.of_worker(work)) for work in tables.all_workers}
    assert (found[web1.id], found["before"]) == (4, 0)


def test_a_bar_is_full_only_when_much_waits() -> None:
    state = scenes.shop()
    state.queues = {"mail": state.queues["mail"]._replace(pending=1)}
    line = next(line for line in draw(state, (80, 24)) if line.startswith(" mail"))
    assert line.count("█") == 0
    assert line.split()[:3] == ["mail", "1", "▌"]


@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=names)
def test_what_ends_now_counts_for_the_peak(size: tuple[int, int]) -> None:
    """Before the first span of the chart is over there is no other."""
    state = State("shop", scenes.NOW - 3)
    ended = Happening("completed", scenes.NOW, "7h2kab02k1k1", "app.tasks.add", "default")
    state.apply(Events([ended._replace(id=f"a{number}") for number in range(30)], 0), scenes.NOW - 1)
    found = re.search(r"now ([0-9.]+).*peak ([0-9.]+)", text(state, size))
    assert found is not None
    assert found[1] == found[2] == "10.0"


def test_a_chart_of_nothing_has_no_scale() -> None:
    drawn = draw(State("shop", scenes.NOW), (160, 48))
    assert [line.strip() for line in drawn[3:7]] == ["│"] * 4


def test_arguments_are_shown_where_there_is_room() -> None:
    view = scenes.view(arguments={"7h2k9qxdm3ab": 'month="2026-10"'})
    assert 'month="2026-10"' in "\n".join(draw(scenes.shop(), (160, 48), view=view))


def test_the_selected_row_is_marked() -> None:
    view = scenes.view(focus="queues", keys={"queues": "mail"})
    marked = [line for line in draw(scenes.shop(), (160, 48), view=view) if line.startswith(">")]
    assert [line.split()[0] for line in marked] == [">mail"]


@pytest.mark.parametrize("size", SIZES, ids=names)
def test_help_names_every_action_and_read_only_none(size: tuple[int, int]) -> None:
    for read_only in (False, True):
        view = scenes.view(read_only=read_only)
        view.pages.append(help_page(view))
        rows = {row.label for row in view.pages[0].rows}
        assert {"j k, arrows, g G", "/", "Space", "w"} <= rows
        assert ({"R", "X", "P", "D"} <= rows) is not read_only
        assert "HELP" in "\n".join(draw(scenes.shop(), size, view=view))


def test_without_a_keyboard_no_key_is_named() -> None:
    last = draw(scenes.shop(), (80, 24), view=scenes.view(has_keys=False))[-1]
    assert last.rstrip() == " stdin is no terminal: keys do nothing here, Ctrl-C ends it"


def test_a_question_stands_in_the_footer() -> None:
    view = scenes.view(asked=Job(verb="retry", question="retry 6 x mail.tasks.send_welcome?"))
    assert draw(scenes.shop(), (80, 24), view=view)[-1].strip() == "retry 6 x mail.tasks.send_welcome? [y/N]"


def test_before_the_first_look_there_is_a_screen() -> None:
    assert "looking" in "\n".join(draw(State("shop", scenes.NOW), (80, 24)))


def test_small_windows_get_what_fits() -> None:
    assert "make the window larger (needs 40x8, is 32x7)" in "".join(draw(scenes.shop(), (32, 7)))
    small = draw(scenes.shop(), (50, 10))
    assert "RUNNING" in small[1]
    assert "LIVE" in small[0]
